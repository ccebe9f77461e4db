"""What a merge makes of copies, late events, versions and lines that are none; in whatever order they come."""

import itertools
import json
import random
from datetime import date, timedelta
from typing import Any

import pytest

from genesys_firehose_cdk.lake.lake_catalog import saved_queries
from genesys_firehose_cdk.lake.tables.model import EVENTS, SESSIONS, TABLES, Table
from genesys_firehose_cdk.lake.tables.statements import add_column
from tests.library.lake.tables.duckdb_lake import DAY, Tables

LATER = f"{DAY}T11:00:00.000Z"
PREFERENCES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "the copy of the bus": (
        {"ingress": "eventbridge", "transform_version": "0001.0009", "deduplicated": False, "received_at": LATER},
        {"transform_version": "0001.0010"},
    ),
    "then the newest version of the transform": (
        {"transform_version": "0001.0010", "deduplicated": False, "received_at": LATER},
        {"transform_version": "0001.0009"},
    ),
    "then the copy that was checked": ({"received_at": LATER}, {"deduplicated": False}),
    "then the copy that was received first": ({"ingest_id": "f" * 32}, {"received_at": LATER, "ingest_id": "0" * 32}),
    "then the lower id": ({"ingest_id": "a" * 32}, {"ingest_id": "b" * 32}),
}


@pytest.fixture
def tables() -> Tables:
    return Tables()


def detail(kind: str, conversation: str = "c-1", session: str | None = "s-1", **body: Any) -> dict[str, Any]:
    body = {"conversationId": conversation, "sessionId": session, "mediaType": "VOICE", **body}
    return {"topic": f"v2.detail.events.conversation.{conversation}.{kind}", "event": {"eventBody": body}}


@pytest.mark.parametrize("preference", PREFERENCES)
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("one_after_the_other", [False, True])
def test_of_copies_the_table_prefers(
    tables: Tables, preference: str, backwards: bool, one_after_the_other: bool
) -> None:
    better, worse = PREFERENCES[preference]
    copies = [{**better, "topic": "better"}, {**worse, "topic": "worse"}]
    for copy in reversed(copies) if backwards else copies:
        tables.add(dedup_key="k", **copy)
        if one_after_the_other:
            tables.merge(tables=[EVENTS])
    tables.merge(tables=[EVENTS])
    assert tables.rows("SELECT topic FROM events") == [("better",)]


def test_a_row_stays_when_its_object_has_expired(tables: Tables) -> None:
    tables.add(dedup_key="k", ingress="eventbridge", topic="better")
    tables.merge()
    tables.rows("DELETE FROM clean")
    tables.add(dedup_key="k", topic="worse")
    tables.merge()
    assert tables.rows("SELECT topic FROM events") == [("better",)]


@pytest.mark.parametrize("merged_between", [False, True])
def test_after_a_change_of_the_key_an_event_is_there_once_under_its_new_identity(
    tables: Tables, merged_between: bool
) -> None:
    tables.add(dedup_key="old", ingest_id="a", conflict=True)
    if merged_between:
        tables.merge()
    for name in "ab":
        tables.add(dedup_key="new", ingest_id=name, transform_version="0002.0001", deduplicated=False)
    tables.merge()
    assert tables.rows("SELECT dedup_key, ingest_id, conflict FROM events") == [("new", "a", True)]


