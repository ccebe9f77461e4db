"""Another team's app: two environments of its pipeline, each for an account, beside resources of its own.

The signature, the domain, the imported secret and the alarm that is a sum are none of the embedded AWS's everyday.
"""

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_secretsmanager as secretsmanager

from genesys_firehose_cdk import (
    DataLakeBucketProps,
    GenesysFirehosePipeline,
    LakeProps,
    RetentionMode,
    SignatureProps,
    WebhookDomainProps,
    WebhookProps,
)


class ContactCentre(cdk.Stack):
    """Orders, and what happens in the contact centre."""

    def __init__(self, scope: cdk.App, name: str, account: str) -> None:
        super().__init__(scope, name, env=cdk.Environment(account=account, region="eu-west-1"))
        dynamodb.Table(self, "Orders", partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING))
        orders = apigateway.RestApi(self, "OrdersApi")
        orders.root.add_method("GET", apigateway.MockIntegration())
        zone = route53.HostedZone.from_hosted_zone_attributes(
            self, "Zone", hosted_zone_id="Z0123456789ABC", zone_name="example.com"
        )
        key = secretsmanager.Secret.from_secret_name_v2(self, "Key", "contact-centre/signing-key")
        pipeline = GenesysFirehosePipeline(
            self,
            "Events",
            webhook=WebhookProps(
                domain=WebhookDomainProps(domain_name="events.example.com", hosted_zone=zone),
                signature=SignatureProps.open_messaging(existing_secret=key),
            ),
            lake=LakeProps(bucket=DataLakeBucketProps(retention_mode=RetentionMode.NONE)),
            removal_policy=cdk.RemovalPolicy.DESTROY,
            auto_delete_objects=True,
        )
        accepted, forged = pipeline.metric("RecordsTransformed"), pipeline.metric("RequestsForged")
        share = cdk.aws_cloudwatch.MathExpression(expression="f / a", using_metrics={"a": accepted, "f": forged})
        share.create_alarm(self, "ForgedShare", threshold=0.1, evaluation_periods=1)


app = cdk.App()
ContactCentre(app, "ContactCentreTest", "111122223333")
ContactCentre(app, "ContactCentreProd", "444455556666")
app.synth()
