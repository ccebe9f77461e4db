"""The site is whole: every page is in it and in its navigation, every link leads somewhere, nothing is from afar."""

import re
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import genesys_firehose_cdk as library
from docs_site import licences, links, properties
from docs_site.__main__ import build
from docs_site.pages import ROOT, places, relinked
from genesys_firehose_cdk.common.props import Props

# Of every licence somebody has looked at what it asks of who uses the package here. No package is in the wheel.
LOOKED_AT = {
    *("0BSD", "Apache", "BSD", "CC0", "CNRI", "GPL-2.0", "HPND", "ISC", "MIT"),
    *("MPL", "Mozilla", "PSF", "Python", "Unlicense", "ZPL", "Zope"),
}
# Used as programs alone, in development.
COPYLEFT_PROGRAMS = {"codespell"}


def _of_navigation(entries: list[Any]) -> Iterator[str]:
    for entry in entries:
        [value] = entry.values()
        if isinstance(value, str):
            yield value
        else:
            yield from _of_navigation(value)


def test_every_link_leads_to_what_is_there_and_nothing_is_fetched_from_afar(site: Path) -> None:
    assert links.problems(site) == []
    assert len(list(site.rglob("*.html"))) > len(places())


def test_every_page_is_in_the_navigation_once() -> None:
    configuration = tomllib.loads((ROOT / "docs_site" / "zensical.toml").read_text())
    assert sorted(_of_navigation(configuration["project"]["nav"])) == sorted(places().values())


def test_every_diagram_is_a_picture(site: Path) -> None:
    texts = sum(page.read_text().count("```mermaid") for page in places())
    assert texts > 2
    assert sum(page.read_text().count('<figure class="diagram">') for page in site.rglob("*.html")) == texts


def test_the_reference_has_every_property_of_every_public_class(site: Path) -> None:
    text = (site / "properties.html").read_text()
    sections = dict(re.findall(r'<h2 id="(\w+)">(.*?)(?=<h2|</article>)', text, re.DOTALL))
    for name in library.__all__:
        kind: Any = getattr(library, name)
        if isinstance(kind, type) and issubclass(kind, Props) and kind is not library.PipelineContext:
            if kind is library.GenesysConnectionProps:
                continue  # Its properties are those of GenesysProps.
            for field in fields(kind):
                assert f"<code>{field.name}</code>" in sections[name.lower()], f"{name}.{field.name}"


def test_the_reference_says_of_a_property_type_unit_default_and_effect() -> None:
    [row] = [line for line in properties.page().splitlines() if line.startswith("| `retention_days`")]
    assert "`int`: days" in row
    assert "| 30 |" in row
    assert "1 to 36,500" in row
    assert "*Changed on a deployed stack:* in place" in row


def test_a_page_whose_link_leads_nowhere_fails_the_check(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(
        '<a href="gone.html">x</a><a href="#gone">y</a><img src="https://a.example/b.png">'
    )
    assert len(links.problems(tmp_path)) == 3


def test_a_link_to_source_code_becomes_the_files_path() -> None:
    page = ROOT / "docs" / "architecture.md"
    text = "See [the envelope](../lambda_src/shared/envelope.py) and [the README](../README.md)."
    assert relinked(text, page, places()) == (
        "See the envelope (`lambda_src/shared/envelope.py`) and [the README](index.md)."
    )


def test_a_page_with_a_broken_link_fails_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("docs_site.__main__._texts", lambda: {"index.md": "[gone](gone.md)\n"})
    with pytest.raises(subprocess.CalledProcessError):
        build(tmp_path)


def test_somebody_has_looked_at_the_licence_of_every_package() -> None:
    found = licences.licences()
    assert len(found) > 50
    unseen = {name: text for name, text in found.items() if not any(known in text for known in LOOKED_AT)}
    assert unseen == {}
    assert {name for name, text in found.items() if re.match(r"A?GPL|GNU General", text)} == COPYLEFT_PROGRAMS


def test_no_page_misspells_a_word() -> None:
    pages = [str(page) for page in (*places(), ROOT / "README.md")]
    completed = subprocess.run(["codespell", *pages], cwd=ROOT, capture_output=True, text=True, check=False)
    assert completed.returncode == 0, completed.stdout


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120
