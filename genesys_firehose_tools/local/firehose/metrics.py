"""The metrics of the local streams, as far as alarms and dashboard show them.

After the Amazon Data Firehose Developer Guide, "Monitor Amazon Data Firehose with CloudWatch metrics". What goes
under the error prefix counts as no delivery; AWS documents neither.
"""

import threading
from typing import Any

NAMESPACE = "AWS/Firehose"

# Amazon CloudWatch API Reference, "PutMetricData": 1,000 metrics in a request.
_METRICS_IN_A_REQUEST = 1000


class Measurements:
    """What the streams have measured since it was last taken, of each metric as a set of statistics."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sets: dict[tuple[str, str], dict[str, float]] = {}

    def add(self, stream: str, metric: str, value: float) -> None:
        """Measure a value of a stream's metric."""
        with self._lock:
            known = self._sets.setdefault(
                (stream, metric), {"SampleCount": 0, "Sum": 0, "Minimum": value, "Maximum": value}
            )
            known["SampleCount"] += 1
            known["Sum"] += value
            known["Minimum"] = min(known["Minimum"], value)
            known["Maximum"] = max(known["Maximum"], value)

    def take(self) -> dict[tuple[str, str], dict[str, float]]:
        """Return the statistics by stream and metric, and begin anew."""
        with self._lock:
            taken, self._sets = self._sets, {}
        return taken


def publish(measurements: Measurements, cloudwatch: Any) -> None:
    """Give CloudWatch what was measured, if anything."""
    data = [
        {
            "MetricName": metric,
            "Dimensions": [{"Name": "DeliveryStreamName", "Value": stream}],
            "StatisticValues": statistics,
        }
        for (stream, metric), statistics in measurements.take().items()
    ]
    for start in range(0, len(data), _METRICS_IN_A_REQUEST):
        cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=data[start : start + _METRICS_IN_A_REQUEST])
