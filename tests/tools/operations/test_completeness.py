"""A check of a day is known by its input, whoever started it."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from genesys_firehose_tools.operations.completeness import day_of


@pytest.mark.parametrize(
    ("asked", "started", "day"),
    [
        ({"day": "2026-11-23"}, datetime(2026, 11, 30, 8, tzinfo=UTC), date(2026, 11, 23)),
        ({"days_ago": 1}, datetime(2026, 11, 30, 8, tzinfo=UTC), date(2026, 11, 29)),
        ({"days_ago": 4}, datetime(2026, 12, 1, 0, tzinfo=UTC), date(2026, 11, 27)),
        # boto3 gives the start in the time zone of the machine.
        ({"days_ago": 1}, datetime(2026, 11, 30, 1, tzinfo=timezone(timedelta(hours=2))), date(2026, 11, 28)),
    ],
)
def test_the_day_of_a_check_is_the_one_that_was_asked_for_or_so_many_days_before_its_start_in_utc(
    asked: dict[str, Any], started: datetime, day: date
) -> None:
    assert day_of(asked, started) == day
