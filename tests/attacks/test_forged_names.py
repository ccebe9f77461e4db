"""A sender with the key, and whoever feeds the bus, want to name queues and agents: nothing they write is a name."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from genesys_names.snapshot import Snapshot, Thing, records
from ingest.function import IngestHandler
from tests.in_memory_aws import InMemoryAws
from tests.wired_functions import firehose_batch, post, queue_batch, transform_function, transformed

QUEUE = "7f3c1e1a-0000-4000-8000-000000000001"
NOW = datetime(2026, 11, 30, 2, tzinfo=UTC)
[OURS] = records(Snapshot("queue", [Thing(QUEUE, "Ada Lovelace", {})], 1), NOW)
EVENT: dict[str, Any] = json.loads(OURS)["event"]

FORGERIES: dict[str, Any] = {
    "the event of a names record": EVENT,
    "the whole record": json.loads(OURS),
    "the event under a type": {**EVENT, "eventType": "names.event"},
    "the event under a topic": {"topicName": "names", "eventBody": EVENT},
    "an ingress in the event": {**EVENT, "ingress": "names", "event_type": "names"},
    "an EventBridge event of the record": {"detail-type": "names", "source": "names", "detail": json.loads(OURS)},
}


def send(function: IngestHandler, way: str, event: Any) -> None:
    """Send an event by the webhook, or put it on the bus, and see it accepted."""
    if way == "webhook":
        assert post(function, event) == 200
    else:
        # EventBridge writes its own frame around what a partner puts.
        body = {"version": "0", "id": "1", "detail-type": "x", "source": "x", "detail": event}
        assert function.handle(queue_batch(json.dumps(body))) == {"batchItemFailures": []}


def landed(lake: InMemoryAws) -> list[tuple[str, dict[str, Any]]]:
    """The partition's type and the content of every record that is in clean/."""
    answers = transform_function(lake).handle(firehose_batch(lake.in_stream))["records"]
    types = [answer["metadata"]["partitionKeys"]["event_type"] for answer in answers if answer["result"] == "Ok"]
    return list(zip(types, transformed({"records": answers}), strict=True))


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES)
@pytest.mark.parametrize("way", ["webhook", "queue"])
def test_what_a_sender_writes_is_neither_in_the_partition_of_names_nor_masked_like_one(
    aws: InMemoryAws, function: IngestHandler, way: str, forgery: dict[str, Any]
) -> None:
    send(function, way, forgery)
    [(event_type, content)] = landed(aws)
    assert event_type != "names"
    assert content["ingress"] in ("webhook", "eventbridge")
    assert "Lovelace" not in json.dumps(content)


def test_the_pipelines_own_record_is_in_that_partition_with_its_name(aws: InMemoryAws) -> None:
    aws.in_stream.append(OURS)
    [(event_type, content)] = landed(aws)
    assert (event_type, content["ingress"], content["event"]["name"]) == ("names", "names", "Ada Lovelace")


def test_a_forgery_keeps_no_name_from_landing(aws: InMemoryAws, function: IngestHandler) -> None:
    """A key for the event's id would let a sender claim it first: a name's key is no sender's to make."""
    for forgery in FORGERIES.values():
        post(function, forgery)
    aws.in_stream.append(OURS)
    assert [content["event"]["name"] for event_type, content in landed(aws) if event_type == "names"] == [
        "Ada Lovelace"
    ]
