"""Every figure of the tables, against the books that a contact centre kept of the same conversations.

The events come as they do: each up to three times, in any order, in several batches, over days that end in the middle of
conversations. The tables are merged after each batch.
"""

import hashlib
import json
import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from genesys_firehose_cdk.lake.lake_catalog import description_of, saved_queries
from tests.library.lake.tables.contact_centre import ContactCentre, Event, midnight
from tests.library.lake.tables.duckdb_lake import Tables, iso, record

START, DAYS = "2026-11-20", 4
CONVERSATIONS = 2_000
FIRST, LAST = date.fromisoformat(START), date.fromisoformat(START) + timedelta(days=DAYS + 1)
Line = tuple[str, str, str]


@pytest.fixture(scope="module")
def centre() -> ContactCentre:
    centre = ContactCentre(seed=8, start=midnight(START), days=DAYS)
    centre.converse(CONVERSATIONS)
    centre.work()
    return centre


def lines_of(event: Event, copies: int, chance: random.Random) -> list[Line]:
    """The lines of an event's copies."""
    content = {"topicName": event.topic, "eventBody": event.body}
    key = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    lines = []
    for _ in range(copies):
        arrived = event.moment + timedelta(seconds=chance.randrange(300))
        copy = record(
            chance.getrandbits(128),
            dedup_key=key,
            event_type=event.event_type,
            event_time=iso(event.moment),
            topic=event.topic,
            ingress=chance.choice(["webhook", "eventbridge"]),
            received_at=iso(arrived),
            event=content,
        )
        lines.append((json.dumps(copy), event.event_type, f"{event.moment:%Y-%m-%d}"))
    return lines


def names_of(centre: ContactCentre) -> list[Line]:
    return [
        (
            json.dumps(record(number, ingress="names", event_type="names", event_time=None, event=name)),
            "names",
            START,
        )
        for number, name in enumerate(centre.names())
    ]


@pytest.fixture(scope="module")
def batches(centre: ContactCentre) -> list[list[Line]]:
    chance = random.Random(1)  # noqa: S311 - repeatable, not secret
    lines = [line for event in centre.events for line in lines_of(event, chance.choice([1, 1, 1, 2, 3]), chance)]
    lines += names_of(centre)
    chance.shuffle(lines)
    return [lines[::2], lines[1::2]]


@pytest.fixture(scope="module")
def tables(batches: list[list[Line]]) -> Tables:
    tables = Tables()
    tables.create_views()
    for batch in batches:
        tables.add_lines(batch)
        for days in range(0, (LAST - FIRST).days + 1, 2):  # as the hourly runs, two days at a time
            day = FIRST + timedelta(days=days)
            tables.merge(day, day + timedelta(days=1))
    return tables


def as_books(tables: Tables, query: str, keys: int) -> dict[Any, Counter[str]]:
    """The rows of a query by their first columns; what is nought is left out, as a Counter has it."""
    result = tables.connection.execute(query)
    names = [column[0] for column in result.description][keys:]
    rows = {}
    for row in result.fetchall():
        values = {name: int(value) for name, value in zip(names, row[keys:], strict=True) if value}
        if values:
            key = tuple(each.replace(tzinfo=UTC) if isinstance(each, datetime) else each for each in row[:keys])
            rows[key if keys > 1 else key[0]] = Counter(values)
    return rows


def without_noughts(books: dict[Any, Counter[str]]) -> dict[Any, Counter[str]]:
    return {key: +counts for key, counts in books.items() if +counts}


def test_queues_in_half_hours_are_as_in_the_books(tables: Tables, centre: ContactCentre) -> None:
    found = as_books(
        tables,
        "SELECT interval_start, queue_id, media_type, offered, answered, abandoned, short_abandoned, "
        "flow_outs, over_target, answered_wait_ms, abandoned_wait_ms, handled, talk_ms, held_ms, after_call_ms, "
        "handled_ms FROM queue_intervals",
        keys=3,
    )
    noted = without_noughts(dict(centre.books.queues))
    assert found == noted
    figures = sum(map(len, noted.values()))
    print(f"{len(noted)} half hours of queues, {figures} figures of {CONVERSATIONS} conversations agree")


