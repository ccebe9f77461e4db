"""The site in a headless Chromium: no page complains or fetches from afar, it fits a phone, and its search finds."""

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from docs_site.pages import places
from tests.site.browser import CHROMIUM, Tab, browser

pytestmark = [pytest.mark.soak, pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")]

PHONE = 390
_FOUND = "document.activeElement.shadowRoot.querySelectorAll('a')"
# Types into the search's input as somebody does.
_TYPE = """
(() => {
    const input = document.activeElement.shadowRoot.querySelector("input");
    input.focus();
    document.execCommand("insertText", false, %r);
})()
"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        """Say nothing of a request."""


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(site))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with browser(tmp_path_factory.mktemp("profile")) as tab:
        yield tab


@pytest.mark.parametrize("place", sorted(places().values()))
def test_a_page_fits_a_phone_without_a_complaint_and_fetches_nothing_from_afar(
    place: str, address: str, tab: Tab
) -> None:
    tab.width(PHONE)
    tab.open(address + place.replace(".md", ".html"))
    assert tab.complaints() == []
    assert [url for url in tab.requests() if not url.startswith((address, "data:", "blob:"))] == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= PHONE


def test_the_tables_of_properties_are_read_on_a_phone_without_scrolling_sideways(address: str, tab: Tab) -> None:
    tab.width(PHONE)
    tab.open(address + "properties.html")
    cells = "[...document.querySelectorAll('.md-typeset table td')].map(cell => cell.getBoundingClientRect().right)"
    assert tab.evaluate(f"{cells}.length") > 500
    assert tab.evaluate(f"Math.max(...{cells})") <= PHONE


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("dead letters", "runbooks/dead-letters.html"),
        ("timestamp_tolerance", "properties.html"),
        ("shards", "capacity.html"),
    ],
)
def test_the_search_finds(words: str, place: str, address: str, tab: Tab) -> None:
    tab.width(1280)
    tab.open(address + "index.html")
    tab.evaluate("document.querySelector('.md-search__button').click()")
    tab.wait_for("!!document.activeElement.shadowRoot?.querySelector('input')")
    tab.evaluate(_TYPE % words)
    tab.wait_for(f"[...{_FOUND}].some(link => link.href.includes({place!r}))")
    assert tab.complaints() == []


def test_a_complaint_would_be_noticed(address: str, tab: Tab) -> None:
    tab.open(address + "index.html")
    tab.evaluate("console.error('no'); fetch('/gone')")
    tab.wait_for("performance.getEntriesByName(location.origin + '/gone').length === 1")
    assert len(tab.complaints()) == 2
