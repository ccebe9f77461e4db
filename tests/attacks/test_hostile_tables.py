"""A sender writes hostile values into every field that the tables are made of, and wants a merge to fail or to lie.

The fields are taken from the statements themselves: every path that one reads.
"""

import itertools
import json
import math
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from genesys_firehose_cdk.lake.lake_catalog import saved_queries
from genesys_firehose_cdk.lake.tables.model import TABLES, VIEWS
from tests.attacks.test_hostile_values import HOSTILE, put
from tests.library.lake.tables.duckdb_lake import DAY, Rows, Tables, record

_PATH = re.compile(r"json_extract(?:_scalar)?\((\w+), '\$\.([A-Za-z_.]+)(?:\[0\])?'\)")
PREFIXES = {"body": "event.eventBody.", "event": "event.", "line": ""}
# The parts of a details record; only the backfill puts one in, and no sender can (test_forged_backfill.py).
OF_DETAILS = {"details", "participant", "told", "piece"}
DETAILS = (
    *("acd.start", "acd.end", "user.start", "user.end", "acw", "wrapup", "customer.start", "customer.end"),
    *("flow.start", "flow.end", "flow.outcome", "voicemail.start", "voicemail.end", "contact"),
)
TOPICS = (
    None,
    *(f"v2.detail.events.conversation.OWNER.{kind}" for kind in DETAILS),
    "v2.analytics.conversation.OWNER.metrics",
    *(f"v2.users.OWNER.{kind}" for kind in ("presence", "routingStatus", "activity")),
)
# What the pipeline writes, and a sender can't.
ENVELOPE = {"dedup_key", "ingest_id", "transform_version", "event", "event.eventBody", "schema_drift"}
CODES = {"acdOutcome": "ANSWERED", "systemPresence": "ON_QUEUE", "status": "INTERACTING"}
TIMES = {"modifiedDate", "startTime", "snapshotAt"}


def _paths() -> list[str]:
    read = {pair for table in TABLES for pair in _PATH.findall(table.select) if pair[0] not in OF_DETAILS}
    return sorted({f"{PREFIXES[column]}{path}" for column, path in read} - ENVELOPE)


PATHS = _paths()


def records(owner: str) -> Iterator[dict[str, Any]]:
    """An event of each topic, with a believable value in every field that is read."""
    for topic in TOPICS:
        fields: dict[str, Any] = {}
        for path in PATHS:
            name = path.rpartition(".")[2]
            value: Any = f"{owner} {name}"
            if name.endswith(("Ms", "value", "total")):
                value = 60_000
            elif name in TIMES:
                value = f"{DAY}T09:00:00.000Z"
            else:
                value = CODES.get(name, value)
            put(fields, path, value)
        # Waits, agents and customers have sessions of their own.
        part = (topic or "").removeprefix("v2.detail.events.conversation.OWNER.").partition(".")[0]
        put(fields, "event.eventBody.sessionId", f"{owner} {part}")
        fields.update(topic=topic and topic.replace("OWNER", owner), received_at=f"{DAY}T10:00:00.000Z")
        fields.update(event_time=f"{DAY}T09:30:00.000Z", ingress="webhook", event_type="call")
        for mark in ("deduplicated", "conflict", "repeated"):
            fields.pop(mark, None)
        yield fields


def content(hostile: list[dict[str, Any]]) -> dict[str, tuple[list[str], Rows]]:
    """Every table and view of honest events and hostile ones."""
    tables = Tables()
    tables.create_views()
    lines = []
    for number, fields in enumerate([*records("0a-honest"), *hostile]):
        line = json.dumps(record(number, **fields))
        lines.append((line, "names" if fields.get("event_type") == "names" else "call", str(DAY)))
    tables.add_lines(lines)
    # The presences end, so that they count.
    for topic in ("presence", "routingStatus"):
        at = f"{DAY}T09:45:00.000Z"
        body: dict[str, Any] = {"userId": "0a-honest userId", "modifiedDate": at}
        body["presenceDefinition"] = {"systemPresence": "OFFLINE"}
        body["routingStatus"] = {"status": "OFF_QUEUE", "startTime": at}
        tables.add(topic=f"v2.users.0a-honest.{topic}", ingest_id=topic, dedup_key=topic, event={"eventBody": body})
    tables.merge(DAY - timedelta(days=1), DAY + timedelta(days=1))
    queries = {each.name: f"SELECT * FROM {each.name}" for each in (*TABLES, *VIEWS)}  # noqa: S608
    for name, text in saved_queries(has_tables=True).items():
        queries[f"saved {name}"] = text.replace("current_date", f"DATE '{DAY}'")
    found = {}
    for name, query in queries.items():
        result = tables.connection.execute(query)
        found[name] = ([column[0] for column in result.description], result.fetchall())
    return found


@pytest.fixture(scope="module")
def honest() -> dict[str, tuple[list[str], Rows]]:
    return content([])


