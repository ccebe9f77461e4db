"""What the constructs of one pipeline share: its name, its metrics, its alarms, its log groups."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import Construct

from genesys_firehose_cdk.common.props import Props
from genesys_firehose_cdk.common.validation import (
    check_dimension,
    check_metrics_namespace,
    check_one_of,
    check_removal_policy,
)

MetricName = Literal[
    "EventsReceived",
    "EventsAccepted",
    "EventsAcceptedWebhook",
    "EventsAcceptedEventBridge",
    "EventsDuplicate",
    "EventsOverflowed",
    "EventsOversize",
    "EventAge",
    "EventDateOutOfWindow",
    "PutLatency",
    "RequestsForged",
    "RequestsRejected",
    "RequestsUnavailable",
    "RecordsTransformed",
    "RecordsDuplicate",
    "RecordsConflicting",
    "RecordsRepeated",
    "RecordsFailed",
    "DeduplicationUnavailable",
    "TokensMade",
    "SchemaDrift",
    "UnknownShape",
    "RebuildRecordsWritten",
    "RebuildRecordsFailed",
    "PartnerSourceActive",
    "IntegrationActive",
    "SubscriptionActive",
    "IpRangesChecked",
    "IpRangesRefused",
    "IpRangesInForce",
    "IpRangesAdded",
    "IpRangesRemoved",
]
"""The metrics that the pipeline's functions write. docs/runbook.md says what each counts."""

PERIOD = Duration.minutes(5)
"""Over which metrics are summed unless told otherwise."""


@dataclass(frozen=True, kw_only=True)
class PipelineContext(Props, at="context"):
    """What the constructs of one pipeline share.

    Attributes:
        name: The value of the metrics' dimension `Pipeline`: 1 to 255 printable ASCII characters.
        operations_key: Encrypts log groups and queues; see OperationsKey for who must be allowed to use it.
        alarm_topic: Where all alarms report to; its policy must let CloudWatch and EventBridge publish.
        metrics_namespace: The CloudWatch namespace of the functions' metrics. Default: GenesysFirehose.
        log_retention: How long all log groups keep their entries. Default: one year.
        removal_policy: What happens to everything that holds data when the stack goes. Default:
            RETAIN_ON_UPDATE_OR_DELETE.

    Raises:
        InvalidPropertyError: A value that CloudWatch or CloudFormation would refuse.
    """

    name: str
    operations_key: kms.IKey
    alarm_topic: sns.ITopic
    metrics_namespace: str = "GenesysFirehose"
    log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR
    removal_policy: RemovalPolicy = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE

    def validate(self) -> None:
        """Check name, namespace and removal policy."""
        check_dimension("context.name", self.name)
        check_metrics_namespace("context.metrics_namespace", self.metrics_namespace)
        check_removal_policy(self.removal_policy)

    @property
    def environment(self) -> Mapping[str, str]:
        """What a function's environment must hold for its metrics."""
        return {"METRICS_NAMESPACE": self.metrics_namespace, "PIPELINE_NAME": self.name}

    def log_group(self, scope: Construct, id: str, *, name: str | None = None) -> logs.LogGroup:
        """Create a log group; CloudFormation names it unless a name is given."""
        return logs.LogGroup(
            scope,
            id,
            log_group_name=name,
            encryption_key=self.operations_key,
            retention=self.log_retention,
            removal_policy=self.removal_policy,
        )

    def metric(
        self,
        metric_name: MetricName,
        *,
        statistic: str = "Sum",
        period: Duration = PERIOD,
        event_type: str | None = None,
    ) -> cloudwatch.Metric:
        """Return a metric of the pipeline's functions.

        Args:
            metric_name: One of MetricName.
            statistic: Default: Sum.
            period: Default: five minutes.
            event_type: Of one event type alone, for SchemaDrift and UnknownShape. Default: of all.

        Raises:
            InvalidPropertyError: There is no metric of that name.
        """
        check_one_of("metric_name", metric_name, get_args(MetricName))
        dimensions = {"Pipeline": self.name}
        return cloudwatch.Metric(
            namespace=self.metrics_namespace,
            metric_name=metric_name,
            dimensions_map=dimensions if event_type is None else {**dimensions, "EventType": event_type},
            statistic=statistic,
            period=period,
        )

    def alarm(
        self,
        scope: Construct,
        id: str,
        *,
        metric: cloudwatch.IMetric,
        description: str,
        threshold: float,
        comparison: cloudwatch.ComparisonOperator = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        evaluation_periods: int = 1,
        missing_data: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
    ) -> cloudwatch.Alarm:
        """Create an alarm that reports to the pipeline's topic.

        Args:
            scope: The parent construct.
            id: The alarm's id.
            metric: What is watched.
            description: What is wrong and what to do, in plain words.
            threshold: The value that is compared with.
            comparison: Default: at or above the threshold.
            evaluation_periods: How many periods in a row must be over the threshold. Default: 1.
            missing_data: Default: not breaching, because no traffic is no fault.
        """
        alarm = cloudwatch.Alarm(
            scope,
            id,
            alarm_description=description,
            metric=metric,
            threshold=threshold,
            comparison_operator=comparison,
            evaluation_periods=evaluation_periods,
            treat_missing_data=missing_data,
        )
        alarm.add_alarm_action(actions.SnsAction(self.alarm_topic))
        return alarm
