"""What the widgets of a dashboard's body show, with the values of a run.

After the Amazon CloudWatch API Reference, "Dashboard body structure and syntax".
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from genesys_firehose_tools.local.drills.alarms import MetricData, MetricStatistic
from genesys_firehose_tools.local.drills.metric_math import Series, calculate
from genesys_firehose_tools.operations.doctor.inspection import Metric

_PERIOD_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a widget.

    Attributes:
        label: What it is called.
        expression: Its metric math; the id of its metric where there is none.
    """

    label: str
    expression: str


class Graph:
    """A widget of metrics.

    Args:
        properties: The widget's properties.
    """

    def __init__(self, properties: Mapping[str, Any]) -> None:
        self.lines: list[Line] = []
        self.metrics: dict[str, MetricStatistic] = {}
        for number, row in enumerate(properties["metrics"]):
            options: Mapping[str, Any] = row[-1] if isinstance(row[-1], Mapping) else {}
            name = options.get("id", f"line{number}")
            if "expression" in options:
                self.lines.append(Line(options["label"], options["expression"]))
                continue
            namespace, metric, *dimensions = row[:-1] if options else row
            pairs = sorted(zip(dimensions[::2], dimensions[1::2], strict=True))
            self.metrics[name] = MetricStatistic(
                Metric(namespace, metric, tuple(pairs)),
                options.get("stat", "Average"),
                timedelta(seconds=options.get("period", _PERIOD_SECONDS)),
            )
            if options.get("visible", True):
                self.lines.append(Line(options.get("label", metric), name))

    def over(self, period: timedelta) -> "Graph":
        """Return the same widget with statistics over one period."""
        other = copy(self)
        other.metrics = {name: replace(wanted, period=period) for name, wanted in self.metrics.items()}
        return other

    def values(self, data: MetricData, times: Sequence[datetime]) -> Iterator[tuple[Line, Series]]:
        """Yield each line with its values over the periods that end at these times."""
        series = {name: [data.value(wanted, time) for time in times] for name, wanted in self.metrics.items()}
        for line in self.lines:
            yield line, calculate(line.expression, series, times)


def metrics_of(body: Mapping[str, Any]) -> Iterator[Metric]:
    """Yield every metric that a dashboard shows."""
    for widget in body["widgets"]:
        if widget["type"] == "metric":
            yield from (wanted.metric for wanted in Graph(widget["properties"]).metrics.values())
