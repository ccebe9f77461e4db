"""The pipeline at one look."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from genesys_firehose_cdk.common.alarm import AlarmSection, AlarmSeverity, PipelineAlarm
from genesys_firehose_cdk.common.context import PERIOD, PipelineContext, name_parts
from genesys_firehose_cdk.delivery.deduplication_table import DeduplicationTable
from genesys_firehose_cdk.delivery.delivery_stream import DataLakeDeliveryStream
from genesys_firehose_cdk.ingress.front_door import FrontDoor
from genesys_firehose_cdk.ingress.partner_bus import PartnerEventBus
from genesys_firehose_cdk.lake.data_lake_bucket import DataLakeBucket
from genesys_firehose_cdk.monitoring.events_at_risk import EventsAtRisk

Line = cloudwatch.Metric | cloudwatch.MathExpression

_ANSWER, _INGRESS, _DELIVERY, _TRANSFORM, _LAKE, _GENESYS, _FUNCTIONS, _COST = (
    "Do the events land?",
    "Ingress",
    "Delivery",
    "Transform and masking",
    "Lake",
    "Genesys Cloud's side",
    "Functions and rules",
    "What costs",
)
_EVENTS, _REQUESTS, _RECORDS, _MESSAGES, _FAILURES = "Events", "Requests", "Records", "Messages", "Failures"
_SECONDS, _MILLISECONDS, _SHARE, _ACTIVE = "Seconds", "Milliseconds", "Share, 0 to 1", "1 is yes"

PLACES: Mapping[AlarmSection, tuple[str, str, str]] = {
    "client-errors": (_ANSWER, "Refused", _REQUESTS),
    "queue-depth": (_ANSWER, "Waiting in the buffer queue", _MESSAGES),
    "delivery-freshness": (_ANSWER, "Freshness: age of the oldest event on its way", _SECONDS),
    "refused-share": (_INGRESS, "Refused share", _SHARE),
    "server-errors": (_INGRESS, "Failed requests", _REQUESTS),
    "queue-age": (_INGRESS, "Oldest message in the buffer queue", _SECONDS),
    "dead-letters": (_INGRESS, "Dead letters", _MESSAGES),
    "partner-events-undelivered": (_INGRESS, "What EventBridge could not deliver", _EVENTS),
    "delivery-success": (_DELIVERY, "Successful writes", _SHARE),
    "processing-success": (_DELIVERY, "Successful transformations", _SHARE),
    "stream-throttled": (_DELIVERY, "Throttled", _RECORDS),
    "quota-use": (_DELIVERY, "Quota in use", _SHARE),
    "partition-count-exceeded": (_DELIVERY, "Too many partitions", _ACTIVE),
    "stream-key": (_DELIVERY, "The stream's key", _FAILURES),
    "failed-records": (_TRANSFORM, "Unreadable", _RECORDS),
    "deduplication-unavailable": (_TRANSFORM, "Not checked for duplicates", _EVENTS),
    "conflicting-records": (_TRANSFORM, "The same id, other content", _RECORDS),
    "token-volume": (_TRANSFORM, "New tokens in one batch", "Tokens"),
    "schema-drift": (_TRANSFORM, "Schema drift", "Fields"),
    "executions": (_LAKE, "Runs of state machines that ended without being done", "Executions"),
    "tables-late": (_LAKE, "Runs that brought today's events into the tables", "1 in each interval"),
    "manifest-missing": (_LAKE, "Runs that found a manifest of every closed day", "1 in each interval"),
    "retention-lag": (_LAKE, "Time until the retention", _MILLISECONDS),
    "retention-queue-age": (_LAKE, "Oldest message in the retention queue", _SECONDS),
    "retention-queue-depth": (_LAKE, "Waiting in the retention queue", _MESSAGES),
    "retention-failed": (_LAKE, "Retentions that failed", "Versions"),
    "retention-dead-letters": (_LAKE, "Dead letters of the retention", _MESSAGES),
    "retention-escaped": (_LAKE, "Versions found without a retention", "Versions"),
    "partner-source-active": (_GENESYS, "Partner event source active", _ACTIVE),
    "integration-active": (_GENESYS, "Integration active", _ACTIVE),
    "subscription-active": (_GENESYS, "Subscription active", _ACTIVE),
    "silence": (_GENESYS, "Accepted in business hours", _EVENTS),
    "watch-not-running": (_GENESYS, "Runs of the watch", "Runs"),
    "ip-ranges-refused": (_GENESYS, "Lists of networks refused", "Lists"),
    "ip-ranges-unchecked": (_GENESYS, "Lists of networks checked", "Lists"),
    "names-forbidden": (_GENESYS, "Kinds of names that may not be listed", "Kinds"),
    "names-missing": (_GENESYS, "Names taken whole", _ACTIVE),
    "conversations-missing": (_LAKE, "Conversations that Genesys Cloud knows and the lake does not", "Conversations"),
    "conversations-partial": (_LAKE, "Conversations of which the lake lacks sessions", "Conversations"),
    "days-not-settled": (_LAKE, "Days whose details records were put in", _ACTIVE),
    "days-not-reconciled": (_LAKE, "Days held against Genesys Cloud", _ACTIVE),
    "probe-healthy": (_INGRESS, "Usable from outside", _ACTIVE),
    "served-certificate": (_INGRESS, "Certificate as served: chain, name, protocol", _ACTIVE),
    "days-to-expiry": (_GENESYS, "Certificate", "Days left"),
    "function-errors": (_FUNCTIONS, "Failed invocations", "Invocations"),
    "key-rotation": (_FUNCTIONS, "Rotations of the signing key that failed", "Invocations"),
    "function-throttles": (_FUNCTIONS, "Throttled invocations", "Invocations"),
    "rule-invocations": (_FUNCTIONS, "Rules that could not invoke their target", "Invocations"),
}
"""Where each kind of alarm is shown: row, title and unit."""

_COLORS = {AlarmSeverity.PAGE: cloudwatch.Color.RED, AlarmSeverity.TICKET: cloudwatch.Color.ORANGE}
_LIMITS = {
    cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD: "{:,g} or more",
    cloudwatch.ComparisonOperator.LESS_THAN_OR_EQUAL_TO_THRESHOLD: "{:,g} or less",
    cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD: "below {:,g}",
}
_WIDTH, _IN_A_ROW = 24, 3
_DAY = Duration.days(1)
# Amazon CloudWatch API Reference, "Dashboard body structure and syntax": alarms of an alarm widget. A dashboard's name
# has 255 characters ("PutDashboard"); the region's name and two hyphens are among them.
_ALARMS_IN_A_WIDGET = 100
_LONGEST_NAME = 255 - len("-ap-southeast-99-")


@dataclass(frozen=True, slots=True)
class _Graph:
    """One graph.

    Attributes:
        row: The row that it is in.
        title: What it shows.
        unit: Of all its lines.
        lines: The metrics.
        alarms: The alarms whose thresholds it shows.
    """

    row: str
    title: str
    unit: str
    lines: Sequence[Line]
    alarms: Sequence[PipelineAlarm] = ()

    def widget(self, width: int) -> cloudwatch.GraphWidget:
        """Return the graph's widget; of metrics of an hour or more it shows 14 of their periods, whatever is chosen."""
        hours = max(line.period.to_hours(integral=False) for line in self.lines)
        thresholds = {
            (alarm.threshold, alarm.severity): cloudwatch.HorizontalAnnotation(
                value=alarm.threshold, label=_threshold_label(alarm), color=_COLORS[alarm.severity]
            )
            for alarm in self.alarms
        }
        return cloudwatch.GraphWidget(
            title=self.title,
            left=list(self.lines),
            left_y_axis=cloudwatch.YAxisProps(label=self.unit, show_units=False, min=0),
            left_annotations=list(thresholds.values()),
            start=f"-PT{math.ceil(14 * hours)}H" if hours >= 1 else None,
            width=width,
        )


