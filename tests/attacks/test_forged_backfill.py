"""A sender with the key, and whoever feeds the bus, want to write history: nothing they write is a details record."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from genesys_backfill.records import record_of
from ingest.function import IngestHandler
from tests.attacks.test_forged_names import landed, send
from tests.in_memory_aws import InMemoryAws
from tests.library.lake.tables.duckdb_lake import Tables
from tests.wired_functions import firehose_batch, post, transform_function

NOW = datetime(2026, 11, 30, 2, tzinfo=UTC)
CONVERSATION = "7f3c1e1a-0000-4000-8000-000000000001"
RECORD: dict[str, Any] = {
    "conversationId": CONVERSATION,
    "conversationStart": "2024-02-03T10:00:00.000Z",
    "participants": [
        {
            "participantId": "7f3c1e1a-0000-4000-8000-000000000002",
            "purpose": "agent",
            "sessions": [
                {
                    "sessionId": "7f3c1e1a-0000-4000-8000-000000000003",
                    "flow": {"flowId": "7f3c1e1a-0000-4000-8000-000000000004", "flowName": "Main menu"},
                    "segments": [{"segmentStart": "2024-02-03T10:00:00.000Z"}],
                }
            ],
        }
    ],
}


def ours() -> bytes:
    record = record_of(RECORD, NOW, NOW)
    assert record is not None
    return record


EVENT: dict[str, Any] = json.loads(ours())["event"]
FORGERIES: dict[str, Any] = {
    "the event of a record": EVENT,
    "the whole record": json.loads(ours()),
    "the details without a frame": RECORD,
    "the event under a type": {**EVENT, "eventType": "backfill.event"},
    "the event under another topic": {"topicName": "backfill", "eventBody": RECORD},
    "an ingress in the event": {**EVENT, "ingress": "backfill", "event_type": "backfill"},
    "an EventBridge event of the record": {"detail-type": EVENT["topicName"], "source": "x", "detail": EVENT},
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES)
@pytest.mark.parametrize("way", ["webhook", "queue"])
def test_what_a_sender_writes_is_in_no_old_partition_and_no_row_of_the_tables_is_made_of_it(
    aws: InMemoryAws, function: IngestHandler, way: str, forgery: dict[str, Any]
) -> None:
    send(function, way, forgery)
    answers = transform_function(aws).handle(firehose_batch(aws.in_stream))["records"]
    [partition] = [each["metadata"]["partitionKeys"] for each in answers]
    assert partition["event_type"] != "backfill"
    assert partition["date"] > "2025"
    [(event_type, content)] = landed(aws)
    assert content["ingress"] in ("webhook", "eventbridge")
    # The shape of a details record is for the backfill's alone: its names of things are closed.
    assert "Main menu" not in json.dumps(content)
    tables = Tables()
    tables.add_lines([(json.dumps(content), event_type, partition["date"])])
    day = datetime.fromisoformat(partition["date"]).date()
    tables.merge(day)
    assert tables.rows("SELECT details FROM events") == [(None,)]
    assert tables.rows("SELECT * FROM sessions") == []


def test_the_backfills_own_record_lies_on_its_day_and_makes_a_session(aws: InMemoryAws) -> None:
    aws.in_stream.append(ours())
    answers = transform_function(InMemoryAws()).handle(firehose_batch(aws.in_stream))["records"]
    [partition] = [each["metadata"]["partitionKeys"] for each in answers]
    assert partition == {"event_type": "backfill", "date": "2024-02-03"}
    [(event_type, content)] = landed(aws)
    assert "Main menu" in json.dumps(content)
    tables = Tables()
    tables.add_lines([(json.dumps(content), event_type, "2024-02-03")])
    tables.merge(datetime(2024, 2, 3).date())
    assert tables.rows("SELECT purpose FROM sessions") == [("agent",)]


def test_a_forgery_keeps_no_record_from_landing(aws: InMemoryAws, function: IngestHandler) -> None:
    """A key for the topic and the body would let a sender claim it first: this key is no sender's to make."""
    for forgery in FORGERIES.values():
        post(function, forgery)
    aws.in_stream.append(ours())
    assert [content["ingress"] for event_type, content in landed(aws) if event_type == "backfill"] == ["backfill"]
