"""Alarms on an ingress from which no event comes within the business hours."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from genesys_firehose_cdk.common.alarm import AlarmSeverity, PipelineAlarm
from genesys_firehose_cdk.common.context import PERIOD, MetricName, PipelineContext
from genesys_firehose_cdk.common.props import Props
from genesys_firehose_cdk.common.validation import InvalidPropertyError, check_range

ACCEPTED_METRICS: dict[str, MetricName] = {
    "Webhook": "EventsAcceptedWebhook",
    "EventBridge": "EventsAcceptedEventBridge",
}
"""The number of accepted events, by ingress."""


@dataclass(frozen=True, kw_only=True)
class BusinessHoursProps(Props, at="watch.business_hours"):
    """The hours in which events are expected, in UTC, the only time zone of CloudWatch's metric math.

    Attributes:
        start_hour: The first hour; 0 to 23.
        end_hour: The hour at which they end; 1 to 24. An end that is not after `start_hour` is on the next day: 15
            and 1 are from 15:00 to 01:00.
        days: The days on which they begin; 1 is Monday, 7 is Sunday. Default: Monday to Friday.

    Raises:
        InvalidPropertyError: A value is out of range.
    """

    start_hour: int
    end_hour: int
    days: Sequence[int] = (1, 2, 3, 4, 5)

    def validate(self) -> None:
        """Check hours and days."""
        check_range("watch.business_hours.start_hour", self.start_hour, 0, 23, "o'clock", "in UTC")
        check_range("watch.business_hours.end_hour", self.end_hour, 1, 24, "o'clock", "in UTC")
        if not self.days:
            raise InvalidPropertyError("watch.business_hours.days", "is empty", "1, Monday, to 7, Sunday, are allowed")
        for day in self.days:
            if not 1 <= day <= 7:
                raise InvalidPropertyError(
                    "watch.business_hours.days", f"holds {day}", "1, Monday, to 7, Sunday, are allowed"
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


def silence_alarm(
    scope: Construct, context: PipelineContext, ingress: str, hours: BusinessHoursProps, silence: Duration
) -> PipelineAlarm:
    """Create the alarm `<ingress>Silent`: no event for as long as `silence` within the business hours.

    The watch function counts a zero for each ingress whenever it runs, because CloudWatch does not evaluate a metric
    without any value. So silence is a sum of 0. A period without a value is no silence, and the alarm is quiet until
    the zeros of a whole `silence` are there. Another alarm tells when the function does not run.
    """
    expression = cloudwatch.MathExpression(
        # IF makes 0 of a missing value where its condition is true, and leaves it out where it is false (Amazon
        # CloudWatch User Guide, "Using IF expressions").
        expression=f"IF(({hours.condition('accepted')}) == 0, 1, accepted)",
        using_metrics={"accepted": context.metric(ACCEPTED_METRICS[ingress])},
        period=PERIOD,
        label=f"Events by {ingress}, or 1 out of hours",
    )
    return context.alarm(
        scope,
        f"{ingress}Silent",
        metric=expression,
        severity=AlarmSeverity.PAGE,
        section="silence",
        threshold=1,
        description=f"No event came by {ingress} for {silence.to_human_string()} within the business hours. Look "
        "whether Genesys Cloud sends: the integration, the subscription, the partner event source, the certificate.",
        comparison=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
        evaluation_periods=int(silence.to_minutes() // PERIOD.to_minutes()),
    )
