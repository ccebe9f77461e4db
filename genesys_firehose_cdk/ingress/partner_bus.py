"""The event bus that Genesys Cloud sends its events to as a partner of Amazon EventBridge."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import ArnFormat, Duration, Fn, RemovalPolicy, Stack, Token
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from genesys_firehose_cdk.common.context import PERIOD
from genesys_firehose_cdk.common.props import Props
from genesys_firehose_cdk.common.validation import InvalidPropertyError, check_duration, check_range
from genesys_firehose_cdk.events.topics import resolve_topics
from genesys_firehose_cdk.ingress.buffer_queue import BufferQueue

_ORG_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Genesys Cloud Resource Center, "Configure the Amazon EventBridge integration".
_SUFFIX = re.compile(r"[A-Za-z0-9._-]{1,64}")
# Amazon EventBridge User Guide, "Amazon EventBridge quotas": event pattern size.
_MAX_PATTERN_CHARACTERS = 2048


@dataclass(frozen=True, kw_only=True)
class PartnerBusProps(Props, at="partner_bus"):
    """Which events Genesys Cloud sends over Amazon EventBridge, and how they are kept on their way.

    Attributes:
        org_id: The Genesys Cloud organization's id, a UUID in lower case.
        event_source_suffix: The integration's "Event Source Suffix": 1 to 64 letters, digits and ._-
            (Genesys Cloud Resource Center, "Configure the Amazon EventBridge integration").
        topics: Topic templates with a literal `{id}`, such as
            `v2.detail.events.conversation.{id}.acd.end`, and names of presets, such as
            `conversation_details`; see `genesys_firehose_cdk.events.topics`. One that is newer than the dictionary of
            events is given as `UnlistedTopic`. No others are let through.
        archive_retention: How long the bus keeps events to replay them from; 1 to 365 days. Default: 14
            days, as long as the queue behind it keeps them.
        max_event_age: How long EventBridge tries to hand an event to the queue before it goes to the
            dead-letter queue; 1 minute to 24 hours (Amazon EventBridge API Reference, "RetryPolicy").
            Default: 24 hours.
        retry_attempts: How often it tries; 0 to 185 (the same). Default: 185.

    Raises:
        InvalidPropertyError: A value that Genesys Cloud or EventBridge would refuse.
    """

    org_id: str
    event_source_suffix: str
    topics: Sequence[str]
    archive_retention: Duration = Duration.days(14)
    max_event_age: Duration = Duration.hours(24)
    retry_attempts: int = 185

    def validate(self) -> None:
        """Check names, topics and times."""
        if not _ORG_ID.fullmatch(self.org_id):
            raise InvalidPropertyError(
                "partner_bus.org_id",
                f"is {self.org_id!r}",
                "the organization's id is allowed, a UUID in lower case such as 3b1f3c1e-0000-4000-8000-000000000000",
            )
        if not _SUFFIX.fullmatch(self.event_source_suffix):
            raise InvalidPropertyError(
                "partner_bus.event_source_suffix",
                f"is {self.event_source_suffix!r}",
                "1 to 64 letters, digits and ._- are allowed",
            )
        length = len(_compact(self.pattern_topics)) + len(self.event_source_name)
        if length > _MAX_PATTERN_CHARACTERS - len('{"source":[""],"detail-type":[]}'):
            raise InvalidPropertyError(
                "partner_bus.topics",
                f"are {len(self.pattern_topics)}",
                f"as many are allowed as fit an event pattern of {_MAX_PATTERN_CHARACTERS:,} characters",
            )
        reason = "because raw/ keeps events for longer"
        check_duration("partner_bus.archive_retention", self.archive_retention, 1, 365, "days", reason)
        check_duration("partner_bus.max_event_age", self.max_event_age, 60, 86_400, "seconds", "EventBridge's limit")
        check_range("partner_bus.retry_attempts", self.retry_attempts, 0, 185, "attempts", "EventBridge's limit")

    @property
    def pattern_topics(self) -> tuple[str, ...]:
        """All topics, the presets' among them: the integration's topic filter."""
        return resolve_topics("partner_bus.topics", self.topics)

    @property
    def event_source_name(self) -> str:
        """The name of the partner event source, and of the bus."""
        return f"aws.partner/genesys.com/cloud/{self.org_id}/{self.event_source_suffix}"


class PartnerEventBus(Construct):
    """The bus of a Genesys Cloud organization's partner event source, which leads into the buffer queue.

    The bus must have exactly the name of the partner event source. Genesys Cloud creates the source before,
    through the integration "Amazon EventBridge Source". The source then waits for its bus, and expires without
    one. Bus and archive are deleted with the stack, because only one bus of this name can exist. Their events are
    in the queue and in `raw/` by then.

    One rule sends the events of the given topics to the queue, and undeliverable ones to the queue's dead-letter
    queue. The rule also matches the source: only the partner can put events of a source whose name begins with
    `aws.partner` (Amazon EventBridge API Reference, "PutEvents"). This takes the place of a signature.

    Bus and archive are encrypted with a key that AWS owns. Only a rule of this bus can read their events, and the
    one rule sends them to the queue alone.

    Attributes:
        bus: The event bus.
        archive: Replays events of the last days, all that match the rule.
        rule: Leads into the queue.
        event_source_name: The name of the partner event source.
        event_source_suffix: Its last part, by which the integration is known.
        event_source_arn: Its ARN.
        topics: The topics that the rule lets through.
    """

    def __init__(self, scope: Construct, id: str, *, props: PartnerBusProps, buffer_queue: BufferQueue) -> None:
        """Create the bus with its archive and rule, and let the rule use both queues.

        Args:
            scope: The parent construct.
            id: The construct's id.
            props: Source, topics and times.
            buffer_queue: Takes the events; EventBridge must be allowed to use its key.

        Raises:
            InvalidPropertyError: Another bus of the app takes the same source in the same account and region.
        """
        super().__init__(scope, id)
        self._check_source(props)
        self.topics = props.pattern_topics
        self.event_source_name = props.event_source_name
        self.event_source_suffix = props.event_source_suffix
        self.event_source_arn = Stack.of(self).format_arn(
            service="events",
            account="",
            resource="event-source",
            resource_name=self.event_source_name,
            arn_format=ArnFormat.SLASH_RESOURCE_NAME,
        )
        self.bus = events.EventBus(self, "Bus", event_source_name=self.event_source_name)
        self.bus.apply_removal_policy(RemovalPolicy.DESTROY)
        self.archive = events.Archive(
            self,
            "Archive",
            source_event_bus=self.bus,
            description="Genesys Cloud events, to replay them",
            event_pattern=events.EventPattern(source=[self.event_source_name], detail_type=list(self.topics)),
            retention=props.archive_retention,
        )
        self.rule = self._create_rule(props, buffer_queue)
        for queue in (buffer_queue.queue, buffer_queue.dead_letter_queue):
            self._let_rule_send(queue)

    def _check_source(self, props: PartnerBusProps) -> None:
        """Refuse a source that another bus takes: EventBridge knows one bus of each source."""
        stack = Stack.of(self)
        for other in self.node.root.node.find_all():
            if not isinstance(other, PartnerEventBus) or other is self:
                continue
            theirs = Stack.of(other)
            # Stacks without an environment may be deployed to different accounts.
            is_same_place = theirs is stack or (
                not Token.is_unresolved(stack.account)
                and not Token.is_unresolved(stack.region)
                and theirs.environment == stack.environment
            )
            if is_same_place and other.event_source_name == props.event_source_name:
                raise InvalidPropertyError(
                    "partner_bus.event_source_suffix",
                    f"is {props.event_source_suffix!r}, which {other.node.path} has already",
                    "one bus for each partner event source of an account and region is allowed",
                )

    def _create_rule(self, props: PartnerBusProps, buffer_queue: BufferQueue) -> events.CfnRule:
        # The L2's target would let every rule of the account send, and EventBridge use the key for more than it needs.
        return events.CfnRule(
            self,
            "Rule",
            description="Genesys Cloud events to the buffer queue",
            event_bus_name=self.bus.event_bus_name,
            event_pattern={"source": [self.event_source_name], "detail-type": list(self.topics)},
            targets=[
                # No role: with one, sending to an encrypted queue may fail (Amazon EventBridge User Guide, "Using
                # resource-based policies for Amazon EventBridge").
                events.CfnRule.TargetProperty(
                    id="BufferQueue",
                    arn=buffer_queue.queue.queue_arn,
                    dead_letter_config=events.CfnRule.DeadLetterConfigProperty(
                        arn=buffer_queue.dead_letter_queue.queue_arn
                    ),
                    retry_policy=events.CfnRule.RetryPolicyProperty(
                        maximum_event_age_in_seconds=int(props.max_event_age.to_seconds()),
                        maximum_retry_attempts=props.retry_attempts,
                    ),
                )
            ],
        )

    def metric_accepted(self) -> cloudwatch.MathExpression:
        """Events that the rule led into the queue, as EventBridge counts them."""
        return cloudwatch.MathExpression(
            expression="invocations",
            using_metrics={
                "invocations": cloudwatch.Metric(
                    namespace="AWS/Events",
                    metric_name="Invocations",
                    dimensions_map=rule_dimensions(self.rule),
                    statistic="Sum",
                    period=PERIOD,
                )
            },
            period=PERIOD,
            label="Accepted by EventBridge's rule (events)",
        )

    def _let_rule_send(self, queue: sqs.Queue) -> None:
        queue.add_to_resource_policy(
            iam.PolicyStatement(
                sid="PartnerEvents",
                principals=[iam.ServicePrincipal("events.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[queue.queue_arn],
                conditions={"ArnEquals": {"aws:SourceArn": self.rule.attr_arn}},
            )
        )


def rule_dimensions(rule: events.CfnRule) -> dict[str, str]:
    """Return the dimensions of a rule's metrics."""
    if rule.event_bus_name is None:
        return {"RuleName": rule.ref}
    # Of a rule on a bus of its own, Ref is `<bus>|<rule>` (seen; documented is the rule's id alone). The second part
    # of Ref twice is the rule's name in both cases.
    return {
        "EventBusName": rule.event_bus_name,
        "RuleName": Fn.select(1, Fn.split("|", f"{rule.ref}|{rule.ref}")),
    }


def _compact(topics: Sequence[str]) -> str:
    return ",".join(f'"{topic}"' for topic in topics)
