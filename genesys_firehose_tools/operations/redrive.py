"""Re-ingests the messages of the dead-letter queue and the records under ``errors/``.

A message is sent to the buffer queue again; the ingest function puts it to Firehose. A record under
``errors/`` is put to Firehose again with its bytes unchanged, so it keeps its ``ingest_id``. The de-duplication
table may already name that copy as the owner of its event; a copy with another id would be dropped.

Objects of a locked bucket can't be deleted, so a journal records which records were put. It is written after every
batch, and an interrupted redrive continues after the last batch in it. An interruption between a put and its entry in
the journal repeats that batch: ``clean/`` then holds its records twice, with the same ``ingest_id``.
"""

import base64
import gzip
import itertools
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genesys_firehose_tools.errors import ToolError
from genesys_firehose_tools.operations.clients import Clients

# Amazon Data Firehose API Reference, "PutRecordBatch": 500 records, 4 MiB together.
_MAX_BATCH_RECORDS = 500
_MAX_BATCH_BYTES = 4 * 1024 * 1024
_PUT_ATTEMPTS = 8
_LONGEST_BACKOFF_SECONDS = 10.0
# Amazon SQS API Reference, "ReceiveMessage": ten messages at most.
_MAX_MESSAGES = 10
_GZIP_MAGIC = b"\x1f\x8b"


class RedriveError(ToolError):
    """A redrive could not continue; the journal records what is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The queues, the bucket and the streams of a pipeline.

    Attributes:
        bucket: The data lake's bucket.
        streams: The delivery streams' names.
        queue: The URL of the buffer queue.
        dlq: The URL of its dead-letter queue.
        errors_prefix: Where Firehose writes what it could not deliver.
    """

    bucket: str
    streams: tuple[str, ...]
    queue: str
    dlq: str
    errors_prefix: str = "errors/"


@dataclass(slots=True)
class Progress:
    """How far a redrive is.

    Attributes:
        messages: Messages found in the dead-letter queue; SQS counts them approximately.
        messages_moved: Messages moved.
        records: Records found under ``errors/`` that the journal does not name yet.
        records_put: Records put.
        unreadable: Lines under ``errors/`` that hold no record.
    """

    messages: int = 0
    messages_moved: int = 0
    records: int = 0
    records_put: int = 0
    unreadable: int = 0


