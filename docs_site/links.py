"""Looks through the built site: every link leads to what is there, and nothing is fetched from afar."""

import re
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlparse

from docs_site.__main__ import BUILD

# What a browser fetches of its own accord, by element and attribute.
_FETCHED = {("img", "src"), ("script", "src"), ("link", "href"), ("source", "src"), ("iframe", "src")}


@dataclass
class _Page(HTMLParser):
    """The links and the anchors of a page."""

    links: set[str] = field(default_factory=set)
    anchors: set[str] = field(default_factory=set)
    fetched: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of an element."""
        for name, value in attrs:
            if value is None:
                continue
            if name == "id" or (tag == "a" and name == "name"):
                self.anchors.add(value)
            if tag == "a" and name == "href":
                self.links.add(value)
            if (tag, name) in _FETCHED:
                self.fetched.add(value)


def problems(site: Path) -> list[str]:
    """Return a sentence for every link that leads nowhere, and for everything that a browser would fetch from afar."""
    pages = {path: _read(path) for path in sorted(site.rglob("*.html")) if path.name != "404.html"}
    found = []
    for path, page in pages.items():
        here = path.relative_to(site).as_posix()
        found += [f"{here} fetches {each}" for each in sorted(page.fetched) if urlparse(each).netloc]
        text = path.read_text(encoding="utf-8")
        found += [f"{here} fetches {each}" for each in re.findall(r"@import url\(([^)]*)\)", text)]
        for link in sorted(page.links):
            target, anchor = urldefrag(link)
            if urlparse(link).scheme:
                continue
            linked = (path.parent / unquote(target)).resolve() if target else path
            if linked.is_dir():
                linked /= "index.html"
            if not linked.exists():
                found.append(f"{here} links to {link}, which is not there")
            elif anchor and linked in pages and unquote(anchor) not in pages[linked].anchors:
                found.append(f"{here} links to {link}, which has no such anchor")
    return found


def _read(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


if __name__ == "__main__":
    sys.exit("\n".join(problems(BUILD / "site")) or None)
