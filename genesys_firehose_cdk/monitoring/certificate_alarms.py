"""Warns before a certificate expires."""

from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from genesys_firehose_cdk.common.acknowledgements import SERVERLESS, acknowledge
from genesys_firehose_cdk.common.alarm import AlarmSeverity
from genesys_firehose_cdk.common.context import PipelineContext

# AWS Certificate Manager User Guide, "Amazon EventBridge support for ACM".
EXPIRY_EVENTS = (
    "ACM Certificate Approaching Expiration",
    "ACM Certificate Expired",
    "ACM Certificate Renewal Action Required",
)


class CertificateAlarms(Construct):
    """An alarm on the days a certificate has left, and ACM's own expiry events, to one topic.

    ACM stops the metric once the certificate has expired, and it sends no "Expired" event for an imported certificate.
    So the alarm stays as it is while there are no data: quiet until the first, which come within a day, and on after
    the expiry that it warned of.

    Attributes:
        days_to_expiry_alarm: The alarm.
        expiry_events_rule: The EventBridge rule.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        context: PipelineContext,
        certificate: acm.ICertificate,
        days_to_expiry: int = 30,
    ) -> None:
        """Create the alarm and the rule.

        Args:
            scope: The parent construct.
            id: The construct's id.
            context: What the pipeline's constructs share.
            certificate: The certificate to watch.
            days_to_expiry: Alarm at this many days left. Default: 30.
        """
        super().__init__(scope, id)
        self.days_to_expiry_alarm = context.alarm(
            self,
            "DaysToExpiry",
            description=(
                "The webhook's certificate expires soon or has expired. Check in ACM that the renewal's DNS records "
                "are in place."
            ),
            metric=certificate.metric_days_to_expiry(),
            severity=AlarmSeverity.TICKET,
            section="days-to-expiry",
            threshold=days_to_expiry,
            comparison=cloudwatch.ComparisonOperator.LESS_THAN_OR_EQUAL_TO_THRESHOLD,
            missing_data=cloudwatch.TreatMissingData.IGNORE,
        )
        self.expiry_events_rule = events.Rule(
            self,
            "ExpiryEvents",
            description="ACM's events about the expiry of the webhook's certificate",
            event_pattern=events.EventPattern(
                source=["aws.acm"],
                detail_type=list(EXPIRY_EVENTS),
                resources=[certificate.certificate_arn],
            ),
            # The target also lets EventBridge publish, if the topic belongs to this app.
            targets=[targets.SnsTopic(context.alarm_topic)],
        )
        acknowledge(
            self.expiry_events_rule,
            "EventBusDLQ",
            SERVERLESS,
            reason="The alarm beside it reports the same certificate every day, so an event that cannot be "
            "delivered loses nothing, and a queue would add nothing.",
        )
