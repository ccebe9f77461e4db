"""Several pipelines: two brands in one stack, each with a lake and a key of its own, and one alarm topic for both."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns

from genesys_firehose_cdk import GenesysFirehosePipeline, MonitoringProps, SignatureProps, WebhookProps

app = cdk.App()
stack = cdk.Stack(app, "ContactCentre")

topic_key = kms.Key(stack, "AlarmsKey", enable_key_rotation=True)
alarms = sns.Topic(stack, "Alarms", master_key=topic_key, enforce_ssl=True)
for service in ("cloudwatch", "events"):
    publisher = iam.ServicePrincipal(f"{service}.amazonaws.com")
    alarms.grant_publish(publisher)
    topic_key.grant_encrypt_decrypt(publisher)

pipelines = {
    brand: GenesysFirehosePipeline(
        stack,
        brand,
        webhook=WebhookProps(
            path=f"ingest/{brand.lower()}",
            signature=SignatureProps.open_messaging(),
            # API Gateway's logging role is one setting for account and region: the first pipeline makes it.
            cloud_watch_role=brand == "North",
        ),
        monitoring=MonitoringProps(existing_alarm_topic=alarms),
    )
    for brand in ("North", "South")
}
# The role is there before the second API's stage needs it.
pipelines["South"].node.add_dependency(pipelines["North"])
app.synth()
