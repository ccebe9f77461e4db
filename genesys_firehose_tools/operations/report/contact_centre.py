"""The page of some days of a contact centre."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from genesys_firehose_tools.operations.completeness import UNCHECKED, Day
from genesys_firehose_tools.operations.report.charts import COLORS, shares, stacked_bars
from genesys_firehose_tools.operations.report.figures import Counts, Figures, Statuses, share
from genesys_firehose_tools.operations.report.page import UNKNOWN, Bar, Page, Section, Table, Tile

# So many queues have a row each; the others are one row.
MOST_QUEUES = 25
_HOUR_MS = 3_600_000
_SERVICE_LEVEL = (
    "Answered within the target of queue and medium, of answered and abandoned; flow-outs do not count. A queue whose "
    "target is not known counts to no service level."
)


def contact_centre_page(figures: Figures, source: str, now: datetime, checked: Sequence[Day] = ()) -> Page:
    """Return the page of some days.

    Args:
        figures: The days' figures.
        source: What the tables belong to, such as a stack.
        now: The time, UTC.
        checked: What each day's check against Genesys Cloud found. Default: no day is checked.
    """
    days = str(figures.first) if figures.first == figures.last else f"{figures.first} to {figures.last}"
    sections = [_missing(figures, now, checked)]
    if figures.half_hours:
        sections += [_volume(figures), _service_level(figures), _handle_time(figures)]
    if figures.status.occupancy is not None:
        sections.append(_occupancy(figures))
    if figures.wrap_ups:
        sections.append(_wrap_ups(figures))
    return Page(
        title=f"Contact centre, {days}",
        text=f"Of the tables of {source}, made {now:%Y-%m-%d %H:%M}. All times are UTC. {UNKNOWN} stands for what they "
        "do not tell.",
        tiles=list(_tiles(figures)),
        sections=sections,
    )


def _tiles(figures: Figures) -> Iterator[Tile]:
    total = figures.total
    yield Tile("Offered", f"{total.offered:,}", "waits in queues")
    yield Tile("Answered", f"{total.answered:,}", f"average wait {_seconds(total.answered_wait_ms, total.answered)}")
    yield Tile("Abandon rate", _percent(total.abandon_rate), f"{total.abandoned:,} abandoned")
    yield Tile("Service level", _percent(total.service_level), f"{total.in_time:,} of {total.measured:,} in time")
    yield Tile("Handle time", _seconds(total.handled_ms, total.handled), f"average of {total.handled:,}")
    yield Tile("Occupancy", _percent(figures.status.occupancy), "of all agents")


def _missing(figures: Figures, now: datetime, checked: Sequence[Day]) -> Section:
    points = [*_gaps(figures, now), *_of_genesys_cloud(checked)]
    return Section(
        title="What is missing",
        text="" if points else "Nothing that the tables could tell.",
        points=points,
    )


def _gaps(figures: Figures, now: datetime) -> Iterator[str]:
    if now.date() <= figures.last:
        newest = max((events.newest for events in figures.events.values()), default=None)
        arrived = f"the newest event arrived {newest:%Y-%m-%d %H:%M}" if newest else "no event is there yet"
        yield f"{figures.last} is not over: {arrived}."
    if empty := [str(day) for day in figures.days if day not in figures.events and day <= now.date()]:
        yield f"No events: {', '.join(empty)}."
    if not figures.half_hours:
        yield "No waits in queues and no handles: volume, service level and handle time can not be told."
    if figures.status.occupancy is None:
        yield "No routing status of an agent that has ended: occupancy can not be told."
    if not figures.wrap_ups:
        yield "No wrap-ups."
    nameless = {queue.id for queue in figures.queues if queue.name is None}
    if nameless:
        yield f"Names of {_count(len(nameless), 'queue')}; their ids stand instead."
    if codes := sum(code.name is None for code in figures.wrap_ups):
        yield f"Names of {_count(codes, 'wrap-up code')} of those below; the codes stand instead."
    if unmeasured := figures.total.unmeasured:
        yield f"The target of {_count(unmeasured, 'answered or abandoned wait')}: they count to no service level."
    if figures.open_waits:
        yield f"The end of {_count(figures.open_waits, 'wait')}: offered, and neither answered nor abandoned so far."
    if conflicts := sum(events.conflicts for events in figures.events.values()):
        yield f"Certainty about {_count(conflicts, 'event')}: the id came before with other content; both count."


def _of_genesys_cloud(checked: Sequence[Day]) -> Iterator[str]:
    """Say of each day what the lake lacks of what Genesys Cloud knows."""
    for day in checked:
        if day.reason:
            yield f"Certainty about {day.day}, whether all of its conversations are here: {day.reason}"
        elif day.state == UNCHECKED:
            yield f"Certainty about {day.day}: it was not held against Genesys Cloud yet."
        elif day.state == "gaps":
            yield (
                f"Of {_count(day.expected or 0, 'conversation')} of {day.day} that Genesys Cloud knows, "
                f"{day.missing or 0:,} are not here, and of {day.partial or 0:,} parts are not."
            )


def _volume(figures: Figures) -> Section:
    media = figures.media
    shown = list(media)[: len(COLORS) - 1] if len(media) > len(COLORS) else list(media)
    parts = {_medium(medium): _offered(figures, [medium]) for medium in shown}
    if rest := [medium for medium in media if medium not in shown]:
        parts["others"] = _offered(figures, rest)
    counts = _over_time(figures)
    outcomes = {
        "answered": [each.answered for each in counts],
        "abandoned": [each.abandoned for each in counts],
        "flow-outs": [each.flow_outs for each in counts],
    }
    return Section(
        title="Volume",
        text="A wait is offered in the half hour in which it began, and answered, abandoned or flowed out in that in "
        "which it ended. Short is abandoned before 10 s. The rate is abandoned, short ones included, of offered.",
        charts=[
            stacked_bars("Offered per half hour, by medium", figures.times, parts),
            stacked_bars("How waits ended, per half hour", figures.times, outcomes),
        ],
        tables=[
            Table(
                ["Medium", "Offered", "Answered", "Flow-outs", "Abandoned", "Short", "Rate"],
                [[_medium(medium), *_volumes(counts)] for medium, counts in media.items()]
                + ([["All", *_volumes(figures.total)]] if len(media) > 1 else []),
            )
        ],
    )


def _volumes(counts: Counts) -> list[str]:
    numbers = (counts.offered, counts.answered, counts.flow_outs, counts.abandoned, counts.short_abandoned)
    return [*(f"{number:,}" for number in numbers), _percent(counts.abandon_rate)]


def _service_level(figures: Figures) -> Section:
    counts = _over_time(figures)
    return Section(
        title="Service level and abandon rate",
        text=_SERVICE_LEVEL,
        charts=[
            shares("Service level per half hour", figures.times, [each.service_level for each in counts]),
            shares("Abandon rate per half hour", figures.times, [each.abandon_rate for each in counts]),
        ],
        tables=[
            Table(
                ["Queue and medium", "Offered", "Abandon rate", "Average wait", "Service level"],
                [
                    [
                        label,
                        f"{counts.offered:,}",
                        _percent(counts.abandon_rate),
                        _seconds(counts.answered_wait_ms, counts.answered),
                        _percent(counts.service_level if not counts.unmeasured else None),
                    ]
                    for label, counts in _queues(figures)
                ],
            )
        ],
    )


def _handle_time(figures: Figures) -> Section:
    rows = [(label, counts) for label, counts in _queues(figures) if counts.handled]
    longest = max((counts.handled_ms / counts.handled for _, counts in rows), default=0)
    return Section(
        title="Handle time per queue",
        text="The average of the agents' parts in conversations whose after-call work was complete within the days. "
        "That of outbound conversations has dialing and contacting as well.",
        tables=[
            Table(
                ["Queue and medium", "Handled", "Talk", "Hold", "After-call", "Handle time", ""],
                [
                    [
                        label,
                        f"{counts.handled:,}",
                        *(_seconds(part, counts.handled) for part in _parts(counts)[:3]),
                        _seconds(counts.handled_ms, counts.handled),
                        Bar([part / counts.handled / longest for part in _parts(counts)]),
                    ]
                    for label, counts in rows
                ],
                legend=["talk", "hold", "after-call work", "dialing and contacting"],
            )
        ],
    )


def _parts(counts: Counts) -> list[int]:
    parts = [counts.talk_ms, counts.held_ms, counts.after_call_ms]
    return [*parts, max(counts.handled_ms - sum(parts), 0)]


def _queues(figures: Figures) -> Iterator[tuple[str, Counts]]:
    """Yield the label and the counts of each row; the queues beyond the most stand together."""
    for queue in figures.queues[:MOST_QUEUES]:
        yield f"{queue.name or queue.id}, {_medium(queue.medium).lower()}", queue.counts
    if rest := figures.queues[MOST_QUEUES:]:
        yield f"{len(rest)} others", sum((queue.counts for queue in rest), Counts())


def _occupancy(figures: Figures) -> Section:
    total = figures.status
    by_time = [figures.statuses.get(time, Statuses()) for time in figures.times]
    hours = {
        "Interacting": total.interacting_ms,
        "Communicating": total.communicating_ms,
        "Idle": total.idle_ms,
        "Not responding": total.not_responding_ms,
    }
    return Section(
        title="Occupancy",
        text="Interacting, of interacting, communicating and idle time of all agents together. A status counts once it "
        "has ended. The page shows no figures of single agents.",
        charts=[
            shares("Occupancy per half hour", figures.times, [statuses.occupancy for statuses in by_time]),
            stacked_bars("Agents on queue", figures.times, {"agents": [statuses.agents for statuses in by_time]}),
        ],
        tables=[Table(["Routing status", "Hours"], [[name, f"{ms / _HOUR_MS:,.1f}"] for name, ms in hours.items()])],
    )


def _wrap_ups(figures: Figures) -> Section:
    counts = [(code.name or code.code, code.count) for code in figures.wrap_ups]
    most = counts[0][1]
    if others := figures.all_wrap_ups - sum(count for _, count in counts):
        counts.append(("All others", others))
    rows: list[list[str | Bar]] = [
        [name, f"{count:,}", _percent(share(count, figures.all_wrap_ups)), Bar([min(count / most, 1)])]
        for name, count in counts
    ]
    return Section(
        title="Top wrap-ups",
        text=f"The newest code of each session, of {figures.all_wrap_ups:,} in all.",
        tables=[Table(["Wrap-up", "Count", "Share", ""], rows)],
    )


def _offered(figures: Figures, media: Iterable[str]) -> list[int]:
    return [sum(figures.half_hours.get((time, medium), Counts()).offered for medium in media) for time in figures.times]


def _over_time(figures: Figures) -> list[Counts]:
    """Return the counts of every half hour, all media together."""
    counts = dict.fromkeys(figures.times, Counts())
    for (time, _), more in figures.half_hours.items():
        counts[time] += more
    return list(counts.values())


def _medium(medium: str) -> str:
    return medium.capitalize() or "not said"


def _percent(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.1%}"


def _seconds(milliseconds: int, number: int) -> str:
    """Write an average as minutes and seconds."""
    average = share(milliseconds, number)
    return UNKNOWN if average is None else "{}:{:02}".format(*divmod(round(average / 1000), 60))


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"
