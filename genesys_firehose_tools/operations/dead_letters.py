"""Lists the messages of the dead-letter queue, and takes out of it what can't be redriven.

SQS has no way to look at a message without receiving it: each is received, hidden from others while the command works,
and shown again at its end. Nothing is deleted before what is left of it, the whole message or a receipt, is in the
bucket: under ``raw/``, because the one holds an event in clear, and the other a digest of it.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from genesys_firehose_tools.errors import ToolError
from genesys_firehose_tools.operations.clients import Clients

PREFIX = "raw/dead-letters/"
# Amazon SQS API Reference, "ReceiveMessage": ten messages at most.
_MAX_MESSAGES = 10
# How long a message is hidden from others while the command works on it.
_HIDDEN_SECONDS = 300
_RETENTION = timedelta(days=14)


class DeadLetterError(ToolError):
    """The dead-letter queue could not be worked on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The queue and the bucket of a pipeline.

    Attributes:
        dlq: The URL of the dead-letter queue.
        bucket: The data lake's bucket.
        raw_key: The ARN of the KMS key of ``raw/``.
    """

    dlq: str
    bucket: str
    raw_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """What may be told of a message.

    Attributes:
        message_id: Its id.
        reason: ``UNREADABLE`` where the ingest function set it aside, EventBridge's error code where EventBridge could
            not deliver it, else ``RECEIVED_TOO_OFTEN``.
        sent: When it entered the first of the queues that SQS moved it through.
        expires: When SQS deletes it.
        deliveries: How often it was received, by this command too.
        size: Bytes of its body.
    """

    message_id: str
    reason: str
    sent: datetime
    expires: datetime
    deliveries: int
    size: int


class DeadLetters:
    """The dead-letter queue of one pipeline.

    Args:
        clients: A boto3 session, or anything that makes its clients.
        source: The pipeline's queue and bucket.
        now: The time, UTC.
    """

    def __init__(
        self, clients: Clients, source: Source, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._clients = clients
        self._sqs = clients.client("sqs")
        self._source = source
        self._now = now

    def look(self) -> list[DeadLetter]:
        """Return what may be told of every message, the oldest first."""
        handles: list[str] = []
        try:
            found = []
            for message in self._receive():
                handles.append(message["ReceiptHandle"])
                found.append(_facts(message))
        finally:
            self._show_again(handles)
        return sorted(found, key=lambda each: each.sent)

    def set_aside(self, message_ids: Collection[str] | None) -> list[DeadLetter]:
        """Move messages into the bucket and return what may be told of them.

        Args:
            message_ids: Which; None for all.

        Raises:
            DeadLetterError: A message is not in the queue; the others are moved.
        """

        def keep(message: Mapping[str, Any], facts: DeadLetter) -> None:
            self._write(f"{facts.message_id}.json", message["Body"].encode(), {"reason": facts.reason})

        return self._take_out(message_ids, keep)

    def discard(self, message_ids: Collection[str] | None) -> list[DeadLetter]:
        """Delete messages, a receipt of each in the bucket, and return what may be told of them.

        Args:
            message_ids: Which; None for all.

        Raises:
            DeadLetterError: A message is not in the queue; the others are deleted.
        """
        who = self._clients.client("sts").get_caller_identity()["Arn"]

        def keep(message: Mapping[str, Any], facts: DeadLetter) -> None:
            receipt = {
                "message_id": facts.message_id,
                "md5_of_body": hashlib.md5(message["Body"].encode(), usedforsecurity=False).hexdigest(),
                "size": facts.size,
                "reason": facts.reason,
                "sent": facts.sent.isoformat(),
                "discarded": self._now().isoformat(),
                "by": who,
            }
            self._write(f"{facts.message_id}.receipt.json", json.dumps(receipt).encode(), {})

        return self._take_out(message_ids, keep)

    def _take_out(
        self, message_ids: Collection[str] | None, keep: Callable[[Mapping[str, Any], DeadLetter], None]
    ) -> list[DeadLetter]:
        wanted = None if message_ids is None else set(message_ids)
        taken: list[DeadLetter] = []
        others: list[str] = []
        try:
            for message in self._receive():
                if wanted is not None and message["MessageId"] not in wanted:
                    others.append(message["ReceiptHandle"])
                    continue
                facts = _facts(message)
                keep(message, facts)
                self._sqs.delete_message(QueueUrl=self._source.dlq, ReceiptHandle=message["ReceiptHandle"])
                taken.append(facts)
                if wanted is not None and len(taken) == len(wanted):
                    break
        finally:
            self._show_again(others)
        missing = sorted((wanted or set()) - {each.message_id for each in taken})
        if missing:
            raise DeadLetterError(
                f"The dead-letter queue has no message {', '.join(missing)}: list its messages, or try again in "
                f"{_HIDDEN_SECONDS // 60} minutes if somebody else works on them."
            )
        return taken

    def _receive(self) -> Iterator[dict[str, Any]]:
        """Receive every message once."""
        seen: set[str] = set()
        while messages := self._sqs.receive_message(
            QueueUrl=self._source.dlq,
            MaxNumberOfMessages=_MAX_MESSAGES,
            WaitTimeSeconds=1,
            VisibilityTimeout=_HIDDEN_SECONDS,
            MessageSystemAttributeNames=["SentTimestamp", "ApproximateReceiveCount"],
            MessageAttributeNames=["All"],
        ).get("Messages", []):
            new = [message for message in messages if message["MessageId"] not in seen]
            if not new:
                return
            for message in new:
                seen.add(message["MessageId"])
                yield message

    def _show_again(self, handles: list[str]) -> None:
        for start in range(0, len(handles), _MAX_MESSAGES):
            self._sqs.change_message_visibility_batch(
                QueueUrl=self._source.dlq,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": 0}
                    for number, handle in enumerate(handles[start : start + _MAX_MESSAGES])
                ],
            )

    def _write(self, name: str, content: bytes, metadata: Mapping[str, str]) -> None:
        self._clients.client("s3").put_object(
            Bucket=self._source.bucket,
            Key=f"{PREFIX}{self._now():%Y/%m/%d}/{name}",
            Body=content,
            ContentType="application/json",
            Metadata=dict(metadata),
            ServerSideEncryption="aws:kms",
            SSEKMSKeyId=self._source.raw_key,
            # Object Lock asks for a checksum on every upload under retention.
            ChecksumAlgorithm="SHA256",
        )


def _facts(message: Mapping[str, Any]) -> DeadLetter:
    attributes = message.get("Attributes", {})
    sent = datetime.fromtimestamp(int(attributes["SentTimestamp"]) / 1000, UTC)
    # Amazon EventBridge User Guide, "Using dead-letter queues to process undelivered events": ERROR_CODE.
    named = message.get("MessageAttributes", {})
    reason = next(
        (named[name]["StringValue"] for name in ("Reason", "ERROR_CODE") if name in named), "RECEIVED_TOO_OFTEN"
    )
    return DeadLetter(
        message_id=message["MessageId"],
        reason=reason,
        sent=sent,
        expires=sent + _RETENTION,
        deliveries=int(attributes["ApproximateReceiveCount"]),
        size=len(message["Body"].encode()),
    )
