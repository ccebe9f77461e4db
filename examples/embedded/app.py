"""Inside an app that has its own bucket, keys and alarm topic: the pipeline uses them and makes none of its own."""

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from genesys_firehose_cdk import DeliveryProps, GenesysFirehosePipeline, LakeProps, MonitoringProps


class Platform(cdk.Stack):
    """What the platform team keeps: the lake of the company, its key, and the topic of whoever is on call."""

    def __init__(self, scope: cdk.App) -> None:
        """Create the stack `Platform`."""
        super().__init__(scope, "Platform")
        self.key = kms.Key(self, "LakeKey", enable_key_rotation=True)
        self.lake = s3.Bucket(
            self,
            "Lake",
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.key,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            versioned=True,
            object_lock_enabled=True,
            object_lock_default_retention=s3.ObjectLockRetention.governance(cdk.Duration.days(90)),
        )
        self.on_call = sns.Topic(self, "OnCall")
        for service in ("cloudwatch", "events"):
            self.on_call.grant_publish(iam.ServicePrincipal(f"{service}.amazonaws.com"))


class Orders(cdk.Stack):
    """An application of its own, with the contact centre's events beside it."""

    def __init__(self, scope: cdk.App, platform: Platform) -> None:
        """Create the stack `Orders`."""
        super().__init__(scope, "Orders")
        orders = dynamodb.TableV2(
            self, "Orders", partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING)
        )
        self.pipeline = GenesysFirehosePipeline(
            self,
            "Calls",
            lake=LakeProps(existing_bucket=platform.lake, existing_bucket_is_locked_and_versioned=True),
            delivery=DeliveryProps(stream_encryption_key=platform.key),
            monitoring=MonitoringProps(existing_alarm_topic=platform.on_call, dashboard=False),
        )
        # A function of the application reads masked events beside its own table, and nothing else of the lake.
        matcher = lambda_.Function(
            self,
            "Matcher",
            runtime=lambda_.Runtime.PYTHON_3_14,
            handler="index.handle",
            code=lambda_.InlineCode("def handle(event, context):\n    return {}\n"),
        )
        orders.grant_read_data(matcher)
        self.pipeline.grant_read_clean(matcher)


app = cdk.App()
platform = Platform(app)
stack = Orders(app, platform)
app.synth()
