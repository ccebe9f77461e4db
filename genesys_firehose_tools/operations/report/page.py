"""Renders sections as one HTML file: no script, no reference to outside, every value escaped."""

from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

UNKNOWN = "\N{EM DASH}"
"""Stands for a figure that the tables do not tell."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure in large digits.

    Attributes:
        label: What it is.
        value: Its value.
        note: What it is made of.
    """

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture.

    Attributes:
        title: What it shows.
        svg: The picture, an element of SVG.
    """

    title: str
    svg: Markup


@dataclass(frozen=True, slots=True)
class Bar:
    """A cell that shows lengths, one after the other.

    Attributes:
        lengths: Each as a share of the whole width of the cell.
    """

    lengths: Sequence[float]


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Attributes:
        columns: The headings.
        rows: The cells; each row begins with its label.
        legend: What the lengths of the bars are, in their order.
        is_text: Whether the cells are texts, and not figures.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str | Bar]]
    legend: Sequence[str] = ()
    is_text: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the page.

    Attributes:
        title: Its heading.
        text: What its figures mean.
        points: Sentences, one below the other.
        charts: Its charts.
        tables: Its tables.
    """

    title: str
    text: str = ""
    points: Sequence[str] = ()
    charts: Sequence[Chart] = ()
    tables: Sequence[Table] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page.

    Attributes:
        title: Its heading.
        text: What it is made of.
        tiles: The figures at the top.
        sections: Its parts.
    """

    title: str
    text: str
    tiles: Sequence[Tile] = ()
    sections: Sequence[Section] = ()


def render(page: Page) -> str:
    """Return the page as HTML."""
    templates = PackageLoader("genesys_firehose_tools.operations", "report")
    environment = Environment(
        loader=templates, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.tests["bar"] = lambda cell: isinstance(cell, Bar)
    return environment.get_template("page.html.jinja").render(page=page)
