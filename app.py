"""The app: a pipeline per environment and a stack that tries it, checked by cdk-nag on every synthesis."""

import sys

try:
    # Before the CDK: it says in a sentence that Node.js is missing.
    import genesys_firehose_cdk  # noqa: F401
except ImportError as missing:
    sys.exit(f"error: {missing}")

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_kms as kms
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_secretsmanager as secretsmanager
from cdk_nag import (
    AwsSolutionsChecks,
    HIPAASecurityChecks,
    NIST80053R5Checks,
    PCIDSS321Checks,
    ServerlessChecks,
)

from environments import DEFAULT_ENVIRONMENT, EnvironmentSettings, read_settings
from genesys_firehose_cdk import (
    BackfillProps,
    DeliveryVerification,
    GenesysFirehosePipeline,
    GenesysProps,
    GenesysRegion,
    InvalidPropertyError,
    LoadBalancerProps,
    ReconciliationProps,
    WebhookDomainProps,
    WebhookProps,
)


class PipelineStack(cdk.Stack):
    """The pipeline of one environment."""

    def __init__(self, scope: cdk.App, settings: EnvironmentSettings) -> None:
        """Create the stack `GenesysFirehose-<environment>`.

        Raises:
            InvalidPropertyError: A setting that the pipeline refuses.
        """
        super().__init__(
            scope,
            f"GenesysFirehose-{settings.name}",
            env=cdk.Environment(account=settings.account, region=settings.region),
            description="Lands Genesys Cloud events in an S3 data lake",
            termination_protection=settings.protected,
            tags=dict(settings.tags or {}),
        )
        self.pipeline = GenesysFirehosePipeline(
            self,
            "Pipeline",
            webhook=self._webhook(settings),
            partner_bus=settings.partner_bus_props,
            genesys=self._genesys(settings),
            watch=settings.watch_props,
            transform=settings.transform_props,
            delivery=settings.delivery_props,
            lake=settings.lake_props,
            monitoring=settings.monitoring_props,
            removal_policy=settings.cdk_removal_policy,
            auto_delete_objects=settings.auto_delete_objects,
        )
        for name, output in self.pipeline.outputs.items():
            # One pipeline in this stack, so the outputs can have their plain names.
            output.override_logical_id(name)

    def _webhook(self, settings: EnvironmentSettings) -> WebhookProps | None:
        if not settings.webhook:
            return None
        return WebhookProps(
            front_door=LoadBalancerProps() if settings.load_balancer else None,
            domain=self._domain(settings),
            allowed_cidrs=settings.allowed_cidrs,
            web_acl_arn=settings.web_acl_arn,
            cloud_watch_role=settings.cloud_watch_role,
        )

    def _domain(self, settings: EnvironmentSettings) -> WebhookDomainProps | None:
        if settings.domain_name is None:
            return None
        certificate = hosted_zone = None
        if settings.certificate_arn is not None:
            certificate = acm.Certificate.from_certificate_arn(self, "Certificate", settings.certificate_arn)
        if settings.hosted_zone_id is not None and settings.hosted_zone_name is not None:
            hosted_zone = route53.HostedZone.from_hosted_zone_attributes(
                self,
                "HostedZone",
                hosted_zone_id=settings.hosted_zone_id,
                zone_name=settings.hosted_zone_name,
            )
        return WebhookDomainProps(domain_name=settings.domain_name, certificate=certificate, hosted_zone=hosted_zone)

    def _genesys(self, settings: EnvironmentSettings) -> GenesysProps | None:
        if settings.genesys_region is None or settings.genesys_credentials_arn is None:
            return None
        key = settings.genesys_credentials_key_arn
        credentials = secretsmanager.Secret.from_secret_attributes(
            self,
            "GenesysCredentials",
            secret_complete_arn=settings.genesys_credentials_arn,
            encryption_key=None if key is None else kms.Key.from_key_arn(self, "GenesysCredentialsKey", key),
        )
        return GenesysProps(
            region=GenesysRegion[settings.genesys_region],
            credentials=credentials,
            manage_integration=settings.manage_integration,
            ip_allow_list=settings.ip_allow_list_props,
            names=settings.names_props,
            reconciliation=self._reconciliation(settings),
            backfill=self._backfill(settings),
        )

    def _reconciliation(self, settings: EnvironmentSettings) -> ReconciliationProps | None:
        arn = settings.reconciliation_credentials_arn
        if arn is None:
            return None
        return ReconciliationProps(
            credentials=secretsmanager.Secret.from_secret_complete_arn(self, "ReconciliationCredentials", arn)
        )

    def _backfill(self, settings: EnvironmentSettings) -> BackfillProps | None:
        arn = settings.backfill_credentials_arn
        if arn is None:
            return None
        return BackfillProps(
            credentials=secretsmanager.Secret.from_secret_complete_arn(self, "BackfillCredentials", arn)
        )


class VerificationStack(cdk.Stack):
    """Tries the delivery of an environment's pipeline, after each deployment that changed something on its way.

    A stack of its own, so that a failure leaves the pipeline as it is.
    """

    def __init__(self, scope: cdk.App, settings: EnvironmentSettings, pipeline: GenesysFirehosePipeline) -> None:
        """Create the stack `GenesysFirehose-<environment>-Verification`."""
        super().__init__(
            scope,
            f"GenesysFirehose-{settings.name}-Verification",
            env=cdk.Environment(account=settings.account, region=settings.region),
            description="Tries whether the pipeline delivers",
            tags=dict(settings.tags or {}),
        )
        verification = DeliveryVerification(self, "Verification", pipeline=pipeline)
        for name in ("Seconds", "RawRetention", "RawEncryption", "CleanRetention", "CleanEncryption"):
            cdk.CfnOutput(self, name, value=verification.resource.get_att_string(name))


def create_stack(app: cdk.App) -> PipelineStack:
    """Add the stacks of the environment that the context key `env` names, dev by default, and the checks.

    Returns:
        The pipeline's.

    Raises:
        InvalidPropertyError: The settings in the context are wrong; the message names the key.
    """
    name = app.node.try_get_context("env") or DEFAULT_ENVIRONMENT
    settings = read_settings(app.node.try_get_context("environments"), name)
    cdk.Validations.of(app).add_plugins(
        AwsSolutionsChecks(),
        HIPAASecurityChecks(),
        NIST80053R5Checks(),
        PCIDSS321Checks(),
        ServerlessChecks(),
    )
    stack = PipelineStack(app, settings)
    if settings.verification:
        VerificationStack(app, settings, stack.pipeline)
    return stack


def main() -> None:
    """Synthesize the app, or end with one sentence that says which setting is wrong."""
    app = cdk.App(analytics_reporting=False)
    try:
        create_stack(app)
    except InvalidPropertyError as error:
        sys.exit(f"error: {error}")
    app.synth()


if __name__ == "__main__":
    main()