class Journal:
    """Which records of which objects have been put; a file of JSON lines, of which only the end ever changes.

    Args:
        path: The file; made when it is first needed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._done: dict[str, int] = {}
        if path.is_file():
            for line in path.read_text().splitlines():
                # A line that was cut short is a batch that was not noted.
                if line.endswith("}"):
                    entry = json.loads(line)
                    self._done[entry["object"]] = entry["lines"]

    def lines_done(self, identity: str) -> int:
        """Return how many lines of an object are done."""
        return self._done.get(identity, 0)

    def note(self, identity: str, lines: int) -> None:
        """Note that the first ``lines`` lines of an object are done."""
        self._done[identity] = lines
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a") as file:
            file.write(json.dumps({"object": identity, "lines": lines}) + "\n")


@dataclass(frozen=True, slots=True)
class _ErrorObject:
    """An object under ``errors/``: its identity in the journal, and where it is."""

    identity: str
    key: str


class Redrive:
    """One redrive of one pipeline.

    Args:
        clients: A boto3 session, or anything that makes its clients.
        source: The pipeline.
        journal: What earlier redrives of it have done.
        sleep: Waits between attempts.
    """

    def __init__(
        self, clients: Clients, source: Source, journal: Journal, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._s3 = clients.client("s3")
        self._sqs = clients.client("sqs")
        self._firehose = clients.client("firehose")
        self._source = source
        # The streams take turns to share the load; all of them use one de-duplication table.
        self._next_stream = itertools.cycle(source.streams)
        self._journal = journal
        self._sleep = sleep
        self.progress = Progress()

    def count(self, report: Callable[[Progress], None] = lambda _: None) -> Progress:
        """Count what a redrive would re-ingest, and change nothing."""
        attributes = self._sqs.get_queue_attributes(
            QueueUrl=self._source.dlq, AttributeNames=["ApproximateNumberOfMessages"]
        )["Attributes"]
        self.progress.messages = int(attributes["ApproximateNumberOfMessages"])
        for found in self._objects():
            for line in self._lines(found)[self._journal.lines_done(found.identity) :]:
                self.progress.records += 1
                self.progress.unreadable += _record(line) is None
            report(self.progress)
        self.progress.records -= self.progress.unreadable
        return self.progress

    def run(self, report: Callable[[Progress], None] = lambda _: None) -> Progress:
        """Re-ingest everything.

        Args:
            report: Told the progress after every step.

        Raises:
            RedriveError: Firehose or the queue refused a part of it in every attempt.
        """
        self._move_messages(report)
        # Listed before the first put: a record that fails again makes a new object, which is left to the next redrive.
        for found in list(self._objects()):
            self._put_records(found, report)
        return self.progress

    def _move_messages(self, report: Callable[[Progress], None]) -> None:
        # Not SQS's StartMessageMoveTask: it needs rights on the queues' key, and continues after this command ends.
        # A message is deleted only after the buffer queue has accepted it.
        sent: set[str] = set()
        while messages := self._receive(without=sent):
            entries = [{"Id": str(i), "MessageBody": message["Body"]} for i, message in enumerate(messages)]
            answer = self._sqs.send_message_batch(QueueUrl=self._source.queue, Entries=entries)
            sent.update(entry["MessageId"] for entry in answer.get("Successful", []))
            moved = [messages[int(entry["Id"])] for entry in answer.get("Successful", [])]
            if not moved:
                raise RedriveError("The buffer queue accepts no messages; start the redrive again later.")
            self._sqs.delete_message_batch(
                QueueUrl=self._source.dlq,
                Entries=[{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(moved)],
            )
            self.progress.messages_moved += len(moved)
            report(self.progress)

    def _receive(self, without: set[str]) -> list[dict[str, Any]]:
        """Receive messages, except those that this redrive has sent: one that failed again is left to the next."""
        messages = self._sqs.receive_message(
            QueueUrl=self._source.dlq, MaxNumberOfMessages=_MAX_MESSAGES, WaitTimeSeconds=1
        ).get("Messages", [])
        return [message for message in messages if message["MessageId"] not in without]

    def _objects(self) -> Iterator[_ErrorObject]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._source.bucket, Prefix=self._source.errors_prefix
        )
        for page in pages:
            for entry in page.get("Contents", []):
                yield _ErrorObject(f"s3://{self._source.bucket}/{entry['Key']}#{entry['ETag']}", entry["Key"])

    def _lines(self, found: _ErrorObject) -> list[bytes]:
        body: bytes = self._s3.get_object(Bucket=self._source.bucket, Key=found.key)["Body"].read()
        return (gzip.decompress(body) if body.startswith(_GZIP_MAGIC) else body).splitlines()

    def _put_records(self, found: _ErrorObject, report: Callable[[Progress], None]) -> None:
        done = self._journal.lines_done(found.identity)
        lines = self._lines(found)
        while done < len(lines):
            batch: list[bytes] = []
            size = 0
            while done < len(lines) and len(batch) < _MAX_BATCH_RECORDS:
                record = _record(lines[done])
                if record is not None:
                    if batch and size + len(record) > _MAX_BATCH_BYTES:
                        break
                    batch.append(record)
                    size += len(record)
                else:
                    self.progress.unreadable += 1
                done += 1
            self._put(batch)
            self._journal.note(found.identity, done)
            self.progress.records_put += len(batch)
            report(self.progress)

    def _put(self, records: Sequence[bytes]) -> None:
        """Put records until Firehose has taken every one."""
        pending = list(records)
        stream = next(self._next_stream)
        for attempt in range(_PUT_ATTEMPTS):
            if not pending:
                return
            if attempt:
                self._sleep(random.uniform(0, min(_LONGEST_BACKOFF_SECONDS, 0.2 * 2**attempt)))  # noqa: S311
            answer = self._firehose.put_record_batch(
                DeliveryStreamName=stream, Records=[{"Data": record} for record in pending]
            )
            pending = [
                record
                for record, entry in zip(pending, answer["RequestResponses"], strict=True)
                if "ErrorCode" in entry
            ]
        if pending:
            raise RedriveError(
                f"Firehose refused {len(pending)} records {_PUT_ATTEMPTS} times; start the redrive again later."
            )


def _record(line: bytes) -> bytes | None:
    """Return the record of a line of an error object, which Firehose keeps base64-encoded in ``rawData``."""
    try:
        return base64.b64decode(json.loads(line)["rawData"], validate=True)
    except (ValueError, KeyError, TypeError):
        return None
