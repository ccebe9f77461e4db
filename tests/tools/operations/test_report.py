"""The page of figures, against the books that a contact centre kept of the same days."""

import random
import re
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from typer.testing import CliRunner

from genesys_firehose_tools.cli import app
from genesys_firehose_tools.operations.cost import Traffic, estimate
from genesys_firehose_tools.operations.deployed_design import DEFAULT_DESIGN
from genesys_firehose_tools.operations.lake_query import Answer
from genesys_firehose_tools.operations.prices import read_prices
from genesys_firehose_tools.operations.report.bill import bill_section
from genesys_firehose_tools.operations.report.contact_centre import MOST_QUEUES, contact_centre_page
from genesys_firehose_tools.operations.report.figures import MOST_WRAP_UPS, Figures, read_figures
from genesys_firehose_tools.operations.report.page import UNKNOWN, render
from genesys_firehose_tools.operations.report.page import Page as WholePage
from tests.library.lake.tables.contact_centre import ContactCentre, midnight
from tests.library.lake.tables.duckdb_lake import DAY, Tables
from tests.library.lake.tables.test_oracle import lines_of, names_of

START, DAYS = "2026-11-20", 3
FULL = date(2026, 11, 21)
NOW = datetime(2026, 12, 1, tzinfo=UTC)
HOSTILE = '</td><script src="https://evil.example">alert("1")</script>'


