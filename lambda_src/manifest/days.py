"""Which days of arrival are closed, and where in the bucket a day and its manifest are."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

# A run makes the manifests of so many closed days that have none: an outage of a week heals by itself.
LOOKS_BACK_DAYS = 7


def prefixes_of(day: date) -> tuple[str, ...]:
    """Name everything of ``raw/`` that is laid out under a day: events, oversize originals, dead letters set aside."""
    return tuple(f"{layer}{day:%Y/%m/%d}/" for layer in ("raw/", "raw/oversize/", "raw/dead-letters/"))


def folder_of(day: date) -> str:
    """Name the folder of a day's manifest and its parts."""
    return f"manifests/{day:%Y/%m/%d}/"


def manifest_key(day: date) -> str:
    """Name a day's manifest."""
    return f"{folder_of(day)}manifest.jsonl"


def part_key(day: date, sha256: str) -> str:
    """Name a part by its content: written twice, it is one object of the same bytes."""
    return f"{folder_of(day)}part-{sha256}.jsonl"


def closes_at(day: date, closed_after: timedelta) -> datetime:
    """Tell when a day is closed: Firehose delivers into the folder of a record's arrival for up to a day after it."""
    return datetime.combine(day + timedelta(days=1), time(), UTC) + closed_after


def closed_days(now: datetime, closed_after: timedelta) -> Iterator[date]:
    """Yield the last closed days, the oldest first."""
    last = (now - closed_after).date() - timedelta(days=1)
    for back in reversed(range(LOOKS_BACK_DAYS)):
        yield last - timedelta(days=back)
