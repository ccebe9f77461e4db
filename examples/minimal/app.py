"""The smallest app: a webhook, and a lake behind it, all by their defaults."""

import aws_cdk as cdk

from genesys_firehose_cdk import GenesysFirehosePipeline

app = cdk.App()
stack = cdk.Stack(app, "ContactCentre")
pipeline = GenesysFirehosePipeline(stack, "Events")
app.synth()
