"""What a pipeline costs: its usage from a template and the traffic, and list prices.

A month has 30 days, and traffic is even over them. A GB is 2^30 bytes, as AWS counts storage and Firehose. An
assumption that is not in the template, the traffic or the prices is a constant below, marked as measured or assumed.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from genesys_firehose_tools.operations.deployed_design import Buffer, Design
from genesys_firehose_tools.operations.prices import ATHENA_LEAST_BYTES, Price

DAYS = 30
MONTH_SECONDS = DAYS * 24 * 3600
_GB = 1024**3
_MIB = 1024**2

# Amazon Data Firehose pricing: each record is rounded up to the next 5 KB.
_BILLED_STEP_BYTES = 5 * 1024
# Measured with generated events: what the envelope adds, and what is left after GZIP.
ENVELOPE_BYTES = 360
_COMPRESSED_SHARE = 0.24
# Measured on a full core of x86-64, with the AWS SDK, and rounded up; a function of 1,769 MB has one (AWS Lambda
# Developer Guide, "Configure Lambda function memory").
_INGEST_REQUEST_CPU_SECONDS = 0.0012
_INGEST_EVENT_CPU_SECONDS = 0.00006
_TRANSFORM_EVENT_CPU_SECONDS = 0.00006
_CLAIM_EVENT_CPU_SECONDS = 0.00006
_FULL_CORE_MB = 1769
# Assumed: the answer of Firehose or DynamoDB from within the region.
_FIREHOSE_SECONDS = 0.02
_DYNAMODB_SECONDS = 0.008
_KEYS_IN_A_CALL = 25
# In the code: this many keys of one second share an item, then each of so many shards of it; a write unit is 1 KB, and
# a key with its owner 64 bytes.
_KEYS_IN_AN_ITEM = 30
_SHARDS = (1, 8, 64)
_KEY_BYTES, _WRITE_UNIT_BYTES = 64, 1024
# Measured: the transform function's two lines for a batch, and a line of the access log. The ingest function and Lambda
# write none of what succeeds.
_TRANSFORM_LOG_BYTES = 285 + 348
_ACCESS_LOG_BYTES = 115
_LOG_COMPRESSED_SHARE = 0.15
# Counted in the code: the metrics that are written all the time; and what API Gateway measures of a method that has
# metrics of its own.
_CUSTOM_METRICS = 6
_METRICS_OF_THE_PROBE = 5
_METRICS_OF_A_METHOD = 5
_METRICS_OF_NAMES = 3
_METRICS_OF_THE_RECONCILIATION = 3
# Amazon S3 User Guide, "Reducing the cost of SSE-KMS with Amazon S3 Bucket Keys": up to 99 % fewer requests.
_BUCKET_KEY_SHARE = 0.01
# Amazon SQS Developer Guide, "Key management": a data key serves for five minutes, once to send and once to receive.
_DATA_KEY_SECONDS = 300
# The signing key is read anew every five minutes, in its current and previous version.
_SECRET_SECONDS = 300
_SECRET_VERSIONS = 2
# AWS Lambda Developer Guide, "Using Lambda with Amazon SQS": five pollers, each asking for 20 s.
_POLLERS = 5
_POLL_SECONDS = 20
# Amazon EventBridge pricing and Amazon SQS pricing: each 64 KB of a payload is an event or a request.
_MESSAGE_STEP_BYTES = 64 * 1024
# In the code: an item of one key is key, owner and expiry; one of a second lives twice as long. DynamoDB adds 100 bytes
# to an item (Amazon DynamoDB Developer Guide, "Item sizes and formats").
_ITEM_BYTES = 240
_SECONDS_ITEM_BYTES = 150
_SECONDS_LIVES = 2
# AWS X-Ray Developer Guide, "AWS Lambda and AWS X-Ray": the first request of a second, and 5 % of the others.
_SAMPLED_SHARE = 0.05
# Elastic Load Balancing pricing: an LCU is 25 new connections a second, or 0.4 GB an hour to and from functions.
# Assumed: each request is a connection of its own, and headers and answer have so many bytes.
_LCU_CONNECTIONS = 25
_LCU_HOUR_BYTES = 0.4 * 1024**3
_REQUEST_FRAME_BYTES = 900
_HOURS = DAYS * 24
# The tables' state machine: how many days its runs read, of which today is half over.
_SHORT_RUN_DAYS, _NIGHTLY_DAYS, _WEEKLY_DAYS = 1.5, 2.5, 31.5
_WEEKS = DAYS / 7
STATES_OF_RUNS = (28, 46, 52)
"""How many states the runs of the tables' state machine go through: of the short interval, of a night, of a week."""
_METRICS_OF_THE_BACKFILL = 2
# Assumed: a conversation of a few sessions, told by the generator. A record is billed by 5 KB.
_EVENTS_OF_A_CONVERSATION, _DETAILS_BYTES, _BILLED_DETAILS_BYTES = 8, 6_000, 10_240
STATES_OF_A_CHECK = 45
"""How many states a check against Genesys Cloud goes through, with some looks at its jobs."""
_CHECKED_DAYS, _STATEMENTS_OF_A_CHECK = 5, 4
METRICS_OF_THE_TABLES = 8
"""Metrics of alarms: three of failed runs, three of rules, and two of the alarm that watches for late tables."""
# Measured with generated events: bytes of an event in Parquet, in all tables together, and of those what the other
# tables' statements read. Assumed: old snapshots until VACUUM.
_TABLE_EVENT_BYTES = 260
_TABLE_EVENT_READ_BYTES = 400
_SNAPSHOTS_SHARE = 1.3
# In the code: runs of the manifests' state machine, states of a run, and versions of a part. Measured: what a processor
# unpacks, counts and hashes in a second. Assumed: the answer of S3, eight objects at a time.
_MANIFEST_RUNS, _STATES_OF_A_MANIFEST, _VERSIONS_OF_A_PART = 4 * DAYS, 12, 1000
_MANIFEST_BYTES_PER_SECOND = 75e6
_S3_SECONDS = 0.03
_MANIFEST_READERS = 8
_STATEMENTS = 6
# Amazon S3 User Guide, "Transitioning objects using Amazon S3 Lifecycle": smaller objects are not moved.
_SMALLEST_ARCHIVED_BYTES = 128 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """The traffic of a pipeline.

    Attributes:
        events_per_day: Different events.
        event_bytes: Bytes of one.
        event_types: How many types, and so partitions of a day, there are.
        ingress: "webhook" or "eventbridge".
        events_per_request: Events in one request of the webhook.
        duplicates: How many more copies come than events, as a share.
        claimed_alone: The share of events whose key has an item of its own: audits, events with an id and no time in
            their `eventBody`, and events with neither id nor time. Default: none, as the documented events of
            conversations have a time.
        months: For how many months data has been collected, because what is stored is paid for again each month.
    """

    events_per_day: float
    event_bytes: float = 1500
    event_types: int = 10
    ingress: Literal["webhook", "eventbridge"] = "webhook"
    events_per_request: float = 1
    duplicates: float = 0
    claimed_alone: float = 0
    months: float = 12


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of one thing is used in a month.

    Attributes:
        service: The AWS service.
        what: What it is used for.
        price: The name of its price.
        quantity: How many of the price's units.
        is_of_tables: Whether it is for the analysts' tables.
    """

    service: str
    what: str
    price: str
    quantity: float
    is_of_tables: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """A usage and its cost."""

    usage: Usage
    dollars: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a month costs.

    Attributes:
        items: One for each price that is paid.
        events: Different events in the month.
    """

    items: tuple[Item, ...]
    events: float

    @property
    def dollars(self) -> float:
        """US dollars a month."""
        return sum(item.dollars for item in self.items)

    @property
    def dollars_of_tables(self) -> float:
        """US dollars a month of the analysts' tables alone."""
        return sum(item.dollars for item in self.items if item.usage.is_of_tables)

    @property
    def dollars_per_million_events(self) -> float:
        """US dollars for a million events, the fixed part spread over them."""
        return self.dollars / self.events * 1e6

    @property
    def by_service(self) -> Mapping[str, float]:
        """US dollars a month of each service."""
        services: dict[str, float] = {}
        for item in self.items:
            services[item.usage.service] = services.get(item.usage.service, 0) + item.dollars
        return services


