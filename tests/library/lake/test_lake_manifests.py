"""The manifests' parts: who signs, who writes, who verifies, and what stays."""

import json
from dataclasses import replace
from functools import cache
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam

from genesys_firehose_cdk import (
    DataLakeBucketProps,
    DeliveryProps,
    GenesysFirehosePipeline,
    LakeManifestsProps,
    LakeProps,
    ReconciliationProps,
    RetentionApplied,
    TransformProps,
)
from tests.library.synthesis import Template, as_list, flat, new_stack, statements, synthesize, template_of
from tests.library.test_every_property import BUS, bucket, genesys, secret

KEY, ROLE, FUNCTION = "PipelineManifestsKey", "PipelineManifestsFunctionRole", "PipelineManifestsFunction"


def _lake(**properties: Any) -> LakeProps:
    return LakeProps(manifests=LakeManifestsProps(), **properties)


@cache
def _template() -> Template:
    return synthesize(lake=_lake())


def _the(template: Template, kind: str, name: str) -> tuple[str, dict[str, Any]]:
    [found] = [(key, each) for key, each in template.resources(kind).items() if key.startswith(name)]
    return found


def _but_the_function(template: Template) -> dict[str, Any]:
    role, _ = _the(template, "AWS::IAM::Role", ROLE)
    return {"ArnNotEquals": {"aws:PrincipalArn": {"Fn::GetAtt": [role, "Arn"]}}}


def _policy(template: Template, name: str = f"{FUNCTION}Policy") -> dict[str, dict[str, Any]]:
    _, policy = _the(template, "AWS::IAM::ManagedPolicy", name)
    return statements(policy["Properties"]["PolicyDocument"])


def test_there_are_no_manifests_unless_they_are_asked_for() -> None:
    assert "manifest" not in json.dumps(synthesize().content).lower()