class PipelineDashboard(Construct):
    """A CloudWatch dashboard of a pipeline.

    The first row answers whether events land: what the webhook and EventBridge's rule took, by AWS's own counts, and
    what the transform function passed on; what was refused, what waits, how fresh the lake is, and every alarm. A row
    for each part of the pipeline follows. Each alarm's metric is shown once, with the line of its threshold: red for
    one that pages, orange for a ticket.

    Its name is the stack's, the path in it and the region's, because dashboards are not of a region (Amazon CloudWatch
    API Reference, "PutDashboard").

    Attributes:
        dashboard: The dashboard.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        context: PipelineContext,
        alarms: Sequence[PipelineAlarm],
        events_at_risk: EventsAtRisk,
        delivery_streams: Sequence[DataLakeDeliveryStream],
        bucket: DataLakeBucket,
        deduplication_table: DeduplicationTable,
        front_door: FrontDoor | None = None,
        partner_bus: PartnerEventBus | None = None,
    ) -> None:
        """Create the dashboard.

        Args:
            scope: The parent construct.
            id: The construct's id.
            context: What the pipeline's constructs share.
            alarms: All alarms of the pipeline.
            events_at_risk: The alarm over those that page.
            delivery_streams: The delivery streams.
            bucket: The data lake bucket.
            deduplication_table: The table, for what it costs.
            front_door: The webhook's. Default: none.
            partner_bus: The bus of Genesys Cloud's events. Default: none.
        """
        super().__init__(scope, id)
        self._context = context
        self._streams = delivery_streams
        self._front_door = front_door
        self._partner_bus = partner_bus
        graphs = [
            *_alarm_graphs(alarms),
            *self._ingress(),
            *self._delivery(),
            *self._lake(bucket),
            *self._cost(deduplication_table),
        ]
        stack_name, path = name_parts(scope, id, _LONGEST_NAME)
        self.dashboard = cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=f"{stack_name}-{re.sub(r'[^0-9A-Za-z_-]', '-', path)}-{Stack.of(self).region}",
            default_interval=Duration.hours(3),
        )
        status, *more = _status(events_at_risk, alarms)
        self.dashboard.add_widgets(_heading(_ANSWER))
        self.dashboard.add_widgets(self._totals(), status)
        for row in (_ANSWER, _INGRESS, _DELIVERY, _TRANSFORM, _LAKE, _GENESYS, _FUNCTIONS, _COST):
            of_row = [graph for graph in graphs if graph.row == row]
            if of_row and row != _ANSWER:
                self.dashboard.add_widgets(_heading(row))
            for start in range(0, len(of_row), _IN_A_ROW):
                side_by_side = of_row[start : start + _IN_A_ROW]
                self.dashboard.add_widgets(*(graph.widget(_WIDTH // len(side_by_side)) for graph in side_by_side))
        for widget in more:
            self.dashboard.add_widgets(widget)

    def _totals(self) -> cloudwatch.SingleValueWidget:
        """Return how much was accepted and landed in the time that is shown."""
        return cloudwatch.SingleValueWidget(
            title="In the time shown",
            metrics=[
                *self._accepted(),
                self._metric("RecordsTransformed", "Landed in clean/ (records)"),
                self._metric("RecordsDuplicate", "Copies dropped (records)"),
            ],
            set_period_to_time_range=True,
            width=_WIDTH // 2,
            height=6,
        )

    def _accepted(self) -> Iterator[Line]:
        """Yield what came in, by AWS's own counts."""
        if self._front_door is not None:
            yield self._front_door.metric_accepted()
        if self._partner_bus is not None:
            yield self._partner_bus.metric_accepted()

    def _ingress(self) -> Iterator[_Graph]:
        landed = self._metric("RecordsTransformed", "Landed in clean/ (records)")
        yield _Graph(_ANSWER, "Accepted and landed", "In five minutes", [*self._accepted(), landed])
        yield _Graph(
            _INGRESS,
            "Out of the ordinary",
            _EVENTS,
            [
                self._metric("EventsDuplicate", "Copies answered from memory"),
                self._metric("EventsOverflowed", "Taken by the queue in Firehose's place"),
                self._metric("EventsOversize", "Over Firehose's limit, fields moved out"),
            ],
        )
        yield _Graph(
            _INGRESS,
            "Times",
            _MILLISECONDS,
            [*self._of_streams("PutRecordBatch.Latency", "A put to Firehose, p99", "p99"), *self._latencies()],
        )
        # Of its own: what was sent again after hours would hide the latencies.
        ages = [self._metric("EventAge", f"By {ingress}", "Maximum", ingress) for ingress in self._ingresses]
        yield _Graph(_INGRESS, "Age of the oldest event on arrival", _MILLISECONDS, ages)

    @property
    def _ingresses(self) -> list[str]:
        return [
            *(["webhook"] if self._front_door is not None else []),
            *(["eventbridge"] if self._partner_bus is not None else []),
        ]

    def _latencies(self) -> Iterator[cloudwatch.Metric]:
        if self._front_door is not None:
            yield self._front_door.metric_latency().with_(label="An answer of the webhook, p99")

    def _delivery(self) -> Iterator[_Graph]:
        yield _Graph(
            _DELIVERY,
            "Records",
            _RECORDS,
            [
                *self._of_streams("IncomingRecords", "In"),
                *self._of_streams("BackupToS3.Records", "Into raw/"),
                *self._of_streams("DeliveryToS3.Records", "Into clean/"),
            ],
        )
        yield _Graph(
            _TRANSFORM,
            "Records",
            _RECORDS,
            [
                *(
                    self._metric("RecordsTransformed", f"Passed on, by {ingress}", ingress=ingress)
                    for ingress in self._ingresses
                ),
                self._metric("RecordsDuplicate", "Copies dropped"),
                self._metric("RecordsRepeated", "Marked as repeated"),
            ],
        )
        yield _Graph(_TRANSFORM, "Of no known shape", _EVENTS, [self._metric("UnknownShape", "Unknown shape")])

    def _lake(self, bucket: DataLakeBucket) -> Iterator[_Graph]:
        """Yield the bucket's daily counts (Amazon S3 User Guide, "Metrics and dimensions")."""

        def metric(name: str, storage: str, label: str) -> cloudwatch.Metric:
            return cloudwatch.Metric(
                namespace="AWS/S3",
                metric_name=name,
                dimensions_map={"BucketName": bucket.bucket.bucket_name, "StorageType": storage},
                statistic="Average",
                period=_DAY,
                label=label,
            )

        sizes = [
            metric("BucketSizeBytes", "StandardStorage", "S3 Standard"),
            metric("BucketSizeBytes", "GlacierInstantRetrievalStorage", "Glacier Instant Retrieval"),
        ]
        yield _Graph(_LAKE, "Stored", "Bytes", sizes)
        yield _Graph(_LAKE, "Objects", "Objects", [metric("NumberOfObjects", "AllStorageTypes", "All versions")])

    def _cost(self, deduplication_table: DeduplicationTable) -> Iterator[_Graph]:
        if self._front_door is not None:
            yield _Graph(_COST, "Requests", _REQUESTS, [self._front_door.metric_requests()])
        yield _Graph(_COST, "Into Firehose", "Bytes", list(self._of_streams("IncomingBytes", "In")))
        yield _Graph(
            _COST, "Objects of clean/", "Objects", list(self._of_streams("DeliveryToS3.ObjectCount", "Written"))
        )
        writes = deduplication_table.table.metric_consumed_write_capacity_units(period=PERIOD, label="Written")
        yield _Graph(_COST, "Keys claimed", "Write units", [writes])

    def _metric(self, name: str, label: str, statistic: str = "Sum", ingress: str | None = None) -> cloudwatch.Metric:
        metric = self._context.metric(name, statistic=statistic, ingress=ingress)  # type: ignore[arg-type]
        return metric.with_(label=label)

    def _of_streams(self, name: str, label: str, statistic: str = "Sum") -> Iterator[cloudwatch.Metric]:
        for number, delivery in enumerate(self._streams, start=1):
            which = f"{label}, stream {number}" if len(self._streams) > 1 else label
            yield delivery.stream.metric(name, statistic=statistic, period=PERIOD, label=which)


