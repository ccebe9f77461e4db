"""Alarms, evaluated by their own definitions as CloudWatch documents it.

After the Amazon CloudWatch User Guide, "Alarm evaluation" and "Configuring how CloudWatch alarms treat missing data".
CloudWatch looks at more periods than an alarm's evaluation periods, and takes the newest that have a value. How many
more is documented by examples alone: two.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from genesys_firehose_tools.local.drills.metric_math import Series, calculate
from genesys_firehose_tools.operations.doctor.inspection import Metric

MORE_PERIODS = 2
"""How many periods CloudWatch looks at beyond an alarm's evaluation periods."""

_STEP = timedelta(minutes=1)
"""How often CloudWatch evaluates an alarm."""

_BREACHES: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanOrEqualToThreshold": operator.le,
    "LessThanThreshold": operator.lt,
}


class AlarmState(StrEnum):
    """The state of an alarm, as CloudWatch names it."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


@dataclass(frozen=True, slots=True)
class MetricStatistic:
    """A statistic of a metric over a period.

    Attributes:
        metric: The metric.
        statistic: Sum, SampleCount, Average, Minimum, Maximum or p99.
        period: The period.
    """

    metric: Metric
    statistic: str
    period: timedelta


class MetricData(Protocol):
    """Where the values of metrics come from."""

    def value(self, wanted: MetricStatistic, end: datetime) -> float | None:
        """Return a statistic over the period that ends then; None where the metric has no value in it."""
        ...


@dataclass(frozen=True, slots=True)
class AlarmDefinition:
    """An alarm as its template defines it.

    Attributes:
        name: Its name.
        expression: The metric math; the id of the metric where there is none.
        metrics: What the expression is of, by id.
        threshold: What is compared with.
        comparison: How, as CloudWatch names it.
        evaluation_periods: How many periods are looked at.
        datapoints_to_alarm: How many of these must be over the threshold.
        missing_data: What becomes of a period without a value, as CloudWatch names it.
    """

    name: str
    expression: str
    metrics: Mapping[str, MetricStatistic]
    threshold: float
    comparison: str
    evaluation_periods: int
    datapoints_to_alarm: int
    missing_data: str

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> "AlarmDefinition":
        """Read the properties of an AWS::CloudWatch::Alarm, its references resolved."""
        queries = properties.get("Metrics", [])
        metrics = {each["Id"]: _statistic(each["MetricStat"]) for each in queries if "MetricStat" in each}
        if queries:
            [expression] = [each["Expression"] for each in queries if "Expression" in each]
        else:
            expression = "m"
            metrics["m"] = _statistic({"Metric": properties, "Stat": properties["Statistic"], **properties})
        return cls(
            name=properties["AlarmName"],
            expression=expression,
            metrics=metrics,
            threshold=properties["Threshold"],
            comparison=properties["ComparisonOperator"],
            evaluation_periods=properties["EvaluationPeriods"],
            datapoints_to_alarm=properties.get("DatapointsToAlarm", properties["EvaluationPeriods"]),
            missing_data=properties["TreatMissingData"],
        )

    @property
    def period(self) -> timedelta:
        """The period, one for all metrics."""
        [period] = {metric.period for metric in self.metrics.values()}
        return period

    def values(self, data: MetricData, end: datetime) -> Series:
        """Return the values of all periods that are looked at, of which the last one ends then."""
        count = self.evaluation_periods + MORE_PERIODS
        ends = [end - self.period * (count - number) for number in range(1, count + 1)]
        series = {name: [data.value(metric, each) for each in ends] for name, metric in self.metrics.items()}
        return calculate(self.expression, series, [each - self.period for each in ends])

    def state(self, values: Sequence[float | None], before: AlarmState) -> AlarmState:
        """Judge the values of the periods that are looked at.

        Args:
            values: The values, the oldest first; None where there is none.
            before: The state until now.
        """
        breaches = _BREACHES[self.comparison]
        found = [breaches(value, self.threshold) for value in values if value is not None]
        missing = max(0, self.evaluation_periods - len(found))
        looked_at = found[-self.evaluation_periods :]
        if self.missing_data in ("breaching", "notBreaching"):
            looked_at += [self.missing_data == "breaching"] * missing
        if sum(looked_at) >= self.datapoints_to_alarm:
            return AlarmState.ALARM
        if not all(looked_at):
            return AlarmState.OK
        # Nothing is within the threshold, and too little is over it.
        if self.missing_data == "ignore":
            return before
        return AlarmState.ALARM if looked_at else AlarmState.INSUFFICIENT_DATA


@dataclass(frozen=True, slots=True)
class Change:
    """A change of an alarm's state.

    Attributes:
        at: When.
        state: The new state.
    """

    at: datetime
    state: AlarmState


def history(alarm: AlarmDefinition, data: MetricData, begin: datetime, end: datetime) -> list[Change]:
    """Evaluate an alarm once a minute, and return how its state changed from one without data."""
    state, changes = AlarmState.INSUFFICIENT_DATA, []
    moment = begin + _STEP
    while moment < end + _STEP:
        new = alarm.state(alarm.values(data, moment), state)
        if new is not state:
            changes.append(Change(moment, new))
            state = new
        moment += _STEP
    return changes


def _statistic(description: Mapping[str, Any]) -> MetricStatistic:
    metric = description["Metric"]
    dimensions = sorted((each["Name"], str(each["Value"])) for each in metric.get("Dimensions", []))
    return MetricStatistic(
        Metric(metric["Namespace"], metric["MetricName"], tuple(dimensions)),
        description["Stat"],
        timedelta(seconds=description["Period"]),
    )


class Samples:
    """Values of metrics in memory."""

    def __init__(self) -> None:
        self._samples: dict[Metric, list[tuple[datetime, dict[str, float]]]] = {}

    def add(self, metric: Metric, at: datetime, **statistics: float) -> None:
        """Add a set of statistics: Sum, SampleCount, Minimum and Maximum."""
        self._samples.setdefault(metric, []).append((at.astimezone(UTC), statistics))

    def value(self, wanted: MetricStatistic, end: datetime) -> float | None:
        """Return a statistic over the period that ends then; None where the metric has no value in it."""
        found = [each for at, each in self._samples.get(wanted.metric, []) if end - wanted.period <= at < end]
        if not found:
            return None
        total, count = (sum(each[name] for each in found) for name in ("Sum", "SampleCount"))
        match wanted.statistic:
            case "Sum":
                return total
            case "SampleCount":
                return count
            case "Average":
                return total / count
            case "Minimum":
                return min(each["Minimum"] for each in found)
            # Of fewer than a hundred samples the 99th percentile is the highest.
            case "Maximum" | "p99":
                return max(each["Maximum"] for each in found)
        raise ValueError(f"The statistic {wanted.statistic} is not known here.")
