"""A whole pipeline in memory: sender, ingest function, queue, Firehose, transform function, redrive.

Sender and services behave as documented: the sender tries again after a timeout or a 5xx, five times at most; SQS
delivers again what was not deleted, a number of times, then to the dead-letter queue; Firehose calls the transform
again three times, then writes the records to ``errors/``.
"""

import base64
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from tests.in_memory_aws import Crash, Fault, InMemoryAws, Schedule
from tests.wired_functions import firehose_batch, ingest_function, queue_batch, request, transform_function, transformed
from transform.function import TransformHandler

SENDER_ATTEMPTS = 6
# Far fewer than are deployed, so that the dead-letter queue has a part.
QUEUE_RECEIVES = 5
TRANSFORM_ATTEMPTS = 4
# An identifier has a digit: without one, clean/ has a token in its place. With this one, the events a, b and c are
# spread over two shards.
ID_END = "-2"
EVENT_TIME = "2026-11-20T10:00:00Z"
# Events whose names differ in these alone have one id, and other content.
OTHER_CONTENT = "'"

_STORE_CALLS = {"UpdateItem", "BatchExecuteStatement", "BatchGetItem"}


class LostAnswerError(Exception):
    """The function did its work; whoever called it does not know."""


@dataclass(frozen=True)
class World:
    """What differs between worlds that a schedule is tried in.

    Attributes:
        drain_after_each_request: whether each request has gone all the way before the next is sent.
        new_environment_for_each_request: whether the ingest function's memory is empty each time.
        records_in_a_transform_batch: how many records Firehose transforms at once.
        shards: how many streams there are.
        has_conflicts: whether an id comes with several contents.
        has_ids: whether events have an id; else they are known by their content.
        has_times: whether their bodies have a time, so that keys are claimed by the second.
    """

    drain_after_each_request: bool = False
    new_environment_for_each_request: bool = False
    records_in_a_transform_batch: int = 100
    shards: int = 1
    has_conflicts: bool = False
    has_ids: bool = True
    has_times: bool = True


@dataclass
class Run:
    """What a schedule led to."""

    acknowledged: set[str] = field(default_factory=set)
    clean: list[dict[str, Any]] = field(default_factory=list)
    raw: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    store_was_hit: bool = False

    def violations(self) -> list[str]:
        """Name what must never happen and did."""
        clean = Counter(_name(record) for record in self.clean)
        unmarked = Counter(_name(record) for record in self.clean if record.get("deduplicated", True))
        raw = {_name(record) for record in self.raw}
        found = [f"{name} was acknowledged and is not in clean/" for name in self.acknowledged if not clean[name]]
        found += [f"{name} was acknowledged and is not in raw/" for name in self.acknowledged - raw]
        found += [f"{name} is {count} times in clean/" for name, count in unmarked.items() if count > 1]
        # Only while the key store is out of reach may a second copy pass, and then it says so of itself.
        if not self.store_was_hit:
            found += [f"{name} is {count} times in clean/, marked" for name, count in clean.items() if count > 1]
            firsts = Counter(_id(_name(record)) for record in self.clean if "conflict" not in record)
            found += [
                f"{count} contents of {event_id} are not marked" for event_id, count in firsts.items() if count > 1
            ]
        contents = Counter(map(_id, clean))
        conflicts = {_name(record) for record in self.clean if "conflict" in record}
        found += [f"{name} is marked and alone with its id" for name in conflicts if contents[_id(name)] == 1]
        identities = {(_name(record), record["dedup_key"]) for record in self.clean}
        if not len(identities) == len(clean) == len({identity for _, identity in identities}):
            found.append("identities and contents are not one to one")
        return found


def _event(name: str, world: World) -> dict[str, Any]:
    body: dict[str, Any] = {"eventTime": EVENT_TIME} if world.has_times else {}
    body["level"] = name.count(OTHER_CONTENT) if world.has_ids else ord(name)
    event = {"eventType": "call.event", "eventBody": body}
    return {**event, "messageId": f"{_id(name)}{ID_END}"} if world.has_ids else event


def _name(record: dict[str, Any]) -> str:
    level = record["event"]["eventBody"]["level"]
    if "messageId" not in record["event"]:
        return chr(level)
    name: str = record["event"]["messageId"].removesuffix(ID_END)
    return name + OTHER_CONTENT * level


def _id(name: str) -> str:
    return name.rstrip(OTHER_CONTENT)


