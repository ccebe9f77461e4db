"""The values at which alarms go off."""

from dataclasses import dataclass, fields

from genesys_firehose_cdk.common.props import Props
from genesys_firehose_cdk.common.validation import InvalidPropertyError


@dataclass(frozen=True, kw_only=True)
class AlarmThresholdsProps(Props, at="monitoring.thresholds"):
    """The values at which the pipeline's alarms go off, each over five minutes unless it says otherwise.

    Attributes:
        delivery_freshness_seconds: Age of the oldest event not yet in `clean/`, or not yet in `raw/`. Default: twice
            the longest time that buffering may take, 300 at least.
        delivery_success_ratio: Share of successful writes, to `clean/` and to `raw/`, and of successful invocations of
            the transform function, below which to alarm; in two of three periods, because one failed attempt is
            repeated. Default: 1.
        throttled_records: Records that Firehose refused because of its quota. Default: 1.
        quota_use_ratio: Highest share of a Direct PUT quota in use. Default: 0.8.
        function_errors: Failed invocations of a function. Default: 1.
        function_throttles: Throttled invocations of a function. Default: 1.
        client_errors: Answers 4xx of the API, forged signatures among them. Default: 100.
        refused_share_ratio: Share of the posted requests that the API answers with 4xx, of ten or more within 15
            minutes. Default: 0.5.
        server_errors: Answers 5xx of the API, but for those to unknown signatures in the seconds after a change of the
            signing key. Default: 1.
        queue_age_seconds: Age of the oldest event in the buffer queue. Default: 300.
        queue_depth: Events in the buffer queue, those under way to Firehose among them. Default: five times what the
            ingest function works on at once, 500 unless `ingest.queue_max_concurrency` is given.
        dead_letters: Messages in the dead-letter queue. Default: 1.
        failed_records: Events that the transform function could not read. Default: 1.
        deduplication_unavailable: Events delivered while the table was down. Default: 1.
        conflicting_records: Events with the id of another one and other content. Default: 1.
        tokens_made: Tokens of values that were new to the transform function, in one batch of Firehose. An honest batch
            of 1 MiB has as many as it has callers and participants. Default: 10,000.
        schema_drift: Unknown fields and changed types in events. Default: 1.

    Raises:
        InvalidPropertyError: A value is not above zero, or a ratio is above 1.
    """

    delivery_freshness_seconds: float | None = None
    delivery_success_ratio: float = 1
    throttled_records: float = 1
    quota_use_ratio: float = 0.8
    function_errors: float = 1
    function_throttles: float = 1
    client_errors: float = 100
    refused_share_ratio: float = 0.5
    server_errors: float = 1
    queue_age_seconds: float = 300
    queue_depth: float | None = None
    dead_letters: float = 1
    failed_records: float = 1
    deduplication_unavailable: float = 1
    conflicting_records: float = 1
    tokens_made: float = 10_000
    schema_drift: float = 1

    def validate(self) -> None:
        """Check that every value can be reached."""
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None:
                continue
            if value <= 0:
                raise InvalidPropertyError(self.name_of(field.name), f"is {value}", "a value above 0 is allowed")
            if field.name.endswith("_ratio") and value > 1:
                raise InvalidPropertyError(self.name_of(field.name), f"is {value}", "a share up to 1 is allowed")