def estimate(design: Design, traffic: Traffic, prices: Mapping[str, Price]) -> Estimate:
    """Estimate what a month of a design costs under some traffic; all that has one price reaches its tiers together."""
    usages = [usage for usage in monthly_usage(design, traffic) if usage.quantity]
    quantities: dict[str, float] = {}
    for usage in usages:
        quantities[usage.price] = quantities.get(usage.price, 0) + usage.quantity
    rates = {name: prices[name].dollars(quantity) / quantity for name, quantity in quantities.items()}
    items = (Item(usage, usage.quantity * rates[usage.price]) for usage in usages)
    return Estimate(tuple(items), traffic.events_per_day * DAYS)


def monthly_usage(design: Design, traffic: Traffic) -> Iterator[Usage]:
    """Yield everything that is paid for in a month."""
    return Month(design, traffic).usage()


class Month:
    """One month of a design under some traffic.

    Attributes:
        requests: Of the webhook.
        invocations: Of the ingest function.
        transforms: Invocations of the transform function.
        clean_objects: Objects written under `clean/`.
        raw_objects: Objects written under `raw/`.
    """

    def __init__(self, design: Design, traffic: Traffic) -> None:
        self._design = design
        self._traffic = traffic
        self._events = traffic.events_per_day * DAYS
        self._copies = self._events * (1 + traffic.duplicates)
        self._is_webhook = traffic.ingress == "webhook"
        self.requests = self._copies / traffic.events_per_request if self._is_webhook else 0.0
        self._event_record_bytes = traffic.event_bytes + ENVELOPE_BYTES
        rate = self._copies / MONTH_SECONDS / design.streams
        bytes_rate = rate * self._event_record_bytes
        partitions = traffic.event_types if design.partitioned else 1
        self.clean_objects = _flushes(rate, bytes_rate, design.clean, partitions) * design.streams * MONTH_SECONDS
        self.raw_objects = _flushes(rate, bytes_rate, design.raw, 1) * design.streams * MONTH_SECONDS
        self.transforms = _flushes(rate, bytes_rate, design.processor, 1) * design.streams * MONTH_SECONDS
        # The queue hands over what comes within a second, ten at most.
        batch = min(design.queue_batch, max(1.0, self._copies / MONTH_SECONDS))
        self._batch = traffic.events_per_request if self._is_webhook else batch
        self.invocations = self._copies / self._batch if design.ingest_function else 0.0

    def usage(self) -> Iterator[Usage]:
        """Yield everything that is paid for."""
        yield from self._front_door()
        yield from self._functions()
        yield from self._firehose()
        yield from self._storage()
        yield from self._tables()
        yield from self._settling()
        yield from self._reconciliation()
        yield from self._manifests()
        yield from self._key_store()
        yield from self._security()
        yield from self._telemetry()

    def _front_door(self) -> Iterator[Usage]:
        design = self._design
        if design.load_balancer_zones and self._is_webhook:
            yield from self._load_balancer()
        else:
            yield Usage("API Gateway", "requests", "api_gateway_rest_request", self.requests)
        yield Usage("WAF", "web ACLs", "waf_web_acl_month", design.web_acls)
        yield Usage("WAF", "rules", "waf_rule_month", design.web_acl_rules)
        yield Usage("WAF", "requests", "waf_request", self.requests if design.web_acl_used else 0)
        steps = self._copies * math.ceil(self._traffic.event_bytes / _MESSAGE_STEP_BYTES)
        if not self._is_webhook:
            yield Usage("EventBridge", "partner events", "eventbridge_partner_event", steps)
        if design.ingest_function:
            yield Usage("SQS", "asking the queue", "sqs_request", _POLLERS * MONTH_SECONDS / _POLL_SECONDS)
            if not self._is_webhook:
                received = math.ceil(self._batch * self._traffic.event_bytes / _MESSAGE_STEP_BYTES)
                requests = steps + self.invocations * (received + 1)
                yield Usage("SQS", "events sent, received and deleted", "sqs_request", requests)

    def _load_balancer(self) -> Iterator[Usage]:
        yield Usage("Load balancer", "hours", "load_balancer_hour", _HOURS)
        rate = self.requests / MONTH_SECONDS
        body = self._traffic.event_bytes * self._traffic.events_per_request
        units = max(rate / _LCU_CONNECTIONS, rate * 3600 * (body + _REQUEST_FRAME_BYTES) / _LCU_HOUR_BYTES)
        yield Usage("Load balancer", "capacity", "load_balancer_capacity_hour", units * _HOURS)
        addresses = self._design.load_balancer_zones * _HOURS
        yield Usage("Load balancer", "public addresses", "public_ipv4_hour", addresses)

    def _functions(self) -> Iterator[Usage]:
        yield Usage("Lambda", "requests", "lambda_request", self.invocations + self.transforms)
        ingest = self.invocations * self.ingest_seconds * self._design.ingest_memory / 1024
        yield Usage("Lambda", "ingest function", "lambda_gb_second", ingest)
        transform = self.transforms * self.transform_seconds * self._design.transform_memory / 1024
        yield Usage("Lambda", "transform function", "lambda_gb_second", transform)

    @property
    def ingest_seconds(self) -> float:
        """How long the ingest function runs for one request or batch."""
        calls = self._design.firehose_calls + self._design.calls_per_event * self._batch
        cpu = _INGEST_REQUEST_CPU_SECONDS + _INGEST_EVENT_CPU_SECONDS * (self._batch - 1)
        return calls * _FIREHOSE_SECONDS + cpu / _cores(self._design.ingest_memory)

    @property
    def transform_seconds(self) -> float:
        """How long the transform function runs for one batch."""
        events = self._copies / self.transforms
        waiting, cpu = 0.0, events * _TRANSFORM_EVENT_CPU_SECONDS
        if self._design.writes_per_event == 1:
            alone = self._claimed_alone
            calls = (1 - alone) * self._claims.calls + alone / _KEYS_IN_A_CALL
            waiting = math.ceil(calls * events) * _DYNAMODB_SECONDS
            cpu += events * _CLAIM_EVENT_CPU_SECONDS
        return waiting + cpu / _cores(self._design.transform_memory)

    @property
    def _claims(self) -> "_Claims":
        """What it takes to claim the keys of those events that may share an item."""
        sharing = 1 - self._traffic.claimed_alone
        if not sharing:
            return _Claims(0, 0, 0, 0)
        in_a_second, in_a_batch = self._copies / MONTH_SECONDS, self._copies / self.transforms
        # A batch ends within a second, whose rest the next one brings.
        visits = 1 + min(1.0, in_a_second / in_a_batch)
        claims = _claims(min(in_a_second, in_a_batch) * sharing)
        return claims._replace(units=claims.units * visits, calls=claims.calls * visits)

    @property
    def _claimed_alone(self) -> float:
        """The share of events whose key has an item of its own, by its kind or because it finds no room."""
        alone = self._traffic.claimed_alone
        return alone + (1 - alone) * self._claims.without_room

    @property
    def _claim_writes(self) -> float:
        """Write units for each event."""
        return self._claimed_alone + (1 - self._traffic.claimed_alone) * self._claims.units

    @property
    def key_requests(self) -> float:
        """Requests to KMS."""
        design = self._design
        share = _BUCKET_KEY_SHARE if design.bucket_keys else 1
        queue = 0.0 if self._is_webhook or not design.ingest_function else 2 * MONTH_SECONDS / _DATA_KEY_SECONDS
        return (self.clean_objects + self.raw_objects) * share + queue + self.secret_reads

    @property
    def secret_reads(self) -> float:
        """Requests for the signing key."""
        environments = max(1.0, self.invocations / MONTH_SECONDS * self.ingest_seconds)
        reads = _SECRET_VERSIONS * min(self.invocations, environments * MONTH_SECONDS / _SECRET_SECONDS)
        return reads if self._is_webhook else 0.0

    def _firehose(self) -> Iterator[Usage]:
        billed = self._copies * math.ceil(self._event_record_bytes / _BILLED_STEP_BYTES) * _BILLED_STEP_BYTES
        yield Usage("Firehose", "ingestion, records rounded up to 5 KB", "firehose_ingested_gb", billed / _GB)
        if self._design.partitioned:
            delivered = self._events * self._event_record_bytes
            yield Usage("Firehose", "partitioning", "firehose_partitioned_gb", delivered / _GB)
            yield Usage("Firehose", "partitioned objects", "firehose_partitioned_object", self.clean_objects)

    def _storage(self) -> Iterator[Usage]:
        design, months = self._design, self._traffic.months
        yield Usage("S3", "objects written", "s3_put", self.clean_objects + self.raw_objects)
        clean_gb = self._events * self._event_record_bytes * _COMPRESSED_SHARE / _GB
        yield Usage("S3", "clean/ stored", "s3_stored_gb_month", clean_gb * _kept(months, design.clean_expiration_days))
        raw_bytes = self._copies * self._event_record_bytes * _COMPRESSED_SHARE
        kept = _kept(months, design.raw_expiration_days)
        is_archived = design.raw_archive_days is not None and raw_bytes / self.raw_objects >= _SMALLEST_ARCHIVED_BYTES
        standard = min(kept, (design.raw_archive_days or 0) / DAYS) if is_archived else kept
        yield Usage("S3", "raw/ stored", "s3_stored_gb_month", raw_bytes / _GB * standard)
        archive = "s3_glacier_instant_stored_gb_month"
        yield Usage("S3", "raw/ stored in the archive", archive, raw_bytes / _GB * (kept - standard))
        moved = self.raw_objects if kept > standard else 0
        yield Usage("S3", "raw/ objects moved to the archive", "s3_glacier_instant_transition", moved)

    def _tables(self) -> Iterator[Usage]:
        """The tables: each run reads whole days of clean/, object by object."""
        if self._design.tables_seconds is None:
            return
        runs = MONTH_SECONDS / self._design.tables_seconds
        days = runs * _SHORT_RUN_DAYS + DAYS * _NIGHTLY_DAYS + _WEEKS * _WEEKLY_DAYS
        clean_bytes = self._event_record_bytes * _COMPRESSED_SHARE
        read = days * self._traffic.events_per_day * (clean_bytes + _TABLE_EVENT_READ_BYTES)
        least = (runs + DAYS + _WEEKS) * _STATEMENTS * ATHENA_LEAST_BYTES
        yield Usage("Athena", "tables: data read", "athena_scanned_tb", max(read, least) / 1e12, True)
        yield Usage("S3", "tables: objects of clean/ read", "s3_get", days * self.clean_objects / DAYS, True)
        stored = self._events * _TABLE_EVENT_BYTES * _SNAPSHOTS_SHARE / _GB
        yield Usage("S3", "tables stored", "s3_stored_gb_month", stored * self._traffic.months, True)
        states = sum(a * b for a, b in zip((runs, DAYS, _WEEKS), STATES_OF_RUNS, strict=True))
        yield Usage("Step Functions", "tables: states", "step_functions_transition", states, True)
        yield Usage("CloudWatch", "tables: alarms", "cloudwatch_alarm_metric_month", METRICS_OF_THE_TABLES, True)
        yield Usage("CloudWatch", "tables: metric", "cloudwatch_custom_metric_month", 1, True)

    def _settling(self) -> Iterator[Usage]:
        """A details record of every conversation."""
        if not self._design.settles:
            return
        records = self._events / _EVENTS_OF_A_CONVERSATION
        yield Usage(
            "Firehose", "settled days: ingestion", "firehose_ingested_gb", records * _BILLED_DETAILS_BYTES / _GB
        )
        delivered = records * _DETAILS_BYTES / _GB
        yield Usage("Firehose", "settled days: partitioning", "firehose_partitioned_gb", delivered)

    def _reconciliation(self) -> Iterator[Usage]:
        """Two checks a day, each with a run of the tables for the five days that it compares."""
        if not self._design.reconciled:
            return
        checks = 2 * DAYS
        events = self._traffic.events_per_day * _CHECKED_DAYS
        clean_bytes = self._event_record_bytes * _COMPRESSED_SHARE
        read = checks * events * (clean_bytes + _TABLE_EVENT_READ_BYTES + _TABLE_EVENT_BYTES)
        least = checks * (_STATEMENTS + _STATEMENTS_OF_A_CHECK) * ATHENA_LEAST_BYTES
        yield Usage("Athena", "reconciliation: data read", "athena_scanned_tb", max(read, least) / 1e12)
        objects = checks * _CHECKED_DAYS * self.clean_objects / DAYS
        yield Usage("S3", "reconciliation: objects of clean/ read", "s3_get", objects)
        states = checks * (STATES_OF_A_CHECK + STATES_OF_RUNS[0])
        yield Usage("Step Functions", "reconciliation: states", "step_functions_transition", states)

    def _manifests(self) -> Iterator[Usage]:
        """The manifests: each object of raw/ is read once. The one signature of a day costs nothing that counts."""
        if not self._design.manifests:
            return
        yield Usage("S3", "manifests: objects of raw/ read", "s3_get", self.raw_objects)
        seconds = self._copies * self._event_record_bytes / _MANIFEST_BYTES_PER_SECOND
        seconds += self.raw_objects * _S3_SECONDS / _MANIFEST_READERS
        gigabytes = _FULL_CORE_MB / 1024
        yield Usage("Lambda", "manifests", "lambda_gb_second", seconds * gigabytes)
        states = _MANIFEST_RUNS * _STATES_OF_A_MANIFEST + 2 * self.raw_objects / _VERSIONS_OF_A_PART
        yield Usage("Step Functions", "manifests: states", "step_functions_transition", states)

    def _key_store(self) -> Iterator[Usage]:
        if not self._design.writes_per_event:
            return
        writes = self._claim_writes if self._design.writes_per_event == 1 else self._design.writes_per_event
        yield Usage("DynamoDB", "keys claimed", "dynamodb_write_unit", self._copies * writes)
        alone = self._claimed_alone
        duplicates = (self._copies - self._events) * alone
        yield Usage("DynamoDB", "owners of duplicates read", "dynamodb_read_unit", duplicates)
        of_second = _KEY_BYTES + _SECONDS_ITEM_BYTES * self._claims.items
        key_bytes = alone * _ITEM_BYTES + (1 - alone) * of_second * _SECONDS_LIVES
        stored = self._traffic.events_per_day * self._design.key_ttl_days * key_bytes / _GB
        yield Usage("DynamoDB", "keys stored", "dynamodb_stored_gb_month", stored)
        if self._design.recovery:
            yield Usage("DynamoDB", "point-in-time recovery", "dynamodb_recovery_gb_month", stored)

    def _security(self) -> Iterator[Usage]:
        design = self._design
        yield Usage("KMS", "keys", "kms_key_month", design.keys)
        yield Usage("KMS", "requests", "kms_request", self.key_requests)
        yield Usage("Secrets Manager", "secrets", "secrets_manager_secret_month", design.secrets)
        yield Usage("Secrets Manager", "requests", "secrets_manager_request", self.secret_reads)

    def _telemetry(self) -> Iterator[Usage]:
        design = self._design
        written = self.transforms * _TRANSFORM_LOG_BYTES
        if design.access_log:
            written += self.requests * _ACCESS_LOG_BYTES
        yield Usage("CloudWatch", "logs written", "cloudwatch_logs_ingested_gb", written / _GB)
        kept = written * _LOG_COMPRESSED_SHARE * _kept(self._traffic.months, design.log_retention_days)
        yield Usage("CloudWatch", "logs stored", "cloudwatch_logs_stored_gb_month", kept / _GB)
        of_tables = METRICS_OF_THE_TABLES if design.tables_seconds is not None else 0
        yield Usage("CloudWatch", "alarms", "cloudwatch_alarm_metric_month", design.alarm_metrics - of_tables)
        yield Usage("CloudWatch", "composite alarms", "cloudwatch_composite_alarm_month", design.composite_alarms)
        yield Usage("CloudWatch", "dashboards", "cloudwatch_dashboard_month", design.dashboards)
        methods = design.measured_methods if self._is_webhook else 0
        metrics = _CUSTOM_METRICS + methods * _METRICS_OF_A_METHOD + design.names * _METRICS_OF_NAMES
        metrics += design.probed * _METRICS_OF_THE_PROBE
        metrics += design.reconciled * _METRICS_OF_THE_RECONCILIATION
        metrics += design.manifests
        metrics += design.backfills * _METRICS_OF_THE_BACKFILL
        yield Usage("CloudWatch", "metrics", "cloudwatch_custom_metric_month", metrics)
        yield Usage("X-Ray", "traces", "xray_trace", self._traces)

    @property
    def _traces(self) -> float:
        """Traces: a share of the API's requests, and what Lambda chooses by itself of all else that is traced."""
        design = self._design
        by_api = self._is_webhook and design.api_methods > 0
        chosen = 0.0 if by_api or not design.ingest_traced else self.invocations
        chosen += self.transforms if design.transform_traced else 0.0
        sampled = min(chosen, MONTH_SECONDS) + _SAMPLED_SHARE * max(0.0, chosen - MONTH_SECONDS)
        return sampled + (self.requests * design.traced_share if by_api else 0.0)


