"""A sender writes what looks like a pointer to an oversize event's original, or lets the same original be read often.

What holds: pointers stand in the envelope, where no sender writes. A pointer that leads nowhere is the error of its own
record. An original is read once for all its copies in a batch, and a batch's memory does not grow with its originals.
"""

import base64
import gzip
import hashlib
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.functions.rebuild.test_rebuild_objects import envelope, put_raw, rebuild, records, written
from tests.in_memory_aws import InMemoryAws
from tests.wired_functions import firehose_batch, ingest_function, post, transform_function, transformed
from transform import batch
from transform.function import TransformHandler

NAME = "raw/oversize/2026/11/23/" + "0" * 32 + ".json.gz"
ORIGINAL = json.dumps({"messageId": "large", "eventType": "call.event"}).encode()
FORM = {"key": NAME, "length": len(ORIGINAL), "sha256": hashlib.sha256(ORIGINAL).hexdigest()}
LONG_KEY = {**FORM, "key": "raw/oversize/" + "a" * 1087}
MIB = 1024 * 1024


def pointing(number: int, pointer: Any, copy: str = "a") -> bytes:
    """A record whose envelope has a pointer, as only the ingest function could write it."""
    return envelope(number, copy).replace(b'"event": ', b'"oversize": %b, "event": ' % json.dumps(pointer).encode())


