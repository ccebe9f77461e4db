"""A deployed pipeline in memory: the real functions between a queue and a bucket, and a Firehose that may fail."""

# The arguments are named as AWS names them.
# ruff: noqa: N803, ARG002

import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.in_memory_aws import InMemoryAws, _Validated, refusal
from tests.wired_functions import firehose_batch, ingest_function, transform_function
from verification.delivery import DeliveryTrial
from verification.settings import VerificationSettings

BEGINNING = datetime(2026, 11, 23, 10, 0, 0, tzinfo=UTC)
PAGE = 2


class World:
    """A pipeline, its time, and what is wrong with it.

    Attributes:
        now: The time; it passes as the function sleeps.
        takes: Seconds from the queue into the bucket.
        denied: Calls that are refused, with the seconds from the beginning until which they are.
        undelivered: Layers that Firehose cannot deliver to.
        logged: The messages of Firehose's log.
        locks: Seconds after its arrival when an object gets its retention; None for never.
        stuck: Whether the ingest function leaves the queue alone.
        objects: When each object came, by key.
        sent: The messages that were sent.
        calls: The names of all calls.
    """

    def __init__(self, streams: tuple[str, ...] = ("stream",), *, partitioned: bool = True) -> None:
        self.now = BEGINNING
        self.takes = 70.0
        self.denied: dict[str, float] = {}
        self.undelivered: set[str] = set()
        self.logged: list[str] = []
        self.locks: float | None = 0.0
        self.stuck = False
        self.objects: dict[str, datetime] = {}
        self.sent: list[str] = []
        self.calls: list[str] = []
        self._streams = streams
        self._partitioned = partitioned
        self._aws = InMemoryAws()
        self._due: list[tuple[datetime, str]] = []
        self._numbers = itertools.count()

    @property
    def settings(self) -> VerificationSettings:
        clean = "clean/event_type=verification/date=%Y-%m-%d/" if self._partitioned else "clean/%Y/%m/%d/"
        return VerificationSettings.from_environment(
            {
                "BUFFER_QUEUE_URL": "https://queue.example/buffer",
                "BUCKET_NAME": "lake",
                "STREAM_NAMES": ",".join(self._streams),
                "DELIVERY_LOG_GROUPS": ",".join(f"{stream}-log" for stream in self._streams),
                "RAW_PREFIX": "raw/%Y/%m/%d/%H/",
                "CLEAN_PREFIX": clean,
                "RETENTION_MODE": "GOVERNANCE",
                "WAIT_SECONDS": "240",
            }
        )

    def trial(self, settings: VerificationSettings | None = None, _client: object = None) -> DeliveryTrial:
        return DeliveryTrial(settings or self.settings, self.client, lambda: self.now, self.sleep)

    def client(self, service: str) -> Any:
        return _Validated(service, {"s3": _S3, "sqs": _Sqs, "logs": _Logs}[service](self))  # type: ignore[arg-type]

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        due = [key for at, key in self._due if at <= self.now]
        self._due = [(at, key) for at, key in self._due if at > self.now]
        self.objects.update(dict.fromkeys(due, self.now))

    def call(self, operation: str, answer: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        self.calls.append(operation)
        if (self.now - BEGINNING).total_seconds() < self.denied.get(operation, 0):
            raise refusal("403" if operation == "HeadObject" else "AccessDenied", operation)
        return answer()

    def send(self, body: str) -> None:
        """Put a message into the queue, which the functions and Firehose take from there in time."""
        self.sent.append(body)
        if self.stuck:
            return
        already = len(self._aws.in_stream)
        answer = ingest_function(self._aws, STREAM_NAMES=",".join(self._streams)).handle(
            {"Records": [{"messageId": "m", "body": body}]}
        )
        assert answer == {"batchItemFailures": []}
        for record in self._aws.in_stream[already:]:
            self._deliver(self._aws.stream_of[record], record)

    def _deliver(self, stream: str, record: bytes) -> None:
        [answer] = transform_function(self._aws).handle(firehose_batch([record]))["records"]
        assert answer["result"] == "Ok"
        keys = answer["metadata"]["partitionKeys"]
        partition = (
            f"event_type={keys['event_type']}/date={keys['date']}" if self._partitioned else f"{self.now:%Y/%m/%d}"
        )
        for layer, folder in (("raw/", f"{self.now:%Y/%m/%d/%H}"), ("clean/", partition)):
            if layer not in self.undelivered:
                self._due.append((self.now + timedelta(seconds=self.takes), self.named(f"{layer}{folder}/", stream)))

    def named(self, prefix: str, stream: str) -> str:
        """Name an object as Firehose does."""
        return f"{prefix}{stream}-1-{self.now:%Y-%m-%d-%H-%M-%S}-{next(self._numbers):08x}.json.gz"


class _S3:
    def __init__(self, world: World) -> None:
        self._world = world

    def list_objects_v2(self, *, Bucket: str, Prefix: str, ContinuationToken: str = "0") -> dict[str, Any]:
        assert Prefix.startswith(("raw/2", "clean/"))

        def answer() -> dict[str, Any]:
            keys = sorted(key for key in self._world.objects if key.startswith(Prefix))
            start, end = int(ContinuationToken), int(ContinuationToken) + PAGE
            page: dict[str, Any] = {"IsTruncated": end < len(keys)}
            if keys[start:end]:
                page["Contents"] = [{"Key": key} for key in keys[start:end]]
            return page | ({"NextContinuationToken": str(end)} if end < len(keys) else {})

        return self._world.call("ListObjectsV2", answer)

    def get_object_retention(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        def answer() -> dict[str, Any]:
            world = self._world
            if world.locks is None or world.now < world.objects[Key] + timedelta(seconds=world.locks):
                raise refusal("NoSuchObjectLockConfiguration", "GetObjectRetention")
            until = datetime(2026, 12, 23, 10, tzinfo=UTC)
            return {"Retention": {"Mode": "GOVERNANCE", "RetainUntilDate": until}}

        return self._world.call("GetObjectRetention", answer)

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        key_id = f"key/{Key.partition('/')[0]}"
        return self._world.call("HeadObject", lambda: {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_id})


class _Sqs:
    def __init__(self, world: World) -> None:
        self._world = world

    def send_message(self, *, QueueUrl: str, MessageBody: str) -> dict[str, Any]:
        def answer() -> dict[str, Any]:
            self._world.send(MessageBody)
            return {}

        return self._world.call("SendMessage", answer)

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: list[str]) -> dict[str, Any]:
        waiting = str(len(self._world.sent)) if self._world.stuck else "0"
        return self._world.call("GetQueueAttributes", lambda: {"Attributes": {AttributeNames[0]: waiting}})


class _Logs:
    def __init__(self, world: World) -> None:
        self._world = world

    def filter_log_events(self, *, logGroupName: str, startTime: int, nextToken: str = "0") -> dict[str, Any]:
        assert startTime == int(BEGINNING.timestamp() * 1000)

        def answer() -> dict[str, Any]:
            index = int(nextToken)
            page: dict[str, Any] = {"events": [{"message": text} for text in self._world.logged[index : index + 1]]}
            return page | ({"nextToken": str(index + 1)} if index + 1 < len(self._world.logged) else {})

        return self._world.call("FilterLogEvents", answer)


def entry(code: str, message: str = "The caller is +15550100100.") -> str:
    """An entry of Firehose's log."""
    return json.dumps({"deliveryStreamARN": "arn", "message": message, "errorCode": code})
