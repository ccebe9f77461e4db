# ruff: noqa: N803, ARG002 - the arguments are AWS's
"""A redrive re-ingests everything once, with refused puts and interruptions at every place."""

import base64
import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from genesys_firehose_tools.operations.redrive import Journal, Progress, Redrive, RedriveError, Source

SOURCE = Source(bucket="lake", streams=("stream",), queue="queue", dlq="dlq")


class Aws:
    """S3, SQS and Firehose in memory, with the answers that AWS gives."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
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
                yield {"Contents": [{"Key": key, "ETag": f'"{hash(self.objects[key])}"'}]}

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
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


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.jsonl"


def redrive(aws: Aws, journal: Path) -> Progress:
    return Redrive(aws, SOURCE, Journal(journal), sleep=lambda _: None).run()


def test_records_are_put_again_with_their_bytes_unchanged(aws: Aws, journal: Path) -> None:
    records = [b'{"ingest_id":"1"}\n', b"\xff not JSON \x00"]
    aws.objects = {"errors/a": failed(records[0]), "errors/b.gz": gzip.compress(failed(records[1])), "raw/c": b"x"}

    assert redrive(aws, journal).records_put == 2
    assert aws.received == records


def test_what_was_put_is_not_put_again_by_the_next_redrive(aws: Aws, journal: Path) -> None:
    aws.objects = {"errors/a": failed(b"1")}
    redrive(aws, journal)
    aws.objects["errors/b"] = failed(b"2")

    assert redrive(aws, journal).records_put == 1
    assert aws.received == [b"1", b"2"]


@pytest.mark.parametrize("calls", range(4))
def test_an_interrupted_redrive_goes_on_where_it_stopped(aws: Aws, journal: Path, calls: int) -> None:
    records = [f"{number}".encode() for number in range(1600)]
    aws.objects = {"errors/a": failed(*records)}
    aws.crash_before_put = calls
    with pytest.raises(KeyboardInterrupt):
        redrive(aws, journal)
    aws.crash_before_put = None
    redrive(aws, journal)

    assert aws.received == records


def test_a_journal_whose_last_line_was_cut_short_counts_up_to_the_line_before(aws: Aws, journal: Path) -> None:
    aws.objects = {"errors/a": failed(b"1"), "errors/b": failed(b"2")}
    redrive(aws, journal)
    journal.write_text(journal.read_text()[:-5])

    assert redrive(aws, journal).records_put == 1
    assert aws.received == [b"1", b"2", b"2"]


def test_batches_keep_within_firehoses_limits(aws: Aws, journal: Path) -> None:
    aws.objects = {"errors/a": failed(*[b"x"] * 1001), "errors/b": failed(*[b"y" * 1_000_000] * 5)}
    redrive(aws, journal)

    assert aws.batches == [500, 500, 1, 4, 1]


def test_several_streams_get_batches_in_turn(aws: Aws, journal: Path) -> None:
    aws.objects = {f"errors/{name}": failed(name.encode()) for name in "abc"}
    source = Source(bucket="lake", streams=("one", "two"), queue="queue", dlq="dlq")
    Redrive(aws, source, Journal(journal), sleep=lambda _: None).run()
    assert aws.streams == ["one", "two", "one"]
    assert aws.received == [b"a", b"b", b"c"]


def test_only_refused_records_are_put_once_more(aws: Aws, journal: Path) -> None:
    aws.objects = {"errors/a": failed(b"1", b"2", b"3")}
    aws.refuse = [[1], [0]]
    redrive(aws, journal)

    assert aws.received == [b"1", b"3", b"2"]
    assert aws.batches == [3, 1, 1]


def test_a_firehose_that_refuses_for_good_ends_the_redrive(aws: Aws, journal: Path) -> None:
    aws.objects = {"errors/a": failed(b"1")}
    aws.refuse = [[0]] * 8

    with pytest.raises(RedriveError, match="Firehose refused 1 records 8 times"):
        redrive(aws, journal)
    assert redrive(aws, journal).records_put == 1


def test_a_line_without_a_record_is_counted_and_passed_over(aws: Aws, journal: Path) -> None:
    aws.objects = {"errors/a": b'nonsense\n{"errorCode": "x"}\n' + failed(b"1")}

    assert redrive(aws, journal) == Progress(records_put=1, unreadable=2)


def test_messages_go_back_to_the_queue_and_leave_the_dead_letter_queue(aws: Aws, journal: Path) -> None:
    bodies = [f"{number}" for number in range(25)]
    aws.put_into_dlq(*bodies)

    assert redrive(aws, journal).messages_moved == 25
    assert [message["Body"] for message in aws.queues["queue"]] == bodies
    assert aws.queues["dlq"] == []


def test_a_message_that_fails_again_meanwhile_waits_for_the_next_redrive(aws: Aws, journal: Path) -> None:
    aws.put_into_dlq("poison")
    delete = aws.delete_message_batch

    def fail_again(**arguments: Any) -> None:
        delete(**arguments)
        aws.put_into_dlq("poison")

    aws.delete_message_batch = fail_again  # type: ignore[method-assign]
    assert redrive(aws, journal).messages_moved == 1


def test_a_dry_run_counts_what_there_is_and_touches_nothing(aws: Aws, journal: Path) -> None:
    aws.objects = {"errors/a": failed(b"1", b"2") + b"nonsense\n"}
    aws.put_into_dlq("1")

    progress = Redrive(aws, SOURCE, Journal(journal)).count()
    assert progress == Progress(messages=1, records=2, unreadable=1)
    assert (aws.received, len(aws.queues["dlq"]), journal.exists()) == ([], 1, False)