def test_the_key_signs_and_is_kept() -> None:
    _, key = _the(_template(), "AWS::KMS::Key", KEY)
    assert (key["Properties"]["KeySpec"], key["Properties"]["KeyUsage"]) == ("ECC_NIST_P256", "SIGN_VERIFY")
    assert (key["DeletionPolicy"], key["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    # KMS rotates no asymmetric key, and refuses to be asked to.
    assert "EnableKeyRotation" not in key["Properties"]


def test_the_function_alone_may_sign_and_write_manifests() -> None:
    template = _template()
    _, key = _the(template, "AWS::KMS::Key", KEY)
    denial = statements(key["Properties"]["KeyPolicy"])["DenyOtherSigner"]
    assert (denial["Effect"], denial["Action"], denial["Principal"]) == ("Deny", "kms:Sign", {"AWS": "*"})
    assert denial["Condition"] == _but_the_function(template)
    _, policy = _the(template, "AWS::S3::BucketPolicy", "PipelineDataLakeBucketPolicy")
    denial = statements(policy["Properties"]["PolicyDocument"])["DenyOtherWriterOfManifests"]
    assert (denial["Effect"], denial["Action"]) == ("Deny", "s3:PutObject")
    assert flat(denial["Resource"]).endswith("/manifests/*")
    assert denial["Condition"] == _but_the_function(template)
    signers = [
        name
        for kind in ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy")
        for name, each in template.resources(kind).items()
        if "kms:Sign" in json.dumps(each)
    ]
    assert [name.startswith(f"{FUNCTION}Policy") for name in signers] == [True]


def test_the_function_may_change_nothing_and_delete_nothing() -> None:
    actions = {action for each in _policy(_template()).values() for action in as_list(each["Action"])}
    assert {action for action in actions if action.startswith("s3:")} == {
        "s3:ListBucketVersions",
        "s3:GetObjectVersion",
        "s3:PutObject",
        # Of the tables.
        "s3:GetObject",
        "s3:ListBucket",
        "s3:GetBucketLocation",
    }
    assert flat(_policy(_template())["Write"]["Resource"]).endswith("/manifests/*")


def test_without_tables_nobody_is_asked_about_them() -> None:
    for template in (synthesize(lake=_lake(tables=None)), _unpartitioned()):
        _, function = _the(template, "AWS::Lambda::Function", FUNCTION)
        variables = function["Properties"]["Environment"]["Variables"]
        assert (variables["WORKGROUP"], variables["DATABASE"]) == ("", "")
        assert "athena" not in json.dumps(_policy(template))


def _unpartitioned() -> Template:
    return synthesize(lake=_lake(), delivery=DeliveryProps(dynamic_partitioning=False))


def test_the_function_knows_when_a_day_is_closed_and_how_far_from_its_arrival_an_event_may_be_filed() -> None:
    lake = LakeProps(manifests=LakeManifestsProps(closed_after=cdk.Duration.days(6)))
    template = synthesize(lake=lake, transform=TransformProps(event_date_past_days=9, event_date_future_days=3))
    _, function = _the(template, "AWS::Lambda::Function", FUNCTION)
    variables = function["Properties"]["Environment"]["Variables"]
    assert variables["CLOSED_AFTER_HOURS"] == "144"
    assert (variables["EVENT_DATE_PAST_DAYS"], variables["EVENT_DATE_FUTURE_DAYS"]) == ("9", "3")


@pytest.mark.parametrize(
    ("given", "is_reconciled", "hours"),
    [({}, False, "26"), ({}, True, "120"), ({"closed_after": cdk.Duration.hours(25)}, True, "25")],
)
def test_a_manifest_waits_for_the_last_check_of_its_day_unless_it_is_told_otherwise(
    given: dict[str, cdk.Duration], is_reconciled: bool, hours: str
) -> None:
    stack = new_stack()
    wings = {"genesys": genesys(stack, reconciliation=ReconciliationProps(credentials=secret(stack, "Readers")))}
    GenesysFirehosePipeline(
        stack,
        "Pipeline",
        lake=LakeProps(manifests=LakeManifestsProps(**given)),
        partner_bus=replace(BUS, topics=["conversation_details"]),
        **(wings if is_reconciled else {}),
    )
    _, function = _the(template_of(stack), "AWS::Lambda::Function", FUNCTION)
    assert function["Properties"]["Environment"]["Variables"]["CLOSED_AFTER_HOURS"] == hours


def test_with_retention_on_arrival_manifests_are_locked_as_raw_is() -> None:
    template = synthesize(lake=_lake(bucket=DataLakeBucketProps(retention_applied=RetentionApplied.ON_ARRIVAL)))
    _, rule = _the(template, "AWS::Events::Rule", "PipelineRetentionArrivals")
    assert {"prefix": "manifests/"} in rule["Properties"]["EventPattern"]["detail"]["object"]["key"]
    _, policy = _the(template, "AWS::S3::BucketPolicy", "PipelineDataLakeBucketWithoutDefaultRetentionPolicy")
    denial = statements(policy["Properties"]["PolicyDocument"])["DenyDeletionOfVersions"]
    assert any(flat(each).endswith("/manifests/*") for each in denial["Resource"])


def test_an_existing_bucket_has_manifests_too() -> None:
    stack = new_stack()
    lake = LakeProps(
        existing_bucket=bucket(stack),
        existing_bucket_is_locked_and_versioned=True,
        manifests=LakeManifestsProps(),
    )
    GenesysFirehosePipeline(stack, "Pipeline", lake=lake)
    _, function = _the(template_of(stack), "AWS::Lambda::Function", FUNCTION)
    assert function["Properties"]["Environment"]["Variables"]["BUCKET_NAME"] == "events"


def test_an_auditor_may_read_what_is_to_be_verified_and_do_nothing_else() -> None:
    stack = new_stack()
    pipeline = GenesysFirehosePipeline(stack, "Pipeline", lake=_lake())
    auditor = iam.Role(stack, "Auditor", assumed_by=iam.AccountRootPrincipal())
    assert pipeline.manifests is not None
    pipeline.manifests.grant_verify(auditor)
    _, policy = _the(template_of(stack), "AWS::IAM::Policy", "Auditor")
    found = {
        action: each
        for each in policy["Properties"]["PolicyDocument"]["Statement"]
        for action in as_list(each["Action"])
    }
    assert found.keys() == {"s3:ListBucketVersions", "s3:GetObjectVersion", "kms:Decrypt", "kms:GetPublicKey"}
    assert found["s3:ListBucketVersions"]["Condition"] == {"StringLike": {"s3:prefix": ["raw/*", "manifests/*"]}}
    assert sorted(flat(each).rpartition(">/")[2] for each in found["s3:GetObjectVersion"]["Resource"]) == [
        "manifests/*",
        "raw/*",
    ]
    assert "RawKey" in flat(found["kms:Decrypt"]["Resource"])
