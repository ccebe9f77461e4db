"""Builds the site into build/site: `python -m docs_site`. Nothing is fetched, and a warning fails the build."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from docs_site import commands, licences, properties
from docs_site.diagrams import drawn
from docs_site.pages import DOCS, ROOT, pictures, places, relinked

BUILD = ROOT / "build"
_CONFIGURATION = Path(__file__).with_name("zensical.toml")

# What a page has in this place comes from the code itself.
_GENERATED = {
    "<!-- site: properties -->": properties.page,
    "<!-- site: commands -->": commands.page,
    "<!-- site: licences -->": licences.page,
}
# A file of an example, in full.
_SOURCE = re.compile(r"<!-- site: source (\S+) -->")
_LANGUAGES = {".py": "python", ".yml": "yaml"}


def build(directory: Path = BUILD) -> Path:
    """Build the site in a directory, and return where it is.

    Raises:
        subprocess.CalledProcessError: A page, a link or a diagram is wrong; what is wrong is on standard error.
    """
    stage, site = directory / "site-pages", directory / "site"
    shutil.rmtree(stage, ignore_errors=True)
    shutil.rmtree(site, ignore_errors=True)
    for place, text in _texts().items():
        page = stage / place
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text, encoding="utf-8")
    for picture in pictures():
        shutil.copy(picture, stage / picture.relative_to(DOCS))
    shutil.copy(_CONFIGURATION, directory)
    shutil.copytree(Path(__file__).with_name("assets"), stage / "assets")
    zensical = Path(sys.executable).with_name("zensical")
    # The words of the command are ours.
    subprocess.run([str(zensical), "build", "--clean", "--strict"], cwd=directory, check=True)  # noqa: S603
    return site


def _texts() -> dict[str, str]:
    """Return the text of every page, by its place in the site."""
    known = places()
    texts = {}
    for page, place in known.items():
        text = relinked(page.read_text(encoding="utf-8"), page, known)
        for mark, generated in _GENERATED.items():
            if mark in text:
                text = text.replace(mark, generated())
        texts[place] = _SOURCE.sub(_source, text)
    return drawn(texts)


def _source(match: re.Match[str]) -> str:
    file = ROOT / "examples" / match[1]
    return f"```{_LANGUAGES[file.suffix]}\n{file.read_text(encoding='utf-8')}```"


if __name__ == "__main__":
    build()
