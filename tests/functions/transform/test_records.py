"""A clean record says what its raw one said, masked, and files it where it belongs."""

import base64
import gzip
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.envelope import wrap
from shared.event import describe
from shared.pointer import Pointer
from tests.in_memory_aws import Fault, InMemoryAws
from tests.wired_functions import (
    firehose_batch,
    ingest_function,
    post,
    transform_function,
    transform_version,
    transformed,
)
from verification.delivery import marked_event

ARRIVAL = datetime(2026, 11, 23, 10, 0, 0, 123000, UTC)
CALL_ENDED = {
    "topicName": "v2.detail.events.conversation.c-1.acd.end",
    "eventBody": {"eventTime": 1795342000250, "conversationId": "c-1", "mediaType": "VOICE", "ani": "tel:+15550100100"},
}


def raw_record(event: dict[str, Any], /, **changes: Any) -> bytes:
    record = wrap(json.dumps(event).encode(), describe(event, ("messageId",), ARRIVAL), "eventbridge", ARRIVAL)
    return json.dumps({**json.loads(record), **changes}).encode() + b"\n"


def answer_to(aws: InMemoryAws, *records: bytes) -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = transform_function(aws).handle(firehose_batch(list(records)))["records"]
    return answers


def clean(aws: InMemoryAws, record: bytes) -> dict[str, Any]:
    [answer] = answer_to(aws, record)
    [content] = transformed({"records": [answer]})
    return content


def partition(aws: InMemoryAws, record: bytes) -> tuple[str, str]:
    [answer] = answer_to(aws, record)
    assert answer["metadata"].keys() == {"partitionKeys"}
    keys = answer["metadata"]["partitionKeys"]
    assert keys.keys() == {"event_type", "date"}
    return keys["event_type"], keys["date"]


@pytest.mark.parametrize(
    "topic", ["", ".", "v2.", "v2..", "v2.users.u-1.presence.", "v2.users.u-1.presence..x", "{id}"]
)
def test_a_topic_of_any_form_is_no_reason_to_fail(aws: InMemoryAws, topic: str) -> None:
    assert clean(aws, raw_record({"messageId": "a", "topicName": topic}))["topic"] == topic


def test_the_envelope_stays_and_the_event_is_masked(aws: InMemoryAws) -> None:
    raw = raw_record(CALL_ENDED)
    before, after = json.loads(raw), clean(aws, raw)
    event = after.pop("event")
    assert event["topicName"] == CALL_ENDED["topicName"]
    assert event["eventBody"].pop("ani").startswith("tok_")
    assert event["eventBody"] == {"eventTime": 1795342000250, "conversationId": "c-1", "mediaType": "VOICE"}
    del before["event"], before["dedup_key"], before["keyed_by"]
    assert {name: after[name] for name in before} == before
    assert after["transform_version"] == transform_version(aws)
    assert "deduplicated" not in after


def test_of_an_eventbridge_event_the_payload_is_kept(aws: InMemoryAws) -> None:
    on_the_bus = {"detail-type": "v2", "account": "123456789012", "detail": CALL_ENDED}
    assert clean(aws, raw_record(on_the_bus))["event"].keys() == CALL_ENDED.keys()


def test_a_clean_record_is_one_line(aws: InMemoryAws) -> None:
    [answer] = answer_to(aws, raw_record({"messageId": "a", "lines": "one\ntwo\r\n\u2028"}))
    line = base64.b64decode(answer["data"])
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1


def test_a_record_is_filed_by_its_type_and_its_events_own_day(aws: InMemoryAws) -> None:
    assert partition(aws, raw_record(CALL_ENDED)) == ("call", "2026-11-22")


def test_without_a_time_of_its_own_an_event_is_filed_by_its_arrival(aws: InMemoryAws) -> None:
    assert partition(aws, raw_record({"messageId": "a"})) == ("unknown", "2026-11-23")


