"""An alarm with what its reader needs: how urgent it is, and where it is explained."""

from enum import Enum
from typing import Any, Literal

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

RUNBOOK_URL = "docs/alarms.md"
"""The page of the alarms, in this project's documentation."""

AlarmSection = Literal[
    "client-errors",
    "conflicting-records",
    "conversations-missing",
    "conversations-partial",
    "days-not-reconciled",
    "days-not-settled",
    "days-to-expiry",
    "dead-letters",
    "deduplication-unavailable",
    "delivery-freshness",
    "delivery-success",
    "events-at-risk",
    "executions",
    "failed-records",
    "function-errors",
    "function-throttles",
    "integration-active",
    "ip-ranges-refused",
    "ip-ranges-unchecked",
    "key-rotation",
    "manifest-missing",
    "names-forbidden",
    "names-missing",
    "partition-count-exceeded",
    "partner-events-undelivered",
    "partner-source-active",
    "probe-healthy",
    "processing-success",
    "queue-age",
    "queue-depth",
    "quota-use",
    "refused-share",
    "retention-dead-letters",
    "retention-escaped",
    "retention-failed",
    "retention-lag",
    "retention-queue-age",
    "retention-queue-depth",
    "rule-invocations",
    "schema-drift",
    "served-certificate",
    "server-errors",
    "silence",
    "stream-key",
    "stream-throttled",
    "subscription-active",
    "tables-late",
    "token-volume",
    "watch-not-running",
]
"""The sections of the page of the alarms, each for one kind of alarm."""


class AlarmSeverity(Enum):
    """How soon somebody has to act on an alarm."""

    PAGE = "page"
    """At once: events are lost, refused or late, or cannot come."""
    TICKET = "ticket"
    """Within days: no event suffers from it by itself."""


class PipelineAlarm(cloudwatch.Alarm):
    """A CloudWatch alarm of a pipeline; PipelineContext.alarm makes it.

    Attributes:
        severity: How soon somebody has to act.
        section: The section of the page of the alarms; None for an alarm that is not the pipeline's own.
        watched: The metric.
        threshold: The value that it is compared with.
        comparison: How it is compared.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        severity: AlarmSeverity,
        section: AlarmSection | None,
        watched: cloudwatch.Metric | cloudwatch.MathExpression,
        threshold: float,
        comparison: cloudwatch.ComparisonOperator,
        **properties: Any,
    ) -> None:
        """Create the alarm.

        Args:
            scope: The parent construct.
            id: The construct's id.
            severity: How soon somebody has to act.
            section: The section of the page of the alarms, or None.
            watched: The metric.
            threshold: The value that it is compared with.
            comparison: How it is compared.
            properties: The other properties of the CDK's alarm.
        """
        super().__init__(scope, id, metric=watched, threshold=threshold, comparison_operator=comparison, **properties)
        self.severity = severity
        self.section = section
        self.watched = watched
        self.threshold = threshold
        self.comparison = comparison