def test_the_fields_are_found_in_the_statements(honest: dict[str, tuple[list[str], Rows]]) -> None:
    assert {"event.eventBody.connectedDurationMs", "event.eventBody.value", "topic", "event.snapshotAt"} <= set(PATHS)
    assert all(table.select.count("'$.") == len(_PATH.findall(table.select)) for table in TABLES)
    saved = {name for name in honest if name.startswith("saved ")}
    filled = {name for name, (_, rows) in honest.items() if rows}
    assert saved <= filled
    # Names have a way in of their own.
    assert filled - saved == {"events", "sessions", "conversations", "metrics", "agent_status"} | {
        "queue_intervals",
        "agent_intervals",
        "wrap_ups",
    }


def details(owner: str) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """A details record with a believable value in every field that is read, and its parts by their columns."""
    end = f"{DAY}T09:10:00.000Z"
    piece = {"segmentType": "interact", "segmentStart": f"{DAY}T09:00:00.000Z", "segmentEnd": end}
    piece |= {
        "disconnectType": "peer",
        "wrapUpCode": f"{owner} code",
        "queueId": f"{owner} queue",
        "name": "tTalk",
        "value": 60_000,
        "emitDate": end,
    }
    told = {"sessionId": f"{owner} session", "mediaType": owner[:2], "messageType": "sms", "direction": "inbound"}
    told |= {"flow": {"flowId": f"{owner} flow"}, "segments": [piece], "metrics": [piece]}
    participant = {
        "participantId": f"{owner} participant",
        "purpose": "agent",
        "userId": f"{owner} user",
        "sessions": [told],
    }
    body = {"conversationId": owner, "divisionIds": ["division"], "participants": [participant]}
    event = {"timestamp": f"{DAY}T12:00:00.000Z", "eventBody": body}
    topic = f"v2.analytics.conversations.{owner}.details"
    told_by = {"ingress": "backfill", "event_type": "backfill", "topic": topic, "event": event}
    return told_by, {"details": event, "participant": participant, "told": told, "piece": piece}


def test_a_details_record_of_any_content_fails_no_merge_and_changes_no_row_of_another() -> None:
    read = sorted({pair for table in TABLES for pair in _PATH.findall(table.select) if pair[0] in OF_DETAILS})
    assert {column for column, _ in read} == OF_DETAILS
    honest = content([details("0b-honest")[0]])
    hostile = [details("0b-honest")[0]]
    for number, ((column, path), value) in enumerate(itertools.product(read, HOSTILE.values())):
        fields, parts = details(f"0c-{number:x}")
        put(parts[column], path, value)
        hostile.append(fields)
    _check(honest, content(hostile))


def _hostile() -> list[dict[str, Any]]:
    """Each value in each field of an event of each topic; all else is believable."""
    attacks = []
    for number, (path, (_, value)) in enumerate(itertools.product(PATHS, HOSTILE.items())):
        for fields in records(f"0b-{number:x}"):
            put(fields, path, value)
            attacks.append(fields)
    for value in HOSTILE.values():
        attacks += [{**fields, "event": {"eventBody": value}} for fields in records("0c-body")]
        attacks += [{**fields, "event_type": "names", "topic": value} for fields in records("0c-topic")]
    return attacks


def test_no_value_fails_a_merge_or_changes_a_row_of_honest_events(honest: dict[str, tuple[list[str], Rows]]) -> None:
    _check(honest, content(_hostile()))


def _check(honest: dict[str, tuple[list[str], Rows]], attacked: dict[str, tuple[list[str], Rows]]) -> None:
    """Every honest row is as it was, and every number one that can be."""
    for name, (columns, rows) in honest.items():
        found = set(map(str, attacked[name][1]))
        # These count by type, which is the attacker's as well. Ingest ids are counted through, and so are the same.
        assert name in ("saved events_per_hour", "saved freshness") or {str(row) for row in rows} <= found, name
        for row in attacked[name][1]:
            for column, value in zip(columns, row, strict=True):
                if isinstance(value, float):
                    assert math.isfinite(value), (name, column)
                if column.endswith("_ms") and value is not None:
                    assert 0 <= value < 1e15, (name, column, value)


def test_a_huge_exponent_is_no_duration() -> None:
    """Written out, it would fill the memory of whoever casts it to a decimal."""
    tables = Tables()
    for value in ("1e999999999", "1E9", 1e300):
        body = {"conversationId": "c", "sessionId": "s", "heldDurationMs": value, "value": value, "metric": "tHeld"}
        tables.add(topic="v2.detail.events.conversation.c.user.end", event={"eventBody": body})
        tables.add(topic="v2.analytics.conversation.c.metrics", event={"eventBody": body})
    tables.merge()
    assert tables.rows("SELECT DISTINCT held_ms FROM events WHERE kind IS NOT NULL") == [(None,)]
    assert tables.rows("SELECT DISTINCT value FROM metrics") == [(None,)]
