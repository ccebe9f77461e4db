"""The saved queries, run by DuckDB over objects as they lie in the lake.

Athena's dialect is Trino's. The queries keep to what both know, but for a few functions, which DuckDB gets as
macros.
"""

import gzip
import json
import random
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from genesys_firehose_cdk.events.masking_policy import Action, FieldRule, MaskingPolicy
from genesys_firehose_cdk.lake.lake_catalog import description_of, saved_queries
from tests.functions.rebuild.test_rebuild_objects import envelope as raw_record
from tests.functions.rebuild.test_rebuild_objects import put_raw, rebuild
from tests.in_memory_aws import InMemoryAws
from tests.wired_functions import firehose_batch, masking_plan, transform_function, transform_version, transformed

NOW = datetime.now(UTC).replace(microsecond=0)
TODAY = f"{NOW:%Y-%m-%d}"
_TRINO = Path("genesys_firehose_tools/local/athena/macros.sql").read_text(encoding="utf-8")
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

    def user_end(self, conversation: str, interacting: Any, held: Any = 0, **fields: Any) -> None:
        durations = {"interactingDurationMs": interacting, "heldDurationMs": held}
        self._detail("user.end", {"conversationId": conversation, "mediaType": "VOICE", **durations, **fields})

    def after_call_work(self, conversation: str, milliseconds: Any, code: Any = "resolved", **fields: Any) -> None:
        body = {"conversationId": conversation, "mediaType": "VOICE", "wrapupDurationMs": milliseconds, **fields}
        self._detail("acw", {**body, "wrapupCode": code})

    def wrap_up(self, conversation: Any, session: Any, code: Any, seconds: int = 0, **fields: Any) -> None:
        body = {"conversationId": conversation, "sessionId": session, "wrapupCode": code, "wrapupDurationMs": 30_000}
        self.add(
            "disposition",
            topic="v2.detail.events.conversation.c-1.wrapup",
            event_time=_iso(NOW + timedelta(seconds=seconds)),
            event={"eventBody": {**body, **fields}},
        )

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


LATER = _iso(NOW + timedelta(hours=1))
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


@pytest.mark.parametrize("preference", PREFERENCES)
@pytest.mark.parametrize("backwards", [False, True])
def test_the_view_prefers(lake: Lake, preference: str, backwards: bool) -> None:
    better, worse = PREFERENCES[preference]
    copies = [{**better, "topic": "better"}, {**worse, "topic": "worse"}]
    for copy in reversed(copies) if backwards else copies:
        lake.add(key="k", **copy)
    assert lake.view("SELECT topic FROM events") == [("better",)]


@pytest.mark.parametrize("backwards", [False, True])
def test_of_one_received_copy_the_newest_version_is_shown_also_under_another_identity(
    lake: Lake, backwards: bool
) -> None:
    """As after a change of the tokenization key: a rebuilt record has another identity than the one before it."""
    before = [{"key": "old", "ingest_id": "a", "conflict": True}]
    after = [
        {"key": "new", "ingest_id": name, "transform_version": "0002.0001", "deduplicated": False} for name in "ab"
    ]
    for record in reversed(before + after) if backwards else before + after:
        lake.add(**record)
    assert lake.view("SELECT dedup_key, ingest_id, conflict FROM events") == [("new", "a", True)]


def test_the_view_shows_what_is_marked(lake: Lake) -> None:
    lake.add(topic="1 conflict", conflict=True)
    lake.add(topic="2 repeated", repeated=True)
    lake.add(topic="3 neither")
    assert lake.view("SELECT topic, conflict, repeated FROM events ORDER BY 1") == [
        ("1 conflict", True, False),
        ("2 repeated", False, True),
        ("3 neither", False, False),
    ]


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
    rebuild(aws, masking_plan(MaskingPolicy(version=2, fields={"contact": FieldRule(action=Action.DROP)})))
    lake.copy({key: content for key, content in aws.objects.items() if key.startswith("clean/")})
    rows = lake.view(
        "SELECT json_extract_scalar(event, '$.messageId'), transform_version, json_extract_scalar(event, '$.contact') "
        "FROM events"
    )
    assert sorted(rows) == [(str(number), transform_version(aws, policy=2), None) for number in range(3)]


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


def test_handle_time_is_talk_hold_and_after_call_work_of_all_agents(lake: Lake) -> None:
    lake.user_end("first", 201_000, 95_000)
    lake.after_call_work("first", 30_000)
    lake.wrap_up("first", "s-1", "resolved")
    assert lake.saved("handle_times") == [(TODAY, "VOICE", 1, 201.0, 95.0, 30.0, 0.0, 326.0)]
    lake.user_end("second", 60_000)
    lake.user_end("second", 30_000, 4_000)
    assert lake.saved("handle_times") == [(TODAY, "VOICE", 2, 145.5, 49.5, 15.0, 0.0, 210.0)]