class _Claims(NamedTuple):
    """What an event's share is of claims in items that many share.

    Attributes:
        units: Write units.
        calls: Calls to DynamoDB.
        items: Items that are written.
        without_room: How many keys find none.
    """

    units: float
    calls: float
    items: float
    without_room: float


def _claims(keys: float) -> _Claims:
    """Claim so many keys of one second at once, evenly spread over its items.

    A full item is asked once more, which is billed though it changes nothing (Amazon DynamoDB Developer Guide,
    "Conditional writes").
    """
    units = calls = items = 0.0
    left = keys
    for shards in _SHARDS:
        if not left:
            break
        used = min(float(shards), left)
        taken = min(left, used * _KEYS_IN_AN_ITEM)
        left -= taken
        asked = used * (2 if left else 1)
        calls += asked
        items += used
        units += asked * math.ceil(taken / used * _KEY_BYTES / _WRITE_UNIT_BYTES)
    return _Claims(units / keys, calls / keys, items / keys, left / keys)


def _flushes(rate: float, bytes_rate: float, buffer: Buffer, partitions: int) -> float:
    """How often a buffer is emptied in a second: when its time is over, for each partition in it, or its size full."""
    seconds = max(buffer.seconds, 1.0)
    by_time = min(partitions, rate * seconds) / seconds
    return max(by_time, bytes_rate / (buffer.mebibytes * _MIB))


def _cores(memory: int) -> float:
    return min(1.0, memory / _FULL_CORE_MB)


def _kept(months: float, expiration_days: int | None) -> float:
    """For how many months' data is stored."""
    return months if expiration_days is None else min(months, expiration_days / DAYS)
