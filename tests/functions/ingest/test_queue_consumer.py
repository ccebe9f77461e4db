"""What waits in the queue goes to Firehose; what can't, and only that, comes again."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from genesys_firehose_tools.local.events import FAMILIES, EventGenerator
from ingest.function import IngestHandler
from shared.event import EventFacts, describe
from tests.functions.observing import metrics_of
from tests.in_memory_aws import Crash, Fault, InMemoryAws
from tests.wired_functions import ingest_function, post, queue_batch
from verification.delivery import marked_event

DETAIL = {
    "topicName": "v2.detail.events.conversation.c-1.acd.end",
    "eventBody": {"eventTime": 1795428000000, "conversationId": "c-1", "mediaType": "VOICE"},
}


def eventbridge_event(detail: dict[str, Any] = DETAIL) -> str:
    return json.dumps(
        {
            "version": "0",
            "id": "e-1",
            "detail-type": "v2.detail.events.conversation.{id}.acd.end",
            "source": "aws.partner/genesys.com/cloud/org/events",
            "time": "2026-11-23T10:00:01Z",
            "detail": detail,
        }
    )


def consume(function: IngestHandler, *bodies: str, deliveries: int = 1) -> list[str]:
    """Let the function consume messages and return the ids of those it wants again."""
    answer = function.handle(queue_batch(*bodies, deliveries=deliveries))
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


@pytest.fixture
def function(aws: InMemoryAws) -> IngestHandler:
    return ingest_function(aws)


def test_an_eventbridge_event_is_wrapped_whole(aws: InMemoryAws, function: IngestHandler) -> None:
    assert consume(function, eventbridge_event()) == []
    record = json.loads(aws.in_stream[0])
    assert record["event"] == json.loads(eventbridge_event())
    assert (record["ingress"], record["event_type"], record["topic"]) == (
        "eventbridge",
        "call",
        DETAIL["topicName"],
    )


def test_a_batch_that_firehose_takes_writes_no_line(
    function: IngestHandler, capsys: pytest.CaptureFixture[str]
) -> None:
    consume(function, *[eventbridge_event()] * 5)
    assert capsys.readouterr().out == ""


def test_an_overflowed_record_is_counted_when_it_overflows_and_not_again(
    aws: InMemoryAws, function: IngestHandler, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.schedule = {3: Fault.REFUSED}
    post(function, {"messageId": "a"})
    assert metrics_of(capsys.readouterr().out)["EventsOverflowed"] == 1
    consume(function, *aws.queue)
    assert capsys.readouterr().out == ""


def test_an_overflowed_record_is_put_as_another_copy_of_the_same_event(
    aws: InMemoryAws, function: IngestHandler
) -> None:
    aws.schedule = {3: Fault.REFUSED}
    assert post(function, {"messageId": "a"}) == 200
    [message] = aws.queue
    # Delivered twice: both are copies of their own.
    assert consume(function, message, message) == []
    copies = [json.loads(copy) for copy in (message, *aws.in_stream)]
    assert len({copy.pop("ingest_id") for copy in copies}) == 3
    assert copies == copies[:1] * 3


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_comes_through_eventbridge_whole_and_as_the_same_event_as_through_the_webhook(
    aws: InMemoryAws, function: IngestHandler, family: str
) -> None:
    event = EventGenerator(seed=1).generate(family).body
    assert consume(function, eventbridge_event(event)) == []
    assert post(ingest_function(aws), event) == 200
    by_bus, by_webhook = (json.loads(record) for record in aws.in_stream)
    assert by_bus["event"]["detail"] == by_webhook["event"] == event
    assert (by_bus["ingress"], by_webhook["ingress"]) == ("eventbridge", "webhook")
    for fact in ("dedup_key", "event_type", "event_time", "topic"):
        assert by_bus[fact] == by_webhook[fact]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "hello",
        "7",
        "[]",
        '{"a":' * 100_000,
        '{"number":NaN}',
    ],
)
def test_a_message_nobody_can_read_goes_to_the_dead_letter_queue_at_once_and_alone(
    aws: InMemoryAws, function: IngestHandler, body: str
) -> None:
    assert consume(function, eventbridge_event(), body, eventbridge_event()) == []
    assert len(aws.in_stream) == 2
    assert (aws.dead_letters, aws.reasons, aws.queue) == ([body], ["UNREADABLE"], [])


@pytest.mark.parametrize("fault", [Fault.TIMEOUT, Fault.THROTTLE, Fault.REFUSED, Fault.PARTIAL])
def test_a_message_that_cant_be_set_aside_comes_again(aws: InMemoryAws, function: IngestHandler, fault: Fault) -> None:
    aws.schedule = {0: fault}
    assert consume(function, "hello", eventbridge_event()) == ["m-0"]
    assert (aws.dead_letters, len(aws.in_stream)) == ([], 1)


def test_messages_of_a_mebibyte_together_are_set_aside_in_calls_that_sqs_takes(
    aws: InMemoryAws, function: IngestHandler
) -> None:
    assert consume(function, *["x" * 300_000] * 8) == []
    assert len(aws.dead_letters) == 8


def test_a_message_that_can_be_read_but_is_too_deep_to_be_described_is_set_aside_alone(
    aws: InMemoryAws, function: IngestHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How deep each can go depends on the interpreter; this one may describe all that it can read."""

    def describe_what_is_shallow(event: dict[str, Any], *settings: Any) -> EventFacts:
        if "deep" in event:
            raise RecursionError
        return describe(event, *settings)

    monkeypatch.setattr("ingest.queue_consumer.describe", describe_what_is_shallow)
    assert consume(function, eventbridge_event(), '{"deep":{}}', eventbridge_event()) == []
    assert (aws.dead_letters, len(aws.in_stream)) == (['{"deep":{}}'], 2)