class Page(HTMLParser):
    """A page as one reads it: the texts of the cells of each section, and all tags with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.sections: dict[str, list[list[str]]] = {"": []}
        self.points: list[str] = []
        self.tiles: dict[str, str] = {}
        self._rows = self.sections[""]
        self._inside: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside.append(tag)
        if tag == "tr":
            self._rows.append([])
        if tag == "td":
            self._rows[-1].append("")
        if tag == "li":
            self.points.append("")

    def handle_endtag(self, tag: str) -> None:
        while self._inside and self._inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        inside = self._inside[-1] if self._inside else ""
        if inside == "h2":
            self._rows = self.sections.setdefault(data, [])
        elif inside == "td":
            self._rows[-1][-1] += data
        elif inside == "li":
            self.points[-1] += data
        elif inside == "div" and data.strip():
            self._tile = data.strip()
        elif inside == "b":
            self.tiles[self._tile] = data

    def rows(self, section: str) -> dict[str, list[str]]:
        [found] = [rows for title, rows in self.sections.items() if title.startswith(section)]
        return {row[0]: row[1:] for row in found if row}


def asking(tables: Tables) -> Callable[[str], Answer]:
    """Ask as Athena is asked, whose values are texts."""

    def ask(statement: str) -> Answer:
        result = tables.connection.execute(statement)
        columns = [column[0] for column in result.description]
        rows = [[None if value is None else str(value) for value in row] for row in result.fetchall()]
        return Answer(columns=columns, types=[], rows=rows, scanned=0, seconds=0)

    return ask


def figures_of(tables: Tables, first: date, last: date | None = None) -> Figures:
    return read_figures(asking(tables), first, last or first)


def page_of(tables: Tables, first: date, last: date | None = None, now: datetime = NOW) -> Page:
    return Page(render(contact_centre_page(figures_of(tables, first, last), "Events", now)))


@pytest.fixture(scope="module")
def centre() -> ContactCentre:
    centre = ContactCentre(seed=5, start=midnight(START), days=DAYS)
    centre.converse(900)
    centre.work()
    return centre


@pytest.fixture(scope="module")
def tables(centre: ContactCentre) -> Tables:
    chance = random.Random(1)  # noqa: S311 - repeatable, not secret
    return filled([line for event in centre.events for line in lines_of(event, 1, chance)] + names_of(centre))


def filled(lines: list[tuple[str, str, str]], first: date = date(2026, 11, 20), last: date = DAY) -> Tables:
    tables = Tables()
    tables.create_views()
    tables.add_lines(lines)
    tables.merge(first, last)
    return tables


@pytest.fixture(scope="module")
def page(tables: Tables) -> Page:
    return page_of(tables, FULL)


@pytest.fixture(scope="module")
def books(centre: ContactCentre) -> dict[tuple[str, str], Counter[str]]:
    """What was noted of the day, by queue and medium."""
    books: dict[tuple[str, str], Counter[str]] = {}
    for (moment, queue, medium), counts in centre.books.queues.items():
        if moment.date() == FULL:
            books.setdefault((centre.queues[queue], medium), Counter()).update(counts)
    return books


def total(books: dict[Any, Counter[str]]) -> Counter[str]:
    return sum(books.values(), Counter())


def average(milliseconds: int, number: int) -> str:
    return "{}:{:02}".format(*divmod(round(milliseconds / number / 1000), 60))


def volumes(counts: Counter[str]) -> list[str]:
    names = ("offered", "answered", "flow_outs", "abandoned", "short_abandoned")
    return [*(str(counts[name]) for name in names), f"{counts['abandoned'] / counts['offered']:.1%}"]


def service_level(counts: Counter[str]) -> str:
    return f"{(counts['answered'] - counts['over_target']) / (counts['answered'] + counts['abandoned']):.1%}"


def test_the_volume_of_each_medium_is_as_in_the_books(page: Page, books: dict[tuple[str, str], Counter[str]]) -> None:
    media: dict[str, Counter[str]] = {}
    for (_, medium), counts in books.items():
        media.setdefault(medium.capitalize(), Counter()).update(counts)
    noted = {medium: volumes(counts) for medium, counts in media.items()}
    assert page.rows("Volume") == {**noted, "All": volumes(total(books))}


def test_service_level_and_abandon_rate_of_each_queue_are_as_in_the_books(
    page: Page, books: dict[tuple[str, str], Counter[str]]
) -> None:
    assert page.rows("Service level") == {
        f"{queue}, {medium.lower()}": [
            str(counts["offered"]),
            f"{counts['abandoned'] / counts['offered']:.1%}",
            average(counts["answered_wait_ms"], counts["answered"]),
            service_level(counts),
        ]
        for (queue, medium), counts in books.items()
    }


def test_the_handle_time_of_each_queue_is_as_in_the_books(
    page: Page, books: dict[tuple[str, str], Counter[str]]
) -> None:
    assert page.rows("Handle time") == {
        f"{queue}, {medium.lower()}": [
            str(counts["handled"]),
            *(
                average(counts[part], counts["handled"])
                for part in ("talk_ms", "held_ms", "after_call_ms", "handled_ms")
            ),
            "",
        ]
        for (queue, medium), counts in books.items()
    }


def test_occupancy_is_that_of_all_agents_in_the_books_and_no_agent_is_named(page: Page, centre: ContactCentre) -> None:
    noted = total({key: counts for key, counts in centre.books.agents.items() if key[0].date() == FULL})
    names = {"Interacting": "interacting_ms", "Communicating": "communicating_ms", "Idle": "idle_ms"}
    time = [noted[name] for name in names.values()]
    names["Not responding"] = "not_responding_ms"
    assert page.rows("Occupancy") == {name: [f"{noted[column] / 3_600_000:.1f}"] for name, column in names.items()}
    assert page.tiles["Occupancy"] == f"{time[0] / sum(time):.1%}"
    for agent in (*centre.users, *centre.users.values()):
        assert agent not in page.html


def test_the_figures_at_the_top_are_as_in_the_books(page: Page, books: dict[tuple[str, str], Counter[str]]) -> None:
    noted = total(books)
    assert {**page.tiles, "Occupancy": ""} == {
        "Offered": str(noted["offered"]),
        "Answered": str(noted["answered"]),
        "Abandon rate": f"{noted['abandoned'] / noted['offered']:.1%}",
        "Service level": service_level(noted),
        "Handle time": average(noted["handled_ms"], noted["handled"]),
        "Occupancy": "",
    }


def test_wrap_ups_are_as_in_the_tables_with_their_share(page: Page, tables: Tables) -> None:
    counts = dict(tables.rows(f"SELECT code_name, count(*) FROM wrap_ups WHERE day = DATE '{FULL}' GROUP BY 1"))  # noqa: S608
    assert page.rows("Top wrap-ups") == {
        name: [str(count), f"{count / sum(counts.values()):.1%}", ""] for name, count in counts.items()
    }


def test_athena_knows_every_statement(tables: Tables) -> None:
    asked: list[str] = []

    def ask(statement: str) -> Answer:
        asked.append(statement)
        return asking(tables)(statement)

    read_figures(ask, FULL, FULL)
    assert len(asked) == 6
    for statement in asked:
        assert sqlglot.parse_one(statement, dialect="athena").find(sqlglot.exp.Select)


def test_several_days_are_the_sum_of_their_days(tables: Tables, centre: ContactCentre) -> None:
    days = page_of(tables, date(2026, 11, 20), date(2026, 11, 23))
    assert days.tiles["Offered"] == str(total(centre.books.queues)["offered"])


def test_nothing_is_said_to_be_missing_of_a_whole_day(page: Page) -> None:
    assert page.points == []


def test_an_empty_day_says_what_is_missing_and_makes_up_no_figure(tables: Tables) -> None:
    empty = page_of(tables, date(2026, 11, 1))
    assert empty.points[0] == "No events: 2026-11-01."
    assert {empty.tiles[name] for name in ("Abandon rate", "Service level", "Handle time", "Occupancy")} == {UNKNOWN}
    assert [title for title in empty.sections if title] == ["What is missing"]


def test_a_day_that_is_not_over_says_up_to_when_events_came(tables: Tables) -> None:
    [point] = page_of(tables, FULL, now=datetime(2026, 11, 21, 23, 59, tzinfo=UTC)).points
    assert re.fullmatch(r"2026-11-21 is not over: the newest event arrived 2026-11-2\d \d\d:\d\d\.", point)


def acd_lines(queue: str, medium: str = "VOICE", *, ends: bool = True, code: str | None = None) -> list[dict[str, Any]]:
    """The events of one answered wait of a second."""
    common = {"mediaType": medium, "conversationId": f"c-{queue}-{medium}", "queueId": queue}
    begin = round(datetime(2026, 11, 23, 10, tzinfo=UTC).timestamp() * 1000)
    events = [("acd.start", {"eventTime": begin, "sessionId": f"w-{queue}-{medium}"})]
    if ends:
        end = {"acdOutcome": "ANSWERED", "connectedDurationMs": 1000, "sessionId": f"w-{queue}-{medium}"}
        events.append(("acd.end", {"eventTime": begin + 1000, **end}))
    if code is not None:
        agent = {"sessionId": f"a-{queue}-{medium}", "userId": "u", "wrapupCode": code, "wrapupDurationMs": 5}
        events.append(("acw", {"eventTime": begin + 9000, **agent}))
    return [
        {"topic": f"v2.detail.events.conversation.c.{kind}", "event": {"eventBody": {**common, **body}}}
        for kind, body in events
    ]


def told(*records: dict[str, Any]) -> Tables:
    tables = Tables()
    tables.create_views()
    for record in records:
        tables.add(**record)
    tables.merge()
    return tables


def test_what_has_no_name_target_or_end_is_said_to_be_missing() -> None:
    page = page_of(told(*acd_lines("q-1", code="x-1"), *acd_lines("q-2", ends=False)), DAY)
    assert "Names of 2 queues; their ids stand instead." in page.points
    assert "Names of 1 wrap-up code of those below; the codes stand instead." in page.points
    assert "The target of 1 answered or abandoned wait: they count to no service level." in page.points
    assert "No routing status of an agent that has ended: occupancy can not be told." in page.points
    assert "The end of 1 wait: offered, and neither answered nor abandoned so far." in page.points
    assert page.rows("Service level")["q-1, voice"] == ["1", "0.0%", "0:01", UNKNOWN]
    assert page.tiles["Service level"] == UNKNOWN
    assert page.html.count(">not known<") == 1  # the chart of the service level


def test_more_queues_media_and_codes_than_the_page_shows_are_summed() -> None:
    queues = [acd_lines(f"q-{n:02}", f"MEDIUM {n:02}", code=f"code {n:02}") for n in range(MOST_QUEUES + 3)]
    page = page_of(told(*(record for records in queues for record in records)), DAY)
    assert len(page.rows("Service level")) == MOST_QUEUES + 1
    assert page.rows("Service level")["3 others"][0] == "3"
    codes = page.rows("Top wrap-ups")
    assert len(codes) == MOST_WRAP_UPS + 1
    assert sum(int(row[0]) for row in codes.values()) == MOST_QUEUES + 3
    assert page.tiles["Offered"] == str(MOST_QUEUES + 3)


@pytest.fixture(scope="module")
def harmless() -> Page:
    return page_of(told(*acd_lines("q", "VOICE", code="x")), DAY)


@pytest.mark.parametrize("value", [HOSTILE, "$\\frac{", "a\x0bb\u202ec", "通話 📞", "&lt;b&gt;"])
def test_whatever_a_sender_writes_is_text(value: str, harmless: Page) -> None:
    page = page_of(told(*acd_lines(value, value, code=value)), DAY)
    shown = re.sub("[\x0b\u202e]", "\N{REPLACEMENT CHARACTER}", value)
    assert list(page.rows("Top wrap-ups")) == [shown]
    assert list(page.rows("Service level")) == [f"{shown}, {shown.lower()}"]
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in harmless.tags]


def test_the_page_refers_to_nothing_outside_and_runs_nothing(page: Page) -> None:
    assert not re.search(r"https?:|//\w|@import|<script|javascript:|<link|<iframe", page.html)
    references = [value for _, attributes in page.tags for name, value in attributes.items() if name in ("src", "href")]
    assert all((value or "").startswith("#") for value in references)
    assert all(reference.startswith("url(#") for reference in re.findall(r"url\([^)]*", page.html))
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]


def test_every_chart_says_what_it_shows_to_who_cannot_see_it(page: Page) -> None:
    charts = [attributes for tag, attributes in page.tags if tag == "svg"]
    assert len({chart["aria-label"] for chart in charts}) == len(charts) == 6


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "2026-11-22", "--to", "2026-11-21"], "The last day, 2026-11-21, is before the first, 2026-11-22."),
        (
            ["--from", "2026-11-01", "--to", "2026-11-08"],
            "2026-11-01 to 2026-11-08 are 8 days; a report has 7 at most.",
        ),
    ],
)
def test_days_that_make_no_report_are_refused_before_anything_is_asked(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(app, ["report", *arguments])
    assert (result.exit_code, " ".join(result.stderr.split())) == (1, f"Error: {said}")


@pytest.mark.parametrize("arguments", [["--from", "2026-11-01"], ["--day", "2026-11-01", "--to", "2026-11-02"]])
def test_half_a_range_is_refused(arguments: list[str]) -> None:
    assert CliRunner().invoke(app, ["report", *arguments]).exit_code == 2


@pytest.mark.parametrize("arguments", [["report", "--output"], ["demo", "--report"]])
def test_a_missing_library_is_named_with_its_extra_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str]
) -> None:
    package = "genesys_firehose_tools.operations.report"
    for module in (f"{package}.contact_centre", f"{package}.charts", "genesys_firehose_tools.local.demo_page"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = CliRunner().invoke(app, [*arguments, str(tmp_path / "report.html")])
    assert result.exit_code == 1
    assert " ".join(result.stderr.split()) == (
        "Error: matplotlib is missing: install the package with its extra, genesys-firehose-cdk[report]."
    )


def test_the_bill_is_a_section_that_adds_up_with_the_tables_on_a_line_of_their_own() -> None:
    bill = estimate(DEFAULT_DESIGN, Traffic(events_per_day=1_000_000), read_prices())
    page = Page(render(WholePage(title="The bill", text="", sections=[bill_section(bill)])))
    _, *services, everything, tables = page.sections["What it costs"]
    assert [row[0] for row in services][:2] == ["API Gateway", "S3"]
    # Each is rounded to a cent.
    assert sum(float(row[1].replace(",", "")) for row in services) == pytest.approx(bill.dollars, abs=0.07)
    assert everything[:3] == ["All", "169.85", "5.66"]
    assert tables[:3] == ["of which the analysts' tables", "17.14", "0.57"]
