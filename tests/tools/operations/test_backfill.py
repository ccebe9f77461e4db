"""How a backfill is cut into executions: none is larger than Step Functions and the tables take, and no day is lost."""

import itertools
from datetime import date, timedelta
from typing import Any

import pytest

from genesys_firehose_tools.operations.backfill import _MOST_DAYS, _MOST_IDS, Backfill, BackfillError, _pieces

FIRST = date(2025, 10, 26)


class NoAws:
    """Clients that nothing may be asked of."""

    def client(self, name: str) -> Any:
        return name


def test_400_days_are_executions_of_90_days_that_follow_each_other() -> None:
    pieces = list(_pieces(FIRST, FIRST + timedelta(days=399), None))
    assert [(end - begin).days + 1 for begin, end, _ in pieces] == [_MOST_DAYS] * 4 + [40]
    assert all(after[0] - before[1] == timedelta(days=1) for before, after in itertools.pairwise(pieces))
    assert (pieces[0][0], pieces[-1][1]) == (FIRST, FIRST + timedelta(days=399))
    assert {only for _, _, only in pieces} == {None}


def test_days_of_which_something_is_missing_are_taken_alone_with_what_is_missing() -> None:
    only = {"2026-11-23": ["a", "b"], "2026-11-24": ["c"], "2026-11-27": ["d"]}
    assert list(_pieces(FIRST, FIRST, only)) == [
        (date(2026, 11, 23), date(2026, 11, 24), {"2026-11-23": ["a", "b"], "2026-11-24": ["c"]}),
        (date(2026, 11, 27), date(2026, 11, 27), {"2026-11-27": ["d"]}),
    ]


def test_a_day_of_which_too_much_is_missing_to_be_named_is_taken_whole() -> None:
    most, more = ["id"] * _MOST_IDS, ["id"] * (_MOST_IDS + 1)
    only = {"2026-11-23": most, "2026-11-24": more, "2026-11-25": ["a"]}
    assert [
        (begin.day, end.day, None if each is None else len(each)) for begin, end, each in _pieces(FIRST, FIRST, only)
    ] == [
        (23, 23, 1),
        (24, 24, None),
        (25, 25, 1),
    ]


def test_days_in_the_wrong_order_are_refused_before_anything_is_asked() -> None:
    with pytest.raises(BackfillError, match="The last day, 2025-10-25, is before the first, 2025-10-26"):
        Backfill(NoAws(), "machine").run(FIRST, FIRST - timedelta(days=1))
