"""Somebody who notices when Genesys Cloud's events stop coming, because a deleted source is silent."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from genesys_firehose_cdk.common.log_settings import LogSettings
from genesys_firehose_cdk.common.scheduled_function import ScheduledFunction
from genesys_firehose_cdk.common.validation import InvalidPropertyError, check_range
from genesys_firehose_cdk.genesys.connection import GenesysConnection
from genesys_firehose_cdk.ingress.partner_bus import PartnerEventBus

_INTERVAL = Duration.minutes(5)
_INTERVAL_MINUTES = 5
# A run ends within 45 s for each of two questions to Genesys Cloud.
_TIMEOUT = Duration.seconds(120)
_ANSWERS_UNTIL_ALARM = 3

_ALARMS = {
    "PartnerSourceActive": (
        "The partner event source is not active: Genesys Cloud's events do not reach the bus. Look at the integration "
        "Amazon EventBridge Source in Genesys Cloud, and whether the bus of the source's name exists."
    ),
    "IntegrationActive": (
        "The integration Amazon EventBridge Source is not enabled and active in Genesys Cloud, or Genesys Cloud does "
        "not say so. Look at the integration, and at the credentials of the pipeline's OAuth client."
    ),
    "SubscriptionActive": (
        "No active event subscription of Genesys Cloud has the webhook's URL, or Genesys Cloud does not say so. Look "
        "at the webhook's certificate and health, then activate the subscription."
    ),
}


@dataclass(frozen=True, kw_only=True)
class BusinessHours:
    """When events have to come, in UTC, because that is all CloudWatch's metric math knows of time.

    Attributes:
        start_hour: The first hour; 0 to 23.
        end_hour: The hour in which no event has to come any more; 1 to 24. One that is not after
            `start_hour` is of the next day: 15 and 1 are from 15:00 to 01:00.
        days: The days on which the hours begin; 1 is Monday, 7 is Sunday. Default: Monday to Friday.

    Raises:
        InvalidPropertyError: A value is out of range.
    """

    start_hour: int
    end_hour: int
    days: Sequence[int] = (1, 2, 3, 4, 5)

    def __post_init__(self) -> None:
        check_range("business_hours.start_hour", self.start_hour, 0, 23, "o'clock", "in UTC")
        check_range("business_hours.end_hour", self.end_hour, 1, 24, "o'clock", "in UTC")
        if not self.days:
            raise InvalidPropertyError("business_hours.days", "is empty", "1, Monday, to 7, Sunday, are allowed")
        for day in self.days:
            if not 1 <= day <= 7:
                raise InvalidPropertyError(
                    "business_hours.days", f"holds {day}", "1, Monday, to 7, Sunday, are allowed"
                )

    def condition(self, metric_id: str) -> str:
        """Return the condition in metric math that a point in time of the metric is within the hours.

        DAY and HOUR are of a series' timestamps, with or without a value (Amazon CloudWatch User Guide, "Using
        math expressions with CloudWatch metrics").
        """
        hour = f"HOUR({metric_id})"
        if self.end_hour > self.start_hour:
            return f"{_on(metric_id, self.days)} AND {hour} >= {self.start_hour} AND {hour} < {self.end_hour}"
        next_days = [day % 7 + 1 for day in self.days]
        return (
            f"({_on(metric_id, self.days)} AND {hour} >= {self.start_hour}) OR "
            f"({_on(metric_id, next_days)} AND {hour} < {self.end_hour})"
        )


def _on(metric_id: str, days: Sequence[int]) -> str:
    return "(" + " OR ".join(f"DAY({metric_id}) == {day}" for day in sorted(set(days))) + ")"


@dataclass(frozen=True, kw_only=True)
class GenesysWatchProps:
    """What is watched beside the partner event source and the integration.

    Attributes:
        business_hours: When silence is an alarm. Default: never.
        silence: How long an ingress may be silent within the business hours; 10 minutes to 12 hours, in
            steps of 5 minutes. Default: 1 hour.
        subscription_path: The API's collection of event subscriptions, such as
            /api/v2/notifications/eventSubscriptions, in which one with the webhook's URL has to be active.
            Default: none.

    Raises:
        InvalidPropertyError: `silence` is out of range or no such step.
    """

    business_hours: BusinessHours | None = None
    silence: Duration = Duration.hours(1)
    subscription_path: str | None = None

    def __post_init__(self) -> None:
        minutes = self.silence.to_minutes()
        check_range("watch.silence", minutes, 10, 720, "minutes", "CloudWatch evaluates a day at most")
        if minutes % _INTERVAL_MINUTES:
            raise InvalidPropertyError(
                "watch.silence", f"is {minutes:g} minutes", "whole steps of 5 minutes are allowed"
            )


class GenesysWatch(Construct):
    """A function that asks every five minutes what has to be so for events to come, and alarms on the answers.

    It asks Amazon EventBridge whether the partner event source is ACTIVE, and, with a connection, Genesys Cloud
    whether the integration is enabled and active and the subscription active. Each answer is a metric of 1 or
    0; three in a row that are 0 or missing are an alarm, so credentials that no longer work, or a function that
    no longer runs, are one too.

    Within the business hours, silence of an ingress is an alarm as well. The function counts a zero for each
    ingress whenever it runs: a metric without any value would be no silence to CloudWatch but nothing at all. A
    period that the zero misses by seconds is filled with one; where even the zeros are missing, the
    function does not run, and that is an alarm.

    Attributes:
        function: The function with its schedule.
        alarms: The alarms, by name.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        props: GenesysWatchProps,
        accepted: dict[str, cloudwatch.Metric],
        topic: sns.ITopic,
        log_settings: LogSettings,
        pipeline_name: str,
        partner_bus: PartnerEventBus | None = None,
        connection: GenesysConnection | None = None,
        webhook_url: str | None = None,
        metrics_namespace: str = "GenesysFirehose",
    ) -> None:
        """Create the function and the alarms.

        Args:
            scope: The parent construct.
            id: The construct's id.
            props: What is watched.
            accepted: The number of accepted events, by ingress.
            topic: Where the alarms report to; its policy must let CloudWatch publish.
            log_settings: How the log group is encrypted, kept and removed.
            pipeline_name: The value of the metrics' dimension `Pipeline`.
            partner_bus: The bus whose source is watched. Default: none.
            connection: Where to ask for integration and subscription. The OAuth client needs the permission
                `integrations:integration:view`. Default: neither is asked for.
            webhook_url: The URL of the subscription that is asked for. Default: none.
            metrics_namespace: Default: GenesysFirehose.

        Raises:
            InvalidPropertyError: A subscription is to be watched without connection or webhook.
        """
        super().__init__(scope, id)
        if props.subscription_path is not None and (connection is None or webhook_url is None):
            raise InvalidPropertyError(
                "watch.subscription_path", "is given without genesys or webhook", "it is allowed with both"
            )
        if partner_bus is None and props.subscription_path is None:
            connection = None  # nothing to ask for
        if connection is not None:
            connection.region.check_pairing(self)
        self._action = actions.SnsAction(topic)
        self._dimensions = {"Pipeline": pipeline_name}
        self._namespace = metrics_namespace
        statements = [] if connection is None else connection.read_statements
        questions = []
        if partner_bus is not None:
            questions.append("PartnerSourceActive")
            statements.append(
                iam.PolicyStatement(
                    sid="DescribeSource",
                    actions=["events:DescribeEventSource"],
                    resources=[partner_bus.event_source_arn],
                )
            )
            if connection is not None:
                questions.append("IntegrationActive")
        if props.subscription_path is not None:
            questions.append("SubscriptionActive")
        self.function = ScheduledFunction(
            self,
            "Function",
            package="genesys_watch",
            description="Asks whether Genesys Cloud's events can still come",
            statements=statements,
            environment={
                "ACCEPTED_METRICS": " ".join(metric.metric_name for metric in accepted.values()),
                "EVENT_SOURCE_NAME": partner_bus.event_source_name if partner_bus else "",
                "GENESYS_HOST": connection.region.host if connection else "",
                "CREDENTIALS_SECRET_ARN": connection.credentials.secret_arn if connection else "",
                "INTEGRATION_SUFFIX": partner_bus.event_source_suffix if partner_bus and connection else "",
                "SUBSCRIPTION_PATH": props.subscription_path or "",
                "SUBSCRIPTION_URL": webhook_url or "",
                "METRICS_NAMESPACE": metrics_namespace,
                "PIPELINE_NAME": pipeline_name,
            },
            interval=_INTERVAL,
            timeout=_TIMEOUT,
            log_settings=log_settings,
        )
        self.alarms = {name: self._answer_alarm(name) for name in questions}
        if props.business_hours is not None:
            for ingress, metric in accepted.items():
                name = f"{ingress}Silent"
                self.alarms[name] = self._silence_alarm(name, ingress, metric, props.business_hours, props.silence)

    def _answer_alarm(self, name: str) -> cloudwatch.Alarm:
        metric = cloudwatch.Metric(
            namespace=self._namespace,
            metric_name=name,
            dimensions_map=self._dimensions,
            statistic="Minimum",
            period=_INTERVAL,
        )
        return self._alarm(name, metric, _ALARMS[name], _ANSWERS_UNTIL_ALARM)

    def _silence_alarm(
        self, name: str, ingress: str, metric: cloudwatch.Metric, hours: BusinessHours, silence: Duration
    ) -> cloudwatch.Alarm:
        expression = cloudwatch.MathExpression(
            expression=f"IF({hours.condition('accepted')}, FILL(accepted, 0), 1)",
            using_metrics={"accepted": metric},
            period=_INTERVAL,
            label=f"Events by {ingress}, or 1 out of hours",
        )
        return self._alarm(
            name,
            expression,
            f"No event came by {ingress} for {silence.to_human_string()} within the business hours. Look whether "
            "Genesys Cloud sends: the integration, the subscription, the partner event source, the certificate.",
            int(silence.to_minutes()) // _INTERVAL_MINUTES,
        )

    def _alarm(
        self, name: str, metric: cloudwatch.IMetric, description: str, evaluation_periods: int
    ) -> cloudwatch.Alarm:
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_description=description,
            metric=metric,
            threshold=1,
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            evaluation_periods=evaluation_periods,
            # Nobody who says that all is well is not well.
            treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
        )
        alarm.add_alarm_action(self._action)
        return alarm
