"""Reads the figures of some days out of the lake's tables: counts and sums; a share is only made of sums."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import date, datetime, timedelta

from genesys_firehose_tools.errors import ToolError
from genesys_firehose_tools.operations.lake_query import Answer

HALF_HOUR = timedelta(minutes=30)
MOST_DAYS = 7
MOST_WRAP_UPS = 10

Ask = Callable[[str], Answer]
Row = Mapping[str, str | None]

# A queue has a target for a medium in the whole time, or its waits count to no service level.
_COUNTS = """
    sum(offered) AS offered,
    sum(answered) AS answered,
    sum(abandoned) AS abandoned,
    sum(short_abandoned) AS short_abandoned,
    sum(flow_outs) AS flow_outs,
    sum(CASE WHEN has_target = 1 THEN answered - over_target ELSE 0 END) AS in_time,
    sum(CASE WHEN has_target = 1 THEN answered + abandoned ELSE 0 END) AS measured,
    sum(answered_wait_ms) AS answered_wait_ms,
    sum(handled) AS handled,
    sum(talk_ms) AS talk_ms,
    sum(held_ms) AS held_ms,
    sum(after_call_ms) AS after_call_ms,
    sum(handled_ms) AS handled_ms
FROM (
    SELECT
        *,
        min(CASE WHEN over_target IS NULL THEN 0 ELSE 1 END) OVER (PARTITION BY queue_id, media_type) AS has_target
    FROM queue_intervals
    WHERE day BETWEEN DATE '{first}' AND DATE '{last}'
)
"""
_HALF_HOURS = f"SELECT interval_start, media_type, {_COUNTS} GROUP BY 1, 2"
_QUEUES = f"SELECT queue_id, queue_name, media_type, {_COUNTS} GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 3"
_AGENTS = """
SELECT
    interval_start,
    count(CASE WHEN on_queue_ms > 0 THEN 1 END) AS agents,
    sum(interacting_ms) AS interacting_ms,
    sum(communicating_ms) AS communicating_ms,
    sum(idle_ms) AS idle_ms,
    sum(not_responding_ms) AS not_responding_ms
FROM agent_intervals
WHERE day BETWEEN DATE '{first}' AND DATE '{last}'
GROUP BY 1
"""
_WRAP_UPS = """
SELECT code, code_name, count(*) AS wrap_ups, sum(count(*)) OVER () AS total
FROM wrap_ups
WHERE day BETWEEN DATE '{first}' AND DATE '{last}'
GROUP BY 1, 2
ORDER BY 3 DESC, 1
LIMIT {most_wrap_ups}
"""
_EVENTS = """
SELECT day, count(*) AS events, count(CASE WHEN conflict THEN 1 END) AS conflicts, max(received_at) AS newest
FROM events
WHERE day BETWEEN DATE '{first}' AND DATE '{last}' AND event_type <> 'names'
GROUP BY 1
"""
_OPEN_WAITS = """
SELECT count(*) AS waits
FROM sessions
WHERE day BETWEEN DATE '{first}' AND DATE '{last}' AND purpose = 'acd' AND ended_at IS NULL
"""


class ReportError(ToolError):
    """No page can be made of these days."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What happened to waits and handles, in counts and sums, as in the view `queue_intervals`.

    Attributes:
        in_time: Answered within the target, where the queue has one.
        measured: Answered and abandoned, where the queue has a target.
    """

    offered: int = 0
    answered: int = 0
    abandoned: int = 0
    short_abandoned: int = 0
    flow_outs: int = 0
    in_time: int = 0
    measured: int = 0
    answered_wait_ms: int = 0
    handled: int = 0
    talk_ms: int = 0
    held_ms: int = 0
    after_call_ms: int = 0
    handled_ms: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(mine + its for mine, its in zip(astuple(self), astuple(other), strict=True)))

    @property
    def service_level(self) -> float | None:
        """Share answered in time, of answered and abandoned; None where nothing could be measured."""
        return share(self.in_time, self.measured)

    @property
    def abandon_rate(self) -> float | None:
        """Share abandoned of the offered; None where nothing was offered."""
        return share(self.abandoned, self.offered)

    @property
    def unmeasured(self) -> int:
        """How many answered and abandoned waits count to no service level, as no target is known."""
        return self.answered + self.abandoned - self.measured


@dataclass(frozen=True, slots=True)
class Statuses:
    """What agents did, in milliseconds, as in the view `agent_intervals`.

    Attributes:
        agents: Agents who were on queue.
    """

    agents: int = 0
    interacting_ms: int = 0
    communicating_ms: int = 0
    idle_ms: int = 0
    not_responding_ms: int = 0

    def __add__(self, other: "Statuses") -> "Statuses":
        return Statuses(*(mine + its for mine, its in zip(astuple(self), astuple(other), strict=True)))

    @property
    def occupancy(self) -> float | None:
        """Share of interacting in interacting, communicating and idle time; None where there is none of these."""
        return share(self.interacting_ms, self.interacting_ms + self.communicating_ms + self.idle_ms)


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue and a medium.

    Attributes:
        id: The queue's id.
        name: Its latest name; None while no names are there.
        medium: The medium.
        counts: What happened in it.
    """

    id: str
    name: str | None
    medium: str
    counts: Counts


