"""Reads the metrics of a local pipeline, its time stretched by the speed: one second is a minute at a speed of 60."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from genesys_firehose_tools.local.drills.alarms import Samples
from genesys_firehose_tools.operations.doctor.inspection import Metric

MEASURED: frozenset[str] = frozenset(
    {
        "AWS/ApiGateway",
        "AWS/ApplicationELB",
        "AWS/Events Invocations",
        "AWS/Firehose",
        "AWS/Lambda",
        "AWS/SQS",
        "GenesysFirehose",
    }
)
"""What the local services measure: whole namespaces, or single metrics of one."""

_STATISTICS = ("Sum", "SampleCount", "Minimum", "Maximum")
# Amazon CloudWatch API Reference, "GetMetricData": 500 queries at once.
_QUERIES = 500


def is_measured(metric: Metric) -> bool:
    """Tell whether the local services measure a metric, so that its absence means something."""
    return not MEASURED.isdisjoint((metric.namespace, f"{metric.namespace} {metric.name}"))


class StretchedTime:
    """Maps real time, from a moment on, to the time that passes in the pipeline.

    Args:
        begin: The moment.
        speed: Seconds that pass in one.
    """

    def __init__(self, begin: datetime, speed: float) -> None:
        self.begin = begin
        self._speed = speed

    def of(self, real: datetime) -> datetime:
        """Return the stretched time of a real one."""
        return self.begin + (real - self.begin) * self._speed


def read_samples(cloudwatch: Any, metrics: Iterable[Metric], time: StretchedTime) -> Samples:
    """Return what was measured of the metrics since the time began."""
    wanted = list(dict.fromkeys(metrics))
    queries = [
        {
            "Id": f"m{number}{statistic.lower()}",
            "MetricStat": {
                "Metric": {
                    "Namespace": metric.namespace,
                    "MetricName": metric.name,
                    "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions],
                },
                "Period": 1,
                "Stat": statistic,
            },
        }
        for number, metric in enumerate(wanted)
        for statistic in _STATISTICS
    ]
    found: dict[str, dict[datetime, float]] = {}
    for start in range(0, len(queries), _QUERIES):
        for result in cloudwatch.get_metric_data(
            MetricDataQueries=queries[start : start + _QUERIES],
            StartTime=time.begin,
            EndTime=datetime.now(UTC) + timedelta(seconds=1),
        )["MetricDataResults"]:
            found[result["Id"]] = dict(zip(result["Timestamps"], result["Values"], strict=True))
    samples = Samples()
    for number, metric in enumerate(wanted):
        series = {statistic: found.get(f"m{number}{statistic.lower()}", {}) for statistic in _STATISTICS}
        for moment in series["Sum"]:
            values = {statistic: series[statistic][moment] for statistic in _STATISTICS}
            # The second in which it begins began before.
            samples.add(metric, time.of(max(moment, time.begin)), **values)
    return samples
