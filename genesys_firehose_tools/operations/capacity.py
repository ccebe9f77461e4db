"""The rate at which a pipeline exceeds each of AWS's default quotas in a region."""

import json
import math
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

from genesys_firehose_tools.operations.cost import ENVELOPE_BYTES, MONTH_SECONDS, Month, Traffic
from genesys_firehose_tools.operations.deployed_design import Design

_DAY_SECONDS = 24 * 3600
# A limit that is not exceeded at this rate counts as none.
_FASTEST = 1e9
_RELATIVE_ERROR = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """A default quota of AWS.

    Attributes:
        value: In regions that are not named.
        unit: Of what.
        regions: The value in other regions.
        adjustable: Whether AWS raises it on request.
        source: The document.
        status: "documented" when the document was read, else "unverified".
    """

    value: float
    unit: str
    regions: dict[str, float]
    adjustable: bool
    source: str
    status: Literal["documented", "unverified"]

    def of(self, region: str) -> float:
        """Return the quota of a region."""
        return self.regions.get(region, self.value)


QUOTAS = {
    name: Quota(**fields)
    for name, fields in json.loads(Path(__file__).with_name("quotas.json").read_text(encoding="utf-8")).items()
}


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit on a pipeline's rate.

    Attributes:
        name: What it limits.
        quota: How much there is.
        unit: Of what.
        used: How much of it the asked rate uses.
        binds_at: At how many events a second it is used up; infinite when rate does not matter.
        remedy: What the pipeline does, and what helps.
        source: The document, or the property that sets it.
        status: "documented" or "unverified"; "property" when a property sets it.
    """

    name: str
    quota: float
    unit: str
    used: float
    binds_at: float
    remedy: str
    source: str
    status: Literal["documented", "unverified", "property"]

    @property
    def is_exceeded(self) -> bool:
        """Whether the asked rate is more than it allows."""
        return self.used > self.quota


class _Kind(NamedTuple):
    """A limit before the rate is known: how much of it a month's rates use."""

    name: str
    quota: float
    unit: str
    load: Callable[[float], float]
    remedy: str
    source: str
    status: Literal["documented", "unverified", "property"]


def limits(design: Design, traffic: Traffic, region: str) -> list[Limit]:
    """Return every limit at this traffic, in the order in which a growing rate exceeds them.

    Args:
        design: The pipeline.
        traffic: Its peak, as if it lasted all day.
        region: The AWS region, whose default quotas count.
    """
    rate = traffic.events_per_day / _DAY_SECONDS
    found = [
        Limit(
            kind.name,
            kind.quota,
            kind.unit,
            kind.load(rate),
            _binding_rate(kind),
            kind.remedy,
            kind.source,
            kind.status,
        )
        for kind in _Capacity(design, traffic, region).kinds()
    ]
    return sorted(found, key=lambda limit: limit.binds_at)


def shards_needed(design: Design, traffic: Traffic, region: str) -> int:
    """Return how many delivery streams Firehose's default quotas need; not fewer than the design has."""
    rate = traffic.events_per_day / _DAY_SECONDS

    def suffices(streams: int) -> bool:
        capacity = _Capacity(replace(design, streams=streams), traffic, region)
        return all(kind.load(rate) <= kind.quota for kind in capacity.throughput())

    most = design.streams
    while not suffices(most):
        most *= 2
    return bisect_left(range(most + 1), True, lo=design.streams, key=suffices)


def _binding_rate(kind: _Kind) -> float:
    """Search the rate at which a limit is used up; what uses it never falls as the rate grows."""
    low, high = 0.0, 1.0
    while kind.load(high) <= kind.quota:
        low, high = high, high * 2
        if high > _FASTEST:
            return math.inf
    while high - low > high * _RELATIVE_ERROR:
        middle = (low + high) / 2
        low, high = (middle, high) if kind.load(middle) <= kind.quota else (low, middle)
    return low