def test_handle_time_of_an_outbound_conversation_is_dialing_and_contacting_as_well(lake: Lake) -> None:
    durations = {"dialingDurationMs": 7_000, "contactingDurationMs": 2_000}
    lake.user_end("out", 60_000, direction="OUTBOUND", **durations)
    lake.user_end("in", 60_000, direction="INBOUND", mediaType="CALLBACK", **durations)
    assert [(row[1], row[-1]) for row in lake.saved("handle_times")] == [("CALLBACK", 60.0), ("VOICE", 69.0)]


def test_a_conversation_that_no_agent_handled_has_no_handle_time(lake: Lake) -> None:
    lake.user_end("not answered", 0, alertingDurationMs=20_000)
    assert lake.saved("handle_times") == []


def test_a_conversation_counts_on_the_day_its_handling_ended(lake: Lake) -> None:
    yesterday, body = f"{NOW - timedelta(days=1):%Y-%m-%d}", {"conversationId": "c", "mediaType": "VOICE"}
    topic = "v2.detail.events.conversation.c.user.end"
    lake.add(date=yesterday, topic=topic, event={"eventBody": {**body, "interactingDurationMs": 1_000}})
    lake.after_call_work("c", 2_000)
    assert [(row[0], row[-1]) for row in lake.saved("handle_times")] == [(TODAY, 3.0)]


def test_a_wrap_up_counts_once(lake: Lake) -> None:
    lake.wrap_up("first", "s-1", "sold")
    lake.after_call_work("first", 1, code="sold")
    lake.wrap_up("first", "s-2", "sold")
    lake.add("disposition", event={"dispositionCode": "RESOLVED"})
    lake.add("disposition", event={"dispositionCode": "RESOLVED"})
    lake.add("disposition", event={"dispositionCode": "RESOLVED"})
    lake.add("disposition", event={"dispositionCode": None})
    lake.add("call", event={"dispositionCode": "RESOLVED"})
    assert lake.saved("wrap_ups") == [(TODAY, "RESOLVED", 3), (TODAY, "sold", 2)]


def test_of_a_sessions_wrap_ups_the_newest_counts(lake: Lake) -> None:
    lake.wrap_up("first", "s-1", "later", seconds=9)
    lake.wrap_up("first", "s-1", "earlier")
    lake.wrap_up("first", None, "of the participant", participantId="p-1")
    assert lake.saved("wrap_ups") == [(TODAY, "later", 1), (TODAY, "of the participant", 1)]


@pytest.mark.parametrize("seed", range(5))
def test_handle_times_and_wrap_ups_are_what_an_account_of_the_conversations_says(lake: Lake, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    handled: dict[str, list[int]] = {}
    codes: Counter[str] = Counter()
    for number in range(40):
        conversation, media = f"c-{number}", chance.choice(["VOICE", "CHAT", "EMAIL"])
        direction = chance.choice(["INBOUND", "OUTBOUND"])
        total = 0
        for agent in range(chance.randrange(4)):
            talk, hold, dialing, contacting, after = (chance.choice([0, chance.randrange(900_000)]) for _ in range(5))
            kind = {"mediaType": media, "direction": direction}
            lake.user_end(conversation, talk, hold, dialingDurationMs=dialing, contactingDurationMs=contacting, **kind)
            total += talk + hold + (dialing + contacting if direction == "OUTBOUND" else 0)
            if chance.random() < 0.7:
                lake.after_call_work(conversation, after, **kind)
                total += after
                tries = [chance.choice("abc") for _ in range(chance.randrange(1, 3))]
                for second, code in enumerate(tries):
                    lake.wrap_up(conversation, f"s-{agent}", code, seconds=second, **kind)
                codes[tries[-1]] += 1
        if total:
            handled.setdefault(media, []).append(total)
    assert {(row[1], row[2]): row[-1] for row in lake.saved("handle_times")} == {
        (media, len(totals)): pytest.approx(sum(totals) / len(totals) / 1000) for media, totals in handled.items()
    }
    assert {code: count for _date, code, count in lake.saved("wrap_ups")} == codes


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
    body: dict[str, Any] = {"wrapupCode": "x", "acdOutcome": "ABANDON", "connectedDurationMs": 1, "mediaType": "VOICE"}
    body.update(conversationId="c", interactingDurationMs=1, wrapupDurationMs=1)
    for kind in ("acd.end", "acw", "user.end"):
        lake.add(date=old, topic=f"v2.detail.events.conversation.c.{kind}", event={"eventBody": body})
    assert lake.saved(name) == []


@pytest.mark.parametrize("name", sorted(saved_queries()))
def test_every_saved_query_says_what_it_answers(name: str) -> None:
    assert description_of(saved_queries()[name]).endswith(".")
