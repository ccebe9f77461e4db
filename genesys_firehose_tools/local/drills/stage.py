"""The pipeline that a drill breaks and mends, and the traffic through it."""

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import urllib3

from genesys_firehose_tools.local.drills.alarms import Samples
from genesys_firehose_tools.local.drills.definitions import Definitions
from genesys_firehose_tools.local.drills.local_metrics import StretchedTime, read_samples
from genesys_firehose_tools.local.errors import LocalError
from genesys_firehose_tools.local.events import EventGenerator
from genesys_firehose_tools.local.lake import Lake, Verdict, judge, wait_until_settled
from genesys_firehose_tools.local.pipeline import LocalPipeline
from genesys_firehose_tools.local.sender import Message, Sender, Tally, is_accepted
from genesys_firehose_tools.local.values import GeneratedEvent, find_markers
from genesys_firehose_tools.operations import dead_letters, redrive
from genesys_firehose_tools.operations.deployed_resources import find_resources
from genesys_firehose_tools.operations.doctor.diagnosis import diagnose
from genesys_firehose_tools.operations.doctor.findings import Finding, State
from genesys_firehose_tools.operations.doctor.inspection import Inspection

WAIT_SECONDS = 120.0
"""How long a drill waits for what must happen."""

_POLL_SECONDS = 0.1
_RETRY_SECONDS = 0.5
_BATCH = 100


@dataclass
class Traffic:
    """What a drill sent.

    Attributes:
        tally: The events by their answers.
        sent: The events.
        accepted: The markers of those that were accepted.
    """

    tally: Tally = field(default_factory=Tally)
    sent: list[GeneratedEvent] = field(default_factory=list)
    accepted: set[str] = field(default_factory=set)


