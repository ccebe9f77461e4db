# ruff: noqa: N803, ARG002 - the arguments are AWS's
"""A redrive re-ingests everything once, with refused puts and interruptions at every place."""

import base64
import gzip
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from genesys_firehose_tools.operations.redrive import Progress, Redrive, RedriveError, Source
from genesys_firehose_tools.operations.redrive_journal import HELD_FOR, JournalError
from tests.in_memory_aws import refusal

SOURCE = Source(bucket="lake", streams=("stream",), queue="queue", dlq="dlq")


class Aws:
    """S3, SQS and Firehose in memory, with the answers that AWS gives."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.written: dict[str, datetime] = {}
        self.read: list[str] = []
        self.now = datetime(2026, 11, 23, tzinfo=UTC)
        self.queues: dict[str, list[dict[str, str]]] = {"queue": [], "dlq": []}
        self.received: list[bytes] = []
        self.batches: list[int] = []
        self.streams: list[str] = []
        self.refuse: list[list[int]] = []
        self.crash_before_put: int | None = None

    def client(self, service_name: str) -> Any:
        return self

    # S3

    def get_paginator(self, _: str) -> "Aws":
        return self

    def paginate(self, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:
        for key in sorted(self.objects):
            if key.startswith(Prefix):
                etag = f'"{hash(self.objects[key])}"'
                yield {"Contents": [{"Key": key, "ETag": etag, "LastModified": self.written.get(key, self.now)}]}

    def put_object(self, Bucket: str, Key: str, Body: bytes = b"", IfNoneMatch: str | None = None) -> None:
        if IfNoneMatch == "*" and Key in self.objects:
            raise refusal("PreconditionFailed", "PutObject")
        self.objects[Key] = Body
        self.written[Key] = self.now

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        self.read.append(Key)
        return {"Body": io.BytesIO(self.objects[Key])}

    # SQS

    def put_into_dlq(self, *bodies: str) -> None:
        self.queues["dlq"] += [{"MessageId": f"m{body}", "Body": body, "ReceiptHandle": body} for body in bodies]

    def get_queue_attributes(self, QueueUrl: str, AttributeNames: list[str]) -> dict[str, Any]:
        return {"Attributes": {"ApproximateNumberOfMessages": str(len(self.queues[QueueUrl]))}}

    def receive_message(self, QueueUrl: str, MaxNumberOfMessages: int, WaitTimeSeconds: int) -> dict[str, Any]:
        messages = self.queues[QueueUrl][:MaxNumberOfMessages]
        return {"Messages": messages} if messages else {}

    def send_message_batch(self, QueueUrl: str, Entries: list[dict[str, str]]) -> dict[str, Any]:
        sent = [{"MessageId": f"m{entry['MessageBody']}", "Body": entry["MessageBody"]} for entry in Entries]
        self.queues[QueueUrl] += sent
        return {
            "Successful": [
                {"Id": entry["Id"], "MessageId": s["MessageId"]} for entry, s in zip(Entries, sent, strict=True)
            ]
        }

    def delete_message_batch(self, QueueUrl: str, Entries: list[dict[str, str]]) -> None:
        gone = {entry["ReceiptHandle"] for entry in Entries}
        self.queues[QueueUrl] = [m for m in self.queues[QueueUrl] if m["ReceiptHandle"] not in gone]

    # Firehose

    def put_record_batch(self, DeliveryStreamName: str, Records: list[dict[str, bytes]]) -> dict[str, Any]:
        if self.crash_before_put == len(self.batches):
            raise KeyboardInterrupt
        self.batches.append(len(Records))
        self.streams.append(DeliveryStreamName)
        refused = self.refuse.pop(0) if self.refuse else []
        self.received += [record["Data"] for i, record in enumerate(Records) if i not in refused]
        return {
            "FailedPutCount": len(refused),
            "RequestResponses": [
                {"ErrorCode": "x"} if i in refused else {"RecordId": "1"} for i in range(len(Records))
            ],
        }


def failed(*records: bytes) -> bytes:
    return b"".join(
        json.dumps({"attemptsMade": 4, "rawData": base64.b64encode(record).decode()}).encode() + b"\n"
        for record in records
    )


@pytest.fixture
def aws() -> Aws:
    return Aws()


def redrive(aws: Aws, source: Source = SOURCE) -> Progress:
    return Redrive(aws, source, sleep=lambda _: None, now=lambda: aws.now).run()


def journal(aws: Aws) -> list[str]:
    return [key.rpartition("/")[2] for key in sorted(aws.objects) if key.startswith("errors/redriven/")]


def test_records_are_put_again_with_their_bytes_unchanged(aws: Aws) -> None:
    records = [b'{"ingest_id":"1"}\n', b"\xff not JSON \x00"]
    aws.objects = {"errors/a": failed(records[0]), "errors/b.gz": gzip.compress(failed(records[1])), "raw/c": b"x"}

    assert redrive(aws).records_put == 2
    assert aws.received == records


def test_what_was_put_is_not_put_again_by_the_next_redrive(aws: Aws) -> None:
    aws.objects = {"errors/a": failed(b"1")}
    redrive(aws)
    aws.objects["errors/b"] = failed(b"2")

    assert redrive(aws).records_put == 1
    assert aws.received == [b"1", b"2"]
    assert aws.read == ["errors/a", "errors/b"]


@pytest.mark.parametrize("calls", range(4))
def test_an_interrupted_redrive_goes_on_where_it_stopped(aws: Aws, calls: int) -> None:
    records = [f"{number}".encode() for number in range(1600)]
    aws.objects = {"errors/a": failed(*records)}
    aws.crash_before_put = calls
    with pytest.raises(KeyboardInterrupt):
        redrive(aws)
    aws.crash_before_put = None
    held = redrive(aws).records_held
    assert (held, len(aws.received)) == (500 if calls < 3 else 100, 1600 - held)

    aws.now += HELD_FOR
    assert redrive(aws).records_held == 0
    assert sorted(aws.received) == sorted(records)


@pytest.mark.parametrize("content", [b"", b"[0", b'{"a": 1}', b"[7]", b"[[]]", b"null", b"[" * 100_000])
def test_a_journal_that_another_wrote_is_named_in_one_sentence(aws: Aws, content: bytes) -> None:
    aws.objects = {"errors/a": failed(b"1")}
    aws.refuse = [[0]] * 8
    with pytest.raises(RedriveError):
        redrive(aws)
    [left] = [key for key in aws.objects if key.endswith("/1-of-1/left-1")]
    aws.objects[left] = content

    with pytest.raises(JournalError) as caught:
        redrive(aws)
    assert str(caught.value).startswith(f"The journal's object s3://lake/{left} does not list lines of its batch: ")
    del aws.objects[left]
    aws.now += HELD_FOR
    assert redrive(aws).records_put == 1


@pytest.mark.parametrize("name", ["x", "a/done", "a/x/done", "a/x/1-of-1/done", "a/x/-of-/done", "a/x/1-of-2/begun-2"])
def test_foreign_objects_in_the_journal_keep_nothing_from_being_put(aws: Aws, name: str) -> None:
    aws.objects = {"errors/a": failed(b"1"), f"errors/redriven/{name}": b"\xff"}
    redrive(aws)
    redrive(aws)
    assert aws.received == [b"1"]


def test_an_object_that_is_written_anew_is_put_anew(aws: Aws) -> None:
    for record in (b"1", b"2"):
        aws.objects["errors/a"] = failed(record)
        redrive(aws)
    assert aws.received == [b"1", b"2"]


def test_no_put_begins_when_the_claim_may_be_over(aws: Aws) -> None:
    aws.objects = {"errors/a": failed(b"1")}
    aws.refuse = [[0]] * 8

    def sleep(_: float) -> None:
        aws.now += timedelta(minutes=2)

    with pytest.raises(RedriveError, match="Firehose refused 1 records in every try"):
        Redrive(aws, SOURCE, sleep=sleep, now=lambda: aws.now).run()
    assert aws.batches == [1, 1, 1]


def test_batches_keep_within_firehoses_limits(aws: Aws) -> None:
    aws.objects = {"errors/a": failed(*[b"x"] * 1001), "errors/b": failed(*[b"y" * 1_000_000] * 5)}
    redrive(aws)

    assert aws.batches == [500, 500, 1, 4, 1]


def test_several_streams_get_batches_in_turn(aws: Aws) -> None:
    aws.objects = {f"errors/{name}": failed(name.encode()) for name in "abc"}
    source = Source(bucket="lake", streams=("one", "two"), queue="queue", dlq="dlq")
    redrive(aws, source)
    assert aws.streams == ["one", "two", "one"]
    assert aws.received == [b"a", b"b", b"c"]


def test_only_refused_records_are_put_once_more(aws: Aws) -> None:
    aws.objects = {"errors/a": failed(b"1", b"2", b"3")}
    aws.refuse = [[1], [0]]
    redrive(aws)

    assert aws.received == [b"1", b"3", b"2"]
    assert aws.batches == [3, 1, 1]


def test_a_firehose_that_refuses_for_good_ends_the_redrive(aws: Aws) -> None:
    aws.objects = {"errors/a": failed(b"1")}
    aws.refuse = [[0]] * 8

    with pytest.raises(RedriveError, match="Firehose refused 1 records in every try"):
        redrive(aws)
    assert redrive(aws).records_put == 1


def test_what_firehose_took_before_it_refused_for_good_is_not_put_again(aws: Aws) -> None:
    aws.objects = {"errors/a": failed(b"1", b"2", b"3")}
    aws.refuse = [[0, 2]] + [[0, 1]] * 7
    with pytest.raises(RedriveError, match="Firehose refused 2 records in every try"):
        redrive(aws)
    assert Redrive(aws, SOURCE).count().records == 2
    redrive(aws)

    assert aws.received == [b"2", b"1", b"3"]
    assert journal(aws) == ["begun-1", "begun-2", "done", "left-1"]


def test_a_line_without_a_record_is_counted_and_passed_over(aws: Aws) -> None:
    aws.objects = {"errors/a": b'nonsense\n{"errorCode": "x"}\n' + failed(b"1")}

    assert redrive(aws) == Progress(records_put=1, unreadable=2)


def test_messages_go_back_to_the_queue_and_leave_the_dead_letter_queue(aws: Aws) -> None:
    bodies = [f"{number}" for number in range(25)]
    aws.put_into_dlq(*bodies)

    assert redrive(aws).messages_moved == 25
    assert [message["Body"] for message in aws.queues["queue"]] == bodies
    assert aws.queues["dlq"] == []


def test_a_message_that_fails_again_meanwhile_waits_for_the_next_redrive(aws: Aws) -> None:
    aws.put_into_dlq("poison")
    delete = aws.delete_message_batch

    def fail_again(**arguments: Any) -> None:
        delete(**arguments)
        aws.put_into_dlq("poison")

    aws.delete_message_batch = fail_again  # type: ignore[method-assign]
    assert redrive(aws).messages_moved == 1


def test_a_dry_run_counts_what_there_is_and_touches_nothing(aws: Aws) -> None:
    aws.objects = {"errors/a": failed(b"1", b"2") + b"nonsense\n"}
    aws.put_into_dlq("1")

    progress = Redrive(aws, SOURCE).count()
    assert progress == Progress(messages=1, records=2, unreadable=1)
    assert (aws.received, len(aws.queues["dlq"]), journal(aws)) == ([], 1, [])
