"""Draws a dashboard as the console lays it out: 24 columns, each widget in its place."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, DateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from genesys_firehose_tools.local.dashboard_picture.widgets import Graph
from genesys_firehose_tools.local.drills.alarms import AlarmState, MetricData

_COLUMNS = 24
_INCHES_WIDE = 16.0
_INCHES_A_ROW = 0.36
_MARGIN = 0.35
_STEP = timedelta(minutes=5)
_ALARM_COLORS = {
    AlarmState.ALARM: "#d62728",
    AlarmState.OK: "#2ca02c",
    AlarmState.INSUFFICIENT_DATA: "#bbbbbb",
}
_ALARM_COLUMNS = 3
_TICKS = 5
_LABEL_WIDTH = 22
_STYLE: Any = {
    "font.size": 7,
    # Each text of the picture names all of them.
    "font.sans-serif": ["DejaVu Sans", "Verdana"],
    # Text stays text, so that it can be searched and the file is small; the same data make the same bytes.
    "svg.fonttype": "none",
    "svg.hashsalt": "dashboard",
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def draw(
    body: Mapping[str, Any],
    data: MetricData,
    states: Mapping[str, AlarmState],
    begin: datetime,
    end: datetime,
    path: Path,
) -> None:
    """Draw a dashboard into a file; its name says in which format.

    Args:
        body: The dashboard's body, its references resolved.
        data: The values of its metrics.
        states: The alarms' states, by their names; an alarm that is not among them is grey.
        begin: Where the graphs begin.
        end: Where they end.
        path: The file, such as one in SVG or PNG.
    """
    rows = max(widget["y"] + widget["height"] for widget in body["widgets"])
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(_INCHES_WIDE, rows * _INCHES_A_ROW))
        for widget in body["widgets"]:
            height = widget["height"] - _MARGIN
            rectangle = (
                (widget["x"] + 2 * _MARGIN) / _COLUMNS,
                1 - (widget["y"] + height) / rows,
                (widget["width"] - 3 * _MARGIN) / _COLUMNS,
                height / rows,
            )
            _draw_widget(figure, rectangle, widget, data, states, begin, end)
        # Nothing but what was drawn: no time, no version.
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else {"Software": None})


def _draw_widget(
    figure: Figure,
    rectangle: tuple[float, float, float, float],
    widget: Mapping[str, Any],
    data: MetricData,
    states: Mapping[str, AlarmState],
    begin: datetime,
    end: datetime,
) -> None:
    properties = widget["properties"]
    left, bottom, width, height = rectangle
    if widget["type"] == "text":
        text = properties["markdown"].lstrip("# ")
        figure.text(left, bottom + height / 2, text, fontsize=13, weight="bold", va="center")
        return
    # Room for title, labels of the axis, and the legend below.
    axes = figure.add_axes((left + 0.012, bottom + 0.34 * height, width - 0.012, 0.54 * height))
    axes.set_title(properties["title"], loc="left", fontsize=9, weight="bold")
    match widget["type"], properties.get("view"):
        case "alarm", _:
            _draw_alarms(axes, properties["alarms"], states)
        case _, "singleValue":
            _draw_numbers(axes, Graph(properties), data, begin, end)
        case _:
            _draw_graph(axes, properties, data, begin, end)


def _draw_graph(axes: Axes, properties: Mapping[str, Any], data: MetricData, begin: datetime, end: datetime) -> None:
    times = _times(begin, end)
    has_values = False
    for line, values in Graph(properties).values(data, times):
        given = [math.nan if value is None else value for value in values]
        has_values = has_values or not all(map(math.isnan, given))
        axes.plot([*times], given, marker=".", markersize=4, linewidth=1, label=line.label)  # type: ignore[arg-type]
    for threshold in properties.get("annotations", {}).get("horizontal", []):
        axes.axhline(
            threshold["value"], color=threshold["color"], linewidth=1, linestyle="--", label=threshold["label"]
        )
    if not has_values:
        axes.text(0.5, 0.5, "no data", transform=axes.transAxes, ha="center", va="center", color="#888888")
    axis = properties["yAxis"]["left"]
    axes.set_ylabel(axis["label"])
    axes.set_ylim(bottom=axis["min"])
    axes.margins(y=0.15)
    axes.set_xlim(begin, end)  # type: ignore[arg-type]
    axes.yaxis.set_major_locator(MaxNLocator(_TICKS) if has_values else NullLocator())
    axes.xaxis.set_major_locator(AutoDateLocator(maxticks=_TICKS))  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_formatter(DateFormatter("%H:%M"))  # type: ignore[no-untyped-call]
    axes.legend(loc="upper left", bbox_to_anchor=(0, -0.2), ncols=2, frameon=False, fontsize=6, borderpad=0)


def _draw_numbers(axes: Axes, graph: Graph, data: MetricData, begin: datetime, end: datetime) -> None:
    """Write each line's value over the whole time."""
    axes.axis("off")
    for number, (line, [value]) in enumerate(graph.over(end - begin).values(data, [end])):
        place = (number + 0.5) / len(graph.lines)
        axes.text(place, 0.5, "no data" if value is None else f"{value:,.0f}", ha="center", fontsize=18)
        axes.text(place, 0.35, textwrap.fill(line.label, _LABEL_WIDTH), ha="center", va="top")


def _draw_alarms(axes: Axes, alarms: Sequence[str], states: Mapping[str, AlarmState]) -> None:
    """Write the last part of every alarm's name beside the color of its state."""
    axes.axis("off")
    rows = math.ceil(len(alarms) / _ALARM_COLUMNS)
    for number, name in enumerate(alarms):
        column, row = divmod(number, rows)
        # Down to the widget's own end, below that of the axes.
        x, y = column / _ALARM_COLUMNS, 1 - 1.6 * (row + 0.5) / rows
        color = _ALARM_COLORS[states.get(name, AlarmState.INSUFFICIENT_DATA)]
        axes.text(x, y, "■", color=color, fontsize=5.5, va="center")
        axes.text(x + 0.02, y, name.rsplit("/", 1)[-1], fontsize=5.5, va="center")


def _times(begin: datetime, end: datetime) -> list[datetime]:
    return [begin + _STEP * number for number in range(1, math.floor((end - begin) / _STEP) + 1)]
