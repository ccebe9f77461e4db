"""One record per event; a duplicate is dropped only where nothing can be lost by it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ingest.deadline import Deadline
from ingest.delivery import Delivery
from ingest.intake import Intake, Receipt
from ingest.oversize import OversizeStore
from ingest.settings import IngestSettings
from shared.json_text import split_events
from shared.pointer import Pointer, read_original
from shared.telemetry import Metrics
from tests.functions.observing import Clock, metrics_of
from tests.in_memory_aws import Fault, InMemoryAws
from tests.wired_functions import INGEST_ENVIRONMENT, ingest_function, queue_batch, queues, request

NOW = datetime(2026, 11, 23, 10, 0, 0, 123000, UTC)
PRESENCE = {"topicName": "v2.users.u-1.presence", "eventBody": {"presenceDefinition": {"id": "p-1"}}}


class Ingestion:
    """An intake at work on an in-memory AWS."""

    def __init__(self, aws: InMemoryAws, clock: Clock) -> None:
        settings = IngestSettings.from_environment(INGEST_ENVIRONMENT)
        delivery = Delivery(
            lambda: aws.client("firehose"),
            queues(aws),
            ["stream"],
            lambda _seconds: None,
        )
        originals = OversizeStore(lambda: aws.client("s3"), "lake", "key")
        self._intake = Intake(settings, delivery, originals, lambda: NOW, clock)

    def take(self, *events: Any) -> Receipt:
        metrics = Metrics()
        receipt = self._intake.take(split_events(json.dumps(events).encode()), Deadline(), metrics)
        metrics.flush()
        return receipt


@pytest.fixture
def ingestion(aws: InMemoryAws, clock: Clock) -> Ingestion:
    return Ingestion(aws, clock)


def test_every_event_of_a_request_is_a_record_of_its_own(aws: InMemoryAws, ingestion: Ingestion) -> None:
    assert ingestion.take({"messageId": "a"}, {"messageId": "b"}) == Receipt(2, 0, 0)
    assert [json.loads(record)["event"]["messageId"] for record in aws.in_stream] == ["a", "b"]


def test_a_record_says_when_and_how_its_event_arrived(aws: InMemoryAws, ingestion: Ingestion) -> None:
    ingestion.take({"messageId": "a"})
    record = json.loads(aws.in_stream[0])
    assert (record["received_at"], record["ingress"]) == ("2026-11-23T10:00:00.123Z", "webhook")


def test_the_same_event_twice_in_a_request_is_one_record(aws: InMemoryAws, ingestion: Ingestion) -> None:
    assert ingestion.take({"messageId": "a"}, {"messageId": "a"}) == Receipt(2, 1, 0)
    assert len(aws.in_stream) == 1


def test_a_retry_within_fifteen_minutes_is_answered_from_memory(
    aws: InMemoryAws, clock: Clock, ingestion: Ingestion
) -> None:
    ingestion.take({"messageId": "a"})
    clock.advance(899)
    assert ingestion.take({"messageId": "a"}) == Receipt(1, 1, 0)
    assert len(aws.calls) == 1
    clock.advance(1)
    assert ingestion.take({"messageId": "a"}) == Receipt(1, 0, 0)


@pytest.mark.parametrize("other", [{"messageId": "a", "level": 1}, {"level": 0, "messageId": "a"}])
def test_the_same_id_with_other_bytes_is_a_record_of_its_own(
    aws: InMemoryAws, ingestion: Ingestion, other: dict[str, Any]
) -> None:
    event = {"messageId": "a", "level": 0}
    assert ingestion.take(event, other, event) == Receipt(3, 1, 0)
    assert ingestion.take(other, event) == Receipt(2, 2, 0)
    assert [json.loads(record)["event"] for record in aws.in_stream] == [event, other]


def test_an_event_without_identity_is_never_called_a_duplicate_here(aws: InMemoryAws, ingestion: Ingestion) -> None:
    assert ingestion.take(PRESENCE, PRESENCE) == Receipt(2, 0, 0)
    assert ingestion.take(PRESENCE) == Receipt(1, 0, 0)
    assert len(aws.in_stream) == 3


def test_an_event_that_is_nowhere_is_not_remembered(aws: InMemoryAws, ingestion: Ingestion) -> None:
    aws.schedule = dict.fromkeys(range(4), Fault.THROTTLE)
    assert ingestion.take({"messageId": "a"}) == Receipt(0, 0, 1)
    assert ingestion.take({"messageId": "a"}) == Receipt(1, 0, 0)


def test_an_event_in_the_queue_is_accepted_and_remembered(aws: InMemoryAws, ingestion: Ingestion) -> None:
    aws.schedule = dict.fromkeys(range(3), Fault.THROTTLE)
    assert ingestion.take({"messageId": "a"}) == Receipt(1, 0, 0)
    assert len(aws.queue) == 1
    assert ingestion.take({"messageId": "a"}) == Receipt(1, 1, 0)


def test_an_event_above_firehoses_limit_is_a_record_with_a_pointer_to_its_original(
    aws: InMemoryAws, ingestion: Ingestion
) -> None:
    large = {"messageId": "a", "transcripts": "x" * 1_100_000}
    assert ingestion.take(large) == Receipt(1, 0, 0)
    record = json.loads(aws.in_stream[0])
    assert record["event"] == {"messageId": "a", "transcripts": None}
    pointer = Pointer.of(record["oversize"], record["dedup_key"])
    assert json.loads(read_original(pointer, aws.objects.__getitem__)) == large


@pytest.mark.parametrize("character", ["\ufffe", "\uffff"])
def test_an_event_that_only_the_queue_makes_too_large_for_firehose_is_oversize_and_never_stays_behind(
    aws: InMemoryAws, character: str
) -> None:
    # Three bytes become six where a message may not hold the character.
    body = json.dumps({"messageId": "a", "text": character * 171_000}, ensure_ascii=False).encode()
    function = ingest_function(aws)
    # After three versions of the secret and the original.
    aws.schedule = {4: Fault.REFUSED}
    assert function.handle(request(body))["statusCode"] == 200
    assert aws.calls[4] == "PutRecordBatch"
    [message] = aws.queue
    assert function.handle(queue_batch(message)) == {"batchItemFailures": []}
    record = json.loads(aws.in_stream[0])
    assert read_original(Pointer.of(record["oversize"], record["dedup_key"]), aws.objects.__getitem__) == body


def test_no_original_is_stored_of_a_request_that_cant_be_read_to_its_end(aws: InMemoryAws) -> None:
    grows_in_the_queue = json.dumps({"messageId": "a", "text": "\uffff" * 171_000}, ensure_ascii=False)
    for large in (grows_in_the_queue, json.dumps({"messageId": "a", "text": "x" * 1_100_000})):
        assert ingest_function(aws).handle(request(f"[{large},7]".encode()))["statusCode"] == 400
    assert not aws.objects


def test_an_event_whose_original_cant_be_stored_is_refused_and_the_others_are_remembered(
    aws: InMemoryAws, ingestion: Ingestion
) -> None:
    aws.schedule = {0: Fault.TIMEOUT}
    large, small = {"messageId": "a", "transcripts": "x" * 1_100_000}, {"messageId": "b"}
    assert ingestion.take(large, small) == Receipt(0, 0, 1)
    assert ingestion.take(large, small) == Receipt(2, 1, 0)
    assert len(aws.in_stream) == 2


def test_an_oversize_event_is_counted(ingestion: Ingestion, capsys: pytest.CaptureFixture[str]) -> None:
    ingestion.take({"messageId": "a"}, {"messageId": "c", "transcripts": "x" * 1_100_000})
    assert metrics_of(capsys.readouterr().out) == {"EventsOversize": 1}


def test_every_event_of_a_batch_of_aws_lands_by_itself(aws: InMemoryAws, ingestion: Ingestion) -> None:
    carried = {"eventSource": "aws:sqs", "messageId": "of the queue", "body": '{"messageId":"b"}'}
    assert ingestion.take({"Records": [{"messageId": "a"}, carried]}) == Receipt(2, 0, 0)
    assert [json.loads(record)["event"] for record in aws.in_stream] == [{"messageId": "a"}, {"messageId": "b"}]
