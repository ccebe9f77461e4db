"""Draws charts over half hours, or over seconds, as SVG that stands in a page."""

import io
import math
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.dates import DateFormatter, DayLocator, HourLocator, date2num
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter, StrMethodFormatter

from genesys_firehose_tools.operations.report.figures import HALF_HOUR
from genesys_firehose_tools.operations.report.page import Chart

# Told apart by the colour-blind too (Okabe and Ito); the bars of the page have the first four as well.
COLORS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#999999")
# More of a point than its first decimal is not seen.
_FRACTION = re.compile(r"(\.\d)\d+")
_INCHES = (4.7, 2.3)
_TICKS = 5
_STYLE: Any = {
    "font.size": 9,
    "font.sans-serif": ["system-ui", "DejaVu Sans"],
    # A dollar sign in a label is no formula.
    "text.parse_math": False,
    # Text stays text, so that it can be searched and the page is small.
    "svg.fonttype": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.edgecolor": "#777777",
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": "#dddddd",
}
# No time and no version.
_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


def stacked_bars(title: str, times: Sequence[datetime], parts: Mapping[str, Sequence[int]]) -> Chart:
    """Draw counts of half hours, one part upon the other."""

    def draw(axes: Axes) -> None:
        below = [0] * len(times)
        for (name, values), color in zip(parts.items(), COLORS, strict=False):
            above = [low + value for low, value in zip(below, values, strict=True)]
            axes.stairs(above, _edges(times), baseline=below, fill=True, color=color, label=name)
            below = above
        axes.yaxis.set_major_locator(MaxNLocator(_TICKS, integer=True))
        axes.set_ylim(0, max([*below, 1]) * 1.05)
        _mark_times(axes, times)

    return _draw(title, draw, is_named=len(parts) > 1)


def shares(title: str, times: Sequence[datetime], values: Sequence[float | None]) -> Chart:
    """Draw shares of half hours as a line, with gaps where there is none."""

    def draw(axes: Axes) -> None:
        given = [math.nan if value is None else value for value in values]
        axes.stairs(given, _edges(times), baseline=None, color=COLORS[0], linewidth=1.2)
        if all(map(math.isnan, given)):
            axes.text(0.5, 0.5, "not known", transform=axes.transAxes, ha="center", color="#777777")
        axes.set_ylim(0, 1.03)
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        _mark_times(axes, times)

    return _draw(title, draw, is_named=False)


def over_seconds(title: str, lines: Mapping[str, Sequence[tuple[float, float]]]) -> Chart:
    """Draw values that hold until the next one, each with the second at which it begins."""

    def draw(axes: Axes) -> None:
        for (name, points), color in zip(lines.items(), COLORS, strict=False):
            seconds, values = zip(*points, strict=True)
            axes.step(seconds, values, where="post", color=color, linewidth=1.5, label=name)
        axes.set_ylim(bottom=0)
        axes.set_xlim(left=0)
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g} s"))
        axes.yaxis.set_major_locator(MaxNLocator(_TICKS, integer=True))

    return _draw(title, draw, is_named=len(lines) > 1)


def _mark_times(axes: Axes, times: Sequence[datetime]) -> None:
    is_one_day = times[0].date() == times[-1].date()
    axes.set_xlim(*_edges(times)[[0, -1]])
    axes.xaxis.set_major_locator(HourLocator(range(0, 24, 4)) if is_one_day else DayLocator())  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(DateFormatter("%H:%M" if is_one_day else "%m-%d"))  # type: ignore[no-untyped-call]


def _edges(times: Sequence[datetime]) -> Any:
    return date2num([*times, times[-1] + HALF_HOUR])  # type: ignore[no-untyped-call]


def _draw(title: str, draw: Callable[[Axes], None], *, is_named: bool) -> Chart:
    # A label may have letters that the measuring font lacks; the reader's may have them.
    with mpl.rc_context({**_STYLE, "svg.hashsalt": title}), warnings.catch_warnings(action="ignore"):
        figure = Figure(figsize=_INCHES, layout="constrained")
        axes = figure.add_subplot()
        draw(axes)
        if is_named:
            figure.legend(loc="outside upper left", ncols=3, frameon=False, borderpad=0, handlelength=1)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata=_METADATA)
    return Chart(title, _inline(text.getvalue(), title))


def _inline(svg: str, title: str) -> Markup:
    """Turn an SVG document into an element of a page: no namespace, no id that nothing points to, no fixed size."""
    root = ElementTree.fromstring(svg)  # noqa: S314 - drawn just now
    uses = {value for each in root.iter() for value in each.attrib.values() if "#" in value}
    for each in root.iter():
        each.tag = _local(each.tag)
        kept = {_local(name): value for name, value in each.attrib.items()}
        if not any(f"#{kept.get('id')}" in use for use in uses):
            kept.pop("id", None)
        if "d" in kept:
            kept["d"] = _FRACTION.sub(r"\1", kept["d"])
        each.attrib = kept
    del root.attrib["width"], root.attrib["height"]
    root.attrib |= {"role": "img", "aria-label": title}
    return Markup(ElementTree.tostring(root, encoding="unicode"))  # noqa: S704 - its texts are escaped


def _local(name: str) -> str:
    return name.rpartition("}")[2]
