"""Events over Amazon EventBridge alone: no public endpoint, no signing key, no certificate.

The secret holds the OAuth client with which the stack makes the integration at Genesys Cloud.
"""

import aws_cdk as cdk
from aws_cdk import aws_secretsmanager as secretsmanager

from genesys_firehose_cdk import (
    BusinessHoursProps,
    GenesysFirehosePipeline,
    GenesysNamesProps,
    GenesysProps,
    GenesysRegion,
    GenesysWatchProps,
    PartnerBusProps,
)

app = cdk.App()
stack = cdk.Stack(app, "ContactCentre", env=cdk.Environment(account="111122223333", region="eu-central-1"))
credentials = secretsmanager.Secret.from_secret_complete_arn(
    stack, "GenesysClient", "arn:aws:secretsmanager:eu-central-1:111122223333:secret:genesys/oauth-client-a1b2c3"
)
pipeline = GenesysFirehosePipeline(
    stack,
    "Events",
    webhook=None,
    partner_bus=PartnerBusProps(
        org_id="3b1f3c1e-0000-4000-8000-000000000000",
        event_source_suffix="lake",
        topics=["conversation_details", "agent_presence", "routing_status"],
    ),
    genesys=GenesysProps(region=GenesysRegion.EU_CENTRAL_1, credentials=credentials, names=GenesysNamesProps()),
    watch=GenesysWatchProps(business_hours=BusinessHoursProps(start_hour=7, end_hour=17)),
)
app.synth()