class _Capacity:
    def __init__(self, design: Design, traffic: Traffic, region: str) -> None:
        self._design = design
        self._traffic = traffic
        self._region = region

    def _month(self, rate: float) -> Month:
        return Month(self._design, replace(self._traffic, events_per_day=rate * _DAY_SECONDS))

    def _kind(self, name: str, quota: str, load: Callable[[float], float], remedy: str) -> _Kind:
        found = QUOTAS[quota]
        return _Kind(name, found.of(self._region), found.unit, load, remedy, found.source, found.status)

    def kinds(self) -> Iterator[_Kind]:
        if self._traffic.ingress == "webhook":
            yield from self._webhook()
        else:
            yield from self._bus()
        yield self._kind(
            "Lambda concurrency",
            "lambda_concurrency",
            self._concurrency,
            "Throttled requests get HTTP 500, and the sender repeats them; queue and Firehose wait. Ask AWS for a "
            "higher quota.",
        )
        yield from self.throughput()
        yield from self._partitions()
        yield self._kind(
            "DynamoDB, a new table",
            "dynamodb_initial_writes",
            self._copies,
            "The table's capacity doubles within half an hour. Until then events are delivered without deduplication, "
            "marked and counted.",
        )
        yield self._kind(
            "DynamoDB, a table",
            "dynamodb_table_writes",
            self._copies,
            "Events are delivered without deduplication, marked and counted. Ask AWS for a higher quota.",
        )
        yield self._kind(
            "S3 PUT requests",
            "s3_puts",
            lambda rate: self._month(rate).raw_objects / MONTH_SECONDS,
            "Firehose retries for a day. raw/ is the busiest prefix; S3 scales a prefix as its traffic grows.",
        )
        yield self._kind(
            "KMS requests",
            "kms_requests",
            lambda rate: self._month(rate).key_requests / MONTH_SECONDS,
            "S3 Bucket Keys replace the request for each object; secrets are cached for minutes.",
        )

    def _webhook(self) -> Iterator[_Kind]:
        def requests(rate: float) -> float:
            return self._copies(rate) / self._traffic.events_per_request

        if self._design.api_rate is not None:
            yield _Kind(
                "API throttling",
                self._design.api_rate,
                "requests/s",
                requests,
                "Excess requests get HTTP 429, and the sender repeats them for 85 s. Raise "
                "webhook.throttling_rate_limit, or let the sender put more events into a request.",
                "webhook.throttling_rate_limit",
                "property",
            )
        if self._design.api_methods:
            yield self._kind(
                "API Gateway, an account",
                "api_gateway_rate",
                requests,
                "Excess requests get HTTP 429, and the sender repeats them for 85 s. Ask AWS for a higher quota, or "
                "use webhook.front_door or partner_bus.",
            )

    def _bus(self) -> Iterator[_Kind]:
        yield self._kind(
            "EventBridge deliveries",
            "eventbridge_invocations",
            self._copies,
            "Events are delivered later, within a day. Ask AWS for a higher quota.",
        )
        yield _Kind(
            "Batches from the queue",
            self._design.queue_concurrency,
            "batches at once",
            self._ingest_concurrency,
            "Events wait in the queue, for 14 days. Raise ingest.queue_max_concurrency.",
            "ingest.queue_max_concurrency",
            "property",
        )
        yield self._kind(
            "SQS messages in flight",
            "sqs_in_flight",
            lambda rate: self._ingest_concurrency(rate) * self._design.queue_batch,
            "Events wait in the queue.",
        )

    def throughput(self) -> Iterator[_Kind]:
        """Yield the limits of the delivery streams that more streams raise."""
        streams = self._design.streams
        remedy = (
            "What Firehose refuses waits in the buffer queue. Firehose raises a throttled stream's quota by itself, at "
            "a rate that AWS does not document. Raise delivery.shards, or ask AWS for a higher quota."
        )

        def puts(rate: float) -> float:
            # A request is one call of each stream that gets any of its events.
            invocations = self._month(rate).invocations / MONTH_SECONDS
            events = self._copies(rate) / invocations if invocations else 1.0
            return invocations * min(events, streams) / streams

        yield self._kind("Firehose records", "firehose_records", lambda rate: self._copies(rate) / streams, remedy)
        yield self._kind("Firehose requests", "firehose_requests", puts, remedy)
        yield self._kind(
            "Firehose bytes",
            "firehose_bytes",
            lambda rate: self._copies(rate) * (self._traffic.event_bytes + ENVELOPE_BYTES) / streams,
            remedy,
        )

    def _partitions(self) -> Iterator[_Kind]:
        if self._design.partitioned:
            yield self._kind(
                "Firehose partitions",
                "firehose_partitions",
                # Around midnight, events of two days arrive.
                lambda _: self._traffic.event_types * 2.0,
                "Their number does not grow with the rate: the event types are a fixed set, and an event whose day is "
                "too far off is filed under its day of arrival.",
            )

    def _copies(self, rate: float) -> float:
        return rate * (1 + self._traffic.duplicates)

    def _ingest_concurrency(self, rate: float) -> float:
        month = self._month(rate)
        return month.invocations * month.ingest_seconds / MONTH_SECONDS

    def _concurrency(self, rate: float) -> float:
        month = self._month(rate)
        return self._ingest_concurrency(rate) + month.transforms * month.transform_seconds / MONTH_SECONDS
