"""Alarms on everything that would lose, delay or refuse an event."""

from collections.abc import Mapping, Sequence

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import custom_resources as cr
from constructs import Construct, IConstruct

from genesys_firehose_cdk.common.alarm import AlarmSection, AlarmSeverity, PipelineAlarm
from genesys_firehose_cdk.common.context import PERIOD, PipelineContext
from genesys_firehose_cdk.delivery.delivery_stream import DataLakeDeliveryStream
from genesys_firehose_cdk.ingress.buffer_queue import BufferQueue
from genesys_firehose_cdk.ingress.front_door import FrontDoor
from genesys_firehose_cdk.ingress.partner_bus import rule_dimensions
from genesys_firehose_cdk.monitoring.thresholds import AlarmThresholdsProps

_PAGE, _TICKET = AlarmSeverity.PAGE, AlarmSeverity.TICKET
_SHORTEST_FRESHNESS_SECONDS = 300
# A queue that is deeper than so many times what its consumer works on at once is not being drained.
_DEPTH_FACTOR = 5
# Parts of a path that say nothing of what a resource does.
_KINDS = frozenset({"Function", "StateMachine", "Resource"})
# What the errors of a function mean that has a section of its own, by its handler.
_ERRORS: Mapping[str, tuple[AlarmSection, str]] = {
    "key_rotation.handler.handle": (
        "key-rotation",
        "The signing key could not be rotated. No event is refused: the key before counts on. Read the log of the "
        "function that rotates it.",
    ),
}


