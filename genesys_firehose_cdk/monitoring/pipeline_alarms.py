"""Alarms on everything that would lose, delay or refuse an event."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from aws_cdk import Duration, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from genesys_firehose_cdk.common.validation import InvalidPropertyError
from genesys_firehose_cdk.delivery.delivery_stream import DataLakeDeliveryStream
from genesys_firehose_cdk.ingress.buffer_queue import BufferQueue

_PERIOD = Duration.minutes(5)


class AlarmTopic(Construct):
    """An encrypted SNS topic that takes HTTPS alone, and CloudWatch alarms of this account alone.

    Attributes:
        topic: The topic; subscribe to it.
    """

    def __init__(self, scope: Construct, id: str, *, encryption_key: kms.IKey) -> None:
        """Create the topic.

        Args:
            scope: The parent construct.
            id: The construct's id.
            encryption_key: Must let CloudWatch alarms and EventBridge use it.
        """
        super().__init__(scope, id)
        self.topic = sns.Topic(self, "Topic", master_key=encryption_key, enforce_ssl=True)
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="CloudWatchAlarms",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            )
        )


@dataclass(frozen=True, kw_only=True)
class AlarmThresholds:
    """The values at which the pipeline's alarms go off, each over five minutes.

    Attributes:
        delivery_freshness_seconds: Age of the oldest event not yet in `clean/`. Default: 300.
        delivery_success_ratio: Share of successful writes, to `clean/` and to `raw/`, below which to
            alarm. Default: 1.
        throttled_records: Records that Firehose refused because of its quota. Default: 1.
        quota_use_ratio: Highest share of a Direct PUT quota in use. Default: 0.8.
        function_errors: Failed invocations of a function. Default: 1.
        function_throttles: Throttled invocations of a function. Default: 1.
        client_errors: Answers 4xx of the API, forged signatures among them. Default: 100.
        server_errors: Answers 5xx of the API. Default: 1.
        queue_age_seconds: Age of the oldest event in the buffer queue. Default: 300.
        dead_letters: Messages in the dead-letter queue. Default: 1.
        failed_records: Events that the transform function could not read. Default: 1.
        deduplication_unavailable: Events delivered while the table was down. Default: 1.
        schema_drift: Unknown fields and changed types in events. Default: 1.

    Raises:
        InvalidPropertyError: A value is not above zero, or a ratio is above 1.
    """

    delivery_freshness_seconds: float = 300
    delivery_success_ratio: float = 1
    throttled_records: float = 1
    quota_use_ratio: float = 0.8
    function_errors: float = 1
    function_throttles: float = 1
    client_errors: float = 100
    server_errors: float = 1
    queue_age_seconds: float = 300
    dead_letters: float = 1
    failed_records: float = 1
    deduplication_unavailable: float = 1
    schema_drift: float = 1

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value <= 0:
                raise InvalidPropertyError(
                    f"alarm_thresholds.{field.name}", f"is {value}", "a value above 0 is allowed"
                )
            if field.name.endswith("_ratio") and value > 1:
                raise InvalidPropertyError(
                    f"alarm_thresholds.{field.name}", f"is {value}", "a share up to 1 is allowed"
                )


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
        topic: sns.ITopic,
        delivery_streams: Sequence[DataLakeDeliveryStream],
        functions: dict[str, lambda_.IFunction],
        api: apigateway.RestApi | None,
        buffer_queue: BufferQueue,
        failed_records: cloudwatch.IMetric,
        deduplication_unavailable: cloudwatch.IMetric,
        schema_drift: cloudwatch.IMetric,
        thresholds: AlarmThresholds | None = None,
    ) -> None:
        """Create the alarms.

        Args:
            scope: The parent construct.
            id: The construct's id.
            topic: Where they report to; its policy must let CloudWatch publish.
            delivery_streams: Each watched for freshness, success, throttling, partitions and quota.
            functions: Watched for errors and throttles, by name.
            api: Watched for 4xx and 5xx; None where there is none.
            buffer_queue: Watched for age and dead letters.
            failed_records: Number of events that the transform function could not read.
            deduplication_unavailable: Number of events delivered while the table was down.
            schema_drift: Number of unknown fields and changed types in events.
            thresholds: Default: AlarmThresholds().
        """
        super().__init__(scope, id)
        self._action = actions.SnsAction(topic)
        self.alarms: dict[str, cloudwatch.Alarm] = {}
        limit = thresholds or AlarmThresholds()
        for number, delivery_stream in enumerate(delivery_streams, start=1):
            self._watch_stream(delivery_stream, "" if number == 1 else str(number), limit)
        for function_name, function in functions.items():
            self._above(
                f"{function_name}Errors",
                function.metric_errors(period=_PERIOD),
                limit.function_errors,
                f"The {function_name.lower()} function fails. Read its log group.",
            )
            self._above(
                f"{function_name}Throttles",
                function.metric_throttles(period=_PERIOD),
                limit.function_throttles,
                f"The {function_name.lower()} function is throttled. Raise the account's concurrency.",
            )
        if api is not None:
            self._above(
                "ClientErrors",
                api.metric_client_error(period=_PERIOD),
                limit.client_errors,
                "Many requests are refused: a signing key that differs, or somebody trying.",
            )
            self._above(
                "ServerErrors",
                api.metric_server_error(period=_PERIOD),
                limit.server_errors,
                "The webhook fails; the sender retries for 85 seconds only. Check GET /health for the reason.",
            )
        self._above(
            "QueueAge",
            buffer_queue.queue.metric_approximate_age_of_oldest_message(period=_PERIOD),
            limit.queue_age_seconds,
            "Accepted events wait in the buffer queue. Check that Firehose takes records.",
        )
        self._above(
            "DeadLetters",
            buffer_queue.dead_letter_queue.metric_approximate_number_of_messages_visible(
                period=_PERIOD, statistic="Maximum"
            ),
            limit.dead_letters,
            "Accepted events wait in the dead-letter queue, for 14 days at most. Redrive them.",
        )
        self._above(
            "FailedRecords",
            failed_records,
            limit.failed_records,
            "Events could not be read and went to errors/. Redrive them once the cause is mended.",
        )
        self._above(
            "DeduplicationUnavailable",
            deduplication_unavailable,
            limit.deduplication_unavailable,
            "Events were delivered without a check for duplicates, because the table did not answer.",
        )
        self._above(
            "SchemaDrift",
            schema_drift,
            limit.schema_drift,
            "Events have fields or types that no known shape has. Nothing is lost: the records in clean/ name "
            "them in schema_drift. Check the queries, then let `genesys-firehose shapes` learn the new shape.",
        )

    def _watch_stream(self, delivery_stream: DataLakeDeliveryStream, suffix: str, limit: AlarmThresholds) -> None:
        self._above(
            f"DeliveryFreshness{suffix}",
            delivery_stream.metric_freshness(),
            limit.delivery_freshness_seconds,
            "Events reach clean/ late. Look at the delivery stream's error log and the transform function.",
        )
        for name, metric in (
            ("DeliverySuccess", delivery_stream.metric_delivery_success()),
            ("BackupSuccess", delivery_stream.metric_backup_success()),
        ):
            self._below(
                f"{name}{suffix}",
                metric,
                limit.delivery_success_ratio,
                "Firehose fails to write to the bucket. Check the delivery role, both KMS keys, and whether "
                "uploads carry the checksum that S3 Object Lock requires.",
            )
        self._above(
            f"StreamThrottled{suffix}",
            delivery_stream.metric_throttled(),
            limit.throttled_records,
            "Firehose refuses events because of its quota; they wait in the buffer queue. Ask for more.",
        )
        self._above(
            f"QuotaUse{suffix}",
            delivery_stream.metric_quota_use(),
            limit.quota_use_ratio,
            "The delivery stream comes close to its quota. Ask for more before Firehose throttles.",
        )
        self._above(
            f"PartitionCountExceeded{suffix}",
            delivery_stream.metric_partition_count_exceeded(),
            1,
            "Too many active partitions; Firehose sends what exceeds the quota to errors/.",
        )

    def _above(self, name: str, metric: cloudwatch.IMetric, threshold: float, description: str) -> None:
        self._add(
            name,
            metric,
            threshold,
            description,
            cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        )

    def _below(self, name: str, metric: cloudwatch.IMetric, threshold: float, description: str) -> None:
        self._add(name, metric, threshold, description, cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD)

    def _add(
        self,
        name: str,
        metric: cloudwatch.IMetric,
        threshold: float,
        description: str,
        operator: cloudwatch.ComparisonOperator,
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_description=description,
            metric=metric,
            threshold=threshold,
            comparison_operator=operator,
            evaluation_periods=1,
            # No traffic is no fault.
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(self._action)
        self.alarms[name] = alarm
