"""Alarms are evaluated as CloudWatch documents it."""

from datetime import UTC, datetime, timedelta

import pytest

from genesys_firehose_tools.local.drills.alarms import (
    AlarmDefinition,
    AlarmState,
    Change,
    MetricStatistic,
    Samples,
    history,
)
from genesys_firehose_tools.local.drills.metric_math import calculate
from genesys_firehose_tools.operations.doctor.inspection import Metric

METRIC = Metric("Test", "Failures", (("Part", "one"),))
BEGIN = datetime(2026, 11, 30, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def alarm(datapoints_to_alarm: int = 3, missing_data: str = "missing", evaluation_periods: int = 3) -> AlarmDefinition:
    return AlarmDefinition.of(
        {
            "AlarmName": "Failures",
            "Namespace": "Test",
            "MetricName": "Failures",
            "Dimensions": [{"Name": "Part", "Value": "one"}],
            "Statistic": "Sum",
            "Period": 300,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "EvaluationPeriods": evaluation_periods,
            "DatapointsToAlarm": datapoints_to_alarm,
            "TreatMissingData": missing_data,
        }
    )


# Amazon CloudWatch User Guide, "Configuring how CloudWatch alarms treat missing data": the examples with three
# evaluation periods, all of three and two of three. The states are for missing, ignore, breaching, notBreaching.
ON, OFF, NONE, KEPT = AlarmState.ALARM, AlarmState.OK, AlarmState.INSUFFICIENT_DATA, None
THREE_OF_THREE = {
    "0-X-X": (OFF, OFF, OFF, OFF),
    "----0": (OFF, OFF, OFF, OFF),
    "-----": (NONE, KEPT, ON, OFF),
    "0XX-X": (ON, ON, ON, ON),
    "--X--": (ON, KEPT, ON, OFF),
}
TWO_OF_THREE = {
    "0-X-X": (ON, ON, ON, ON),
    "00X0X": (ON, ON, ON, ON),
    "0-X--": (OFF, OFF, ON, OFF),
    "----0": (OFF, OFF, ON, OFF),
    "----X": (ON, KEPT, ON, OFF),
}
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")


@pytest.mark.parametrize(
    ("datapoints", "points", "treatment", "expected"),
    [
        pytest.param(datapoints, points, treatment, expected, id=f"{datapoints} of 3, {points}, {treatment}")
        for datapoints, table in ((3, THREE_OF_THREE), (2, TWO_OF_THREE))
        for points, states in table.items()
        for treatment, expected in zip(TREATMENTS, states, strict=True)
    ],
)
@pytest.mark.parametrize("before", AlarmState)
def test_missing_data_are_treated_as_in_the_documents_examples(
    datapoints: int, points: str, treatment: str, expected: AlarmState | None, before: AlarmState
) -> None:
    values = [{"0": 0.0, "X": 1.0, "-": None}[point] for point in points]
    assert alarm(datapoints, treatment).state(values, before) is (expected or before)


def test_an_alarm_goes_off_within_a_minute_and_is_over_when_its_periods_have_passed() -> None:
    data = Samples()
    data.add(METRIC, BEGIN + 30 * timedelta(seconds=1), Sum=1, SampleCount=1, Minimum=1, Maximum=1)
    changes = history(alarm(1, "notBreaching", evaluation_periods=1), data, BEGIN, BEGIN + 30 * MINUTE)
    assert changes[0] == Change(BEGIN + MINUTE, AlarmState.ALARM)
    # The newest value is looked for in two more periods.
    assert changes[1:] == [Change(BEGIN + 16 * MINUTE, AlarmState.OK)]


@pytest.mark.parametrize(
    ("statistic", "expected"), [("Sum", 6), ("SampleCount", 3), ("Average", 2), ("Minimum", 0), ("Maximum", 5)]
)
def test_a_statistic_is_of_all_samples_of_the_period(statistic: str, expected: float) -> None:
    data = Samples()
    data.add(METRIC, BEGIN, Sum=6, SampleCount=2, Minimum=1, Maximum=5)
    data.add(METRIC, BEGIN + 4 * MINUTE, Sum=0, SampleCount=1, Minimum=0, Maximum=0)
    data.add(METRIC, BEGIN + 5 * MINUTE, Sum=9, SampleCount=1, Minimum=9, Maximum=9)
    wanted = MetricStatistic(METRIC, statistic, 5 * MINUTE)
    assert data.value(wanted, BEGIN + 5 * MINUTE) == expected
    assert data.value(wanted, BEGIN - MINUTE) is None


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a + b", [3, 5, 4]),
        ("a / 2 - b * 2", [-3.5, 2.5, -8]),
        ("a / b", [0.5, None, 0]),
        ("a * 2", [2, 10, None]),
        ("a - FILL(nothing, 0)", [1, 5, None]),
        ("FILL(b, 7)", [2, 7, 4]),
        ("FILL(nothing, 7)", [None, None, None]),
        ("RUNNING_SUM(FILL(b, 0))", [2, 2, 6]),
        ("RUNNING_SUM(b)", [2, None, 6]),
        ("MAX([a, b])", [2, 5, 4]),
        ("IF(a > 1, a, b)", [2, 5, None]),
        ("IF(a >= 1 AND a != 5, 1, 0)", [1, 0, None]),
        ("IF(a == 1 OR a <= 0, 1, 0)", [1, 0, None]),
        ("HOUR(a)", [10, 11, 12]),
        ("DAY(nothing)", [1, 1, 1]),
    ],
)
def test_metric_math_is_calculated_at_every_time(expression: str, expected: list[float | None]) -> None:
    series: dict[str, list[float | None]] = {"a": [1, 5, None], "b": [2, None, 4], "nothing": [None] * 3}
    times = [BEGIN + timedelta(hours=hours) for hours in range(3)]
    assert calculate(expression, series, times) == expected


# The examples of the Amazon CloudWatch User Guide, "Using math expressions with CloudWatch metrics".
@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("left < right", "0 0 1 0"),
        ("left >= 30", "1 0 0 0"),
        ("left > 15 AND right > 15", "1 0 0 0"),
        ("IF(first, second, third)", "30 0 20 - -"),
        ("IF(first, 5, third)", "5 5 20 - -"),
        ("IF(first, second, 5)", "30 0 5 5 -"),
    ],
)
def test_metric_math_calculates_the_documents_examples(expression: str, expected: str) -> None:
    series = {
        **({"left": "30 20 0 0", "right": "20 - 20 -"} if "left" in expression else {}),
        **({"first": "1 1 0 0 -", "second": "30 - 0 0 30", "third": "0 0 20 - 20"} if "first" in expression else {}),
    }
    times = [BEGIN] * len(points(expected))
    assert calculate(expression, {name: points(text) for name, text in series.items()}, times) == points(expected)


def points(text: str) -> list[float | None]:
    return [None if each == "-" else float(each) for each in text.split()]


@pytest.mark.parametrize("expression", ["SEARCH(a)", "a % 2", "a.b", "__import__(a)", "[a]"])
def test_what_is_not_known_of_metric_math_is_refused(expression: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        calculate(expression, {"a": [1.0]}, [BEGIN])
