"""Follows a marked event from the buffer queue into the bucket, without reading any event.

The event goes the whole way of one that waited in the queue: ingest function, delivery stream, transform function. One
goes to each stream. In a partitioned ``clean/`` marked events have a partition of their own, so a new object there is
theirs. In ``raw/`` they lie among others: a new object of the stream shows that Firehose can write there now.
"""

import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple, TypeVar

from botocore.exceptions import ClientError

from shared.envelope import VERIFICATION, wrap
from shared.event import EventFacts, format_time
from verification.causes import cause_of, error_code
from verification.settings import VerificationSettings

NO_RETENTION = "none"
UNREADABLE = "unreadable"

_POLL_SECONDS = 2.0
# A role that was made seconds ago may still be refused (AWS IAM User Guide, "Troubleshoot IAM": changes are not always
# immediately visible).
_PROPAGATION = timedelta(seconds=60)
# An object is named after its oldest record (Amazon Data Firehose Developer Guide, "Configure Amazon S3 object name
# format"), which may have come one buffer interval earlier: 900 s at most.
_LONGEST_INTERVAL = timedelta(seconds=900)
# What S3 answers for an object without a retention, and in a bucket without Object Lock.
_UNLOCKED = ("NoSuchObjectLockConfiguration", "InvalidRequest", "ObjectLockConfigurationNotFoundError")
_KEY_BYTES = 28

_Answer = TypeVar("_Answer")


class DeliveryError(Exception):
    """An event did not arrive as it should. The text is one sentence with the cause and what to change."""


class Landing(NamedTuple):
    """An object that came: its key, after how many seconds it was there, its retention and its encryption in words."""

    key: str
    seconds: int
    retention: str
    encryption: str


class Outcome(NamedTuple):
    """How long the slowest took, and what came in each layer."""

    seconds: int
    landings: dict[str, list[Landing]]

    @property
    def attributes(self) -> dict[str, str]:
        """What there is to say, by name."""
        said = {"Seconds": str(self.seconds)}
        for layer, landings in self.landings.items():
            name = layer.rstrip("/").title()
            said[f"{name}Retention"] = "; ".join(dict.fromkeys(landing.retention for landing in landings))
            said[f"{name}Encryption"] = "; ".join(dict.fromkeys(landing.encryption for landing in landings))
        return said


def marked_event(shard: int, received_at: datetime) -> bytes:
    """Make a record that holds nothing, of the ingress that no sender can name, for one of the streams."""
    facts = EventFacts(
        event_type=VERIFICATION,
        event_time=None,
        topic=None,
        # Its first eight digits choose the stream; see shared.envelope.shard_of.
        dedup_key=f"{shard:08x}{os.urandom(_KEY_BYTES).hex()}",
        keyed_by="id",
    )
    return wrap(b"{}", facts, VERIFICATION, received_at)


