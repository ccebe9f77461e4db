"""Partitions are few: known types, and days near the arrival."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.event import EVENT_TYPES
from transform.partitioning import DateWindow, partition_date, partition_type

ARRIVAL = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)
WINDOW = DateWindow(past=timedelta(days=30), future=timedelta(days=1))


@pytest.mark.parametrize("event_type", sorted(EVENT_TYPES))
def test_a_known_type_is_its_own_partition(event_type: str) -> None:
    assert partition_type(event_type) == event_type


@pytest.mark.parametrize("event_type", ["", "Call", "call ", "call/date=2026-01-01", None, 7, ["call"], {}])
def test_anything_else_is_unknown(event_type: object) -> None:
    assert partition_type(event_type) == "unknown"


@pytest.mark.parametrize(
    ("event_time", "expected"),
    [
        (ARRIVAL - timedelta(hours=1), ("2026-11-22", True)),
        (ARRIVAL, ("2026-11-23", True)),
        (ARRIVAL - timedelta(days=30), ("2026-10-24", True)),
        (ARRIVAL - timedelta(days=30, microseconds=1), ("2026-11-23", False)),
        (ARRIVAL + timedelta(days=1), ("2026-11-24", True)),
        (ARRIVAL + timedelta(days=1, microseconds=1), ("2026-11-23", False)),
        (datetime(1, 1, 1, tzinfo=UTC), ("2026-11-23", False)),
        (datetime(9999, 12, 31, tzinfo=UTC), ("2026-11-23", False)),
        (None, ("2026-11-23", True)),
    ],
)
def test_an_event_belongs_to_its_own_day_if_that_is_near_its_arrival(
    event_time: datetime | None, expected: tuple[str, bool]
) -> None:
    assert partition_date(event_time, ARRIVAL, WINDOW) == expected