def original(number: int, size: int) -> tuple[dict[str, Any], bytes]:
    """An original that clean/ keeps as large as it is, and its pointer."""
    padding = [1] * (size // 2)
    content = json.dumps({"messageId": str(number), "eventType": "call.event", "n": padding}, separators=(",", ":"))
    data = content.encode()
    name = f"raw/oversize/2026/11/23/{number:032x}.json.gz"
    return {"key": name, "length": len(data), "sha256": hashlib.sha256(data).hexdigest()}, gzip.compress(data)


def results(function: TransformHandler, sent: list[bytes]) -> list[str]:
    return [answer["result"] for answer in function.handle(firehose_batch(sent))["records"]]


FORGERIES = [
    {"oversize": LONG_KEY},
    {"oversize": FORM},
    {"oversize": [FORM] * 300},
    {"oversize": None},
    {"event": {"oversize": FORM}, "oversize": FORM},
    {"detail-type": "v2.x", "detail": {"topicName": "v2.x", "oversize": FORM}, "oversize": FORM},
    {"topicName": '","oversize":' + json.dumps(FORM) + ',"event":{"x":"'},
    {"topicName": '\\","oversize":' + json.dumps(FORM)},
]


@pytest.mark.parametrize("forgery", FORGERIES, ids=range(len(FORGERIES)))
def test_a_pointer_that_a_sender_writes_is_data_and_nothing_is_read_for_it(forgery: dict[str, Any]) -> None:
    aws = InMemoryAws()
    function = ingest_function(aws)
    assert post(function, [{"messageId": "forged", **forgery}, {"messageId": "honest"}]) == 200
    message = {"messageId": "1", "body": json.dumps({"messageId": "bus", **forgery})}
    assert function.handle({"Records": [message]}) == {"batchItemFailures": []}
    assert not any("oversize" in json.loads(record) for record in aws.raw)
    assert "ProcessingFailed" not in results(transform_function(aws), aws.in_stream)
    assert "GetObject" not in aws.calls
    put_raw(aws, *aws.raw)
    rebuild(aws)
    assert len(records(aws)) == 3
    assert aws.calls.count("GetObject") == 1  # of the raw object


BROKEN: dict[str, tuple[Any, bytes | None]] = {
    "a key of 1,100 characters": (LONG_KEY, None),
    "a key of another prefix": ({**FORM, "key": "clean/x.json.gz"}, None),
    "a key with a line break": ({**FORM, "key": NAME + "\n"}, None),
    "a key that is no text": ({**FORM, "key": [NAME]}, None),
    "no object": (FORM, None),
    "no pointer": ("x", None),
    "a length beyond any original": ({**FORM, "length": 10**12}, b""),
    "a length that is no number": ({**FORM, "length": True}, b""),
    "one field more": ({**FORM, "bucket": "x"}, gzip.compress(ORIGINAL)),
    "an object that is no gzip": (FORM, ORIGINAL),
    "an object that ends too early": (FORM, gzip.compress(ORIGINAL)[:-20]),
    "an empty object": (FORM, b""),
    "another content": (FORM, gzip.compress(ORIGINAL.replace(b"large", b"other"))),
    "a bomb": (FORM, gzip.compress(b" " * 50 * MIB)),
}
for text, content in {
    "an original that is no JSON": b"{",
    "an original that is no object": b"[{}]",
    "an original of many levels": b'{"a":' * 50_000,
}.items():
    BROKEN[text] = (
        {**FORM, "length": len(content), "sha256": hashlib.sha256(content).hexdigest()},
        gzip.compress(content),
    )


@pytest.mark.parametrize("case", BROKEN)
def test_a_pointer_that_leads_nowhere_is_the_error_of_its_record_alone(case: str) -> None:
    pointer, content = BROKEN[case]
    aws = InMemoryAws()
    if content is not None:
        aws.objects[NAME] = content
    sent = [envelope(1), pointing(2, pointer), envelope(3)]
    assert results(transform_function(aws), sent) == ["Ok", "ProcessingFailed", "Ok"]
    put_raw(aws, *sent)
    rebuild(aws)
    assert [record["event"]["messageId"] for record in records(aws)] == ["1", "3"]
    [[failed]] = written(aws, "errors/rebuild/").values()
    assert base64.b64decode(failed["rawData"]) == sent[1]


# Amazon S3 API Reference, "Error responses": what no second attempt changes for this object.
FINAL = ["NoSuchKey", "InvalidObjectState", "KeyTooLongError", "InvalidArgument", "InvalidURI", "MethodNotAllowed"]


@pytest.mark.parametrize("code", FINAL)
def test_an_original_that_no_attempt_can_read_is_the_error_of_its_record_alone(
    code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = InMemoryAws()
    put_raw(aws, envelope(1), pointing(2, FORM), envelope(3))
    answer = aws.client

    def client(service: str) -> Any:
        made = answer(service)
        if service != "s3":
            return made

        class Refusing:
            put_object = staticmethod(made.put_object)

            @staticmethod
            def get_object(**request: str) -> Any:
                if request["Key"] == NAME:
                    raise ClientError({"Error": {"Code": code}}, "GetObject")
                return made.get_object(**request)

        return Refusing

    monkeypatch.setattr(aws, "client", client)
    rebuild(aws)
    assert len(records(aws)) == 2
    assert len(written(aws, "errors/rebuild/")) == 1


def test_three_hundred_copies_of_an_event_cost_one_read_and_an_honest_event_passes() -> None:
    aws = InMemoryAws()
    pointer, aws.objects[pointer["key"]] = original(7, 3 * MIB)
    copies = [pointing(7, pointer).replace(b"00007", b"%05d" % number, 1) for number in range(300)]
    assert len({json.loads(copy)["ingest_id"] for copy in copies}) == 300
    assert results(transform_function(aws), [*copies, envelope(1)]) == ["Ok", *["Dropped"] * 299, "Ok"]
    assert aws.calls.count("GetObject") == 1


def test_a_copy_that_owns_the_event_passes_though_another_stands_before_it() -> None:
    aws = InMemoryAws()
    pointer, aws.objects[pointer["key"]] = original(7, 1000)
    function = transform_function(aws)
    [owner] = transformed(function.handle(firehose_batch([pointing(7, pointer, "a")])))
    both = [pointing(7, pointer, "b"), pointing(7, pointer, "a")]
    assert transformed(function.handle(firehose_batch(both))) == [owner]


def test_a_copy_whose_own_object_is_gone_takes_none_with_it() -> None:
    aws = InMemoryAws()
    pointer, aws.objects[pointer["key"]] = original(7, 1000)
    gone = {**pointer, "key": NAME}
    sent = [pointing(7, gone, "a"), pointing(7, pointer, "b")]
    assert results(transform_function(aws), sent) == ["ProcessingFailed", "Ok"]


def test_the_memory_of_a_batch_does_not_grow_with_its_originals(monkeypatch: pytest.MonkeyPatch) -> None:
    assert batch._MAX_LINES_BYTES <= 64 * MIB
    monkeypatch.setattr(batch, "_MAX_LINES_BYTES", 300_000)
    monkeypatch.setattr(batch, "MAX_ANSWER_BYTES", 40_000)
    in_memory: list[int] = []
    judge = batch._judge

    def watched(records: Any, *others: Any) -> Any:
        in_memory.append(sum(len(record.line) for record in records))
        return judge(records, *others)

    monkeypatch.setattr(batch, "_judge", watched)
    aws = InMemoryAws()
    sent = [envelope(number) for number in range(900, 910)]
    for number in range(60):
        pointer, aws.objects[pointer["key"]] = original(number, 20_000)
        sent.insert(5, pointing(number, pointer))
    answers = results(transform_function(aws), sent)
    [held] = in_memory
    assert 250_000 < held <= 300_000  # of 1,200,000
    assert answers[:5] + answers[65:] == ["Ok"] * 10
    assert answers[5:65].count("Ok") == 1
    assert answers[5:65].count("ProcessingFailed") == 59


def test_originals_that_take_too_long_wait_and_hold_up_no_other_event(monkeypatch: pytest.MonkeyPatch) -> None:
    aws = InMemoryAws()
    sent = []
    for number in range(10):
        pointer, aws.objects[pointer["key"]] = original(number, 1000)
        sent.append(pointing(number, pointer))
    sent += [envelope(number) for number in range(100, 110)]
    # An original takes 30 s.
    monkeypatch.setattr(batch, "monotonic", lambda: aws.calls.count("GetObject") * 30.0)
    function = transform_function(aws)
    answers = results(function, sent)
    assert answers[10:] == ["Ok"] * 10
    waiting = [record for record, answer in zip(sent, answers, strict=True) if answer == "ProcessingFailed"]
    assert 0 < len(waiting) < 10
    # They claimed nothing, so they pass when they come again.
    aws.calls.clear()
    monkeypatch.undo()
    assert results(function, waiting) == ["Ok"] * len(waiting)


def test_two_copies_of_each_original_fill_no_more_memory_than_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """What gave way is not made again for its copy without a bound."""
    monkeypatch.setattr(batch, "_MAX_LINES_BYTES", 300_000)
    monkeypatch.setattr(batch, "MAX_ANSWER_BYTES", 40_000)
    kept: list[batch._Clean] = []
    create = batch._Clean.__init__

    def watched(clean: batch._Clean) -> None:
        create(clean)
        kept.append(clean)

    monkeypatch.setattr(batch._Clean, "__init__", watched)
    aws = InMemoryAws()
    sent = [envelope(number) for number in range(900, 910)]
    for number in range(60):
        pointer, aws.objects[pointer["key"]] = original(number, 20_000)
        sent += [pointing(number, pointer, "a"), pointing(number, pointer, "b")]
    answers = results(transform_function(aws), sent)
    assert answers[:10] == ["Ok"] * 10
    for clean in kept:
        assert sum(len(record.line) for record in clean.records.values()) <= 300_000
    assert len(kept[-1].records) < 70