@pytest.mark.parametrize(
    "body",
    [
        f"[{eventbridge_event()},{eventbridge_event({**DETAIL, 'version': '3'})}]",
        json.dumps({"Records": [json.loads(eventbridge_event()), DETAIL]}),
        json.dumps({"Records": [{"eventSource": "aws:sqs", "messageId": "m", "body": eventbridge_event()}, DETAIL]}),
    ],
)
def test_a_message_with_several_events_is_a_record_for_each_and_comes_again_whole(
    aws: InMemoryAws, function: IngestHandler, body: str
) -> None:
    aws.schedule = dict.fromkeys(range(3), Fault.PARTIAL)
    assert consume(function, body) == ["m-0"]
    assert len(aws.in_stream) == 1
    aws.schedule = {}
    assert consume(function, body) == []
    records = [json.loads(record) for record in aws.in_stream]
    assert len(records) == 3
    assert {(record["event_type"], record["topic"]) for record in records} == {("call", DETAIL["topicName"])}


def test_only_what_firehose_refuses_comes_again(aws: InMemoryAws, function: IngestHandler) -> None:
    aws.schedule = dict.fromkeys(range(3), Fault.PARTIAL)
    # Of five, three fail at first, then two of these, then one of those.
    assert consume(function, *[eventbridge_event()] * 5) == ["m-0"]
    assert len(aws.in_stream) == 4


def test_beside_a_message_nobody_can_read_a_refused_one_comes_again(aws: InMemoryAws, function: IngestHandler) -> None:
    aws.schedule = {1: Fault.REFUSED}
    assert consume(function, "hello", eventbridge_event()) == ["m-1"]
    assert aws.dead_letters == ["hello"]


@pytest.mark.parametrize(("deliveries", "seconds"), [(1, 60), (2, 120), (3, 240), (4, 480), (5, 900), (500, 900)])
def test_a_message_waits_longer_after_each_failure_up_to_15_minutes(
    aws: InMemoryAws, function: IngestHandler, deliveries: int, seconds: int
) -> None:
    aws.schedule = {0: Fault.REFUSED}
    assert consume(function, eventbridge_event(), deliveries=deliveries) == ["m-0"]
    assert aws.hidden == {"r-0": seconds}


def test_only_what_failed_is_hidden_and_in_one_call(aws: InMemoryAws, function: IngestHandler) -> None:
    aws.schedule = dict.fromkeys(range(3), Fault.PARTIAL)
    failed = consume(function, *[eventbridge_event()] * 10)
    assert aws.hidden.keys() == {message_id.replace("m", "r") for message_id in failed}
    assert aws.calls == [*["PutRecordBatch"] * 3, "ChangeMessageVisibilityBatch"]


@pytest.mark.parametrize("fault", [Fault.TIMEOUT, Fault.THROTTLE, Fault.REFUSED, Fault.PARTIAL])
def test_a_message_that_cant_be_hidden_still_comes_again(
    aws: InMemoryAws, function: IngestHandler, fault: Fault
) -> None:
    aws.schedule = {0: Fault.REFUSED, 1: fault}
    assert consume(function, eventbridge_event()) == ["m-0"]
    assert aws.hidden == {}


def test_what_firehose_refuses_stays_in_the_queue_instead_of_entering_it_again(
    aws: InMemoryAws, function: IngestHandler
) -> None:
    aws.schedule = {0: Fault.REFUSED}
    consume(function, eventbridge_event())
    assert aws.calls == ["PutRecordBatch", "ChangeMessageVisibilityBatch"]
    assert aws.queue == []


def test_an_event_whose_original_cant_be_stored_comes_again(aws: InMemoryAws, function: IngestHandler) -> None:
    large = eventbridge_event({**DETAIL, "text": "x" * 1_100_000})
    aws.schedule = {0: Fault.THROTTLE}
    assert consume(function, large) == ["m-0"]
    assert consume(function, large) == []
    assert list(aws.objects) == [json.loads(aws.in_stream[0])["oversize"]["key"]]


def test_a_crash_answers_nothing_so_that_the_batch_comes_again(aws: InMemoryAws, function: IngestHandler) -> None:
    aws.schedule = {0: Fault.CRASH_BEFORE}
    with pytest.raises(Crash):
        consume(function, eventbridge_event())


def test_nobody_outside_can_make_a_record_of_the_ingress_verification(
    aws: InMemoryAws, function: IngestHandler
) -> None:
    forged = json.loads(marked_event(0, datetime.now(UTC)))
    assert post(function, forged) == 200
    assert consume(function, eventbridge_event(forged)) == []
    assert [json.loads(record)["ingress"] for record in aws.in_stream] == ["webhook", "eventbridge"]


def test_an_error_of_our_own_lets_its_message_alone_come_again(
    aws: InMemoryAws, function: IngestHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    def describe_what_it_likes(event: dict[str, Any], *settings: Any) -> EventFacts:
        if "odd" in event:
            raise TypeError
        return describe(event, *settings)

    monkeypatch.setattr("ingest.queue_consumer.describe", describe_what_it_likes)
    assert consume(function, eventbridge_event(), '{"odd":1}', eventbridge_event()) == ["m-1"]
    assert (aws.dead_letters, len(aws.in_stream)) == ([], 2)
