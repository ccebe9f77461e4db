"""What the constructs of one pipeline share: its name, its metrics, its alarms, its log groups."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal, get_args

from aws_cdk import Duration, RemovalPolicy, Stack, Token
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import Construct

from genesys_firehose_cdk.common.alarm import RUNBOOK_URL, AlarmSection, AlarmSeverity, PipelineAlarm
from genesys_firehose_cdk.common.props import Props
from genesys_firehose_cdk.common.validation import (
    check_dimension,
    check_metrics_namespace,
    check_one_of,
    check_removal_policy,
    check_runbook_url,
)

MetricName = Literal[
    "EventsDuplicate",
    "EventsOverflowed",
    "EventsOversize",
    "EventAge",
    "EventDateOutOfWindow",
    "PutLatency",
    "RequestsForged",
    "RequestsRejected",
    "RequestsSignedWithNewKey",
    "RequestsSignedWithOldKey",
    "RequestsUnavailable",
    "RequestsUndecided",
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
    "TablesRefreshed",
    "ConversationsBackfilled",
    "ConversationsMissing",
    "ConversationsPartial",
    "DaysBackfilled",
    "DaysReconciled",
    "ManifestsWhole",
    "RetentionsPut",
    "RetentionsFailed",
    "RetentionsEscaped",
    "RetentionLag",
    "PartnerSourceActive",
    "IntegrationActive",
    "SubscriptionActive",
    "NamesTaken",
    "NamesForbidden",
    "NamesWhole",
    "IpRangesChecked",
    "IpRangesRefused",
    "IpRangesInForce",
    "IpRangesAdded",
    "IpRangesRemoved",
    "ProbeHealthy",
    "ProbeChainTrusted",
    "ProbeNameRight",
    "ProbeProtocolSecure",
    "ProbeDaysLeft",
]
"""The metrics that the pipeline's functions and state machines write. docs/runbook.md says what each counts."""

Ingress = Literal["webhook", "eventbridge", "verification", "backfill", "names"]
"""The ways in that a record's envelope names."""

_BY_EVENT_TYPE = frozenset({"SchemaDrift", "UnknownShape"})
_BY_INGRESS = frozenset({"RecordsTransformed", "RecordsDuplicate", "EventAge"})

PERIOD = Duration.minutes(5)
"""Over which metrics are summed unless told otherwise."""

# Amazon CloudWatch API Reference, "PutMetricAlarm".
_LONGEST_ALARM_NAME = 255
# AWS CloudFormation API Reference, "CreateStack".
_LONGEST_STACK_NAME = 128


