"""The pages of the site: which of the repository's there are, where they stand, and their links."""

import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"

# Pages outside of docs/, by where they stand in the site.
_OTHERS = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md", "SECURITY.md": "reporting.md"}
_BLOCK = re.compile(r"(^ *```.*?^ *```[^\n]*$)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[([^\[\]]*)\]\((?!\w+:)([^)#\s]*)(#[^)\s]+)?\)")


def places() -> dict[Path, str]:
    """Return every page of the repository with its place in the site, which begins with `docs/index.md`."""
    examples = ROOT / "examples"
    return {
        **{page: page.relative_to(DOCS).as_posix() for page in sorted(DOCS.rglob("*.md"))},
        **{ROOT / name: place for name, place in _OTHERS.items()},
        examples / "README.md": "examples/index.md",
        **{page: f"examples/{page.parent.name}.md" for page in sorted(examples.glob("*/README.md"))},
    }


def pictures() -> list[Path]:
    """Return the drawn pictures that lie beside the pages."""
    return sorted(DOCS.rglob("*.svg"))


def relinked(text: str, page: Path, known: dict[Path, str]) -> str:
    """Return a page's text with its links as they lead in the site.

    The README is the site's first page. What is no page, such as source code, becomes its path in the repository.
    """

    def changed(match: re.Match[str]) -> str:
        words, target, anchor = match[1], match[2], match[3] or ""
        if not target:
            return match[0]
        linked = (page.parent / target).resolve()
        if linked == ROOT / "README.md":
            return f"[{words}]({_relative('index.md', known[page])})"
        if linked.is_dir():
            linked /= "README.md"
        if linked in known:
            return f"[{words}]({_relative(known[linked], known[page])}{anchor})"
        if linked in pictures():
            return f"[{words}]({_relative(linked.relative_to(DOCS).as_posix(), known[page])})"
        path = (page.parent / target).resolve().relative_to(ROOT).as_posix()
        return words if path in words else f"{words} (`{path}`)"

    return "".join(
        piece if number % 2 else _LINK.sub(changed, piece) for number, piece in enumerate(_BLOCK.split(text))
    )


def _relative(place: str, here: str) -> str:
    return os.path.relpath(place, os.path.dirname(here) or ".").replace(os.sep, "/")
