"""A stream that is replaced or removed stays, with all that it takes to deliver what it still holds."""

import json
import re
from typing import Any

import aws_cdk as cdk
import pytest

from genesys_firehose_cdk import DeliveryProps
from tests.library.synthesis import Template, synthesize

STREAM = "AWS::KinesisFirehose::DeliveryStream"


def _kept(template: Template) -> set[str]:
    return {
        logical_id
        for logical_id, resource in template.content["Resources"].items()
        if resource.get("DeletionPolicy") == "RetainExceptOnCreate"
    }


def _references(template: Template, value: Any) -> set[str]:
    """The logical ids of resources that a value names, those of pseudo parameters left out."""
    named = re.findall(r'"(?:Ref|Fn::GetAtt)": (?:\["?|")"?([A-Za-z0-9]+)"', json.dumps(value))
    return {name for name in named if name in template.content["Resources"]}


def test_a_stream_of_the_other_form_is_another_stream_and_all_else_that_is_kept_is_the_same(
    default: Template, unpartitioned: Template
) -> None:
    [partitioned_id], [unpartitioned_id] = default.resources(STREAM), unpartitioned.resources(STREAM)
    assert partitioned_id != unpartitioned_id
    # Tables and results of queries are kept, too; without partitions there is nothing to query, and nothing to rebuild.
    catalog = {key for key in _kept(default) if any(wing in key for wing in ("Catalog", "Rebuild", "Tables"))}
    assert _kept(default) - _kept(unpartitioned) == {partitioned_id} | catalog
    assert _kept(unpartitioned) - _kept(default) == {unpartitioned_id}


def test_the_streams_of_both_forms_deliver_with_one_role(default: Template, unpartitioned: Template) -> None:
    def role(template: Template) -> Any:
        [stream] = template.resources(STREAM).values()
        return stream["Properties"]["ExtendedS3DestinationConfiguration"]["RoleARN"]

    assert role(default) == role(unpartitioned)


def test_a_partition_is_retried_for_as_long_as_firehose_can(default: Template) -> None:
    [stream] = default.resources(STREAM).values()
    partitioning = stream["Properties"]["ExtendedS3DestinationConfiguration"]["DynamicPartitioningConfiguration"]
    assert partitioning == {"Enabled": True, "RetryOptions": {"DurationInSeconds": 7200}}


@pytest.mark.parametrize("name", ["default", "unpartitioned", "maximal"])
def test_whatever_a_kept_stream_names_is_kept_with_it(name: str, request: pytest.FixtureRequest) -> None:
    template: Template = request.getfixturevalue(name)
    resources = template.content["Resources"]
    pending, reached = set(template.resources(STREAM)), set[str]()
    while pending:
        reached |= pending
        pending = {
            reference
            for logical_id, resource in resources.items()
            # A policy is attached to the role that the stream names.
            if logical_id in reached or _references(template, resource.get("Properties", {}).get("Roles", [])) & reached
            for reference in {logical_id} | _references(template, resource.get("Properties", {}))
        } - reached
    # What the maximal pipeline's test gave it is not the pipeline's to keep.
    mine = {logical_id for logical_id in reached if logical_id.startswith("Pipeline")}
    types = {resources[logical_id]["Type"] for logical_id in mine}
    assert types >= {STREAM, "AWS::IAM::Role", "AWS::IAM::ManagedPolicy", "AWS::Lambda::Function", "AWS::S3::Bucket"}
    assert {"AWS::KMS::Key", "AWS::SecretsManager::Secret", "AWS::DynamoDB::Table", "AWS::Logs::LogGroup"} <= types
    assert mine - _kept(template) == set()


def test_of_what_serves_a_stream_the_replaced_one_goes(default: Template) -> None:
    serving = [
        resource
        for logical_id, resource in default.content["Resources"].items()
        if resource["Type"] in ("AWS::IAM::Role", "AWS::IAM::ManagedPolicy", "AWS::Lambda::Function")
        if logical_id in _kept(default) and "Ingress" not in logical_id
    ]
    assert len(serving) == 5
    assert {resource["UpdateReplacePolicy"] for resource in serving} == {"Delete"}


def test_with_destroy_no_stream_is_kept() -> None:
    template = synthesize(removal_policy=cdk.RemovalPolicy.DESTROY, delivery=DeliveryProps(shards=2))
    assert [logical_id for logical_id in _kept(template) if "Delivery" in logical_id or "Transform" in logical_id] == []
    assert {stream["DeletionPolicy"] for stream in template.resources(STREAM).values()} == {"Delete"}
