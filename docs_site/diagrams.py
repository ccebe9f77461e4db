"""Draws the Mermaid diagrams of the pages, so that a reader needs neither a script nor a network for them."""

import json
import re
import subprocess
from collections.abc import Mapping

from docs_site.pages import ROOT

_DIAGRAM = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FONT = re.compile(r"^\s*@import url\(.*$", re.MULTILINE)


def drawn(pages: Mapping[str, str]) -> dict[str, str]:
    """Return the pages with an SVG picture in place of each diagram's text.

    Raises:
        subprocess.CalledProcessError: A diagram's text is wrong; what is wrong is on standard error.
    """
    texts = [match[1] for page in pages.values() for match in _DIAGRAM.finditer(page)]
    answer = subprocess.run(
        ["node", "docs_site/diagrams.mjs"],  # noqa: S607 - the node of the environment
        cwd=ROOT,
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
    )
    pictures = iter([_figure(number, svg) for number, svg in enumerate(json.loads(answer.stdout))])
    return {place: _DIAGRAM.sub(lambda _: next(pictures), page) for place, page in pages.items()}


def _figure(number: int, svg: str) -> str:
    """Return the picture as a block of HTML: without the font from afar, with ids of its own."""
    svg = re.sub(r'(id="|url\(#)', rf"\g<1>diagram-{number}-", _FONT.sub("", svg))
    svg = re.sub(r"\n\s*\n", "\n", svg)
    return f'<figure class="diagram">\n{svg}\n</figure>'