@dataclass(frozen=True, kw_only=True)
class PipelineContext(Props, at="context"):
    """What the constructs of one pipeline share.

    Attributes:
        name: The value of the metrics' dimension `Pipeline`: 1 to 255 printable ASCII characters.
        operations_key: Encrypts log groups and queues; see OperationsKey for who must be allowed to use it.
        alarm_topic: Where alarms report to; its policy must let CloudWatch and EventBridge publish.
        ticket_topic: Where those of AlarmSeverity.TICKET report to; its policy must let CloudWatch publish. Default:
            the alarm topic.
        runbook_url: The address of the page that explains the alarms; see MonitoringProps. Default: docs/alarms.md.
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
    ticket_topic: sns.ITopic | None = None
    runbook_url: str = RUNBOOK_URL
    metrics_namespace: str = "GenesysFirehose"
    log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR
    removal_policy: RemovalPolicy = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE

    def validate(self) -> None:
        """Check name, address, namespace and removal policy."""
        check_dimension("context.name", self.name)
        check_runbook_url("context.runbook_url", self.runbook_url)
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
        ingress: Ingress | None = None,
    ) -> cloudwatch.Metric:
        """Return a metric of the pipeline's functions.

        Args:
            metric_name: One of MetricName.
            statistic: Default: Sum.
            period: Default: five minutes.
            event_type: Of one event type alone, for SchemaDrift and UnknownShape. Default: of all.
            ingress: Of one way in alone, for RecordsTransformed, RecordsDuplicate and EventAge. Default: of all.

        Raises:
            InvalidPropertyError: There is no metric of that name, none by event type or ingress, or no such ingress.
        """
        check_one_of("metric_name", metric_name, get_args(MetricName))
        dimensions = {"Pipeline": self.name}
        if event_type is not None:
            check_one_of("metric_name", metric_name, _BY_EVENT_TYPE)
            dimensions["EventType"] = event_type
        if ingress is not None:
            check_one_of("metric_name", metric_name, _BY_INGRESS)
            check_one_of("ingress", ingress, get_args(Ingress))
            dimensions["Ingress"] = ingress
        return cloudwatch.Metric(
            namespace=self.metrics_namespace,
            metric_name=metric_name,
            dimensions_map=dimensions,
            statistic=statistic,
            period=period,
        )

    def alarm(
        self,
        scope: Construct,
        id: str,
        *,
        metric: cloudwatch.Metric | cloudwatch.MathExpression,
        description: str,
        severity: AlarmSeverity,
        threshold: float,
        section: AlarmSection | None = None,
        comparison: cloudwatch.ComparisonOperator = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        evaluation_periods: int = 1,
        datapoints_to_alarm: int | None = None,
        missing_data: cloudwatch.TreatMissingData = cloudwatch.TreatMissingData.NOT_BREACHING,
    ) -> PipelineAlarm:
        """Create an alarm that reports to the topic of its severity when it goes off, and when it is over.

        Its name is the stack's and the path in it, such as `GenesysFirehose-prod/Pipeline/Alarms/QueueAge`.

        Args:
            scope: The parent construct.
            id: The alarm's id.
            metric: What is watched.
            description: What is wrong and what to do, in plain words.
            severity: How soon somebody has to act.
            threshold: The value that is compared with.
            section: The section of the page of the alarms, with whose address the description ends. Default: none.
            comparison: Default: at or above the threshold.
            evaluation_periods: How many periods are looked at. Default: 1.
            datapoints_to_alarm: How many of these must be over the threshold. Default: all.
            missing_data: Default: not breaching, because no traffic is no fault, nor is what is not there yet.
        """
        alarm = PipelineAlarm(
            scope,
            id,
            severity=severity,
            section=section,
            watched=metric,
            threshold=threshold,
            comparison=comparison,
            alarm_name=alarm_name(scope, id),
            alarm_description=self.describe(description, section),
            evaluation_periods=evaluation_periods,
            datapoints_to_alarm=datapoints_to_alarm,
            treat_missing_data=missing_data,
        )
        self.report(alarm, severity)
        return alarm

    def describe(self, description: str, section: AlarmSection | None) -> str:
        """Return an alarm's description with the address of its section."""
        return description if section is None else f"{description} Runbook: {self.runbook_url}#{section}"

    def report(self, alarm: cloudwatch.AlarmBase, severity: AlarmSeverity) -> None:
        """Let an alarm report to the topic of a severity when it goes off, and when it is over."""
        tickets = self.ticket_topic or self.alarm_topic
        action = actions.SnsAction(tickets if severity is AlarmSeverity.TICKET else self.alarm_topic)
        alarm.add_alarm_action(action)
        alarm.add_ok_action(action)

    def report_alarm(
        self,
        scope: Construct,
        id: str,
        *,
        metric: cloudwatch.Metric,
        description: str,
        severity: AlarmSeverity,
        section: AlarmSection | None = None,
        missed: int = 3,
    ) -> PipelineAlarm:
        """Create an alarm on a metric that something reports in every period: it is below 1, or stops.

        It is quiet until the metric's first value, and stays on when the metric is gone altogether.

        Args:
            scope: The parent construct.
            id: The alarm's id.
            metric: What is reported.
            description: What is wrong and what to do, in plain words.
            severity: How soon somebody has to act.
            section: The section of the page of the alarms. Default: none.
            missed: In how many periods, of twice as many, it is below 1 or missing. Default: 3.
        """
        return self.alarm(
            scope,
            id,
            # The running sum is 0 until the first report (Amazon CloudWatch User Guide, "Using math expressions with
            # CloudWatch metrics"). There is no value then, nor where nothing is left in the range, so the alarm stays
            # as it is.
            metric=cloudwatch.MathExpression(
                expression="IF(RUNNING_SUM(FILL(reports, 0)) > 0, FILL(reported, 0), reported)",
                using_metrics={"reported": metric, "reports": metric.with_(statistic="SampleCount")},
                period=metric.period,
                label=f"{metric.metric_name}, 0 where it is missing",
            ),
            threshold=1,
            comparison=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            description=description,
            severity=severity,
            section=section,
            evaluation_periods=2 * missed,
            datapoints_to_alarm=missed,
            missing_data=cloudwatch.TreatMissingData.IGNORE,
        )


def alarm_name(scope: Construct, id: str) -> str:
    """Return a name that can be typed. No two alarms of an account and region have the same path in the same stack."""
    stack_name, path = name_parts(scope, id, _LONGEST_ALARM_NAME - 1)
    return f"{stack_name}/{path}"


def name_parts(scope: Construct, id: str, longest: int) -> tuple[str, str]:
    """Return the stack's name and the path in it of what is to be named, `longest` characters at most in all."""
    stack = Stack.of(scope)
    path = f"{scope.node.path}/{id}".removeprefix(f"{stack.node.path}/")
    room = longest - (_LONGEST_STACK_NAME if Token.is_unresolved(stack.stack_name) else len(stack.stack_name))
    if len(path) > room:
        # The end tells what it is.
        path = f"{sha256(path.encode()).hexdigest()[:8]}-{path[9 - room :]}"
    return stack.stack_name, path
