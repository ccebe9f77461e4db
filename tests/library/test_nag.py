"""Five rule packs find nothing that is not acknowledged, and every acknowledgement is about one finding."""

import re
from collections.abc import Callable, Iterator
from functools import cache

import aws_cdk as cdk
import pytest
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3
from cdk_nag import (
    AwsSolutionsChecks,
    HIPAASecurityChecks,
    NIST80053R5Checks,
    PCIDSS321Checks,
    ServerlessChecks,
)
from constructs import IConstruct

from genesys_firehose_cdk import (
    BusinessHoursProps,
    DataLakeBucketProps,
    DeliveryProps,
    GenesysFirehosePipeline,
    GenesysWatchProps,
    LakeProps,
    LoadBalancerProps,
    PartnerBusProps,
    RetentionApplied,
    RetentionMode,
    WebhookDomainProps,
    WebhookProps,
)
from tests.library.synthesis import CERTIFICATE_ARN, KEY_ARN, WEB_ACL_ARN, maximal_pipeline, new_stack

PACKS = {
    "AwsSolutions": AwsSolutionsChecks,
    "HIPAA.Security": HIPAASecurityChecks,
    "NIST.800.53.R5": NIST80053R5Checks,
    "PCI.DSS.321": PCIDSS321Checks,
    "Serverless": ServerlessChecks,
}
PARTNER_BUS = PartnerBusProps(
    org_id="3b1f3c1e-0000-4000-8000-000000000000", event_source_suffix="lake", topics=["conversation_details"]
)
_ACKNOWLEDGED = "aws:cdk:acknowledged-rules"


def _default(stack: cdk.Stack) -> None:
    GenesysFirehosePipeline(stack, "Pipeline")


def _with_existing_bucket(stack: cdk.Stack) -> None:
    bucket = s3.Bucket.from_bucket_attributes(
        stack,
        "Existing",
        bucket_name="events",
        encryption_key=kms.Key.from_key_arn(stack, "Key", KEY_ARN),
    )
    GenesysFirehosePipeline(
        stack, "Pipeline", lake=LakeProps(existing_bucket=bucket, existing_bucket_is_locked_and_versioned=True)
    )


def _maximal(stack: cdk.Stack) -> None:
    maximal_pipeline(stack)


def _two(stack: cdk.Stack) -> None:
    GenesysFirehosePipeline(stack, "First")
    GenesysFirehosePipeline(
        stack,
        "Second",
        lake=LakeProps(bucket=DataLakeBucketProps(retention_mode=RetentionMode.NONE)),
        delivery=DeliveryProps(dynamic_partitioning=False),
    )


def _with_bus(stack: cdk.Stack) -> None:
    GenesysFirehosePipeline(stack, "Pipeline", partner_bus=PARTNER_BUS)


def _bus_alone(stack: cdk.Stack) -> None:
    GenesysFirehosePipeline(stack, "Pipeline", webhook=None, partner_bus=PARTNER_BUS)


def _sharded(stack: cdk.Stack) -> None:
    GenesysFirehosePipeline(stack, "Pipeline", delivery=DeliveryProps(shards=2))


def _locked_on_arrival(stack: cdk.Stack) -> None:
    lake = LakeProps(bucket=DataLakeBucketProps(retention_applied=RetentionApplied.ON_ARRIVAL))
    GenesysFirehosePipeline(stack, "Pipeline", lake=lake)


def _behind_a_load_balancer(stack: cdk.Stack) -> None:
    zone = route53.HostedZone.from_hosted_zone_attributes(
        stack, "Zone", hosted_zone_id="Z0123456789ABC", zone_name="example.com"
    )
    domain = WebhookDomainProps(domain_name="events.example.com", hosted_zone=zone)
    GenesysFirehosePipeline(
        stack,
        "Pipeline",
        webhook=WebhookProps(front_door=LoadBalancerProps(), domain=domain),
        watch=GenesysWatchProps(business_hours=BusinessHoursProps(start_hour=8, end_hour=18)),
    )


