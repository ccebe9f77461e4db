"""The buffer queue, and the dead-letter queue behind it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from ingest.batches import batches
from ingest.deadline import QUEUE_CALL_SECONDS, Deadline
from shared.telemetry import log, log_exception

# Amazon SQS API Reference, "SendMessageBatch": 10 messages, 1 MiB together, their attributes included.
MAX_MESSAGES = 10
MAX_BYTES = 1024 * 1024
_ATTRIBUTE_BYTES = 64
_ESCAPES = {b"\xef\xbf\xbe": b"\\ufffe", b"\xef\xbf\xbf": b"\\uffff"}

Reason = Literal["UNREADABLE"]
"""Why a message is set aside: it is neither a record nor an event."""


class Sqs(Protocol):
    """The calls used of SQS's client."""

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        """Send messages."""
        ...

    def change_message_visibility_batch(
        self,
        *,
        QueueUrl: str,  # noqa: N803
        Entries: list[dict[str, Any]],  # noqa: N803
    ) -> dict[str, Any]:
        """Hide messages for a time."""
        ...


class Queues:
    """Both queues of the pipeline.

    Args:
        sqs: makes the SQS client when it is first needed.
        queue_url: the buffer queue.
        dead_letter_queue_url: the queue behind it.
    """

    def __init__(self, sqs: Callable[[], Sqs], queue_url: str, dead_letter_queue_url: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url
        self._dead_letter_queue_url = dead_letter_queue_url

    def buffer(self, records: Sequence[bytes], deadline: Deadline) -> frozenset[int]:
        """Send records to the buffer queue and return the indexes of those that it did not take in time."""
        return self._send(self._queue_url, [_as_message(record) for record in records], {}, deadline)

    def set_aside(self, bodies: Sequence[str], reason: Reason, deadline: Deadline) -> frozenset[int]:
        """Send messages to the dead-letter queue and return the indexes of those that it did not take in time.

        There the 14 days of a message's retention begin anew. They go on for a message that SQS moves there itself
        (Amazon SQS Developer Guide, "Setting-up dead-letter queue retention in Amazon SQS").
        """
        attributes = {"MessageAttributes": {"Reason": {"DataType": "String", "StringValue": reason}}}
        return self._send(self._dead_letter_queue_url, bodies, attributes, deadline)

    def hide(self, seconds: Mapping[str, int], deadline: Deadline) -> None:
        """Hide messages of the buffer queue, 10 at most, for so many seconds by their receipt handles.

        One that can't be hidden so comes again after the queue's own visibility timeout.
        """
        if not seconds or not deadline.leaves(QUEUE_CALL_SECONDS):
            return
        entries = [
            {"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": timeout}
            for number, (handle, timeout) in enumerate(seconds.items())
        ]
        try:
            answer = self._sqs().change_message_visibility_batch(QueueUrl=self._queue_url, Entries=entries)
            if failed := answer.get("Failed", []):
                log("WARN", "messages come again early", messages=len(failed))
        except (ClientError, BotoCoreError, OSError) as error:
            log_exception("messages come again early", error)

    def _send(
        self, url: str, bodies: Sequence[str], attributes: Mapping[str, Any], deadline: Deadline
    ) -> frozenset[int]:
        nowhere: set[int] = set()
        extra = _ATTRIBUTE_BYTES if attributes else 0
        sizes = [len(body.encode("utf-8", "surrogatepass")) + extra for body in bodies]
        for batch in batches(sizes, MAX_MESSAGES, MAX_BYTES):
            lost = batch
            if deadline.leaves(QUEUE_CALL_SECONDS):
                entries = [{"Id": str(k), "MessageBody": bodies[k], **attributes} for k in batch]
                try:
                    answer = self._sqs().send_message_batch(QueueUrl=url, Entries=entries)
                    lost = [int(entry["Id"]) for entry in answer.get("Failed", [])]
                except (ClientError, BotoCoreError, OSError) as error:
                    log_exception("a queue did not take a batch", error)
            nowhere.update(lost)
        return frozenset(nowhere)


def _as_message(record: bytes) -> str:
    """Make a record a legal SQS message.

    SQS takes the characters of XML 1.0 (Amazon SQS API Reference, "SendMessage"). Of what JSON text may hold, only
    U+FFFE and U+FFFF are missing there; they stand inside a string, where their escapes mean the same.
    """
    for character, escape in _ESCAPES.items():
        record = record.replace(character, escape)
    return record.decode()


def fits_as_message(record: bytes, most_bytes: int) -> bool:
    """Tell whether a record has at most so many bytes as a message of the queue: what Firehose gets if it overflows."""
    # An escape is twice as long as its character, so that nearly no record needs to be measured.
    if 2 * len(record) <= most_bytes:
        return True
    added = sum(record.count(character) * (len(escape) - len(character)) for character, escape in _ESCAPES.items())
    return len(record) + added <= most_bytes
