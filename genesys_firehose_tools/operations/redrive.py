"""Re-ingests the messages of the dead-letter queue and the records under ``errors/``.

A message is sent to the buffer queue again; the ingest function puts it to Firehose as a copy of its own, so a message
that is sent twice lands once. A record under ``errors/`` is put to Firehose again with its bytes unchanged, so it keeps
its ``ingest_id``. The de-duplication table may already name that copy as the owner of its event; a copy with another id
would be dropped. But an owner passes every time, so each record must be put once: see `redrive_journal`.
"""

import base64
import itertools
import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from genesys_firehose_tools.errors import ToolError
from genesys_firehose_tools.lake_objects import unpack
from genesys_firehose_tools.operations.clients import Clients
from genesys_firehose_tools.operations.redrive_journal import (
    ERRORS_PREFIX,
    JOURNAL_PREFIX,
    PUT_FOR,
    Attempt,
    Batch,
    ErrorObject,
    Journal,
)

# Amazon Data Firehose API Reference, "PutRecordBatch": 500 records, 4 MiB together. The journal knows a batch by its
# number: with other sizes it must have another prefix.
_MAX_BATCH_RECORDS = 500
_MAX_BATCH_BYTES = 4 * 1024 * 1024
_PUT_ATTEMPTS = 8
_LONGEST_BACKOFF_SECONDS = 10.0
# Amazon SQS API Reference, "ReceiveMessage": ten messages at most.
_MAX_MESSAGES = 10


class RedriveError(ToolError):
    """A redrive could not continue; the journal notes what is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The queues, the bucket and the streams of a pipeline.

    Attributes:
        bucket: The data lake's bucket.
        streams: The delivery streams' names.
        queue: The URL of the buffer queue.
        dlq: The URL of its dead-letter queue.
    """

    bucket: str
    streams: tuple[str, ...]
    queue: str
    dlq: str


@dataclass(slots=True)
class Progress:
    """How far a redrive is.

    Attributes:
        messages: Messages found in the dead-letter queue; SQS counts them approximately.
        messages_moved: Messages moved.
        records: Records found under ``errors/`` that are to be put.
        records_put: Records put.
        records_held: Records that another redrive is putting, or one that was cut less than half an hour ago.
        unreadable: Lines that hold no record, in objects under ``errors/`` that are not done.
    """

    messages: int = 0
    messages_moved: int = 0
    records: int = 0
    records_put: int = 0
    records_held: int = 0
    unreadable: int = 0


class Redrive:
    """One redrive of one pipeline.

    Args:
        clients: A boto3 session, or anything that makes its clients.
        source: The pipeline.
        sleep: Waits between attempts.
        now: Gives the time.
    """

    def __init__(
        self,
        clients: Clients,
        source: Source,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._s3 = clients.client("s3")
        self._sqs = clients.client("sqs")
        self._firehose = clients.client("firehose")
        self._source = source
        # The streams take turns to share the load; all of them use one de-duplication table.
        self._next_stream = itertools.cycle(source.streams)
        self._journal = Journal(self._s3, source.bucket, now)
        self._sleep = sleep
        self._now = now
        self.progress = Progress()

    def count(self, report: Callable[[Progress], None] = lambda _: None) -> Progress:
        """Count what a redrive would re-ingest, and change nothing."""
        attributes = self._sqs.get_queue_attributes(
            QueueUrl=self._source.dlq, AttributeNames=["ApproximateNumberOfMessages"]
        )["Attributes"]
        self.progress.messages = int(attributes["ApproximateNumberOfMessages"])
        for found in self._objects():
            for batch in self._batches(found):
                if self._journal.is_held(batch):
                    self.progress.records_held += len(batch.records)
                else:
                    self.progress.records += len(self._journal.left(batch))
            report(self.progress)
        return self.progress

    def run(self, report: Callable[[Progress], None] = lambda _: None) -> Progress:
        """Re-ingest everything.

        Args:
            report: Told the progress after every step.

        Raises:
            RedriveError: Firehose or the queue refused a part of it in every attempt.
            JournalError: An object of the journal is none that a redrive writes.
        """
        self.progress.records_held = self.progress.unreadable = 0
        self._move_messages(report)
        # Listed before the first put: a record that fails again makes a new object, which is left to the next redrive.
        for found in list(self._objects()):
            for batch in self._batches(found):
                self._put_batch(batch)
                report(self.progress)
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

    def _objects(self) -> Iterator[ErrorObject]:
        """Find the objects that are not done."""
        self._journal.read()
        for page in self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._source.bucket, Prefix=ERRORS_PREFIX
        ):
            for entry in page.get("Contents", []):
                found = ErrorObject(entry["Key"], entry["ETag"].strip('"'))
                if not found.key.startswith(JOURNAL_PREFIX) and not self._journal.is_done(found):
                    yield found

    def _batches(self, found: ErrorObject) -> list[Batch]:
        """Read an object's records, in batches that Firehose takes."""
        body: bytes = self._s3.get_object(Bucket=self._source.bucket, Key=found.key)["Body"].read()
        batches: list[dict[int, bytes]] = []
        size = 0
        for number, line in enumerate(unpack(body).splitlines()):
            record = _record(line)
            if record is None:
                self.progress.unreadable += 1
                continue
            if not batches or len(batches[-1]) == _MAX_BATCH_RECORDS or size + len(record) > _MAX_BATCH_BYTES:
                batches.append({})
                size = 0
            batches[-1][number] = record
            size += len(record)
        return [Batch(found, number, len(batches), records) for number, records in enumerate(batches, 1)]

    def _put_batch(self, batch: Batch) -> None:
        """Put the records of a batch that are left, unless another redrive does."""
        if not self._journal.left(batch):
            return
        attempt = self._journal.claim(batch)
        if attempt is None:
            self.progress.records_held += len(batch.records)
            return
        try:
            self._put(attempt)
        except ClientError as error:
            # With 4xx, Firehose has taken none of the call's records. Any other error, and an interruption, leaves open
            # what it has taken, and so the attempt without an end.
            if error.response["ResponseMetadata"]["HTTPStatusCode"] < 500:
                self._journal.end(batch, attempt)
            raise
        self._journal.end(batch, attempt)
        if attempt.left:
            refused = len(attempt.left)
            raise RedriveError(f"Firehose refused {refused} records in every try; start the redrive again later.")

    def _put(self, attempt: Attempt) -> None:
        """Put the records of an attempt until Firehose has taken every one, or it gets too late."""
        stream = next(self._next_stream)
        for number in range(_PUT_ATTEMPTS):
            if number:
                self._sleep(random.uniform(0, min(_LONGEST_BACKOFF_SECONDS, 0.2 * 2**number)))  # noqa: S311
            if self._now() > attempt.began + PUT_FOR:
                return
            lines = list(attempt.left)
            answer = self._firehose.put_record_batch(
                DeliveryStreamName=stream, Records=[{"Data": attempt.left[line]} for line in lines]
            )
            for line, entry in zip(lines, answer["RequestResponses"], strict=True):
                if "ErrorCode" not in entry:
                    del attempt.left[line]
                    self.progress.records_put += 1
            if not attempt.left:
                return


def _record(line: bytes) -> bytes | None:
    """Return the record of a line of an error object, which Firehose keeps base64-encoded in ``rawData``."""
    try:
        return base64.b64decode(json.loads(line)["rawData"], validate=True)
    except (ValueError, KeyError, TypeError):
        return None
