"""The saved queries, run by DuckDB over objects as they lie in the lake.

Athena's dialect is Trino's. The queries keep to what both know, but for four functions, which DuckDB gets as macros.
"""

import gzip
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from genesys_firehose_cdk.lake.lake_catalog import description_of, saved_queries
from tests.functions.rebuild.test_rebuild_objects import envelope as raw_record
from tests.functions.rebuild.test_rebuild_objects import put_raw, rebuild
from tests.in_memory_aws import InMemoryAws
from tests.wired_functions import DEFAULT_POLICY, firehose_batch, transform_function, transformed

NOW = datetime.now(UTC).replace(microsecond=0)
TODAY = f"{NOW:%Y-%m-%d}"
_TRINO = """
CREATE MACRO json_extract_scalar(text, path) AS json_extract_string(text, path);
CREATE MACRO json_format(value) AS CAST(value AS varchar);
CREATE MACRO from_iso8601_timestamp(text) AS CAST(text AS timestamptz);
CREATE MACRO approx_percentile(value, share) AS approx_quantile(value, share);
"""
Rows = list[tuple[Any, ...]]


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"


class Lake:
    """Objects under clean/ in a directory."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._count = 0

    def add(self, event_type: str = "call", date: str = TODAY, key: str | None = None, **fields: Any) -> None:
        """Add an object with one record; without a key it is an event of its own."""
        self._count += 1
        record = {
            "ingest_id": f"{self._count:032x}",
            "received_at": _iso(NOW),
            "ingress": "webhook",
            "dedup_key": key or f"{self._count:064x}",
            "event_type": event_type,
            "event_time": _iso(NOW),
            "topic": None,
            "transform_version": "0001.0001",
            "event": {},
            **fields,
        }
        partition = self._root / f"clean/event_type={event_type}/date={date}"
        partition.mkdir(parents=True, exist_ok=True)
        line = json.dumps(record, separators=(",", ":")) + "\n"
        (partition / f"{self._count}.gz").write_bytes(gzip.compress(line.encode()))

    def acd_end(self, outcome: str, milliseconds: int, queue: str = "billing") -> None:
        body = {"queueId": queue, "mediaType": "VOICE", "acdOutcome": outcome, "connectedDurationMs": milliseconds}
        self._detail("acd.end", body)

    def user_end(self, conversation: str, milliseconds: int) -> None:
        body = {"conversationId": conversation, "mediaType": "VOICE", "connectedDurationMs": milliseconds}
        self._detail("user.end", body)

    def after_call_work(self, conversation: str, milliseconds: int, code: str = "resolved") -> None:
        body = {"conversationId": conversation, "mediaType": "VOICE", "wrapupDurationMs": milliseconds}
        self._detail("acw", {**body, "wrapupCode": code})

    def _detail(self, kind: str, body: dict[str, Any]) -> None:
        self.add(topic=f"v2.detail.events.conversation.c-1.{kind}", event={"eventBody": body})

    def copy(self, objects: Mapping[str, bytes]) -> None:
        """Add objects by key."""
        for key, content in objects.items():
            path = self._root / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def run(self, query: str) -> Rows:
        # What is not in the package stays away: a test downloads nothing.
        connection = duckdb.connect(config={"autoinstall_known_extensions": False})
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(_TRINO)
        objects = connection.read_csv(
            f"{self._root}/clean/*/*/*.gz",
            columns={"line": "varchar"},
            header=False,
            # As the table's: no character that can stand in a line of JSON ends a field.
            sep="\x01",
            quotechar="",
            escapechar="",
            hive_partitioning=True,
            hive_types_autocast=False,
        )
        objects.create_view("clean")
        return connection.execute(query).fetchall()

    def saved(self, name: str) -> Rows:
        return self.run(saved_queries()[name])

    def view(self, select: str) -> Rows:
        """Create the view `events` and query it."""
        return self.run(f"{saved_queries()['create_view']};\n{select}")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


def test_the_view_shows_each_event_once_with_its_fields(lake: Lake) -> None:
    lake.add(key="k", topic="v2.audits", event={"messageId": "1", "queue": {"name": "Billing"}})
    lake.add(key="k", received_at=_iso(NOW + timedelta(seconds=1)))
    [row] = lake.view('SELECT event_type, "date", dedup_key, topic, ingress, deduplicated, event FROM events')
    assert row[:-1] == ("call", TODAY, "k", "v2.audits", "webhook", True)
    assert json.loads(row[-1]) == {"messageId": "1", "queue": {"name": "Billing"}}


PREFERENCES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "the newest version of the transform": (
        {"transform_version": "0001.0010", "deduplicated": False, "received_at": _iso(NOW + timedelta(hours=1))},
        {"transform_version": "0001.0009"},
    ),
    "then the copy that was checked": (
        {"received_at": _iso(NOW + timedelta(hours=1))},
        {"deduplicated": False},
    ),
    "then the copy that was received first": (
        {"received_at": _iso(NOW)},
        {"received_at": _iso(NOW + timedelta(milliseconds=1000))},
    ),
}


@pytest.mark.parametrize("preference", PREFERENCES)
@pytest.mark.parametrize("backwards", [False, True])
def test_the_view_prefers(lake: Lake, preference: str, backwards: bool) -> None:
    better, worse = PREFERENCES[preference]
    copies = [{**better, "ingress": "better"}, {**worse, "ingress": "worse"}]
    for copy in reversed(copies) if backwards else copies:
        lake.add(key="k", **copy)
    assert lake.view("SELECT ingress FROM events") == [("better",)]


def test_an_event_that_a_newer_transform_knows_by_another_type_is_shown_under_the_new_one(lake: Lake) -> None:
    lake.add("unknown", key="k")
    lake.add("chat", key="k", transform_version="0002.0001", deduplicated=False)
    assert lake.view("SELECT event_type FROM events") == [("chat",)]


def test_a_record_that_was_delivered_twice_is_shown_once(lake: Lake) -> None:
    for _ in range(2):
        lake.add(key="k", ingest_id="same")
    assert lake.view("SELECT count(*) FROM events") == [(1,)]


def test_after_a_rebuild_with_a_newer_policy_queries_see_every_event_once_and_masked_anew(lake: Lake) -> None:
    aws = InMemoryAws()
    records = [raw_record(number, contact={"phoneNumber": "+15550100100"}) for number in range(3)]
    put_raw(aws, *records)
    first = transformed(transform_function(aws).handle(firehose_batch(records)))
    lines = "".join(json.dumps(record) + "\n" for record in first)
    aws.objects["clean/event_type=call/date=2026-11-23/delivered.gz"] = gzip.compress(lines.encode())
    rebuild(aws, {**DEFAULT_POLICY, "version": 2, "fields": {"contact": {"action": "drop"}}})
    lake.copy({key: content for key, content in aws.objects.items() if key.startswith("clean/")})
    rows = lake.view("SELECT dedup_key, transform_version, json_extract_scalar(event, '$.contact') FROM events")
    assert sorted(rows) == [(f"{number:064x}", "0001.0002", None) for number in range(3)]


def test_events_per_hour_counts_by_the_time_an_event_speaks_of(lake: Lake) -> None:
    lake.add(event_time=f"{TODAY}T01:10:00.000Z")
    lake.add(event_time=f"{TODAY}T01:59:00.000Z")
    lake.add("chat", event_time=None, received_at=f"{TODAY}T02:00:00.000Z")
    assert lake.saved("events_per_hour") == [("call", f"{TODAY}T01", 2), ("chat", f"{TODAY}T02", 1)]


def test_queue_times_are_by_queue_and_outcome(lake: Lake) -> None:
    lake.acd_end("ANSWERED", 10_000)
    lake.acd_end("ANSWERED", 30_000)
    lake.acd_end("ABANDON", 90_000)
    assert lake.saved("queue_times") == [
        (TODAY, "billing", "VOICE", "ABANDON", 1, 90.0, 90.0),
        (TODAY, "billing", "VOICE", "ANSWERED", 2, 20.0, 30.0),
    ]


def test_handle_time_is_with_the_agents_and_after_the_call(lake: Lake) -> None:
    lake.user_end("first", 60_000)
    lake.user_end("first", 30_000)
    lake.after_call_work("first", 10_000)
    lake.user_end("second", 10_000)
    assert lake.saved("handle_times") == [(TODAY, "VOICE", 2, 50.0, 5.0, 55.0)]


def test_wrap_ups_are_of_both_kinds_the_most_frequent_first(lake: Lake) -> None:
    lake.after_call_work("first", 1, code="sold")
    lake.add("disposition", event={"dispositionCode": "RESOLVED"})
    lake.add("disposition", event={"dispositionCode": "RESOLVED"})
    lake.add("disposition", event={"dispositionCode": None})
    assert lake.saved("wrap_ups") == [(TODAY, "RESOLVED", 2), (TODAY, "sold", 1)]


def test_abandon_rate_is_a_share_of_what_was_offered(lake: Lake) -> None:
    for outcome in ("ANSWERED", "ANSWERED", "ANSWERED", "ABANDON"):
        lake.acd_end(outcome, 1)
    assert lake.saved("abandon_rate") == [(TODAY, "billing", 4, 1, 0.25)]


def test_freshness_tells_the_age_of_the_newest_and_how_late_events_come(lake: Lake) -> None:
    hour_ago = NOW - timedelta(hours=1)
    lake.add(received_at=_iso(hour_ago), event_time=_iso(hour_ago - timedelta(seconds=7)))
    asked = datetime.now(UTC)
    [(event_type, newest, seconds, late)] = lake.saved("freshness")
    answered = datetime.now(UTC)
    assert (event_type, newest, late) == ("call", _iso(hour_ago), 7)
    assert (asked - hour_ago).total_seconds() - 1 <= seconds <= (answered - hour_ago).total_seconds() + 1


@pytest.mark.parametrize("name", sorted(set(saved_queries()) - {"create_view"}))
def test_every_saved_query_reads_recent_days_alone(lake: Lake, name: str) -> None:
    old = f"{NOW - timedelta(days=9):%Y-%m-%d}"
    body = {"wrapupCode": "x", "acdOutcome": "ABANDON", "connectedDurationMs": 1, "mediaType": "VOICE"}
    for kind in ("acd.end", "acw", "user.end"):
        lake.add(date=old, topic=f"v2.detail.events.conversation.c.{kind}", event={"eventBody": body})
    assert lake.saved(name) == []


@pytest.mark.parametrize("name", sorted(saved_queries()))
def test_every_saved_query_says_what_it_answers(name: str) -> None:
    assert description_of(saved_queries()[name]).endswith(".")
