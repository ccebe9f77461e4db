"""Check of the quotas: how much of each was in use within a day, at most.

The figures are CloudWatch's. A rate is an average over five minutes, so a short peak may have been higher.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from genesys_firehose_tools.operations.capacity import QUOTAS
from genesys_firehose_tools.operations.doctor.findings import Finding, not_applicable, ok, warning
from genesys_firehose_tools.operations.doctor.inspection import Inspection, Metric

_DAY = timedelta(days=1)
_PERIOD_SECONDS = 300
_CLOSE = 0.8
# AWS Lambda Developer Guide, "Lambda quotas": a new account may have far less than 1,000 executions at once.
_LEAST_EXECUTIONS = 100


@dataclass(frozen=True, slots=True)
class QuotaUse:
    """How much of a quota was in use.

    Attributes:
        name: Of what, as a sentence has it.
        used: How much, at most; None without data.
        quota: How much there is.
    """

    name: str
    used: float | None
    quota: float


@dataclass(frozen=True, slots=True)
class Quotas:
    """The quotas of account and pipeline.

    Attributes:
        executions: How many functions the account may run at once.
        uses: How much of each was in use.
    """

    executions: int
    uses: tuple[QuotaUse, ...]


def look_at_quotas(inspection: Inspection) -> Quotas:
    """Ask how many functions the account may run at once, and for the metrics of a day."""
    limit: int = inspection.client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    [running] = _highest(inspection, [Metric("AWS/Lambda", "ConcurrentExecutions", ())], "Maximum")
    uses = [
        QuotaUse("functions at once", running, limit),
        *_of_streams(inspection),
        *_of_api(inspection),
        *_of_queues(inspection),
        *_of_tables(inspection),
    ]
    return Quotas(limit, tuple(uses))


def judge_quotas(quotas: Quotas) -> Iterator[Finding]:
    """The account must be able to run the functions, and no quota may be close."""
    if quotas.executions < _LEAST_EXECUTIONS:
        yield warning(
            f"The account may run {quotas.executions} functions at once.",
            means="Requests are refused with 503 at little traffic; the sender repeats them for 85 seconds only.",
            fix="Ask AWS for a higher quota of Lambda's concurrent executions.",
        )
    else:
        yield ok(f"The account may run {quotas.executions:,} functions at once.")
    known = [(use.name, use.used, use.quota) for use in quotas.uses if use.used is not None]
    for name, used, quota in known:
        if used >= _CLOSE * quota:
            yield warning(
                f"{used:,.0f} {name} of {quota:,.0f} were in use within a day.",
                means="AWS refuses what exceeds it; `genesys-firehose capacity` says what the pipeline does then.",
                fix="Ask AWS for a higher quota; for Firehose, more delivery.shards help as well.",
            )
    if known:
        listed = ", ".join(f"{name} {used / quota:.1%}" for name, used, quota in known)
        yield ok(f"In use within a day, at most: {listed}.")
    if silent := [use.name for use in quotas.uses if use.used is None]:
        yield not_applicable(f"no metric of the last day tells how much is in use of: {', '.join(silent)}")


def _of_streams(inspection: Inspection) -> Iterator[QuotaUse]:
    """Yield the use of Direct PUT's quotas; the stream's own limit counts where Firehose reports one."""
    region = inspection.resources.region
    for incoming, limit, quota, unit in (
        ("IncomingBytes", "BytesPerSecondLimit", "firehose_bytes", "bytes/s"),
        ("IncomingRecords", "RecordsPerSecondLimit", "firehose_records", "records/s"),
        ("IncomingPutRequests", "PutRequestsPerSecondLimit", "firehose_requests", "puts/s"),
    ):
        for stream in inspection.streams:
            dimensions = (("DeliveryStreamName", stream),)
            [used] = _rates(inspection, [Metric("AWS/Firehose", incoming, dimensions)])
            [limits] = inspection.metric_values([Metric("AWS/Firehose", limit, dimensions)], "Minimum", _DAY)
            yield QuotaUse(f"{unit} into {stream}", used, min(limits, default=QUOTAS[quota].of(region)))


def _of_api(inspection: Inspection) -> Iterator[QuotaUse]:
    """Yield the use of the account's rate by the webhook's API, by the default quota: other APIs use it, too."""
    for api in inspection.resources.of_type("AWS::ApiGateway::RestApi"):
        metric = Metric("AWS/ApiGateway", "Count", (("ApiName", str(api.properties["Name"])),))
        [used] = _rates(inspection, [metric])
        yield QuotaUse("requests/s to the API", used, QUOTAS["api_gateway_rate"].of(inspection.resources.region))


def _of_queues(inspection: Inspection) -> Iterator[QuotaUse]:
    queues = inspection.resources.of_type("AWS::SQS::Queue")
    names = [queue.physical_id.rsplit("/", 1)[1] for queue in queues]
    metrics = [Metric("AWS/SQS", "ApproximateNumberOfMessagesNotVisible", (("QueueName", name),)) for name in names]
    highest = [value for value in _highest(inspection, metrics, "Maximum") if value is not None]
    yield QuotaUse("messages of a queue in flight", max(highest, default=None), QUOTAS["sqs_in_flight"].value)


def _of_tables(inspection: Inspection) -> Iterator[QuotaUse]:
    for table in inspection.resources.of_type("AWS::DynamoDB::Table"):
        metric = Metric("AWS/DynamoDB", "ConsumedWriteCapacityUnits", (("TableName", table.physical_id),))
        [used] = _rates(inspection, [metric])
        yield QuotaUse("write units/s of the table", used, QUOTAS["dynamodb_table_writes"].value)


def _rates(inspection: Inspection, metrics: Sequence[Metric]) -> list[float | None]:
    sums = _highest(inspection, metrics, "Sum")
    return [None if each is None else each / _PERIOD_SECONDS for each in sums]


def _highest(inspection: Inspection, metrics: Sequence[Metric], statistic: str) -> list[float | None]:
    return [max(values, default=None) for values in inspection.metric_values(metrics, statistic, _DAY)]