class Stage:
    """A local pipeline in a drill.

    Args:
        pipeline: The pipeline.
    """

    def __init__(self, pipeline: LocalPipeline) -> None:
        self.deployment = pipeline.deployment
        self.client = pipeline.deployment.client
        self.pipeline = pipeline.deployment.deployed()
        self.resources = find_resources(self.client("cloudformation"), self.pipeline)
        self.alarms = Definitions(pipeline).alarms()
        self._speed = pipeline.speed
        self._generator = EventGenerator(random.SystemRandom().getrandbits(64))
        self.begin()

    def begin(self) -> None:
        """Begin anew: what is sent, lands and is measured from now on is looked at."""
        self.time = StretchedTime(datetime.now(UTC), self._speed)
        self.traffic = Traffic()
        self.also_found: set[tuple[str, Finding]] = set()
        self._clean, self._raw = Lake(self.deployment, "clean/"), Lake(self.deployment, "raw/")

    def physical_id(self, kind: str, word: str) -> str:
        """Return the physical id of the first resource of a type that has a word in its logical id."""
        return next(each.physical_id for each in self.resources.of_type(kind) if word in each.logical_id)

    # Traffic.

    def generate(self, count: int, family: str = "call") -> list[GeneratedEvent]:
        """Make events."""
        return [self._generator.generate(family) for _ in range(count)]

    def send(self, events: Sequence[GeneratedEvent], *, batch: int = _BATCH, key: bytes | None = None) -> None:
        """Sign and post events, and count the answers; a request without an answer is repeated five times."""
        target = self.deployment.target()
        if key is not None:
            target = replace(target, key=key)
        messages = [
            Message([event.body for event in events[start : start + batch]]) for start in range(0, len(events), batch)
        ]
        self.traffic.sent += events
        for message, status in Sender(target, retry_delay=_RETRY_SECONDS).send(messages):
            self.traffic.tally.add(message, status)
            if is_accepted(status):
                self.traffic.accepted |= find_markers(message.body.decode())

    def send_by_bus(self, count: int) -> None:
        """Let the local Genesys Cloud send events over the partner bus; they are not judged."""
        events = [
            {"detail-type": "v2.detail.events.conversation.{id}.acd.end", "detail": event.body}
            for event in self.generate(count, "acd.end")
        ]
        self._control("POST", f"{self.deployment.genesys_url}/_local/events", events)

    def landed(self) -> int:
        """Return how many of the events that were sent are in clean/ now."""
        return self._verdict().landed

    def has_landed(self, events: Sequence[GeneratedEvent]) -> bool:
        """Tell whether all of these events are in clean/ now."""
        self._clean.refresh()
        return {event.marker for event in events} <= self._clean.markers()

    def verdict(self) -> Verdict:
        """Wait until nothing is under way, and judge what landed."""
        wait_until_settled(self.deployment, WAIT_SECONDS)
        return self._verdict()

    def _verdict(self) -> Verdict:
        self._clean.refresh()
        self._raw.refresh()
        accepted = self.traffic.accepted & {event.marker for event in self.traffic.sent}
        return judge(self._clean, self._raw, self.traffic.sent, accepted)

    # What can be broken and mended.

    def set_faults(self, **faults: float) -> None:
        """Let the local Firehose fail in these ways, and in no other."""
        self._control("PUT", f"{self.deployment.firehose_url}/_local/faults", faults)

    def end_sessions(self) -> None:
        """Let the local Firehose assume its role anew."""
        self._control("POST", f"{self.deployment.firehose_url}/_local/forget", {})

    @contextmanager
    def function_with(self, word: str, **changed: Any) -> Iterator[None]:
        """Change settings of a function, and change them back at the end.

        Args:
            word: A word of the function's logical id.
            changed: Its handler, or single variables of its environment.
        """
        functions, name = self.client("lambda"), self.physical_id("AWS::Lambda::Function", word)
        before = functions.get_function_configuration(FunctionName=name)
        variables = before["Environment"]["Variables"]
        broken = {"Handler": changed.pop("Handler", before["Handler"])}
        environment = {"Variables": {**variables, **changed}}
        self._update_function(name, Environment=environment, **broken)
        try:
            yield
        finally:
            self._update_function(name, Environment={"Variables": variables}, Handler=before["Handler"])

    def _update_function(self, name: str, **settings: Any) -> None:
        """Change settings of a function, and wait until they are in force."""
        functions = self.client("lambda")
        functions.update_function_configuration(FunctionName=name, **settings)

        def is_updated() -> bool:
            described = functions.get_function_configuration(FunctionName=name)
            return bool((described["State"], described["LastUpdateStatus"]) == ("Active", "Successful"))

        self.wait_until(is_updated, f"the function {name} has its settings")

    def set_integration(self, state: str) -> None:
        """Enable or disable the integration at the local Genesys Cloud."""
        url = self.deployment.genesys_url
        token = urllib3.request(
            "POST", f"{url}/oauth/token", headers=urllib3.make_headers(basic_auth="client:secret")
        ).json()["access_token"]
        [integration] = urllib3.request("GET", f"{url}/_local/state").json()["integrations"]
        self._control(
            "PATCH",
            f"{url}/api/v2/integrations/{integration['id']}",
            {"intendedState": state},
            {"Authorization": f"Bearer {token}"},
        )

    def run_watch(self) -> None:
        """Run the watch, as its schedule does every five minutes."""
        name = self.physical_id("AWS::Lambda::Function", "Watch")
        self.client("lambda").invoke(FunctionName=name, Payload=b"{}")

    def redrive(self) -> None:
        """Re-ingest what is under errors/ and in the dead-letter queue."""
        output = self.pipeline.output
        redrive.Redrive(
            self.deployment,
            redrive.Source(
                bucket=output("BucketName"),
                streams=tuple(output("StreamNames").split(",")),
                queue=output("BufferQueueUrl"),
                dlq=output("DeadLetterQueueUrl"),
            ),
        ).run()

    def set_dead_letters_aside(self) -> None:
        """Move what nobody can read out of the dead-letter queue, into the bucket."""
        output = self.pipeline.output
        source = dead_letters.Source(
            dlq=output("DeadLetterQueueUrl"), bucket=output("BucketName"), raw_key=output("RawKeyArn")
        )
        dead_letters.DeadLetters(self.deployment, source).set_aside(None)

    def _control(self, method: str, url: str, body: Any, headers: dict[str, str] | None = None) -> None:
        answer = urllib3.request(method, url, json=body, headers=headers)
        if answer.status != HTTPStatus.OK:
            raise LocalError(f"A local service refuses what the drill asks for: {answer.data.decode()}")

    # What the operator sees.

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until something is so.

        Raises:
            LocalError: It does not come to be.
        """
        deadline = time.monotonic() + WAIT_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise LocalError(f"The drill waited {WAIT_SECONDS:.0f} s in vain for this: {what}.")
            time.sleep(_POLL_SECONDS)

    def wait_minutes(self, minutes: float) -> None:
        """Let minutes of the pipeline's time pass."""
        time.sleep(minutes * 60 / self._speed)

    def message_count(self, queue: str) -> int:
        """Return how many messages a queue holds."""
        attributes = self.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        return sum(int(attributes[name]) for name in names)

    def object_count(self, prefix: str) -> int:
        """Return how many objects came under a prefix since the drill began."""
        pages = self.client("s3").get_paginator("list_objects_v2")
        return sum(
            each["LastModified"] >= self.time.begin.replace(microsecond=0)
            for page in pages.paginate(Bucket=self.deployment.bucket, Prefix=prefix)
            for each in page.get("Contents", [])
        )

    def samples(self) -> Samples:
        """Return what was measured so far of everything that an alarm watches."""
        metrics = [each.metric for alarm in self.alarms for each in alarm.metrics.values()]
        return read_samples(self.client("cloudwatch"), metrics, self.time)

    def set_alarm_state(self, name: str, state: str) -> None:
        """Tell the embedded AWS the state of an alarm that it has."""
        self.client("cloudwatch").set_alarm_state(
            AlarmName=name, StateValue=state, StateReason=json.dumps({"evaluated": "by its definition"})
        )

    def findings(self, now: datetime | None = None) -> set[tuple[str, Finding]]:
        """Return what the doctor reports: faults and warnings, by the checks' names."""
        inspection = Inspection(self.deployment, self.pipeline, self.resources, is_local=True, now=now)
        reported = (State.FAULT, State.WARNING)
        return {each for each in diagnose(inspection) if each[1].state in reported} | self.also_found
