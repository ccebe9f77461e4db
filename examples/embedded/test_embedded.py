"""The pipeline inside another app delivers into the bucket that is there, with the key that is there."""

import json
import runpy
from pathlib import Path
from typing import Any

import pytest
from aws_cdk.assertions import Template


@pytest.fixture(scope="module")
def app() -> dict[str, Any]:
    return runpy.run_path(str(Path(__file__).with_name("app.py")))


@pytest.fixture(scope="module")
def template(app: dict[str, Any]) -> Template:
    return Template.from_stack(app["stack"])


def test_no_second_lake_is_made(template: Template) -> None:
    assert not template.find_resources("AWS::S3::Bucket", {"Properties": {"ObjectLockEnabled": True}})


def test_firehose_delivers_into_the_platforms_bucket(template: Template) -> None:
    [stream] = template.find_resources("AWS::KinesisFirehose::DeliveryStream").values()
    destination = stream["Properties"]["ExtendedS3DestinationConfiguration"]
    assert "Platform" in json.dumps(destination["BucketARN"])


def test_the_stream_is_encrypted_with_the_platforms_key(template: Template) -> None:
    [stream] = template.find_resources("AWS::KinesisFirehose::DeliveryStream").values()
    encryption = stream["Properties"]["DeliveryStreamEncryptionConfigurationInput"]
    assert encryption["KeyType"] == "CUSTOMER_MANAGED_CMK"
    assert "Platform" in json.dumps(encryption["KeyARN"])


def test_alarms_call_who_is_on_call_already(template: Template) -> None:
    template.resource_count_is("AWS::SNS::Topic", 0)


def test_the_applications_function_reads_clean_alone(template: Template) -> None:
    policies = template.find_resources("AWS::IAM::Policy")
    [matcher] = [json.dumps(policy) for name, policy in policies.items() if name.startswith("Matcher")]
    assert "/clean/*" in matcher
    assert "/raw/" not in matcher
