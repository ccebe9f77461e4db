"""Every documented option is reachable, and every reachable one is documented, with its default."""

import ast
import inspect
import json
import re
import runpy
import textwrap
from collections.abc import Iterator
from dataclasses import MISSING, fields
from enum import Enum
from typing import Any

import pytest
from aws_cdk import Duration
from constructs import Construct

import genesys_firehose_cdk as library
from docs_site.commands import commands
from docs_site.pages import places
from docs_site.properties import documented
from environments import EnvironmentSettings
from genesys_firehose_cdk.common.props import Props
from genesys_firehose_cdk.delivery import lake_rebuild
from genesys_firehose_cdk.events.topics import PRESETS
from genesys_firehose_cdk.lake.tables.model import COMPLETENESS_TABLES, TABLES, VIEWS
from genesys_firehose_tools.local.firehose.faults import Faults
from tests.library.synthesis import ROOT

# What was is in the changelog, also under names that are no more.
PAGES = [ROOT / "README.md", *(page for page in places() if page.name != "CHANGELOG.md")]
CLASSES = {name: vars(library)[name] for name in library.__all__ if inspect.isclass(vars(library)[name])}
WITH_OPTIONS: list[Any] = [
    *(c for c in CLASSES.values() if issubclass(c, Props)),
    library.GenesysFirehosePipeline,
    EnvironmentSettings,
]

# Names in the docs that are no options, by what they are.
OTHER_NAMES = {
    "of a record": {
        "ingest_id",
        "received_at",
        "dedup_key",
        "event_type",
        "event_time",
        "transform_version",
        "keyed_by",
    },
    "of a clean record": {"schema_drift", "closed_fields"},
    "of a manifest": {"by_type", "last_part", "made_at"},
    "functions of SQL": {
        "json_extract_scalar",
        "json_parse",
    },
    "what the local Firehose tells": {"undelivered_objects", "buffered_records", "active_partitions", "lost_records"},
    "what `local up --json` prints": {"genesys_url"},
    "what the operator's view of the health check tells": {"rotated_early"},
    "functions of DynamoDB": {"if_not_exists"},
    "kinds of names": {"wrapup_code", "presence_definition"},
    "directories": {"docs_site", "node_modules", "lambda_src", "genesys_firehose_tools", "genesys_firehose_cdk"},
}
SNAKE_CASE = re.compile(r"([a-z]+(?:_[a-z0-9]+)+)(=.*)?")
# Of programs that are not ours, in pages that have their commands in code blocks.
FOREIGN_COMMAND = re.compile(r"^\s*(?:for .* |\w+=\$\()?(aws|cdk|curl|git) .*?(?<!\\)$", re.MULTILINE | re.DOTALL)
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")


def _texts() -> Iterator[tuple[str, str]]:
    """Yield the pieces of code in the pages, each with the page's name."""
    for page in PAGES:
        text = page.read_text()
        for block in re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            yield page.name, block
        for span in re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)):
            yield page.name, span


def _uses(code: str) -> Iterator[tuple[str, str, bool]]:
    """Yield what a piece of Python uses of the library: class, name, and whether the name is a keyword of a call."""
    try:
        tree = ast.parse(textwrap.dedent(code.replace("…", "...")))
    except SyntaxError:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield from ((node.func.id, keyword.arg, True) for keyword in node.keywords if keyword.arg)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield node.value.id, node.attr, False


def _keywords(kind: Any) -> list[str]:
    # Not of the class itself: a construct's metaclass takes anything.
    return list(inspect.signature(kind.__init__).parameters)[1:]


def _options_of(command: Any) -> set[str]:
    return {"--help"} | {
        option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
    }


COMMANDS = dict(commands())


def test_every_property_in_the_docs_is_one_of_its_class() -> None:
    uses = {(page, *use) for page, code in _texts() for use in _uses(code)}
    ours = [use for use in sorted(uses) if use[1] in CLASSES or use[1].endswith("Props")]
    assert len(ours) > 20
    for page, kind, name, is_keyword in ours:
        assert kind in CLASSES, f"{page}: {kind} is no public class"
        known = set(_keywords(CLASSES[kind]))
        if not is_keyword:
            known |= set(dir(CLASSES[kind])) | set(documented(CLASSES[kind], "Attributes"))
        assert name in known, f"{page}: {kind} has no {name}"


def test_every_name_in_the_docs_is_an_option_or_known_as_something_else() -> None:
    options = {name for kind in WITH_OPTIONS for name in _keywords(kind)}
    options |= {field.name for field in fields(Faults)}
    event_types = runpy.run_path(str(ROOT / "lambda_src/shared/event_types.py"))["EVENT_TYPES"]
    in_tables = {
        name
        for each in (*TABLES, *COMPLETENESS_TABLES, *VIEWS)
        for name in (each.name, *(column.name for column in each.columns))
    }
    others = set().union(PRESETS, event_types, in_tables, *OTHER_NAMES.values())
    used = set()
    for page, code in _texts():
        if (match := SNAKE_CASE.fullmatch(code)) and not code.startswith("test_"):
            used.add(match[1])
            assert match[1] in options | others, f"{page}: `{code}` is no option"
    assert used & options
    assert used >= set().union(*OTHER_NAMES.values()) - {"genesys_firehose_cdk"}