@dataclass(frozen=True, slots=True)
class WrapUp:
    """A wrap-up code, its latest name, and how often it was given."""

    code: str
    name: str | None
    count: int


@dataclass(frozen=True, slots=True)
class Events:
    """Events of a day, those among them with other content under an id that came before, and the newest arrival."""

    count: int
    conflicts: int
    newest: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The figures of some days; times are UTC and have no time zone.

    Attributes:
        first: The first day.
        last: The last day, which is included.
        half_hours: By the start of the half hour and the medium.
        queues: The queues, that with most offered waits first.
        statuses: Of all agents together, by the start of the half hour.
        wrap_ups: The most frequent wrap-ups.
        all_wrap_ups: How many wrap-ups there are in all.
        events: By day; a day without any is not there.
        open_waits: Waits in queues whose end is not in the tables.
    """

    first: date
    last: date
    half_hours: Mapping[tuple[datetime, str], Counts]
    queues: Sequence[Queue]
    statuses: Mapping[datetime, Statuses]
    wrap_ups: Sequence[WrapUp]
    all_wrap_ups: int
    events: Mapping[date, Events]
    open_waits: int

    @property
    def days(self) -> list[date]:
        """All the days."""
        return [self.first + timedelta(days=number) for number in range((self.last - self.first).days + 1)]

    @property
    def times(self) -> list[datetime]:
        """The start of every half hour of the days."""
        begin = datetime.combine(self.first, datetime.min.time())
        return [begin + HALF_HOUR * number for number in range(48 * len(self.days))]

    @property
    def total(self) -> Counts:
        """All half hours together."""
        return sum(self.half_hours.values(), Counts())

    @property
    def status(self) -> Statuses:
        """All agents in all half hours together."""
        return sum(self.statuses.values(), Statuses())

    @property
    def media(self) -> dict[str, Counts]:
        """By medium, that with most offered waits first."""
        media: dict[str, Counts] = {}
        for (_, medium), counts in self.half_hours.items():
            media[medium] = media.get(medium, Counts()) + counts
        return dict(sorted(media.items(), key=lambda entry: (-entry[1].offered, entry[0])))


def share(part: int, whole: int) -> float | None:
    """Return the share of a part; None of nothing."""
    return part / whole if whole else None


def check_days(first: date, last: date) -> None:
    """Check that a page can have the days from ``first`` to ``last``.

    Raises:
        ReportError: They are in the wrong order, or more than a week.
    """
    if last < first:
        raise ReportError(f"The last day, {last}, is before the first, {first}.")
    if (last - first).days >= MOST_DAYS:
        raise ReportError(f"{first} to {last} are {(last - first).days + 1} days; a report has {MOST_DAYS} at most.")


def read_figures(ask: Ask, first: date, last: date) -> Figures:
    """Read the figures of the days from ``first`` to ``last``.

    Args:
        ask: Asks the tables.
        first: The first day, UTC.
        last: The last day, which is included.

    Raises:
        QueryError: The tables could not be asked.
    """

    def rows(statement: str) -> Iterator[Row]:
        answer = ask(statement.format(first=first, last=last, most_wrap_ups=MOST_WRAP_UPS))
        return (dict(zip(answer.columns, map(_printable, row), strict=True)) for row in answer.rows)

    wrap_ups = list(rows(_WRAP_UPS))
    return Figures(
        first=first,
        last=last,
        half_hours={(_moment(row), row["media_type"] or ""): _counts(row) for row in rows(_HALF_HOURS)},
        queues=[
            Queue(row["queue_id"] or "", row["queue_name"], row["media_type"] or "", _counts(row))
            for row in rows(_QUEUES)
        ],
        statuses={
            _moment(row): Statuses(*(_number(row, name) for name in Statuses.__dataclass_fields__))
            for row in rows(_AGENTS)
        },
        wrap_ups=[WrapUp(row["code"] or "", row["code_name"], _number(row, "wrap_ups")) for row in wrap_ups],
        all_wrap_ups=_number(wrap_ups[0], "total") if wrap_ups else 0,
        events={
            date.fromisoformat(row["day"] or ""): Events(
                _number(row, "events"), _number(row, "conflicts"), _moment(row, "newest")
            )
            for row in rows(_EVENTS)
        },
        open_waits=sum(_number(row, "waits") for row in rows(_OPEN_WAITS)),
    )


def _counts(row: Row) -> Counts:
    return Counts(*(_number(row, name) for name in Counts.__dataclass_fields__))


def _number(row: Row, column: str) -> int:
    return int(row[column] or 0)


def _moment(row: Row, column: str = "interval_start") -> datetime:
    return datetime.fromisoformat(row[column] or "")


def _printable(value: str | None) -> str | None:
    """Replace what a page cannot show, such as a control character or one that turns the direction of the text."""
    return value and "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in value)
