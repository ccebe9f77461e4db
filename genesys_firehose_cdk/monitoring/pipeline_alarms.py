"""Alarms on everything that would lose, delay or refuse an event."""

from collections.abc import Mapping, Sequence

from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from genesys_firehose_cdk.common.context import PERIOD, PipelineContext
from genesys_firehose_cdk.delivery.delivery_stream import DataLakeDeliveryStream
from genesys_firehose_cdk.ingress.buffer_queue import BufferQueue
from genesys_firehose_cdk.monitoring.thresholds import AlarmThresholdsProps

_SHORTEST_FRESHNESS_SECONDS = 300


class PipelineAlarms(Construct):
    """The pipeline's alarms, all to one topic.

    Attributes:
        alarms: All alarms, by name.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        context: PipelineContext,
        delivery_streams: Sequence[DataLakeDeliveryStream],
        functions: Mapping[str, lambda_.IFunction],
        buffer_queue: BufferQueue,
        api: apigateway.RestApi | None = None,
        thresholds: AlarmThresholdsProps | None = None,
    ) -> None:
        """Create the alarms.

        Args:
            scope: The parent construct.
            id: The construct's id.
            context: What the pipeline's constructs share.
            delivery_streams: Each watched for freshness, success, throttling, partitions and quota.
            functions: Watched for errors and throttles, by name.
            buffer_queue: Watched for age and dead letters.
            api: Watched for 4xx and 5xx. Default: none.
            thresholds: Default: AlarmThresholdsProps().
        """
        super().__init__(scope, id)
        self._context = context
        self._limit = thresholds or AlarmThresholdsProps()
        self.alarms: dict[str, cloudwatch.Alarm] = {}
        for number, delivery_stream in enumerate(delivery_streams, start=1):
            self._watch_stream(delivery_stream, "" if number == 1 else str(number))
        for name, function in functions.items():
            self._watch_function(name, function)
        if api is not None:
            self._watch_api(api)
        self._watch_queue(buffer_queue)
        self._watch_records()

    def _watch_stream(self, delivery_stream: DataLakeDeliveryStream, suffix: str) -> None:
        limit = self._limit
        self._add(
            f"DeliveryFreshness{suffix}",
            delivery_stream.metric_freshness(),
            limit.delivery_freshness_seconds
            or max(_SHORTEST_FRESHNESS_SECONDS, 2 * delivery_stream.longest_delay_seconds),
            "Events reach clean/ late. Look at the delivery stream's error log and the transform function.",
        )
        for name, metric in (
            ("DeliverySuccess", delivery_stream.metric_delivery_success()),
            ("BackupSuccess", delivery_stream.metric_backup_success()),
        ):
            self._add(
                f"{name}{suffix}",
                metric,
                limit.delivery_success_ratio,
                "Firehose fails to write to the bucket. Check the delivery role, both KMS keys, and whether "
                "uploads carry the checksum that S3 Object Lock requires.",
                cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            )
        self._add(
            f"StreamThrottled{suffix}",
            delivery_stream.metric_throttled(),
            limit.throttled_records,
            "Firehose refuses events because of its quota; they wait in the buffer queue. Request a higher quota.",
        )
        self._add(
            f"QuotaUse{suffix}",
            delivery_stream.metric_quota_use(),
            limit.quota_use_ratio,
            "The delivery stream comes close to its quota. Request a higher one before Firehose throttles.",
        )
        self._add(
            f"PartitionCountExceeded{suffix}",
            delivery_stream.metric_partition_count_exceeded(),
            1,
            "Too many active partitions; Firehose sends what exceeds the quota to errors/.",
        )

        if delivery_stream.encryption_key is not None:
            self._add(
                f"StreamKey{suffix}",
                delivery_stream.metric_key_failures(),
                1,
                "Firehose can't use the stream's KMS key, and so takes no event; they wait in the buffer queue. Check "
                "that the key is enabled and that its policy allows Firehose and the ingest function's role.",
            )

    def _watch_function(self, name: str, function: lambda_.IFunction) -> None:
        self._add(
            f"{name}Errors",
            function.metric_errors(period=PERIOD),
            self._limit.function_errors,
            f"The {name.lower()} function fails. Read its log group.",
        )
        self._add(
            f"{name}Throttles",
            function.metric_throttles(period=PERIOD),
            self._limit.function_throttles,
            f"The {name.lower()} function is throttled. Raise the account's concurrency.",
        )

    def _watch_api(self, api: apigateway.RestApi) -> None:
        self._add(
            "ClientErrors",
            api.metric_client_error(period=PERIOD),
            self._limit.client_errors,
            "Many requests are refused: a signing key that differs, or forged requests.",
        )
        self._add(
            "ServerErrors",
            api.metric_server_error(period=PERIOD),
            self._limit.server_errors,
            "The webhook fails; the sender retries for 85 seconds only. Check GET /health for the reason.",
        )

    def _watch_queue(self, buffer_queue: BufferQueue) -> None:
        self._add(
            "QueueAge",
            buffer_queue.queue.metric_approximate_age_of_oldest_message(period=PERIOD),
            self._limit.queue_age_seconds,
            "Accepted events wait in the buffer queue. Check that Firehose takes records.",
        )
        self._add(
            "DeadLetters",
            buffer_queue.dead_letter_queue.metric_approximate_number_of_messages_visible(
                period=PERIOD, statistic="Maximum"
            ),
            self._limit.dead_letters,
            "Accepted events wait in the dead-letter queue, for 14 days at most. Redrive them.",
        )

    def _watch_records(self) -> None:
        metric = self._context.metric
        self._add(
            "FailedRecords",
            metric("RecordsFailed"),
            self._limit.failed_records,
            "Events could not be read and went to errors/. Redrive them once the cause is mended.",
        )
        self._add(
            "DeduplicationUnavailable",
            metric("DeduplicationUnavailable"),
            self._limit.deduplication_unavailable,
            "Events were delivered without a check for duplicates, because the table did not answer.",
        )
        self._add(
            "ConflictingRecords",
            metric("RecordsConflicting"),
            self._limit.conflicting_records,
            "Events came under the id of another one with other content: an update, a sender that uses an id twice, or "
            "a forgery. Nothing is dropped. Compare what clean/ marks as conflict with what else has the same id.",
        )
        self._add(
            "TokenVolume",
            # The largest batch, not the sum: batches are of one size, whatever the traffic is.
            metric("TokensMade", statistic="Maximum"),
            self._limit.tokens_made,
            "A batch of events made very many new tokens: somebody who may send and read clean/ may be trying out "
            "values to learn whose tokens they are. Look in clean/ for events with long lists of tokens.",
        )
        self._add(
            "SchemaDrift",
            metric("SchemaDrift"),
            self._limit.schema_drift,
            "Events have fields or types that no known shape has. Nothing is lost: the records in clean/ name "
            "them in schema_drift, and in closed_fields what was closed. Check the queries, then let "
            "`genesys-firehose shapes` learn the new shape, say what its fields are, and rebuild.",
        )

    def _add(
        self,
        name: str,
        metric: cloudwatch.IMetric,
        threshold: float,
        description: str,
        comparison: cloudwatch.ComparisonOperator = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    ) -> None:
        self.alarms[name] = self._context.alarm(
            self, name, metric=metric, threshold=threshold, description=description, comparison=comparison
        )
