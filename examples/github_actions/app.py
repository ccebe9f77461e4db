"""The app that the workflows check and deploy: a pipeline, under the rules of cdk-nag."""

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from genesys_firehose_cdk import GenesysFirehosePipeline, SignatureProps, WebhookProps

app = cdk.App()
cdk.Validations.of(app).add_plugins(AwsSolutionsChecks())
stack = cdk.Stack(app, "ContactCentre", env=cdk.Environment(account="111122223333", region="eu-central-1"))
GenesysFirehosePipeline(stack, "Events", webhook=WebhookProps(signature=SignatureProps.open_messaging()))
app.synth()