def test_agents_in_half_hours_are_as_in_the_books(tables: Tables, centre: ContactCentre) -> None:
    found = as_books(
        tables,
        "SELECT interval_start, user_id, * EXCLUDE (day, interval_start, user_id, user_name) FROM agent_intervals",
        keys=2,
    )
    noted = without_noughts(dict(centre.books.agents))
    assert found == noted
    print(f"{len(noted)} half hours of agents, {sum(map(len, noted.values()))} figures agree")


def test_conversations_are_as_in_the_books(tables: Tables, centre: ContactCentre) -> None:
    found = as_books(
        tables,
        "SELECT conversation_id, offered, answered, abandoned, flow_outs, handled, waited_ms, talk_ms, held_ms, "
        "after_call_ms, handled_ms FROM conversations",
        keys=1,
    )
    noted = without_noughts(dict(centre.books.conversations))
    assert found == noted
    [(rows,)] = tables.rows("SELECT count(*) FROM conversations")
    assert rows == CONVERSATIONS
    print(f"{rows} conversations, {sum(map(len, noted.values()))} figures agree")


def test_wrap_ups_are_as_in_the_books(tables: Tables, centre: ContactCentre) -> None:
    found = dict(tables.rows("SELECT code_name, count(*) FROM wrap_ups GROUP BY 1"))
    assert found == {centre.codes[code]: count for code, count in centre.books.wrap_ups.items()}


def test_all_at_once_gives_the_same_tables(tables: Tables, batches: list[list[Line]]) -> None:
    rebuilt = Tables()
    for batch in reversed(batches):
        rebuilt.add_lines(batch)
    rebuilt.merge(FIRST, LAST)
    assert rebuilt.content() == tables.content()


def test_a_merge_of_what_is_there_changes_nothing(tables: Tables) -> None:
    assert tables.merge(FIRST, LAST) == 0


def test_names_stand_beside_ids(tables: Tables, centre: ContactCentre) -> None:
    assert dict(tables.rows("SELECT DISTINCT queue_id, queue_name FROM queue_intervals")) == centre.queues
    assert dict(tables.rows("SELECT DISTINCT user_id, user_name FROM agent_intervals")) == centre.users


SAVED = saved_queries(has_tables=True)


def saved(tables: Tables, name: str, today: str = "2026-11-25") -> list[dict[str, Any]]:
    """The rows of a saved query, asked on a day."""
    query = SAVED[name].replace("current_date", f"DATE '{today}'")
    result = tables.connection.execute(query.replace("current_timestamp", f"TIMESTAMPTZ '{today} 12:00:00+00'"))
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def summed(books: dict[Any, Counter[str]], by: Any) -> dict[Any, Counter[str]]:
    """The books' figures, summed by what a function makes of their keys."""
    sums: dict[Any, Counter[str]] = {}
    for key, counts in books.items():
        sums.setdefault(by(key), Counter()).update(counts)
    return sums


def test_abandon_rates_are_as_in_the_books(tables: Tables, centre: ContactCentre) -> None:
    noted = summed(centre.books.queues, lambda key: (key[0].date(), key[1], key[2]))
    rows = saved(tables, "abandon_rate")
    assert len(rows) == len(noted)
    for row in rows:
        counts = noted[row["day"], row["queue_id"], row["media_type"]]
        rate = counts["abandoned"] / counts["offered"] if counts["offered"] else None
        assert (row["offered"], row["abandoned"]) == (counts["offered"], counts["abandoned"])
        assert row["abandon_rate"] == (None if rate is None else pytest.approx(rate))
        assert row["queue_name"] == centre.queues[row["queue_id"]]


