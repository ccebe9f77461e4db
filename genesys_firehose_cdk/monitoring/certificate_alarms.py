"""Warns before a certificate expires."""

from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sns as sns
from constructs import Construct

from genesys_firehose_cdk.common.acknowledgements import SERVERLESS, acknowledge
from genesys_firehose_cdk.common.validation import check_range

# AWS Certificate Manager User Guide, "Amazon EventBridge support for ACM".
EXPIRY_EVENTS = (
    "ACM Certificate Approaching Expiration",
    "ACM Certificate Expired",
    "ACM Certificate Renewal Action Required",
)


class CertificateAlarms(Construct):
    """An alarm on the days a certificate has left, and ACM's own expiry events, to one topic.

    ACM stops the metric once the certificate has expired, so missing data counts as an alarm. It sends no
    "Expired" event for an imported certificate; the alarm covers that one too.

    Attributes:
        days_to_expiry_alarm: The alarm.
        expiry_events_rule: The EventBridge rule.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        certificate: acm.ICertificate,
        topic: sns.ITopic,
        days_to_expiry: int = 30,
    ) -> None:
        """Create the alarm and the rule.

        Args:
            scope: The parent construct.
            id: The construct's id.
            certificate: The certificate to watch.
            topic: Where both report to; its policy must let CloudWatch and EventBridge publish.
            days_to_expiry: Alarm at this many days left; 1 to 365. ACM renews its own certificates
                60 days ahead. Default: 30.

        Raises:
            InvalidPropertyError: `days_to_expiry` is out of range.
        """
        super().__init__(scope, id)
        check_range("certificate_days_to_expiry", days_to_expiry, 1, 365, "days", "within a certificate's life")
        self.days_to_expiry_alarm = cloudwatch.Alarm(
            self,
            "DaysToExpiry",
            alarm_description=(
                "The webhook's certificate expires soon, or its days are no longer reported. Check in ACM "
                "that the renewal's DNS records are in place."
            ),
            metric=certificate.metric_days_to_expiry(),
            threshold=days_to_expiry,
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_OR_EQUAL_TO_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
        )
        self.days_to_expiry_alarm.add_alarm_action(actions.SnsAction(topic))
        self.expiry_events_rule = events.Rule(
            self,
            "ExpiryEvents",
            description="ACM's events about the expiry of the webhook's certificate",
            event_pattern=events.EventPattern(
                source=["aws.acm"],
                detail_type=list(EXPIRY_EVENTS),
                resources=[certificate.certificate_arn],
            ),
            # Lets EventBridge publish to the topic, where the topic is of this app.
            targets=[targets.SnsTopic(topic)],
        )
        acknowledge(
            self.expiry_events_rule,
            "EventBusDLQ",
            SERVERLESS,
            reason="The alarm beside it reports the same certificate every day, so an event that cannot be "
            "delivered loses nothing; a queue that somebody would have to read adds nothing.",
        )
