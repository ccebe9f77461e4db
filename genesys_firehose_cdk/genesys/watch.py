"""Checks whether Genesys Cloud's events can still come, because a deleted source sends no error."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from genesys_firehose_cdk.common.alarm import AlarmSection, AlarmSeverity, PipelineAlarm
from genesys_firehose_cdk.common.context import PERIOD, PipelineContext
from genesys_firehose_cdk.common.props import Props
from genesys_firehose_cdk.common.scheduled_function import ScheduledFunction
from genesys_firehose_cdk.common.validation import InvalidPropertyError, check_duration
from genesys_firehose_cdk.genesys.connection import GenesysConnectionProps
from genesys_firehose_cdk.genesys.silence_alarms import BusinessHoursProps, silence_alarm
from genesys_firehose_cdk.ingress.front_door import FrontDoor
from genesys_firehose_cdk.ingress.partner_bus import PartnerEventBus

Question = Literal["PartnerSourceActive", "IntegrationActive", "SubscriptionActive"]
"""What the function asks, as the metric of the answer is called."""

_STEP_MINUTES = 5
# A run ends within 45 s for each of two questions to Genesys Cloud.
_TIMEOUT = Duration.seconds(120)

_DESCRIPTIONS: dict[Question, str] = {
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

_SECTIONS: dict[Question, AlarmSection] = {
    "PartnerSourceActive": "partner-source-active",
    "IntegrationActive": "integration-active",
    "SubscriptionActive": "subscription-active",
}


@dataclass(frozen=True, kw_only=True)
class GenesysWatchProps(Props, at="watch"):
    """What is watched in addition to the partner event source and the integration of a `partner_bus`.

    Attributes:
        business_hours: When silence of an ingress is an alarm. Default: never.
        silence: How long an ingress may be silent within the business hours; 10 minutes to 12 hours, in
            steps of 5 minutes. With `business_hours` alone. Default: 1 hour.
        subscription_path: The API's collection of event subscriptions, such as
            /api/v2/notifications/eventSubscriptions, in which one with the webhook's URL has to be active; with
            `genesys` and `webhook` alone. Default: none.
        credentials: The secret of an OAuth client of the watch's own, which only needs to read; with `genesys` alone.
            Its form is that of GenesysConnectionProps. Default: the client that also makes changes.

    Raises:
        InvalidPropertyError: Nothing is given, or `silence` is out of range or no such step.
    """

    business_hours: BusinessHoursProps | None = None
    silence: Duration = Duration.hours(1)
    subscription_path: str | None = None
    credentials: secretsmanager.ISecret | None = None

    def validate(self) -> None:
        """Check that there is something to watch, and the length of the silence."""
        name = self.name_of("silence")
        check_duration(name, self.silence, 10, 720, "minutes", "because CloudWatch evaluates a day at most")
        minutes = int(self.silence.to_minutes())
        if minutes % _STEP_MINUTES:
            raise InvalidPropertyError(name, f"is {minutes} minutes", "whole steps of 5 minutes are allowed")
        if self.business_hours is None:
            self.refuse_given(["silence"], "is given without business_hours", "it is allowed with them alone")
            if self.subscription_path is None and self.credentials is None:
                raise InvalidPropertyError(
                    "watch", "has neither business_hours, subscription_path nor credentials", "give one"
                )


class GenesysWatch(Construct):
    """A function that checks every five minutes whether events can still come, and alarms on the answers.

    It asks Amazon EventBridge whether the partner event source is ACTIVE, and, with a connection, Genesys Cloud
    whether the integration is enabled and active and the subscription active. Each answer is a metric of 1 or
    0. Three of six that are 0 or missing raise the alarm, so expired credentials raise it as well. A function that does
    not run raises one of its own. Within the business hours, silence of an ingress raises an alarm, too. All are quiet
    until the function has run for the first time.

    Attributes:
        function: The function with its schedule.
        alarms: The alarms, by name.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        context: PipelineContext,
        props: GenesysWatchProps | None = None,
        partner_bus: PartnerEventBus | None = None,
        connection: GenesysConnectionProps | None = None,
        front_door: FrontDoor | None = None,
    ) -> None:
        """Create the function and the alarms.

        Args:
            scope: The parent construct.
            id: The construct's id.
            context: What the pipeline's constructs share.
            props: What else is watched. Default: nothing.
            partner_bus: The bus whose source is watched. Default: none.
            connection: Where to ask for integration and subscription. The OAuth client needs the permission
                `integrations:integration:view`; `props` may hold one of the watch's own. Default: neither is asked for.
            front_door: The webhook's, whose silence is watched, and whose subscription is asked for. Default: none.

        Raises:
            InvalidPropertyError: A subscription is to be watched without connection or webhook.
        """
        super().__init__(scope, id)
        subscription_path = None if props is None else props.subscription_path
        if subscription_path is not None and (connection is None or front_door is None):
            raise InvalidPropertyError(
                "watch.subscription_path", "is given without genesys or webhook", "it is allowed with both"
            )
        is_asked = partner_bus is not None or subscription_path is not None
        connection = _connection_to_ask(self, connection if is_asked else None, props)
        self.function = ScheduledFunction(
            self,
            "Function",
            context=context,
            package="genesys_watch",
            description="Asks whether Genesys Cloud's events can still come",
            statements=_statements(partner_bus, connection),
            environment={
                "EVENT_SOURCE_NAME": partner_bus.event_source_name if partner_bus else "",
                "GENESYS_HOST": connection.region.host if connection else "",
                "CREDENTIALS_SECRET_ARN": connection.credentials.secret_arn if connection else "",
                "INTEGRATION_SUFFIX": partner_bus.event_source_suffix if partner_bus and connection else "",
                "SUBSCRIPTION_PATH": subscription_path or "",
                "SUBSCRIPTION_URL": front_door.ingest_url if front_door else "",
                **context.environment,
            },
            interval=PERIOD,
            timeout=_TIMEOUT,
        )
        questions = _questions(partner_bus, connection, subscription_path)
        self.alarms = self._create_alarms(context, questions)
        if props is not None and props.business_hours is not None:
            runs = self.function.function.metric_invocations(period=PERIOD)
            for ingress, door in (("Webhook", front_door), ("EventBridge", partner_bus)):
                if door is not None:
                    self.alarms[f"{ingress}Silent"] = silence_alarm(
                        self,
                        context,
                        ingress,
                        accepted=door.metric_accepted(),
                        runs=runs,
                        hours=props.business_hours,
                        silence=props.silence,
                    )

    def _create_alarms(self, context: PipelineContext, questions: Iterator[Question]) -> dict[str, PipelineAlarm]:
        answers: dict[str, PipelineAlarm] = {
            name: context.report_alarm(
                self,
                name,
                metric=context.metric(name, statistic="Minimum"),
                description=_DESCRIPTIONS[name],
                severity=AlarmSeverity.PAGE,
                section=_SECTIONS[name],
            )
            for name in questions
        }
        watch = context.report_alarm(
            self,
            "WatchNotRunning",
            metric=self.function.function.metric_invocations(period=PERIOD),
            description="The watch does not run, so nobody would notice when events stop coming. Look at its schedule "
            "and its log group.",
            severity=AlarmSeverity.TICKET,
            section="watch-not-running",
        )
        return {**answers, "WatchNotRunning": watch}