def test_service_levels_are_as_in_the_books(tables: Tables, centre: ContactCentre) -> None:
    rows = saved(tables, "service_level")
    for row in rows:
        counts = centre.books.queues[row["interval_start"].replace(tzinfo=UTC), row["queue_id"], row["media_type"]]
        counted = counts["answered"] + counts["abandoned"]
        level = (counts["answered"] - counts["over_target"]) / counted if counted else None
        assert row["service_level"] == (None if level is None else pytest.approx(level))
    assert any(0 < (row["service_level"] or 0) < 1 for row in rows)
    assert min(row["interval_start"] for row in rows).date() == date(2026, 11, 23)


def test_handle_times_of_queues_are_as_in_the_books(tables: Tables, centre: ContactCentre) -> None:
    noted = summed(centre.books.queues, lambda key: key[1:])
    rows = saved(tables, "handle_times_per_queue")
    assert {(row["queue_id"], row["media_type"]): row["average_handle_seconds"] for row in rows} == {
        key: pytest.approx(counts["handled_ms"] / counts["handled"] / 1000)
        for key, counts in noted.items()
        if counts["handled"]
    }


def test_handle_times_of_conversations_are_as_in_the_books(tables: Tables, centre: ContactCentre) -> None:
    rows = saved(tables, "handle_times")
    handled = [counts["handled_ms"] for counts in centre.books.conversations.values() if counts["handled_ms"]]
    assert sum(row["conversations"] for row in rows) == len(handled)
    total = sum(row["conversations"] * row["average_handle_seconds"] for row in rows)
    assert total == pytest.approx(sum(handled) / 1000)


def test_occupancies_are_as_in_the_books(tables: Tables, centre: ContactCentre) -> None:
    noted = summed(centre.books.agents, lambda key: (key[0].date(), key[1]))
    rows = saved(tables, "occupancy")
    assert rows
    for row in rows:
        counts = noted[row["day"], row["user_id"]]
        time = counts["interacting_ms"] + counts["communicating_ms"] + counts["idle_ms"]
        assert row["occupancy"] == pytest.approx(counts["interacting_ms"] / time)


def test_queue_times_are_as_in_the_books(tables: Tables, centre: ContactCentre) -> None:
    rows = saved(tables, "queue_times")
    waited = sum(row["waits"] * row["average_seconds"] for row in rows if row["outcome"] == "ANSWERED")
    noted = sum(counts["answered_wait_ms"] for counts in centre.books.queues.values())
    assert waited == pytest.approx(noted / 1000)
    assert sum(row["waits"] for row in rows) == sum(counts["offered"] for counts in centre.books.queues.values())


def test_saved_wrap_ups_are_as_in_the_books(tables: Tables, centre: ContactCentre) -> None:
    counts: Counter[str] = Counter()
    for row in saved(tables, "wrap_ups"):
        counts[row["code"]] += row["wrap_ups"]
    assert counts == centre.books.wrap_ups


def test_events_are_counted_by_the_hour_they_speak_of(tables: Tables, centre: ContactCentre) -> None:
    hours = Counter((event.event_type, f"{event.moment:%Y-%m-%d %H}") for event in centre.events)
    rows = [row for row in saved(tables, "events_per_hour") if row["event_type"] != "names"]
    assert {(row["event_type"], f"{row['hour_utc']:%Y-%m-%d %H}"): row["events"] for row in rows} == hours


def test_freshness_tells_the_age_of_the_newest(tables: Tables) -> None:
    rows = saved(tables, "freshness")
    assert rows
    for row in rows:
        asked = datetime(2026, 11, 25, 12)
        assert row["seconds_since_newest"] == pytest.approx((asked - row["newest_received_at"]).total_seconds(), abs=1)
        assert 0 <= row["late_by_seconds_p95"] <= 300


@pytest.mark.parametrize("name", sorted(SAVED))
def test_every_saved_query_reads_recent_days_alone_and_says_what_it_answers(tables: Tables, name: str) -> None:
    assert saved(tables, name, today="2026-12-20") == []
    assert description_of(SAVED[name]).endswith(".")
