"""The reference of all properties, from the docstrings of the classes that hold them."""

import inspect
import re
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from enum import Enum
from typing import Any, Union, get_args, get_origin

import genesys_firehose_cdk as library
from docs_site.pages import DOCS
from genesys_firehose_cdk.common.props import Props

# The unit of a number is the end of its name; what has none of these ends is a count.
_UNITS = {
    "_days": "days",
    "_seconds": "seconds",
    "_bytes": "bytes",
    "_ratio": "a share, 0 to 1",
    "_percentage": "percent",
    "_hour": "hour of the day, UTC",
    "memory_size": "MiB",
    "throttling_rate_limit": "requests a second",
}


def page() -> str:
    """Return the tables of all properties in Markdown, the pipeline's own first."""
    effects = _effects()
    return "\n\n".join([_pipeline(effects), *(_section(kind, effects) for kind in _classes())])


def _classes() -> list[type[Props]]:
    """Return the public classes of properties, in the order of the pipeline's keywords and then of their places."""
    kinds = [
        kind for name in library.__all__ if inspect.isclass(kind := vars(library)[name]) and issubclass(kind, Props)
    ]
    keywords = list(inspect.signature(library.GenesysFirehosePipeline.__init__).parameters)

    def order(kind: type[Props]) -> tuple[int, str]:
        return keywords.index(kind.name_of("").split(".")[0]), kind.name_of("")

    # A base is described with what is made of it, and the context is no keyword's.
    bases = {base for kind in kinds for base in kind.__mro__[1:]}
    return sorted((kind for kind in kinds if kind not in bases and kind is not library.PipelineContext), key=order)


def _pipeline(effects: Mapping[str, str]) -> str:
    kind: Any = library.GenesysFirehosePipeline
    parameters = inspect.signature(kind.__init__, eval_str=True).parameters
    texts = documented(kind.__init__, "Args")
    rows = [(name, parameters[name].annotation, text) for name, text in texts.items() if name not in ("scope", "id")]
    return f"## `GenesysFirehosePipeline`\n\n{_table('', rows, effects)}"


def _section(kind: type[Props], effects: Mapping[str, str]) -> str:
    texts = documented(kind, "Attributes")
    place = kind.name_of("")[:-1]
    annotations = inspect.get_annotations(kind, eval_str=True)
    for base in kind.__mro__:
        annotations = inspect.get_annotations(base, eval_str=True) | annotations
    rows = [(field.name, annotations[field.name], texts[field.name]) for field in fields(kind)]
    summary = _code((inspect.getdoc(kind) or "").split("\n\nAttributes:")[0])
    return f"## `{kind.__name__}`\n\nThe class of `{place}`. {summary}\n\n{_table(place, rows, effects)}"


def _table(place: str, rows: Sequence[tuple[str, Any, str]], effects: Mapping[str, str]) -> str:
    lines = ["| Property | Default | It is |", "|---|---|---|"]
    for name, annotation, text in rows:
        default, meaning = _split(text)
        effect = effects.get(f"{place}.{name}" if place else name, "")
        if effect:
            meaning = f"{meaning}<br>*Changed on a deployed stack:* {effect}"
        cells = [f"`{name}`<br>{_type(name, annotation)}", default, meaning]
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines)


def _split(text: str) -> tuple[str, str]:
    """Return the default that a text states, and what else it says."""
    stated = re.search(r"\s*Default: (.+?)\.(?= |$)", text)
    if stated is None:
        return "none: it must be given", _code(text)
    return _code(stated[1]), _code((text[: stated.start()] + text[stated.end() :]).strip())


def _code(text: str) -> str:
    return " ".join(text.split())


def _type(name: str, annotation: Any) -> str:
    unit = next((unit for end, unit in _UNITS.items() if name.endswith(end)), None)
    return f"{_words(annotation)}{f': {unit}' if unit else ''}"


def _words(annotation: Any) -> str:
    """Say a type: classes of the library lead to their section, of an enum come the values."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(_words(each) for each in get_args(annotation)))
    if origin is Mapping or origin is dict:
        return f"dict of {' to '.join(_words(each) for each in get_args(annotation))}"
    if origin is not None and issubclass(origin, Sequence):
        return f"list of {_words(get_args(annotation)[0])}"
    if annotation is types.NoneType:
        return "None"
    if inspect.isclass(annotation) and issubclass(annotation, Enum) and annotation.__module__.startswith("genesys"):
        members = [member.name for member in annotation]
        return f"`{annotation.__name__}`" + (f": {', '.join(members)}" if len(members) < 10 else "")
    if annotation in vars(library).values() and issubclass(annotation, Props):
        return f"[`{annotation.__name__}`](#{annotation.__name__.lower()})"
    return f"`{getattr(annotation, '__name__', annotation)}`"


def documented(kind: Any, section: str) -> dict[str, str]:
    """Return the names in a section of a docstring, each with its text."""
    found = re.search(rf"^{section}:\n((?: {{4}}.*\n?|\n)+)", inspect.getdoc(kind) or "", re.MULTILINE)
    entries = re.findall(r"^ {4}(\w+): ((?:.|\n(?! {4}\w+: ))*)", found[1] if found else "", re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in entries}


def _effects() -> dict[str, str]:
    """Return what changing each property does, as the page of changes says it."""
    return dict(_rows((DOCS / "changes.md").read_text(encoding="utf-8")))


def _rows(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        if line.startswith("| `"):
            _, name, effect, note, *_ = (cell.strip() for cell in line.split("|"))
            yield name.strip("`"), f"{effect}. {note}" if note else effect
