"""A pipeline for production: own domain, a limit by address, a year of retention, alarms that somebody hears.

A second stack tries the delivery after each change, and the rules of cdk-nag hold at every synthesis.
"""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_route53 as route53
from cdk_nag import AwsSolutionsChecks

from genesys_firehose_cdk import (
    DataLakeBucketProps,
    DeliveryVerification,
    GenesysFirehosePipeline,
    LakeProps,
    MonitoringProps,
    RateLimitProps,
    SignatureProps,
    WebhookDomainProps,
    WebhookProps,
)

ENVIRONMENT = cdk.Environment(account="111122223333", region="eu-central-1")


class ContactCentre(cdk.Stack):
    """The pipeline of the contact centre, and who may read what it collects."""

    def __init__(self, scope: cdk.App) -> None:
        """Create the stack `ContactCentre`, which nobody deletes by mistake."""
        super().__init__(scope, "ContactCentre", env=ENVIRONMENT, termination_protection=True)
        zone = route53.HostedZone.from_hosted_zone_attributes(
            self, "Zone", hosted_zone_id="Z0123456789ABC", zone_name="example.com"
        )
        self.pipeline = GenesysFirehosePipeline(
            self,
            "Events",
            webhook=WebhookProps(
                domain=WebhookDomainProps(domain_name="events.example.com", hosted_zone=zone),
                signature=SignatureProps.open_messaging(),
                rate_limit=RateLimitProps(requests=6_000),
            ),
            lake=LakeProps(
                bucket=DataLakeBucketProps(
                    retention_days=365, raw_expiration_days=400, clean_expiration_days=1_100, raw_archive_after_days=30
                )
            ),
            monitoring=MonitoringProps(
                alarm_email="contact-centre-oncall@example.com",
                runbook_url="https://wiki.example.com/contact-centre/alarms",
            ),
        )
        analysts = iam.Role(self, "Analysts", assumed_by=iam.AccountRootPrincipal())
        self.pipeline.grant_read_clean(analysts)
        # What the pipeline itself needs is acknowledged by it. A grant of yours is yours to acknowledge, under the id
        # that the synthesis prints: it names the resource as the template does.
        bucket = self.get_logical_id(self.pipeline.bucket.bucket.node.default_child)
        cdk.Validations.of(analysts).acknowledge(
            cdk.Acknowledgment(
                id=f"AwsSolutions-IAM5[Resource::<{bucket}.Arn>/clean/*]",
                reason="Analysts may read every masked event.",
            )
        )


app = cdk.App()
cdk.Validations.of(app).add_plugins(AwsSolutionsChecks())
stack = ContactCentre(app)
verification = cdk.Stack(app, "ContactCentreVerification", env=ENVIRONMENT)
DeliveryVerification(verification, "Delivery", pipeline=stack.pipeline)
app.synth()
