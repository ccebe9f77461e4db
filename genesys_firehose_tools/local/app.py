"""The app that is deployed unless another is named: `python -m genesys_firehose_tools.local.app DIRECTORY FRONT_DOOR`.

It has every way in: the webhook, and the partner bus with an integration that the deployment creates at the local
Genesys Cloud, which also gives the names of queues and of all else that has one, and the conversations that the lake is
held against. A second stack tries the delivery.
"""

import sys

try:
    # Before the CDK: it says in a sentence that Node.js is missing.
    import genesys_firehose_cdk  # noqa: F401
except ImportError as missing:
    sys.exit(str(missing))

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_secretsmanager as secretsmanager

from genesys_firehose_cdk import (
    BackfillProps,
    DeliveryVerification,
    GenesysFirehosePipeline,
    GenesysNamesProps,
    GenesysProps,
    GenesysRegion,
    LoadBalancerProps,
    PartnerBusProps,
    ReconciliationProps,
    WebhookDomainProps,
    WebhookProps,
)
from genesys_firehose_cdk.events.topics import PRESETS
from genesys_firehose_cdk.genesys.names import KINDS
from genesys_firehose_tools.local.front_door import FrontDoorKind

_STACK = "GenesysFirehose-local"


def synthesize(directory: str, front_door: FrontDoorKind) -> None:
    """Write the app's cloud assembly into a directory."""
    # Construct paths tell pipelines apart; the CDK's command line asks for them, too.
    app = cdk.App(outdir=directory, analytics_reporting=False, context={"aws:cdk:enable-path-metadata": True})
    stack = cdk.Stack(app, _STACK, description="Lands Genesys Cloud events in an S3 data lake")
    credentials = secretsmanager.Secret.from_secret_name_v2(stack, "GenesysCredentials", "genesys")
    pipeline = GenesysFirehosePipeline(
        stack,
        "Pipeline",
        webhook=_behind_load_balancer(stack) if front_door is FrontDoorKind.LOAD_BALANCER else WebhookProps(),
        partner_bus=PartnerBusProps(
            org_id="7c1d1e0a-0000-4000-8000-000000000000", event_source_suffix="local", topics=sorted(PRESETS)
        ),
        genesys=GenesysProps(
            region=GenesysRegion.US_EAST_1,
            credentials=credentials,
            names=GenesysNamesProps(kinds=KINDS),
            reconciliation=ReconciliationProps(credentials=credentials),
            backfill=BackfillProps(credentials=credentials),
        ),
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )
    tries = cdk.Stack(app, f"{_STACK}-Verification", description="Tries whether the pipeline delivers")
    verification = DeliveryVerification(tries, "Verification", pipeline=pipeline)
    for name in ("Seconds", "RawRetention", "RawEncryption", "CleanRetention", "CleanEncryption"):
        cdk.CfnOutput(tries, name, value=verification.resource.get_att_string(name))
    app.synth()


def _behind_load_balancer(stack: cdk.Stack) -> WebhookProps:
    # The embedded AWS has no TLS: nobody looks at the certificate.
    certificate = acm.Certificate.from_certificate_arn(
        stack, "Certificate", "arn:aws:acm:us-east-1:000000000000:certificate/7c1d1e0a-0000-4000-8000-000000000000"
    )
    domain = WebhookDomainProps(domain_name="events.example.com", certificate=certificate, probe=False)
    return WebhookProps(front_door=LoadBalancerProps(), domain=domain)


if __name__ == "__main__":
    synthesize(sys.argv[1], FrontDoorKind(sys.argv[2]))