class PipelineAlarms(Construct):
    """The pipeline's alarms, each to the topic of its severity.

    Every function, every rule and every state machine below the pipeline has the alarms of its kind, but for those of
    the CDK's provider framework: they run within a deployment, and CloudFormation reports their failures.

    No alarm goes off before its first data.

    Attributes:
        alarms: All alarms, by name.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        context: PipelineContext,
        pipeline: IConstruct,
        delivery_streams: Sequence[DataLakeDeliveryStream],
        buffer_queue: BufferQueue,
        messages_at_once: int = 100,
        front_door: FrontDoor | None = None,
        thresholds: AlarmThresholdsProps | None = None,
    ) -> None:
        """Create the alarms.

        Args:
            scope: The parent construct.
            id: The construct's id.
            context: What the pipeline's constructs share.
            pipeline: What is below it by now is watched: functions for errors and throttles, rules for invocations
                that fail, state machines for executions that do.
            delivery_streams: Each watched for freshness, success, throttling, partitions and quota.
            buffer_queue: Watched for age, depth and dead letters.
            messages_at_once: How many messages its consumer works on at once, at most. Default: 100.
            front_door: The webhook's, watched for 4xx and 5xx. Default: none.
            thresholds: Default: AlarmThresholdsProps().
        """
        super().__init__(scope, id)
        self._context = context
        self._limit = thresholds or AlarmThresholdsProps()
        self.alarms: dict[str, PipelineAlarm] = {}
        for number, delivery_stream in enumerate(delivery_streams, start=1):
            self._watch_stream(delivery_stream, "" if number == 1 else str(number))
        for resource in pipeline.node.find_all():
            self._watch_resource(resource, f"{pipeline.node.path}/")
        if front_door is not None:
            self._watch_front_door(front_door)
        self._watch_queue(buffer_queue, messages_at_once)
        self._watch_records()

    def _watch_stream(self, delivery_stream: DataLakeDeliveryStream, suffix: str) -> None:
        limit = self._limit
        longest_delay = limit.delivery_freshness_seconds or max(
            _SHORTEST_FRESHNESS_SECONDS, 2 * delivery_stream.longest_delay_seconds
        )
        self._add(
            f"DeliveryFreshness{suffix}",
            delivery_stream.metric_freshness(),
            longest_delay,
            _PAGE,
            "delivery-freshness",
            "Events reach clean/ late. Look at the delivery stream's error log and the transform function.",
        )
        self._add(
            f"BackupFreshness{suffix}",
            delivery_stream.metric_backup_freshness(),
            longest_delay,
            _PAGE,
            "delivery-freshness",
            "Events reach raw/ late. Look at the delivery stream's error log, the delivery role and the raw key.",
        )
        unwritten = (
            "Firehose fails to write to the bucket. Check the delivery role, both KMS keys, and whether "
            "uploads carry the checksum that S3 Object Lock requires."
        )
        untransformed = (
            "Firehose fails to invoke the transform function; what fails in every attempt goes to errors/. Read the "
            "function's log and the delivery stream's error log, mend the cause, then redrive."
        )
        sections: dict[str, tuple[cloudwatch.Metric, AlarmSection, str]] = {
            "DeliverySuccess": (delivery_stream.metric_delivery_success(), "delivery-success", unwritten),
            "BackupSuccess": (delivery_stream.metric_backup_success(), "delivery-success", unwritten),
            "ProcessingSuccess": (delivery_stream.metric_processing_success(), "processing-success", untransformed),
        }
        for name, (metric, section, description) in sections.items():
            below = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
            # One failed attempt is repeated and loses nothing: a second period must have one, too.
            self._add(
                f"{name}{suffix}", metric, limit.delivery_success_ratio, _PAGE, section, description, below, (2, 3)
            )
        self._watch_limits(delivery_stream, suffix)

    def _watch_limits(self, delivery_stream: DataLakeDeliveryStream, suffix: str) -> None:
        self._add(
            f"StreamThrottled{suffix}",
            delivery_stream.metric_throttled(),
            self._limit.throttled_records,
            _TICKET,
            "stream-throttled",
            "Firehose refuses events because of its quota; they wait in the buffer queue. Request a higher quota.",
        )
        self._add(
            f"QuotaUse{suffix}",
            delivery_stream.metric_quota_use(),
            self._limit.quota_use_ratio,
            _TICKET,
            "quota-use",
            "The delivery stream comes close to its quota. Request a higher one before Firehose throttles.",
        )
        if delivery_stream.is_partitioned:
            self._add(
                f"PartitionCountExceeded{suffix}",
                delivery_stream.metric_partition_count_exceeded(),
                1,
                _PAGE,
                "partition-count-exceeded",
                "Too many active partitions; Firehose sends what exceeds the quota to errors/.",
            )
        if delivery_stream.encryption_key is not None:
            self._add(
                f"StreamKey{suffix}",
                delivery_stream.metric_key_failures(),
                1,
                _PAGE,
                "stream-key",
                "Firehose can't use the stream's KMS key, and so takes no event; they wait in the buffer queue. Check "
                "that the key is enabled and that its policy allows Firehose and the ingest function's role.",
            )

    def _watch_resource(self, resource: IConstruct, parent: str) -> None:
        """Give a resource the alarms of its kind, if it is of one. They begin with its path below `parent`."""
        if not isinstance(resource, lambda_.CfnFunction | events.CfnRule | sfn.CfnStateMachine):
            return
        if any(isinstance(scope, cr.Provider) for scope in resource.node.scopes):
            return
        below = resource.node.path.removeprefix(parent).split("/")
        name = "".join(part for part in below if part not in _KINDS)
        match resource:
            case lambda_.CfnFunction():
                self._watch_function(name, resource)
            case events.CfnRule():
                self._watch_rule(name, resource)
            case _:
                self._watch_state_machine(name, resource)

    def _watch_function(self, name: str, function: lambda_.CfnFunction) -> None:
        def metric(metric_name: str) -> cloudwatch.Metric:
            return _metric("AWS/Lambda", metric_name, {"FunctionName": function.ref})

        of_any: tuple[AlarmSection, str] = ("function-errors", f"The function {name} fails. Read its log group.")
        section, description = _ERRORS.get(str(function.handler), of_any)
        self._add(f"{name}Errors", metric("Errors"), self._limit.function_errors, _TICKET, section, description)
        self._add(
            f"{name}Throttles",
            metric("Throttles"),
            self._limit.function_throttles,
            _TICKET,
            "function-throttles",
            f"The function {name} is throttled. Raise the account's concurrency.",
        )

    def _watch_rule(self, name: str, rule: events.CfnRule) -> None:
        """Watch a rule's failures (Amazon EventBridge User Guide, "Monitoring Amazon EventBridge").

        An event that goes to the rule's dead-letter queue is no failed invocation; one that can't go there is lost.
        """
        dimensions = rule_dimensions(rule)
        advice = "Look at the policies of target and key."
        failures = {"FailedInvocations": f"The rule {name} could not invoke its target. {advice}"}
        if any(target.get("deadLetterConfig") for target in Stack.of(rule).resolve(rule.targets)):
            failures["InvocationsSentToDlq"] = (
                f"Events of the rule {name} went to the dead-letter queue. {advice} Then redrive."
            )
            failures["InvocationsFailedToBeSentToDlq"] = (
                f"Events of the rule {name} are lost to it: neither its target nor the dead-letter queue took them. "
                f"{advice}"
            )
        # Genesys Cloud's events come over a bus of their own; the other rules do the pipeline's own errands.
        severity = _TICKET if rule.event_bus_name is None else _PAGE
        section: AlarmSection = "rule-invocations" if rule.event_bus_name is None else "partner-events-undelivered"
        for metric_name, description in failures.items():
            metric = _metric("AWS/Events", metric_name, dimensions)
            self._add(f"{name}{metric_name}", metric, 1, severity, section, description)

    def _watch_state_machine(self, name: str, state_machine: sfn.CfnStateMachine) -> None:
        for metric_name, what in (
            ("ExecutionsFailed", "failed"),
            ("ExecutionsTimedOut", "took too long"),
            ("ExecutionsAborted", "was stopped"),
        ):
            self._add(
                f"{name}{metric_name}",
                _metric("AWS/States", metric_name, {"StateMachineArn": state_machine.ref}),
                1,
                _TICKET,
                "executions",
                f"An execution of the state machine {name} {what}. Read its log group, then start it again.",
            )

    def _watch_front_door(self, front_door: FrontDoor) -> None:
        self._add(
            "ClientErrors",
            front_door.metric_refused(),
            self._limit.client_errors,
            _TICKET,
            "client-errors",
            "Many requests are refused: a signing key that differs, or forged requests.",
        )
        self._add(
            "RefusedShare",
            front_door.metric_refused_share(),
            self._limit.refused_share_ratio,
            _PAGE,
            "refused-share",
            "Most requests are refused while hardly any are accepted: the sender signs with another key than the "
            "secret's, its networks are not allowed, or only forgers call. Compare the signing key's versions with the "
            "sender's.",
        )
        self._add(
            "ServerErrors",
            # In the seconds after a change of the signing key, 503 is the right answer to what no key made.
            front_door.metric_failed(self._context.metric("RequestsUndecided")),
            self._limit.server_errors,
            _PAGE,
            "server-errors",
            "The webhook fails; the sender retries for 85 seconds only. Check GET /health for the reason.",
        )

    def _watch_queue(self, buffer_queue: BufferQueue, messages_at_once: int) -> None:
        queue = buffer_queue.queue
        self._add(
            "QueueAge",
            queue.metric_approximate_age_of_oldest_message(period=PERIOD),
            self._limit.queue_age_seconds,
            _PAGE,
            "queue-age",
            "Accepted events wait in the buffer queue. Check that Firehose takes records.",
        )
        self._add(
            "QueueDepth",
            # A message that was received three times leaves the metric of the age (Amazon SQS Developer Guide,
            # "Available CloudWatch metrics for Amazon SQS"). One that waits for its next delivery is not visible.
            cloudwatch.MathExpression(
                expression="visible + hidden",
                using_metrics={
                    "visible": queue.metric_approximate_number_of_messages_visible(period=PERIOD, statistic="Average"),
                    "hidden": queue.metric_approximate_number_of_messages_not_visible(
                        period=PERIOD, statistic="Average"
                    ),
                },
                period=PERIOD,
                label="Messages that wait",
            ),
            self._limit.queue_depth or _DEPTH_FACTOR * messages_at_once,
            _PAGE,
            "queue-depth",
            "Many accepted events wait in the buffer queue, each for up to 15 minutes until the next try. Check that "
            "Firehose takes records, and the ingest function's log.",
        )
        self._add(
            "DeadLetters",
            buffer_queue.dead_letter_queue.metric_approximate_number_of_messages_visible(
                period=PERIOD, statistic="Maximum"
            ),
            self._limit.dead_letters,
            _PAGE,
            "dead-letters",
            "Accepted events wait in the dead-letter queue, for 14 days at most. `genesys-firehose dead-letters list` "
            "says why; redrive what can be read, and set the rest aside.",
        )

    def _watch_records(self) -> None:
        metric = self._context.metric
        self._add(
            "FailedRecords",
            metric("RecordsFailed"),
            self._limit.failed_records,
            _PAGE,
            "failed-records",
            "Events could not be read and went to errors/. Redrive them once the cause is mended.",
        )
        self._add(
            "DeduplicationUnavailable",
            metric("DeduplicationUnavailable"),
            self._limit.deduplication_unavailable,
            _TICKET,
            "deduplication-unavailable",
            "Events were delivered without a check for duplicates, because the table did not answer.",
        )
        self._add(
            "ConflictingRecords",
            metric("RecordsConflicting"),
            self._limit.conflicting_records,
            _TICKET,
            "conflicting-records",
            "Events came under the id of another one with other content: an update, a sender that uses an id twice, or "
            "a forgery. Nothing is dropped. Compare what clean/ marks as conflict with what else has the same id.",
        )
        self._add(
            "TokenVolume",
            # The largest batch, not the sum: batches are of one size, whatever the traffic is.
            metric("TokensMade", statistic="Maximum"),
            self._limit.tokens_made,
            _TICKET,
            "token-volume",
            "A batch of events made very many new tokens: somebody who may send and read clean/ may be trying out "
            "values to learn whose tokens they are. Look in clean/ for events with long lists of tokens.",
        )
        self._add(
            "SchemaDrift",
            metric("SchemaDrift"),
            self._limit.schema_drift,
            _TICKET,
            "schema-drift",
            "Events have fields or types that no known shape has. Nothing is lost: the records in clean/ name "
            "them in schema_drift, and in closed_fields what was closed. Check the queries, then let "
            "`genesys-firehose shapes` learn the new shape, say what its fields are, and rebuild.",
        )

    def _add(
        self,
        name: str,
        metric: cloudwatch.Metric | cloudwatch.MathExpression,
        threshold: float,
        severity: AlarmSeverity,
        section: AlarmSection,
        description: str,
        comparison: cloudwatch.ComparisonOperator = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        periods: tuple[int, int] = (1, 1),
    ) -> None:
        """Create an alarm that goes off when so many of so many periods are over the threshold."""
        self.alarms[name] = self._context.alarm(
            self,
            name,
            metric=metric,
            threshold=threshold,
            severity=severity,
            section=section,
            description=description,
            comparison=comparison,
            datapoints_to_alarm=periods[0],
            evaluation_periods=periods[1],
        )


def _metric(namespace: str, name: str, dimensions: dict[str, str]) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=namespace, metric_name=name, dimensions_map=dimensions, statistic="Sum", period=PERIOD
    )