def _behind_a_guarded_load_balancer(stack: cdk.Stack) -> None:
    certificate = acm.Certificate.from_certificate_arn(stack, "Certificate", CERTIFICATE_ARN)
    vpc = ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-0123456789abcdef0",
        availability_zones=["eu-west-1a", "eu-west-1b"],
        public_subnet_ids=["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    )
    GenesysFirehosePipeline(
        stack,
        "Pipeline",
        webhook=WebhookProps(
            front_door=LoadBalancerProps(vpc=vpc),
            domain=WebhookDomainProps(domain_name="events.example.com", certificate=certificate),
            allowed_cidrs=["198.51.100.0/24", "203.0.113.7/32"],
            web_acl_arn=WEB_ACL_ARN,
        ),
        lake=LakeProps(bucket=DataLakeBucketProps(retention_mode=RetentionMode.NONE)),
        removal_policy=cdk.RemovalPolicy.DESTROY,
        auto_delete_objects=True,
    )


def _thrown_away(stack: cdk.Stack) -> None:
    GenesysFirehosePipeline(
        stack,
        "Pipeline",
        lake=LakeProps(bucket=DataLakeBucketProps(retention_mode=RetentionMode.NONE)),
        removal_policy=cdk.RemovalPolicy.DESTROY,
        auto_delete_objects=True,
    )


PIPELINES: dict[str, Callable[[cdk.Stack], None]] = {
    "default": _default,
    "maximal": _maximal,
    "existing bucket": _with_existing_bucket,
    "two in one stack": _two,
    "webhook and bus": _with_bus,
    "bus alone": _bus_alone,
    "two shards": _sharded,
    "retention on arrival": _locked_on_arrival,
    "thrown away": _thrown_away,
    "behind a load balancer": _behind_a_load_balancer,
    "behind a guarded load balancer": _behind_a_guarded_load_balancer,
}


@cache
def _stack(pipeline: str, *, flags: bool = True) -> cdk.Stack:
    stack = new_stack(context=None if flags else {})
    PIPELINES[pipeline](stack)
    return stack


def _findings(stack: cdk.Stack, pack: str) -> list[str]:
    return [
        f"{violation.rule_name} {resource.construct_path}"
        for violation in PACKS[pack]().validate_scope(stack).violations
        for resource in violation.violating_resources
    ]


def _acknowledgements(stack: cdk.Stack) -> Iterator[tuple[IConstruct, str, str]]:
    """Every acknowledgement with the construct it is on."""
    for construct in stack.node.find_all():
        for entry in construct.node.metadata:
            if entry.type == _ACKNOWLEDGED:
                for rule, reason in entry.data.items():
                    yield construct, rule.partition("::")[2], reason


@pytest.mark.parametrize("pack", PACKS)
@pytest.mark.parametrize("pipeline", PIPELINES)
@pytest.mark.parametrize("flags", [True, False], ids=["the app's feature flags", "no feature flags"])
def test_nothing_is_found_that_is_not_acknowledged(pipeline: str, pack: str, flags: bool) -> None:
    assert _findings(_stack(pipeline, flags=flags), pack) == []


@pytest.mark.parametrize("pack", PACKS)
def test_a_pack_still_finds_what_is_wrong(pack: str) -> None:
    stack = new_stack()
    cdk.aws_sqs.CfnQueue(stack, "Queue")
    s3.CfnBucket(stack, "Bucket")
    assert _findings(stack, pack)


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_each_acknowledgement_is_about_one_finding_on_one_resource(
    pipeline: str, state: Callable[[str, int], None]
) -> None:
    acknowledgements = list(_acknowledgements(_stack(pipeline)))
    for construct, rule, reason in acknowledgements:
        assert cdk.CfnResource.is_cfn_resource(construct), construct.node.path
        assert re.match(rf"({'|'.join(map(re.escape, PACKS))})-", rule), rule
        assert len(reason.split()) >= 8, reason
        assert "[" in rule or "IAM5" not in rule
    state(f"acknowledged findings, {pipeline} pipeline", len(acknowledgements))
    state(f"facts that they are about, {pipeline} pipeline", len(_facts(acknowledgements)))


def _facts(acknowledgements: list[tuple[IConstruct, str, str]]) -> set[tuple[str, str]]:
    """Several packs find the same fact about a resource; the reason tells it apart."""
    return {(construct.node.path, reason) for construct, _, reason in acknowledgements}


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_no_acknowledgement_is_about_a_finding_that_no_pack_makes(pipeline: str) -> None:
    acknowledged = {(construct.node.path, rule) for construct, rule, _ in _acknowledgements(_stack(pipeline))}
    bare = new_stack()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cdk.Validations, "acknowledge", lambda *_: None)
        PIPELINES[pipeline](bare)
    found = {tuple(reversed(finding.split(" ", 1))) for pack in PACKS for finding in _findings(bare, pack)}
    assert acknowledged == found