def copies_of(seed: int) -> list[dict[str, Any]]:
    """Records of few events and received copies, so that all meet: versions, marks, ways in."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    copies = [(ingest_id, chance.choice("xyz"), chance.sample("123", chance.randrange(1, 4))) for ingest_id in "abcdef"]
    return [
        {
            "ingest_id": ingest_id,
            # As after a change of the tokenization key.
            "dedup_key": event if version < "3" else event.upper(),
            "transform_version": version,
            "ingress": chance.choice(["webhook", "eventbridge"]),
            "received_at": f"{DAY}T10:00:0{chance.randrange(3)}.000Z",
            "topic": f"{ingest_id}{version}",
            **chance.choice([{}, {}, {"deduplicated": False}, {"conflict": True}, {"repeated": True}]),
        }
        for ingest_id, event, versions in copies
        for version in versions
    ]


@pytest.mark.parametrize("seed", range(6))
def test_in_any_order_the_table_is_what_the_view_shows(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    records = copies_of(seed)
    columns = "dedup_key, ingest_id, topic, transform_version, deduplicated, conflict, repeated, event"
    contents = set()
    for _ in range(2):
        tables = Tables()
        for record in chance.sample(records, len(records)):
            tables.add(**record)
            if chance.random() < 0.2:
                tables.merge(tables=[EVENTS])
        tables.merge(tables=[EVENTS])
        # The view needs another name here than the table's.
        view = saved_queries()["create_view"].replace("VIEW events AS", "VIEW shown AS")
        tables.rows(view)
        found = tables.rows(f"SELECT {columns} FROM events ORDER BY 1")  # noqa: S608
        assert found == tables.rows(f"SELECT {columns} FROM shown ORDER BY 1")  # noqa: S608
        contents.add(str(found))
    assert len(contents) == 1


def test_other_content_under_an_id_is_another_row(tables: Tables) -> None:
    tables.add(dedup_key="k-1", event={"messageId": "1", "level": 1})
    tables.add(dedup_key="k-2", event={"messageId": "1", "level": 2}, conflict=True)
    tables.merge()
    assert tables.rows("SELECT dedup_key, conflict FROM events ORDER BY 1") == [("k-1", False), ("k-2", True)]


def test_lines_that_are_no_records_are_left_out(tables: Tables) -> None:
    lines = ("", "no JSON", "{", "[]", "1", "null", '{"dedup_key": null}', '{"dedup_key": "k"}', "\ufeff{}", "\x00")
    tables.add_lines((line, "call", str(DAY)) for line in lines)
    tables.add()
    tables.merge()
    assert tables.rows("SELECT count(*) FROM events") == [(1,)]


def test_marked_events_of_the_verification_are_left_out(tables: Tables) -> None:
    tables.add("verification", ingress="verification")
    tables.merge()
    assert tables.rows("SELECT count(*) FROM events") == [(0,)]


def test_a_field_whose_type_changed_is_null_and_the_row_is_there(tables: Tables) -> None:
    tables.add(**detail("user.end", heldDurationMs={"ms": 7}, interactingDurationMs=[1], userId=["u"]))
    tables.merge()
    assert tables.rows("SELECT held_ms, interacting_ms, user_id FROM events") == [(None, None, None)]
    assert tables.rows("SELECT held_ms, talk_ms FROM sessions") == [(0, 0)]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_conversation_over_midnight_is_one_row_on_its_first_day(tables: Tables, order: tuple[int, ...]) -> None:
    before, after = DAY, DAY + timedelta(days=1)
    events = [
        (before, detail("user.start", event_time=None)),
        (after, {**detail("user.end", interactingDurationMs=60_000), "event_time": f"{after}T00:10:00.000Z"}),
        (after, {**detail("acw", wrapupDurationMs=5_000), "event_time": f"{after}T00:11:00.000Z"}),
    ]
    for number in order:
        day, event = events[number]
        tables.add(day=day, **event)
        tables.merge(day, tables=TABLES[:3])
    assert tables.rows("SELECT day, handled_ms, events FROM sessions") == [(before, 65_000, 3)]
    assert tables.rows("SELECT day, handled_ms, sessions FROM conversations") == [(before, 65_000, 1)]


def days_of_a_session(*offsets: int) -> list[tuple[date, int]]:
    """The rows that events on these days make, one minute of talk each."""
    tables = Tables()
    for offset in offsets:
        day = DAY + timedelta(days=offset)
        tables.add(day=day, **detail("user.end", interactingDurationMs=60_000))
        tables.merge(day, tables=[EVENTS, SESSIONS])
    rows = tables.rows("SELECT day, talk_ms FROM sessions ORDER BY 1")
    whole = Tables()
    for offset in offsets:
        whole.add(day=DAY + timedelta(days=offset), **detail("user.end", interactingDurationMs=60_000))
    whole.merge(DAY, DAY + timedelta(days=max(offsets)), tables=[EVENTS, SESSIONS])
    assert whole.rows("SELECT day, talk_ms FROM sessions ORDER BY 1") == rows
    return [((day - DAY).days, talk // 60_000) for day, talk in rows]


def test_what_is_over_three_days_later_is_another_row_and_nothing_counts_twice() -> None:
    assert days_of_a_session(0, 3) == [(0, 2)]
    assert days_of_a_session(0, 4, 7) == [(0, 1), (4, 2)]
    assert days_of_a_session(4, 2, 0) == [(0, 2), (4, 1)]
    assert days_of_a_session(12, 0, 9, 3, 6) == [(0, 2), (6, 1), (9, 1), (12, 1)]


@pytest.mark.parametrize("seed", range(3))
def test_whatever_days_are_merged_in_whatever_order_the_sessions_are_the_same(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    lines = [
        (DAY + timedelta(days=chance.randrange(14)), detail("user.end", f"c-{chance.randrange(3)}", heldDurationMs=1))
        for _ in range(8)
    ]
    contents = []
    for _ in range(2):
        tables = Tables()
        for number, (day, event) in enumerate(chance.sample(lines, len(lines))):
            tables.add(day=day, **{**event, "dedup_key": f"{lines.index((day, event))}", "ingest_id": f"{day}{number}"})
            tables.merge(day, tables=[EVENTS, SESSIONS])
        assert tables.rows("SELECT sum(events) FROM sessions") == tables.rows("SELECT count(*) FROM events")
        contents.append(tables.rows("SELECT day, conversation_id, held_ms, events FROM sessions ORDER BY ALL"))
    assert contents[0] == contents[1]


def test_a_session_whose_first_event_came_late_moves_to_its_day(tables: Tables) -> None:
    tables.add(day=DAY + timedelta(days=1), **detail("user.end", heldDurationMs=1))
    tables.merge(DAY, DAY + timedelta(days=1))
    tables.add(**detail("user.start"))
    tables.merge(DAY)
    assert tables.rows("SELECT day, events FROM sessions") == [(DAY, 2)]


def test_a_session_whose_events_are_gone_goes(tables: Tables) -> None:
    tables.add(**detail("user.end", "before"), ingest_id="a", dedup_key="old")
    tables.merge()
    tables.add(**detail("user.end", "after"), ingest_id="a", dedup_key="new", transform_version="0002.0001")
    tables.merge()
    assert tables.rows("SELECT conversation_id FROM sessions") == [("after",)]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_dropped_table_is_whole_again_after_a_merge(tables: Tables, table: Table) -> None:
    tables.add(**detail("user.end", heldDurationMs=1))
    tables.add(topic="v2.analytics.conversation.c-1.metrics", event={"eventBody": {"metric": "tHandle", "value": 1}})
    tables.merge()
    before = tables.content()
    tables.rows(f"DELETE FROM {table.name}")  # noqa: S608
    tables.merge()
    assert tables.content() == before


def test_a_column_that_is_added_is_filled_by_the_next_merge(tables: Tables) -> None:
    tables.add(**detail("user.end", heldDurationMs=1))
    tables.merge()
    for table, column in ((EVENTS, "held_ms"), (SESSIONS, "held_ms")):
        tables.rows(f"UPDATE {table.name} SET {column} = NULL")  # noqa: S608
    tables.merge()
    assert tables.rows("SELECT e.held_ms, s.held_ms FROM events e, sessions s") == [(1, 1)]
    assert add_column(EVENTS, "held_ms") == "ALTER TABLE events ADD COLUMNS (held_ms bigint)"


def test_an_empty_day_changes_nothing(tables: Tables) -> None:
    tables.add(**detail("user.end", heldDurationMs=1))
    tables.merge()
    assert tables.merge(DAY + timedelta(days=20)) == 0
    assert tables.rows("SELECT count(*) FROM sessions") == [(1,)]


def test_of_a_sessions_wrap_ups_the_newest_counts_and_one_of_acw_only_without_them(tables: Tables) -> None:
    for second, (kind, session, code) in enumerate(
        [("wrapup", "s-1", "earlier"), ("wrapup", "s-1", "later"), ("acw", "s-1", "of acw"), ("acw", "s-2", "of acw")]
    ):
        tables.add(**detail(kind, session=session, wrapupCode=code), event_time=f"{DAY}T10:00:0{second}.000Z")
    tables.add("disposition", event={"dispositionCode": "RESOLVED", "conversationId": "c-9"})
    tables.add("disposition", event={"dispositionCode": None})
    tables.merge()
    tables.create_views()
    assert tables.rows("SELECT code, count(*) FROM wrap_ups GROUP BY 1 ORDER BY 1") == [
        ("RESOLVED", 1),
        ("later", 1),
        ("of acw", 1),
    ]


def test_genesys_own_metrics_are_rows(tables: Tables) -> None:
    body = {"metric": "tHandle", "value": 65_000, "conversationId": "c-1", "purpose": "agent", "mediaType": "voice"}
    tables.add("analytics", topic="v2.analytics.conversation.c-1.metrics", event={"eventBody": body})
    tables.add("analytics", topic="v2.analytics.conversation.c-1.metrics", event={"eventBody": {**body, "value": "x"}})
    tables.merge()
    assert tables.rows("SELECT metric, value, media_type, purpose FROM metrics ORDER BY 2") == [
        ("tHandle", 65_000.0, "VOICE", "agent"),
        ("tHandle", None, "VOICE", "agent"),
    ]


def test_the_event_is_there_as_it_was_masked(tables: Tables) -> None:
    tables.add(event={"a": {"b": [1, "x"]}}, schema_drift=["a"])
    tables.merge()
    [(event, drift)] = tables.rows("SELECT event, schema_drift FROM events")
    assert (json.loads(event), json.loads(drift)) == ({"a": {"b": [1, "x"]}}, ["a"])