def _connection_to_ask(
    scope: Construct, connection: GenesysConnectionProps | None, props: GenesysWatchProps | None
) -> GenesysConnectionProps | None:
    """Return the connection with the watch's own client, if it has one; None where there is nothing to ask for."""
    credentials = None if props is None else props.credentials
    if credentials is not None:
        if connection is None:
            raise InvalidPropertyError(
                "watch.credentials",
                "is given with nothing to ask Genesys Cloud for",
                "it is allowed with genesys and a partner_bus or a subscription_path",
            )
        connection = replace(connection, credentials=credentials)
    if connection is not None:
        connection.region.check_pairing(scope)
    return connection


def _questions(
    partner_bus: PartnerEventBus | None, connection: GenesysConnectionProps | None, subscription_path: str | None
) -> Iterator[Question]:
    if partner_bus is not None:
        yield "PartnerSourceActive"
        if connection is not None:
            yield "IntegrationActive"
    if subscription_path is not None:
        yield "SubscriptionActive"


def _statements(
    partner_bus: PartnerEventBus | None, connection: GenesysConnectionProps | None
) -> list[iam.PolicyStatement]:
    statements = [] if connection is None else connection.read_statements
    if partner_bus is not None:
        statements.append(
            iam.PolicyStatement(
                sid="DescribeSource",
                actions=["events:DescribeEventSource"],
                resources=[partner_bus.event_source_arn],
            )
        )
    return statements
