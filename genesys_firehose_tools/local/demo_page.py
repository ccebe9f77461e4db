"""The page of a demo: what was sent, where it landed and how soon, what masking did, and the figures of the day."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from statistics import median
from typing import Any

from genesys_firehose_tools.local.deployment import Deployment
from genesys_firehose_tools.local.lake import Lake, wait_until_settled
from genesys_firehose_tools.local.trial import Report, Traffic
from genesys_firehose_tools.local.values import GeneratedEvent, find_markers
from genesys_firehose_tools.operations import cost
from genesys_firehose_tools.operations.lake_query import LakeQuery
from genesys_firehose_tools.operations.report.bill import bill_of, bill_section
from genesys_firehose_tools.operations.report.charts import over_seconds
from genesys_firehose_tools.operations.report.contact_centre import contact_centre_page
from genesys_firehose_tools.operations.report.figures import read_figures
from genesys_firehose_tools.operations.report.page import Bar, Page, Section, Table, Tile
from genesys_firehose_tools.operations.tables import Tables

_TABLES = "TablesStateMachineArn"
# The rows of a table; what is beyond is one row.
_MOST_ROWS = 12
_LEFT_OUT = "left out"
# Kinds of events that are shown before and after masking, if they were sent: of the webhook, a detail event, a text.
_EXAMPLES = ("call", "customer.start", "open message")


def demo_page(deployment: Deployment, plan: Traffic, report: Report, day: date, speed: float, wait: float) -> Page:
    """Return the page of a demo. The tables are brought up to date for it.

    Args:
        deployment: The pipeline, which is still up.
        plan: What was sent.
        report: What became of it.
        day: The day that the contact centre's figures are of.
        speed: How many times faster than real time Firehose's buffers filled and emptied.
        wait: How many seconds to wait at most until the names have landed.
    """
    ages = sorted(_ages(report.clean))
    centre = _contact_centre(deployment, day, wait)
    traffic = cost.Traffic(
        events_per_day=len(report.events),
        event_bytes=sum(len(json.dumps(event.body)) for event in report.events) / len(report.events),
        event_types=len({_folders(key)[0] for key in report.clean.objects}) or 1,
        events_per_request=plan.batch,
        duplicates=plan.duplicates,
    )
    bill = bill_section(bill_of(deployment, deployment.deployed(), traffic))
    return Page(
        title=f"Demo, {datetime.now(UTC):%Y-%m-%d %H:%M}",
        text=f"Of {deployment.pipeline} on an embedded AWS on one machine, with generated events. All times are UTC.",
        tiles=[*_tiles(report, ages), *centre.tiles],
        sections=[
            _sent(plan, report),
            _landed(report),
            *([_freshness(ages, speed)] if ages else []),
            _objects(report),
            *_masking(report),
            *centre.sections,
            replace(
                bill,
                text=f"{bill.text} At so few events most of it is what any load costs.",
            ),
        ],
    )


def _contact_centre(deployment: Deployment, day: date, wait: float) -> Page:
    """Bring the tables up to date, and return the page of the day's figures; of none where there are no tables."""
    deployed = deployment.deployed()
    if _TABLES not in deployed.outputs:
        return Page(
            title="",
            text="",
            sections=[Section(title="What is missing", points=["The app has no tables to read figures of."])],
        )
    deployment.take_names(wait=True)
    wait_until_settled(deployment, wait)
    Tables(deployment, deployed.output(_TABLES)).refresh(day, datetime.now(UTC).date())
    figures = read_figures(LakeQuery.of(deployment, deployed).ask, day, day)
    return contact_centre_page(figures, deployed.path, datetime.now(UTC))


def _tiles(report: Report, ages: Sequence[tuple[datetime, datetime]]) -> Iterator[Tile]:
    tally, verdict = report.tally, report.verdict
    yield Tile("Sent", f"{tally.sent:,}", f"{tally.accepted:,} accepted, {tally.refused:,} refused")
    yield Tile("Landed", f"{verdict.landed:,}", f"of {len(report.events):,} different events")
    yield Tile("Lost", f"{verdict.lost:,}", "accepted, and not in clean/")
    yield Tile("Doubled", f"{verdict.doubled:,}", "more than once in clean/")
    yield Tile("Leaked", f"{verdict.leaked:,}", "personal values in clean/")
    if ages:
        yield Tile("Freshness", f"{median(_seconds(age) for age in ages):.1f} s", "median, to clean/")


def _sent(plan: Traffic, report: Report) -> Section:
    tally = report.tally
    forged = round(plan.events * plan.forged)
    kinds = Counter(event.family.removeprefix("story ") for event in report.events)
    figures = {
        "Different events": len(report.events),
        "Copies of them": tally.sent - len(report.events) - forged,
        "Forgeries, signed with another key": forged,
        "All": tally.sent,
        "Accepted": tally.accepted,
        "Refused": tally.refused,
        "Without an answer": tally.unanswered,
    }
    return Section(
        title="What was sent",
        text=f"By signed requests of {plan.batch:,} event{'s' if plan.batch > 1 else ''} each. "
        f"The same seed, {plan.seed}, gives the same events.",
        tables=[
            Table(["", "Events"], [[name, f"{number:,}"] for name, number in figures.items()]),
            Table(["Kind of event", "Events", ""], _counted(kinds)),
        ],
    )