def test_every_command_line_option_in_the_docs_is_one_of_its_command() -> None:
    modules = "".join(path.read_text() for path in (ROOT / "genesys_firehose_tools/local").rglob("__main__.py"))
    anywhere = set().union(*map(_options_of, COMMANDS.values()), re.findall(r'"(--[a-z-]+)"', modules))
    checked = 0
    for page, code in _texts():
        for line in FOREIGN_COMMAND.sub("", code).replace("\\\n", " ").splitlines():
            named = re.search(r"genesys-firehose ((?:(?:local|dead-letters|rotate-key|tables) )?[a-z-]+)(.*)", line)
            if named:
                assert named[1] in COMMANDS, f"{page}: there is no command {named[1]}"
            allowed = _options_of(COMMANDS[named[1]]) if named else anywhere
            # What follows a pipe or stands in a substitution is another program's.
            for option in OPTION.findall(re.split(r"[|)#]", named[2] if named else line)[0]):
                checked += 1
                assert option in allowed, f"{page}: {option} in {line!r}"
    assert checked > 20


def test_the_page_of_commands_names_every_command_and_every_command_explains_its_options() -> None:
    table = (ROOT / "docs/commands.md").read_text()
    rows = "\n".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| `"))
    assert sorted(re.findall(r"`([^`]+)`", rows)) == sorted(COMMANDS)
    for name, command in COMMANDS.items():
        for parameter in command.params:
            assert parameter.param_type_name == "argument" or parameter.help, f"{name} {parameter.opts}"


def test_the_readme_names_every_keyword_of_the_pipeline() -> None:
    table = (ROOT / "README.md").read_text().split("## Properties")[1].split("\n## ")[0]
    rows = "\n".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| `"))
    assert re.findall(r"`([^`]+)`", rows) == _keywords(library.GenesysFirehosePipeline)[2:]


@pytest.mark.parametrize("kind", [kind for kind in WITH_OPTIONS if hasattr(kind, "__dataclass_fields__")])
def test_a_class_documents_each_of_its_options_with_the_default_that_it_has(kind: type) -> None:
    texts = documented(kind, "Attributes")
    assert set(texts) == {field.name for field in fields(kind)}  # type: ignore[arg-type]
    for field in fields(kind):  # type: ignore[arg-type]
        text = texts[field.name]
        if field.default is MISSING and field.default_factory is MISSING:
            assert "Default:" not in text, field.name
            continue
        stated = re.search(r"Default: (.+?)(?=\.(?: |$)|, |; )", f"{text} ")
        assert stated, f"{field.name} has a default that is not documented"
        for written in _as_written(field.default):
            assert stated[1].strip("`") in written, (
                f"{field.name}: {stated[1]} is documented, {field.default!r} is true"
            )


@pytest.mark.parametrize("kind", [kind for kind in CLASSES.values() if issubclass(kind, Construct)])
def test_a_construct_documents_each_of_its_keywords_and_no_other(kind: Any) -> None:
    assert list(documented(kind.__init__, "Args")) == _keywords(kind)


def _as_written(value: Any) -> Iterator[set[str]]:
    """Yield the ways in which the docs may write a value, if it is plain; other values are described."""
    match value:
        case bool():
            yield {str(value), str(value).lower()}
        case int() | float():
            yield {str(value), f"{value:,}"}
        case Enum():
            yield {value.name, value.name.replace("_", " ").lower()}
        case Duration():
            seconds = value.to_seconds()
            units = {"s": 1, "minute": 60, "hour": 3600, "day": 86400}
            yield {
                f"{seconds / size:g} {unit}{'' if unit == 's' or seconds == size else 's'}"
                for unit, size in units.items()
            }


def test_the_rebuilds_input_is_the_documented_one() -> None:
    [stated] = re.findall(r"`({.*?})`", inspect.getdoc(lake_rebuild.LakeRebuild) or "")
    definition = json.dumps(lake_rebuild._definition(library.LakeRebuildProps(), library.TransformProps()))
    read = set(re.findall(r'"\$\.(\w+)[".]', definition))
    assert set(json.loads(stated.replace(", ...", ""))) == read
    command = (ROOT / "genesys_firehose_tools/operations/rebuild.py").read_text()
    [given] = re.findall(r"input=json\.dumps\(\{(.*?)\}\)", command)
    assert set(re.findall(r'"(\w+)":', given)) == read
