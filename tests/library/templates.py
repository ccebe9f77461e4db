"""The template of every kind of pipeline, each synthesized once in a process."""

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import IConstruct

from app import PipelineStack, VerificationStack
from environments import read_settings
from genesys_firehose_cdk import (
    BackfillProps,
    DataLakeBucketProps,
    DeliveryProps,
    EventSubscriptionProps,
    GenesysFirehosePipeline,
    GenesysNamesProps,
    GenesysWatchProps,
    IpAllowListProps,
    LakeManifestsProps,
    LakeProps,
    MonitoringProps,
    RateLimitProps,
    ReconciliationProps,
    SignatureProps,
    TransformProps,
    WebhookDomainProps,
    WebhookProps,
)
from tests.library.synthesis import CONTEXT, Template, new_stack, template_of
from tests.library.test_every_property import CONVERSATIONS_BUS, HOURS, bucket, genesys, secret, zone
from tests.library.test_nag import PIPELINES

NAMES = GenesysNamesProps(kinds=["queue", "user"])
ALLOW_LIST = IpAllowListProps(additional_cidrs=["198.51.100.0/24", "2001:db8::/32"])


def _unpartitioned_and_archived(stack: cdk.Stack) -> None:
    GenesysFirehosePipeline(
        stack,
        "Pipeline",
        delivery=DeliveryProps(dynamic_partitioning=False),
        lake=LakeProps(bucket=DataLakeBucketProps(raw_archive_after_days=30)),
    )


def _every_wing_of_genesys_cloud(stack: cdk.Stack) -> None:
    GenesysFirehosePipeline(
        stack,
        "Pipeline",
        webhook=WebhookProps(signature=SignatureProps.shared_key(rotation=cdk.Duration.days(90))),
        partner_bus=CONVERSATIONS_BUS,
        genesys=genesys(
            stack,
            subscription=EventSubscriptionProps(),
            ip_allow_list=ALLOW_LIST,
            names=NAMES,
            reconciliation=ReconciliationProps(credentials=secret(stack, "Readers")),
            backfill=BackfillProps(credentials=secret(stack, "Backfillers"), settle_after_days=4),
        ),
        watch=GenesysWatchProps(business_hours=HOURS, subscription_path="/api/v2/notifications/eventSubscriptions"),
    )


def _existing_parts(stack: cdk.Stack) -> None:
    GenesysFirehosePipeline(
        stack,
        "Pipeline",
        webhook=WebhookProps(signature=SignatureProps(existing_secret=secret(stack, "Signing"))),
        transform=TransformProps(existing_tokenization_secret=secret(stack, "Tokens")),
        lake=LakeProps(existing_bucket=bucket(stack), existing_bucket_is_locked_and_versioned=True),
        monitoring=MonitoringProps(existing_alarm_topic=sns.Topic(stack, "AlarmTopic")),
    )


def _domain_in_a_hosted_zone(stack: cdk.Stack) -> None:
    domain = WebhookDomainProps(domain_name="events.example.com", hosted_zone=zone(stack))
    GenesysFirehosePipeline(stack, "Pipeline", webhook=WebhookProps(domain=domain))


def _rate_limit(stack: cdk.Stack) -> None:
    rate_limit = RateLimitProps(requests=6000, exempt_cidrs=["198.51.100.0/24", "2001:db8::/32"])
    GenesysFirehosePipeline(stack, "Pipeline", webhook=WebhookProps(rate_limit=rate_limit))


def _every_grant(stack: cdk.Stack) -> None:
    GenesysFirehosePipeline(
        stack,
        "Pipeline",
        partner_bus=CONVERSATIONS_BUS,
        genesys=genesys(stack, reconciliation=ReconciliationProps(credentials=secret(stack, "Readers"))),
        lake=LakeProps(manifests=LakeManifestsProps()),
    )
    for construct in stack.node.find_all():
        for name, grant in _grants_of(construct):
            role = iam.Role(
                stack, f"{construct.node.path.replace('/', '')}{name}", assumed_by=iam.AccountRootPrincipal()
            )
            grant(role)


def _grants_of(construct: IConstruct) -> list[tuple[str, Callable[[iam.IGrantable], Any]]]:
    """The grants that this library's classes offer; those of the CDK's own constructs are the CDK's."""
    if not type(construct).__module__.startswith("genesys_firehose_cdk."):
        return []
    return [(name, method) for name, method in inspect.getmembers(construct, callable) if name.startswith("grant_")]


KINDS: dict[str, Callable[[cdk.Stack], None]] = {
    **PIPELINES,
    "unpartitioned and archived": _unpartitioned_and_archived,
    "every wing of Genesys Cloud": _every_wing_of_genesys_cloud,
    "existing parts": _existing_parts,
    "domain in a hosted zone": _domain_in_a_hosted_zone,
    "rate limit": _rate_limit,
    "every grant": _every_grant,
}
ENVIRONMENTS = tuple(CONTEXT["environments"])
STACKS = ("Pipeline", "Verification")
TEMPLATES = (*KINDS, *(f"{stack} of {name}" for name in ENVIRONMENTS for stack in STACKS))


@cache
def template(name: str) -> Template:
    """The template of a kind of pipeline, or one of an environment of the app."""
    if name in KINDS:
        stack = new_stack()
        KINDS[name](stack)
        return template_of(stack)
    stack_name, _, environment = name.partition(" of ")
    return _environment(environment)[STACKS.index(stack_name)]


@cache
def _environment(name: str) -> tuple[Template, Template]:
    app = cdk.App(analytics_reporting=False, context=CONTEXT)
    settings = read_settings(CONTEXT["environments"], name)
    stack = PipelineStack(app, settings)
    verification = VerificationStack(app, settings, stack.pipeline)
    assembly = app.synth()
    pipeline, tries = (assembly.get_stack_by_name(each.stack_name).template for each in (stack, verification))
    return Template(pipeline), Template(tries)