def _alarm_graphs(alarms: Sequence[PipelineAlarm]) -> Iterator[_Graph]:
    """Yield the graphs of the alarms: one for each section, but of calculated metrics one for each alarm.

    The parts of calculated metrics have names of their own, of which a graph takes each once.
    """
    for section, (row, title, unit) in PLACES.items():
        of_section = [alarm for alarm in alarms if alarm.section == section]
        plain = [alarm for alarm in of_section if isinstance(alarm.watched, cloudwatch.Metric)]
        calculated = [alarm for alarm in of_section if alarm not in plain]
        for group in (plain, *([alarm] for alarm in calculated)):
            if group:
                lines = [alarm.watched.with_(label=alarm.node.id) for alarm in group]
                yield _Graph(row, title, unit, lines, group)


def _threshold_label(alarm: PipelineAlarm) -> str:
    """Say from which value on an alarm goes off, such as `page: 300 or more`."""
    return f"{alarm.severity.value}: {_LIMITS[alarm.comparison].format(alarm.threshold)}"


def _status(events_at_risk: EventsAtRisk, alarms: Sequence[PipelineAlarm]) -> Iterator[cloudwatch.AlarmStatusWidget]:
    """Yield the widgets of all alarms, those that page first; one takes a hundred."""
    paging = [alarm for alarm in alarms if alarm.severity is AlarmSeverity.PAGE]
    every = [events_at_risk.alarm, *paging, *(alarm for alarm in alarms if alarm not in paging)]
    for start in range(0, len(every), _ALARMS_IN_A_WIDGET):
        yield cloudwatch.AlarmStatusWidget(
            title="Alarms",
            alarms=every[start : start + _ALARMS_IN_A_WIDGET],
            sort_by=cloudwatch.AlarmStatusWidgetSortBy.STATE_UPDATED_TIMESTAMP,
            width=_WIDTH // 2,
            height=6,
        )


def _heading(text: str) -> cloudwatch.TextWidget:
    return cloudwatch.TextWidget(markdown=f"## {text}", width=_WIDTH, height=1)
