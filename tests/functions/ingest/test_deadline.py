"""The request ends within 8 seconds, whatever call hangs."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from botocore.exceptions import ReadTimeoutError
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import deadline
from ingest.deadline import Deadline
from ingest.delivery import Delivery
from ingest.health import Health
from ingest.intake import Intake
from ingest.oversize import OversizeStore
from ingest.queue_consumer import QueueConsumer
from ingest.settings import IngestSettings
from ingest.signing_keys import CACHE_SECONDS, SigningKeys
from ingest.webhook import Webhook
from shared.telemetry import Metrics
from tests.functions.observing import Clock
from tests.in_memory_aws import InMemoryAws, refusal
from tests.wired_functions import INGEST_ENVIRONMENT, queue_batch, queues, request

SENDER_IS_ANSWERED_WITHIN = 8.0
LONGEST = {
    "GetSecretValue": deadline.CONNECT_SECONDS + deadline.SECRET_READ_SECONDS,
    "PutRecordBatch": deadline.FIREHOSE_CALL_SECONDS,
    "DescribeDeliveryStream": deadline.FIREHOSE_CALL_SECONDS,
    "SendMessageBatch": deadline.QUEUE_CALL_SECONDS,
    "ChangeMessageVisibilityBatch": deadline.QUEUE_CALL_SECONDS,
    "PutObject": deadline.S3_CALL_SECONDS,
}
# How a call that takes its whole time ends: not at all, throttled, partly done, or done.
SLOW_ENDINGS = ["times out", "is throttled", "does half", "does all"]
# The signing key's three versions are read.
READ = ["does all"] * 3


class SlowAws(InMemoryAws):
    """Takes all the time that each call's client allows, then ends the call as the next of ``endings`` says."""

    def __init__(self, clock: Clock, endings: list[str]) -> None:
        super().__init__()
        self._clock = clock
        self._endings = endings

    def call(self, name: str, effect: Callable[[bool], Any]) -> Any:
        ending = self._endings[len(self.calls) % len(self._endings)]
        self.calls.append(name)
        self._clock.advance(LONGEST[name])
        if ending == "times out":
            raise ReadTimeoutError(endpoint_url="")
        if ending == "is throttled":
            raise refusal("ThrottlingException", name)
        return effect(ending == "does half")


class SlowIngest:
    """The ingest function's parts on a slow AWS and its clock."""

    def __init__(self, endings: list[str], shards: int = 1) -> None:
        streams = [f"stream-{number}" for number in range(shards)]
        self.clock = Clock()
        self.aws = SlowAws(self.clock, endings)
        settings = IngestSettings.from_environment(INGEST_ENVIRONMENT)
        self.keys = SigningKeys(
            lambda: self.aws.client("secretsmanager"), "arn:secret", timedelta(hours=24), self.clock
        )
        both_queues = queues(self.aws)
        delivery = Delivery(lambda: self.aws.client("firehose"), both_queues, streams, self.clock.advance)
        originals = OversizeStore(lambda: self.aws.client("s3"), "lake", "key")
        intake = Intake(settings, delivery, originals, clock=self.clock)
        self._webhook = Webhook(settings, self.keys, intake)
        self._consumer = QueueConsumer(settings, delivery, intake, both_queues)
        self._health = Health(self.keys, lambda: self.aws.client("firehose"), streams, self.clock)

    def seconds_of(self, work: Callable[[], object]) -> float:
        started = self.clock()
        work()
        return self.clock() - started

    def post(self, events: list[dict[str, Any]], signature: str | None = None) -> int:
        body = json.dumps(events).encode()
        answer = self._webhook.answer(request(body, signature), Deadline(clock=self.clock), Metrics())
        status: int = answer["statusCode"]
        return status

    def consume(self, *bodies: str) -> None:
        self._consumer.consume(queue_batch(*bodies)["Records"], Deadline(clock=self.clock), Metrics())

    def health(self) -> None:
        self._health.reason()


def events(count: int, oversize: int) -> list[dict[str, Any]]:
    large = [{"messageId": f"large-{number}", "text": "x" * 1_030_000} for number in range(oversize)]
    return large + [{"messageId": f"small-{number}"} for number in range(count)]


endings = st.lists(st.sampled_from(SLOW_ENDINGS), min_size=1, max_size=12)
shards = st.sampled_from([1, 2, 20])
requests = st.builds(events, st.sampled_from([1, 30, 501, 997]), st.integers(0, 3))


@settings(max_examples=60)
@given(endings=endings, events=requests, shards=shards, is_forged=st.booleans(), knows_keys=st.booleans())
def test_a_request_ends_within_eight_seconds_however_slow_everything_is(
    endings: list[str], events: list[dict[str, Any]], shards: int, is_forged: bool, knows_keys: bool
) -> None:
    ingest = SlowIngest([*READ, *endings] if knows_keys else endings, shards)
    if knows_keys:
        ingest.keys.get()
        ingest.clock.advance(CACHE_SECONDS + 1)
    status = 0

    def post() -> None:
        nonlocal status
        status = ingest.post(events, "00" * 32 if is_forged else None)

    assert ingest.seconds_of(post) <= SENDER_IS_ANSWERED_WITHIN
    assert status in ({401, 503} if is_forged else {200, 503})


@settings(max_examples=40)
@given(endings=endings, events=requests, shards=shards, unreadable=st.integers(0, 3))
def test_a_queue_batch_ends_within_eight_seconds_however_slow_everything_is(
    endings: list[str], events: list[dict[str, Any]], shards: int, unreadable: int
) -> None:
    ingest = SlowIngest(endings, shards)
    bodies = ["hello"] * unreadable + [json.dumps(event) for event in events]
    assert ingest.seconds_of(lambda: ingest.consume(*bodies[:10])) <= SENDER_IS_ANSWERED_WITHIN


@given(endings=endings, shards=shards)
def test_a_health_check_ends_within_eight_seconds_however_slow_everything_is(endings: list[str], shards: int) -> None:
    ingest = SlowIngest(endings, shards)
    assert ingest.seconds_of(ingest.health) <= SENDER_IS_ANSWERED_WITHIN


def test_when_everything_hangs_from_the_second_call_on_the_queue_is_still_asked() -> None:
    """Firehose may not eat the time of the last resort."""
    ingest = SlowIngest([*READ, *["times out"] * 10])
    assert ingest.post(events(1, 0)) == 503
    assert ingest.aws.calls[-1] == "SendMessageBatch"


def test_when_firehose_hangs_the_queue_takes_the_events() -> None:
    ingest = SlowIngest([*READ, "times out", "times out", "does all"])
    ingest.keys.get()
    assert ingest.post(events(1, 0)) == 200
    assert ingest.aws.calls[3:] == ["PutRecordBatch", "PutRecordBatch", "SendMessageBatch"]


def test_time_is_left_until_the_end_and_not_beyond(clock: Clock) -> None:
    end = Deadline(5.0, clock)
    clock.advance(3)
    assert end.leaves(2)
    assert not end.leaves(2.1)
    clock.advance(3)
    assert not end.leaves(0)