class Simulation:
    """One run of the pipeline under one schedule of faults."""

    def __init__(self, schedule: Schedule, world: World) -> None:
        self._aws = InMemoryAws(schedule)
        self._world = world
        self.renew_ingest(world.shards)
        self._transform = self._new_transform()
        self._dead_letters: list[str] = []
        self._errors: list[bytes] = []
        self.run = Run()

    def execute(self, requests: list[list[str]]) -> Run:
        """Send the requests, each a list of event names, then let everything drain and redrive what failed."""
        for names in requests:
            self.send(names)
            if self._world.new_environment_for_each_request:
                self.renew_ingest()
            if self._world.drain_after_each_request:
                self._drain()
        return self.finish()

    def finish(self) -> Run:
        """Let everything drain; then the world recovers and an operator redrives what failed."""
        self._drain()
        self.run.store_was_hit = any(
            self._aws.calls[number] in _STORE_CALLS and fault not in (Fault.CRASH_BEFORE, Fault.CRASH_AFTER)
            for number, fault in self._aws.schedule.items()
            if number < len(self._aws.calls)
        )
        self.run.calls = list(self._aws.calls)
        self._aws.schedule.clear()
        self._redrive()
        self.run.raw = [json.loads(record) for record in self._aws.raw]
        return self.run

    def fail_later(self, fault: Fault, calls_ahead: int) -> None:
        """Let the call after ``calls_ahead`` others fail."""
        self._aws.schedule[len(self._aws.calls) + calls_ahead] = fault

    def renew_ingest(self, shards: int | None = None) -> None:
        """Replace the ingest function's environment by a new one, whose memory is empty, with other shards if given."""
        self._shards = shards or self._shards
        streams = ",".join(f"stream-{number}" for number in range(self._shards))
        self._ingest = ingest_function(self._aws, STREAM_NAMES=streams)

    def send(self, names: list[str]) -> None:
        """Send a request as the documented sender does, until it is acknowledged or the attempts are used up."""
        events = [_event(name, self._world) for name in names]
        for _attempt in range(SENDER_ATTEMPTS):
            try:
                status = self._ingest.handle(request(json.dumps(events).encode()))["statusCode"]
                self._return_answer()
            except Crash:
                self.renew_ingest()
                continue
            except LostAnswerError:
                continue
            if status < 300:
                self.run.acknowledged.update(names)
                return
            assert status == 503, "a genuine event met another refusal than 503"

    def _drain(self) -> None:
        """Let SQS deliver and Firehose transform until nothing is left to do."""
        while self._aws.queue or self._aws.in_stream:
            self.deliver_queue()
            self.transform_stream()

    def deliver_queue(self) -> None:
        """Let SQS deliver all that waits, again and again, then to the dead-letter queue."""
        waiting, self._aws.queue[:] = list(self._aws.queue), []
        for _receive in range(QUEUE_RECEIVES):
            if not waiting:
                return
            batch = queue_batch(*waiting)
            try:
                answer = self._ingest.handle(batch)
                self._return_answer()
            except Crash:
                self.renew_ingest()
                continue
            except LostAnswerError:
                continue
            failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
            waiting = [message["body"] for message in batch["Records"] if message["messageId"] in failed]
        self._dead_letters.extend(waiting)

    def transform_stream(self) -> None:
        """Let Firehose transform one batch, whose records are all of one stream."""
        if not self._aws.in_stream:
            return
        stream = self._aws.stream_of[self._aws.in_stream[0]]
        batch: list[bytes] = []
        rest: list[bytes] = []
        for record in self._aws.in_stream:
            is_taken = self._aws.stream_of[record] == stream and len(batch) < self._world.records_in_a_transform_batch
            (batch if is_taken else rest).append(record)
        self._aws.in_stream[:] = rest
        event = firehose_batch(batch)
        for _attempt in range(TRANSFORM_ATTEMPTS):
            try:
                answer = self._transform.handle(event)
                self._return_answer()
            except Crash:
                self._transform = self._new_transform()
                continue
            except LostAnswerError:
                continue
            self.run.clean.extend(transformed(answer))
            failed = [r["recordId"] for r in answer["records"] if r["result"] == "ProcessingFailed"]
            self._errors.extend(
                base64.b64decode(record["data"]) for record in event["records"] if record["recordId"] in failed
            )
            return
        self._errors.extend(batch)

    def _return_answer(self) -> None:
        """A function's answer on its way to whoever called it; it can be lost like any other."""
        try:
            self._aws.call("answer", lambda _partial: None)
        except (ReadTimeoutError, ClientError):
            raise LostAnswerError from None

    def _new_transform(self) -> TransformHandler:
        function = transform_function(self._aws)
        # The tokenization key is read at a cold start, which is no part of the schedules.
        with self._aws.unwatched():
            function.handle(firehose_batch([]))
        return function

    def _redrive(self) -> None:
        self._aws.queue.extend(self._dead_letters)
        self._dead_letters.clear()
        # As the redrive does: the records of errors/ go back with their bytes, and so their ingest_id, unchanged.
        self._aws.in_stream.extend(self._errors)
        self._aws.raw.extend(self._errors)
        self._errors.clear()
        self._drain()
        assert not self._dead_letters
        assert not self._aws.dead_letters, "a record was set aside as unreadable"
        assert not self._errors