class DeliveryTrial:
    """One trial of a pipeline's delivery.

    Args:
        settings: where the way begins and ends.
        client: makes the client of an AWS service; called once for each.
        now: the time, UTC.
        sleep: waits.
    """

    def __init__(
        self,
        settings: VerificationSettings,
        client: Callable[[str], Any],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._client = cache(client)
        self._now = now
        self._sleep = sleep
        self._begun = now()
        self._sent = self._begun

    def run(self, send: Callable[[], None] | None = None) -> Outcome:
        """Send the events, and wait until all have arrived.

        Args:
            send: sends an event for each stream. Default: marked ones, through the queue.

        Raises:
            DeliveryError: one did not, or not as it should.
            ClientError: AWS refused a call of the trial's own.
        """
        before = {layer: set(self._patiently(self._keys, layer)) for layer in self._settings.prefixes}
        self._sent = self._now()
        (send or self._send_marked)()
        awaited = [(stream, layer) for stream in self._settings.stream_names for layer in self._settings.prefixes]
        landings: dict[tuple[str, str], Landing] = {}
        while True:
            for layer in self._settings.prefixes:
                new = [key for key in self._patiently(self._keys, layer) if key not in before[layer]]
                for stream in self._settings.stream_names:
                    key = next((key for key in new if _is_of(stream, key)), None)
                    if key is not None and not self._has_landed(landings.get((stream, layer))):
                        landings[stream, layer] = self._inspect(key)
            if all(self._has_landed(landings.get(each)) for each in awaited):
                layers = {
                    layer: [landings[stream, layer] for stream in self._settings.stream_names]
                    for layer in self._settings.prefixes
                }
                return Outcome(round(self._waited()), layers)
            if self._waited() >= self._settings.wait_seconds:
                raise DeliveryError(self._explain([each for each in awaited if each not in landings]))
            self._sleep(_POLL_SECONDS)

    def _send_marked(self) -> None:
        for shard in range(len(self._settings.stream_names)):
            body = marked_event(shard, self._sent).decode()
            self._patiently(self._client("sqs").send_message, QueueUrl=self._settings.queue_url, MessageBody=body)

    def _has_landed(self, landing: Landing | None) -> bool:
        """Tell whether an object has come, and is locked as it should be: a lock may follow seconds later."""
        return landing is not None and landing.retention.startswith(self._settings.retention_mode)

    def _waited(self) -> float:
        return (self._now() - self._sent).total_seconds()

    def _patiently(self, call: Callable[..., _Answer], *arguments: Any, **parameters: Any) -> _Answer:
        """Call, again and again while the role may be too new to be allowed to."""
        while True:
            try:
                return call(*arguments, **parameters)
            except ClientError as error:
                if not _is_denial(error) or self._now() - self._begun >= _PROPAGATION:
                    raise
                self._sleep(_POLL_SECONDS)

    def _keys(self, layer: str) -> list[str]:
        """List the objects that came about now in a layer."""
        pattern = self._settings.prefixes[layer]
        moments = (self._begun - _LONGEST_INTERVAL, self._begun, self._now())
        return [key for prefix in sorted({f"{moment:{pattern}}" for moment in moments}) for key in self._listed(prefix)]

    def _listed(self, prefix: str) -> Iterator[str]:
        token: dict[str, str] = {}
        while True:
            page = self._client("s3").list_objects_v2(Bucket=self._settings.bucket_name, Prefix=prefix, **token)
            yield from (entry["Key"] for entry in page.get("Contents", []))
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def _inspect(self, key: str) -> Landing:
        place = {"Bucket": self._settings.bucket_name, "Key": key}
        try:
            retention = self._patiently(self._client("s3").get_object_retention, **place)["Retention"]
            until = format_time(retention["RetainUntilDate"].astimezone(UTC))
            lock = f"{retention['Mode']} until {until}"
        except ClientError as error:
            if error.response["Error"]["Code"] not in _UNLOCKED:
                raise
            lock = NO_RETENTION
        try:
            head = self._patiently(self._client("s3").head_object, **place)
        except ClientError as error:
            # HeadObject takes s3:GetObject, and a KMS key only with a checksum asked for (Amazon S3 API Reference,
            # "HeadObject"). Should S3 want one all the same, the object has come, for all that.
            if not _is_denial(error):
                raise
            return Landing(key, round(self._waited()), lock, UNREADABLE)
        key_id = head.get("SSEKMSKeyId")
        encryption = head.get("ServerSideEncryption", NO_RETENTION)
        said = f"{encryption} with {key_id}" if key_id else encryption
        return Landing(key, round(self._waited()), lock, said)

    def _explain(self, missing: Sequence[tuple[str, str]]) -> str:
        mode = self._settings.retention_mode
        if not missing:
            return (
                f"New objects came without the retention {mode} that lake.bucket.retention_mode demands: give the "
                "bucket its Object Lock configuration back."
            )
        stream = missing[0][0]
        layers = " and ".join(layer for name, layer in missing if name == stream)
        beginning = (
            f"No new object of the delivery stream {stream} came under {layers} within "
            f"{self._settings.wait_seconds:.0f} s"
        )
        group = self._settings.log_groups[self._settings.stream_names.index(stream)]
        if codes := self._error_codes(group):
            return f"{beginning}: {cause_of(codes)}."
        if self._messages_wait():
            return f"{beginning}: messages wait in the buffer queue, so read the log of the ingest function."
        return (
            f"{beginning}: Firehose logged no error in {group}, so look at the transform function's log, at errors/ "
            "and at the stream's metrics."
        )

    def _error_codes(self, group: str) -> list[str]:
        codes: list[str] = []
        token: dict[str, str] = {}
        since = int(self._sent.timestamp() * 1000)
        while True:
            page = self._client("logs").filter_log_events(logGroupName=group, startTime=since, **token)
            found = (error_code(event["message"]) for event in page["events"])
            codes += [code for code in found if code is not None]
            if "nextToken" not in page:
                return codes
            token = {"nextToken": page["nextToken"]}

    def _messages_wait(self) -> bool:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self._client("sqs").get_queue_attributes(QueueUrl=self._settings.queue_url, AttributeNames=names)
        return any(int(answer["Attributes"].get(name, 0)) for name in names)


def _is_of(stream: str, key: str) -> bool:
    """Tell whether Firehose named an object for a stream: stream, version, date, time, random text."""
    return re.match(rf"{re.escape(stream)}-\d+-\d{{4}}-\d\d-\d\d-", key.rpartition("/")[2]) is not None


def _is_denial(error: ClientError) -> bool:
    # HeadObject's answers have no body, so their code is the status.
    code = error.response["Error"]["Code"]
    return "AccessDenied" in code or code == "403"
