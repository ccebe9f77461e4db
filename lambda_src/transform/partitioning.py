"""Names a record's partition: its event type and the day it belongs to."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from shared.event_types import EVENT_TYPES, UNKNOWN


class DateWindow(NamedTuple):
    """How far an event's own day may lie from its arrival to be believed."""

    past: timedelta
    future: timedelta


def partition_type(event_type: Any) -> str:
    """Return the event type when it is a known one, else ``unknown``: a partition key is never free text."""
    return event_type if isinstance(event_type, str) and event_type in EVENT_TYPES else UNKNOWN


def partition_date(event_time: datetime | None, arrival: datetime, window: DateWindow) -> tuple[str, bool]:
    """Return the UTC day to file an event under, and whether its own time was believed.

    An event without a time goes to the day it arrived, and so does one whose clock is absurd: every day is a
    partition, and a sender must not be able to open any number of them.
    """
    if event_time is None:
        return arrival.date().isoformat(), True
    if arrival - window.past <= event_time <= arrival + window.future:
        return event_time.date().isoformat(), True
    return arrival.date().isoformat(), False