def _landed(report: Report) -> Section:
    verdict = report.verdict
    figures = {
        "Different events in clean/": verdict.landed,
        "Accepted, and not in clean/": verdict.lost,
        "Accepted, and not in raw/": verdict.unarchived,
        "More than once in clean/": verdict.doubled,
        "In clean/ without having been accepted": verdict.intruders,
        "Personal values that can be read in clean/": verdict.leaked,
    }
    days: Counter[str] = Counter()
    types: Counter[str] = Counter()
    for partition, records in verdict.partitions.items():
        kind, _, day = partition.partition("/")
        types[_value(kind)] += records
        days[_value(day)] += records
    return Section(
        title="Where it landed",
        text=f"In {len(verdict.partitions):,} partitions of clean/, by type and by the event's own day.",
        tables=[
            Table(["", "Events"], [[name, f"{number:,}"] for name, number in figures.items()]),
            Table(["Day", "Records", ""], _counted(days)),
            Table(["Type", "Records", ""], _counted(types)),
        ],
    )


def _freshness(ages: Sequence[tuple[datetime, datetime]], speed: float) -> Section:
    begin = ages[0][0]
    received = [((moment - begin).total_seconds(), number) for number, (moment, _) in enumerate(ages, 1)]
    landings = sorted(landed for _, landed in ages)
    landed = [(max((moment - begin).total_seconds(), 0), number) for number, moment in enumerate(landings, 1)]
    longest: dict[int, float] = {}
    for age in ages:
        second = int((age[0] - begin).total_seconds())
        longest[second] = max(longest.get(second, 0), _seconds(age))
    seconds = sorted(map(_seconds, ages))
    figures = {"Shortest": seconds[0], "Median": median(seconds), "Longest": seconds[-1]}
    return Section(
        title="Freshness",
        text=f"From an event's receipt to the object in clean/ that has it. Firehose's buffers run {speed:g} times "
        "faster here than on AWS, where by default it takes up to 110 s and the work itself.",
        charts=[
            over_seconds("Events received, and landed in clean/", {"received": received, "landed": landed}),
            over_seconds(
                "Longest way to clean/, by second of receipt, in seconds", {"longest": sorted(longest.items())}
            ),
        ],
        tables=[Table(["", "Seconds"], [[name, f"{value:.1f}"] for name, value in figures.items()])],
    )


def _objects(report: Report) -> Section:
    layers = {"raw/": report.raw, "clean/": report.clean}
    return Section(
        title="Objects and their sizes",
        text="In kilobytes, as stored, which is GZIP. Each partition of clean/ has objects of its own; raw/ has copies "
        "too, but for those that the ingest function had just seen.",
        tables=[
            Table(
                ["Where", "Records", "Objects", "Least", "Median", "Most", "All"],
                [[name, *_sizes(lake)] for name, lake in layers.items() if lake.stored],
            )
        ],
    )


def _sizes(lake: Lake) -> list[str]:
    sizes = sorted(stored.size for stored in lake.stored.values())
    records = sum(map(len, lake.objects.values()))
    kilobytes = (sizes[0], median(sizes), sizes[-1], sum(sizes))
    return [f"{records:,}", f"{len(sizes):,}", *(f"{size / 1000:,.1f}" for size in kilobytes)]


def _masking(report: Report) -> Iterator[Section]:
    """Yield one section with an event of each example kind, where there is one."""
    records = {marker: line for line in report.clean.lines() for marker in find_markers(line)}
    tables = []
    for kind in _EXAMPLES:
        sent = next((event for event in report.events if event.family == kind and event.marker in records), None)
        if sent is not None:
            tables.append(_before_and_after(sent, json.loads(records[sent.marker])["event"]))
    if tables:
        yield Section(
            title="Masking, before and after",
            text="Fields of generated events that clean/ has otherwise. Nobody has these names and numbers. Who is "
            "recognised by a token is the same person in every event. raw/ keeps the event as sent, for few readers.",
            tables=tables,
        )


def _before_and_after(sent: GeneratedEvent, masked: Any) -> Table:
    before, after = dict(_fields(sent.body)), dict(_fields(masked))
    changed = [
        [field, value, after.get(field, _LEFT_OUT)] for field, value in before.items() if after.get(field) != value
    ]
    same = f"{len(before) - len(changed)} others"
    return Table([f"Field of “{sent.family}”", "As sent", "In clean/"], [*changed, [same, "", "as sent"]], is_text=True)


def _fields(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path and the text of every value that has no values inside."""
    inside: Mapping[str, Any] = {}
    if isinstance(value, dict):
        inside = {f"{path}.{name}" if path else name: each for name, each in value.items()}
    elif isinstance(value, list):
        inside = {f"{path}[{place}]": each for place, each in enumerate(value)}
    if not inside:
        yield path, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    for name, each in inside.items():
        yield from _fields(each, name)


def _ages(lake: Lake) -> Iterator[tuple[datetime, datetime]]:
    """Yield of each record when it was received and when the object that has it was stored."""
    for key, lines in lake.objects.items():
        for line in lines:
            yield datetime.fromisoformat(json.loads(line)["received_at"]), lake.stored[key].at


def _seconds(age: tuple[datetime, datetime]) -> float:
    received, landed = age
    return max((landed - received).total_seconds(), 0)


def _counted(counts: Counter[str]) -> list[list[str | Bar]]:
    """Return a row with a bar for each, the most first; the smallest stand together."""
    shown = counts.most_common(_MOST_ROWS)
    rows: list[list[str | Bar]] = [[name, f"{count:,}", Bar([count / shown[0][1]])] for name, count in shown]
    if others := counts.total() - sum(count for _, count in shown):
        rows.append([f"{len(counts) - _MOST_ROWS} others", f"{others:,}", ""])
    return rows


def _folders(key: str) -> list[str]:
    # clean/event_type=call/date=2026-11-23/...
    return key.split("/")[1:3]


def _value(folder: str) -> str:
    return folder.partition("=")[2]
