"""The construct lives beside others: in one stack, in a foreign app, from one release to the next."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from genesys_firehose_cdk import GenesysFirehosePipeline, LakeProps
from tests.library.synthesis import KEY_ARN, Template, as_list, flat, new_stack, statements, template_of

RETAINED_RESOURCES = Path(__file__).with_name("retained_resources.json")
# Names that tell resources apart within another resource, or not at all.
NOT_UNIQUE = {
    ("AWS::ApiGateway::Stage", "StageName"),
    ("AWS::Athena::NamedQuery", "Name"),
    ("AWS::CloudWatch::Alarm", "MetricName"),
}
IRELAND = cdk.Environment(account="111122223333", region="eu-west-1")


def test_no_retained_resource_is_replaced_by_a_new_release(default: Template) -> None:
    # A change of this file takes their data away from deployed pipelines.
    retained = {
        logical_id: resource["Type"]
        for logical_id, resource in sorted(default.content["Resources"].items())
        if resource.get("UpdateReplacePolicy") == "Retain"
    }
    assert retained == json.loads(RETAINED_RESOURCES.read_text())


def test_two_pipelines_live_in_one_stack() -> None:
    stack = new_stack()
    first = GenesysFirehosePipeline(stack, "Sales")
    second = GenesysFirehosePipeline(stack, "Care")
    template = template_of(stack)
    assert len(template.resources("AWS::KinesisFirehose::DeliveryStream")) == 2
    assert first.name != second.name
    for name in ("Sales", "Care"):
        other = "Care" if name == "Sales" else "Sales"
        references = json.dumps(
            [resource for key, resource in template.content["Resources"].items() if key.startswith(name)]
        )
        assert f'"{other}' not in references


def _fixed_names(stack: cdk.Stack) -> set[tuple[str, str, str]]:
    return {
        (resource["Type"], key, value)
        for resource in template_of(stack).content["Resources"].values()
        for key, value in resource.get("Properties", {}).items()
        if key.endswith("Name") and isinstance(value, str)
        if (resource["Type"], key) not in NOT_UNIQUE
    }


def test_no_name_blocks_a_second_deployment_to_the_same_account() -> None:
    first = new_stack()
    second = cdk.Stack(first.node.root, "Other")
    for stack in (first, second):
        GenesysFirehosePipeline(stack, "Pipeline")
    assert _fixed_names(first)
    assert not _fixed_names(first) & _fixed_names(second)


@pytest.mark.parametrize("environment", [None, IRELAND], ids=["any environment", "Ireland"])
def test_a_foreign_app_without_feature_flags_gets_the_same_safety(environment: cdk.Environment | None) -> None:
    stack = new_stack(context={}, environment=environment)
    GenesysFirehosePipeline(stack, "Events")
    template = template_of(stack)
    log_bucket = template.properties("AWS::S3::Bucket", "DataLake/AccessLogBucket")
    assert "AccessControl" not in log_bucket
    log_policy = template.properties("AWS::S3::BucketPolicy", "DataLake/AccessLogBucket/Policy")["PolicyDocument"]
    assert {"Service": "logging.s3.amazonaws.com"} in [
        statement["Principal"] for statement in log_policy["Statement"] if statement["Effect"] == "Allow"
    ]
    [account] = template.resources("AWS::ApiGateway::Account").values()
    assert account["DeletionPolicy"] == "RetainExceptOnCreate"
    for bucket in template.resources("AWS::S3::Bucket").values():
        assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
    for key in template.resources("AWS::KMS::Key").values():
        for statement in key["Properties"]["KeyPolicy"]["Statement"]:
            assert "Role" not in json.dumps(statement["Principal"])


def test_the_same_pipeline_has_the_same_retained_resources_in_every_app(default: Template) -> None:
    foreign = new_stack(context={}, environment=IRELAND)
    GenesysFirehosePipeline(foreign, "Pipeline")
    for type_name in ("AWS::S3::Bucket", "AWS::KMS::Key", "AWS::SecretsManager::Secret"):
        assert template_of(foreign).resources(type_name).keys() == default.resources(type_name).keys()


def test_an_existing_bucket_takes_the_place_of_a_new_one() -> None:
    stack = new_stack()
    bucket = s3.Bucket.from_bucket_attributes(
        stack,
        "Existing",
        bucket_name="events",
        encryption_key=kms.Key.from_key_arn(stack, "Key", KEY_ARN),
    )
    pipeline = GenesysFirehosePipeline(
        stack, "Pipeline", lake=LakeProps(existing_bucket=bucket, existing_bucket_is_locked_and_versioned=True)
    )
    assert pipeline.bucket.access_log_bucket is None
    template = template_of(stack)
    assert not [key for key in template.resources("AWS::S3::Bucket") if "DataLake" in key]
    policy = statements(template.properties("AWS::IAM::ManagedPolicy", "Delivery/Role/Policy")["PolicyDocument"])
    assert {flat(arn).partition(":::")[2] for arn in as_list(policy["Objects"]["Resource"])} == {
        "events/raw/*",
        "events/clean/*",
        "events/errors/*",
    }
    assert policy["CleanKey"]["Resource"] == KEY_ARN


def test_every_part_of_the_pipeline_can_be_reached() -> None:
    pipeline = GenesysFirehosePipeline(new_stack(), "Pipeline")
    parts: list[Any] = [
        pipeline.bucket.bucket,
        pipeline.bucket.access_log_bucket,
        pipeline.bucket.clean_key,
        pipeline.bucket.raw_key,
        pipeline.delivery_stream.stream,
        pipeline.delivery_stream.role.role,
        pipeline.delivery_stream.log_group,
        pipeline.signing_key.secret,
        pipeline.tokenization_key.secret,
        pipeline.buffer_queue.queue,
        pipeline.buffer_queue.dead_letter_queue,
        pipeline.deduplication_table.table,
        pipeline.ingest_function.function,
        pipeline.transform_function.function,
        pipeline.api.api,
        pipeline.operations_key,
        pipeline.alarm_topic,
        pipeline.alarms.alarms["DeadLetters"],
    ]
    assert all(part is not None for part in parts)
    assert set(pipeline.outputs) >= {"IngestUrl", "HealthUrl", "BucketName", "StreamNames", "SigningSecretArn"}


def test_importing_the_library_imports_no_tool_of_the_command_line() -> None:
    program = (
        "import sys, genesys_firehose_cdk; "
        "print([name for name in ('boto3', 'typer', 'rich', 'ministack', 'cdk_nag') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