@pytest.mark.parametrize("time", ["1999-01-01T00:00:00Z", "2026-12-24T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_an_absurd_time_is_not_believed_and_counted(
    aws: InMemoryAws, time: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert partition(aws, raw_record({"messageId": "a", "timestamp": time})) == ("unknown", "2026-11-23")
    assert '"EventDateOutOfWindow":1' in capsys.readouterr().out


@pytest.mark.parametrize("number", [15550109876, 4915112345678 // 10, -62135500000000 + 1])
def test_a_telephone_number_in_the_place_of_a_time_is_not_written_as_a_time(aws: InMemoryAws, number: int) -> None:
    topic = "v2.detail.events.conversation.0a1b2c3d-0000-4000-8000-000000000000.acd.start"
    record = clean(aws, raw_record({"topicName": topic, "eventBody": {"eventTime": number, "mediaType": "VOICE"}}))
    assert record["event_time"] is None
    assert record["event"]["eventBody"]["eventTime"] is None


def test_what_the_envelope_says_of_type_and_time_is_read_anew(aws: InMemoryAws) -> None:
    record = raw_record(CALL_ENDED, event_type="chat", event_time="2020-01-01T00:00:00.000Z", topic="old")
    content = clean(aws, record)
    assert (content["event_type"], content["event_time"], content["topic"]) == (
        "call",
        "2026-11-22T10:06:40.250Z",
        CALL_ENDED["topicName"],
    )


def test_an_arrival_that_cant_be_read_is_firehoses(aws: InMemoryAws) -> None:
    batch = firehose_batch([raw_record({"messageId": "a"}, received_at="yesterday")])
    batch["records"][0]["approximateArrivalTimestamp"] = 1795600000000
    [answer] = transform_function(aws).handle(batch)["records"]
    assert answer["metadata"]["partitionKeys"]["date"] == "2026-11-25"


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"hello\n",
        b"[]",
        b"\xff\xfe",
        json.dumps(CALL_ENDED).encode(),
        raw_record(CALL_ENDED)[:-3],
        raw_record(CALL_ENDED) * 2,
        raw_record(CALL_ENDED, ingest_id=None),
        raw_record(CALL_ENDED, event="text"),
        raw_record({"messageId": "a"}).replace(b'"a"', b"NaN"),
        raw_record({"messageId": "a"}).replace(b'"a"', b"7" * 5000),
        raw_record({"messageId": "a"}).replace(b'"a"', b"[" * 600 + b"]" * 600),
        raw_record({"messageId": "a"}).replace(b'"a"', b"[" * 100_000 + b"]" * 100_000),
    ],
)
def test_what_cant_be_transformed_fails_alone_claims_no_key_and_is_not_in_the_log(
    aws: InMemoryAws, record: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = answer_to(aws, record, raw_record({"messageId": "b"}))
    if answers[0]["result"] == "Ok":
        # Some nesting can be masked, depending on the interpreter.
        assert b"[" * 600 in record
        return
    assert answers[0] == {"recordId": "record-0", "result": "ProcessingFailed"}
    assert answers[1]["result"] == "Ok"
    assert len(aws.owners) == 1
    assert '"RecordsFailed":1' in capsys.readouterr().out


def test_a_number_that_no_json_can_hold_is_closed(aws: InMemoryAws) -> None:
    record = raw_record({"messageId": "a", "level": 7}).replace(b"7}", b"1e999}")
    assert clean(aws, record)["event"]["level"] is None


@pytest.fixture
def oversize(aws: InMemoryAws) -> bytes:
    """The raw record of an oversize event, as the ingest function makes it."""
    event = {"messageId": "a", "customerName": "zq-Jane", "transcripts": [{"words": [{"word": "zq-secret"}]}]}
    assert post(ingest_function(aws), {**event, "padding": [7] * 550_000, "text": "y"}) == 200
    [record] = aws.in_stream
    return record


def test_an_oversize_event_is_clean_whole_from_its_original_and_masked(aws: InMemoryAws, oversize: bytes) -> None:
    content = clean(aws, oversize)
    assert content["event"].keys() == {"messageId", "customerName", "transcripts", "padding"}
    assert content["event"]["padding"] == [7] * 550_000
    assert content["event"]["transcripts"] == [{"words": [{}]}]
    assert "zq-" not in json.dumps(content)


def _change(aws: InMemoryAws, content: bytes) -> None:
    aws.objects[next(iter(aws.objects))] = content


def test_an_oversize_event_whose_original_is_gone_or_changed_fails(
    aws: InMemoryAws, oversize: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    for content in (b"not gzip", b"", gzip.compress(b"{}"), gzip.compress(b"[]")):
        _change(aws, content)
        assert answer_to(aws, oversize) == [{"recordId": "record-0", "result": "ProcessingFailed"}]
    log = capsys.readouterr().out
    assert log.count('"reason":"the original is not gzip"') == 1
    assert log.count('"reason":"the original is not what the pointer names"') == 3
    aws.objects.clear()
    assert answer_to(aws, oversize) == [{"recordId": "record-0", "result": "ProcessingFailed"}]
    assert aws.owners == {}


@pytest.mark.parametrize("fault", [Fault.TIMEOUT, Fault.REFUSED, Fault.THROTTLE])
def test_an_oversize_event_whose_original_cant_be_read_now_fails_and_passes_when_redriven(
    aws: InMemoryAws, oversize: bytes, fault: Fault
) -> None:
    aws.schedule = {len(aws.calls) + 1: fault}
    assert answer_to(aws, oversize)[0]["result"] == "ProcessingFailed"
    assert answer_to(aws, oversize)[0]["result"] == "Ok"


def test_a_senders_own_pointer_is_not_followed(aws: InMemoryAws) -> None:
    foreign = Pointer("raw/2026/11/23/10/records.gz", 2, "d" * 64)
    aws.objects[foreign.key] = gzip.compress(b"{}")
    event = {"messageId": "a", "text_of_another": {"$oversize": foreign._asdict()}}
    assert clean(aws, raw_record(event))["event"]["text_of_another"] == {}
    assert "GetObject" not in aws.calls


def test_what_an_input_transformer_left_is_masked_and_filed_by_its_detail(aws: InMemoryAws) -> None:
    body = {"eventTime": 1795424400250, "conversationId": "c-1", "mediaType": "VOICE", "ani": "tel:+15550142233"}
    detail = {"topicName": "v2.detail.events.conversation.c-1.acd.start", "eventBody": body}
    source = "aws.partner/genesys.com/cloud/org-1/lake"
    event = {"id": "e-1", "source": source, "time": "2026-11-23T10:00:00Z", "detail": detail}
    content = clean(aws, raw_record(event))
    assert (content["event_type"], content["event_time"]) == ("call", "2026-11-23T09:00:00.250Z")
    assert content["topic"] == detail["topicName"]
    assert content["event"].keys() == detail.keys()
    assert "15550142233" not in json.dumps(content)


def test_an_event_without_any_time_of_its_own_has_that_of_the_eventbridge_event_around_it(aws: InMemoryAws) -> None:
    detail = {"topicName": "v2.users.u-1.station", "eventBody": {"associatedStation": None}}
    content = clean(aws, raw_record({"detail-type": "x", "time": "2026-11-23T08:00:00Z", "detail": detail}))
    assert content["event_time"] == "2026-11-23T08:00:00.000Z"


def test_of_a_key_that_comes_twice_the_last_value_counts_and_the_record_says_so(aws: InMemoryAws) -> None:
    record = raw_record({"messageId": "a", "level": 3})
    assert "repeated_keys" not in clean(aws, record)
    content = clean(InMemoryAws(), record.replace(b'"level": 3', b'"level": "Ada Lovelace", "level": 4'))
    assert (content["repeated_keys"], content["event"]["level"]) == (True, 4)


def test_a_marked_event_has_a_partition_that_no_sender_can_name(aws: InMemoryAws) -> None:
    assert partition(aws, marked_event(0, ARRIVAL)) == ("verification", "2026-11-23")
    assert partition(aws, raw_record({"messageId": "a", "eventType": "verification.event"}))[0] == "unknown"
