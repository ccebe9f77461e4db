"""A stream deployed with CloudFormation, and the local Firehose as a process beside it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest

from genesys_firehose_tools.local.firehose.configuration import ConfigurationError
from genesys_firehose_tools.local.firehose.description import StreamDescriptions
from tests.tools.local_firehose.conftest import REGION, ROLE, Aws, script


def log_to(log_stream: str) -> dict[str, Any]:
    return {"Enabled": True, "LogGroupName": {"Ref": "Logs"}, "LogStreamName": {"Ref": log_stream}}


def template(**destination: Any) -> dict[str, Any]:
    trust = {"Effect": "Allow", "Principal": {"Service": "firehose.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return {
        "Resources": {
            # What was delivered keeps CloudFormation from deleting it.
            "Lake": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"},
            "Logs": {"Type": "AWS::Logs::LogGroup"},
            "LakeLog": {
                "Type": "AWS::Logs::LogStream",
                "Properties": {"LogGroupName": {"Ref": "Logs"}, "LogStreamName": "Lake"},
            },
            "BackupLog": {
                "Type": "AWS::Logs::LogStream",
                "Properties": {"LogGroupName": {"Ref": "Logs"}, "LogStreamName": "Backup"},
            },
            "RawKey": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {}}},
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]}},
            },
            "Stream": {
                "Type": "AWS::KinesisFirehose::DeliveryStream",
                "Properties": {
                    "DeliveryStreamType": "DirectPut",
                    "ExtendedS3DestinationConfiguration": {
                        "BucketARN": {"Fn::GetAtt": ["Lake", "Arn"]},
                        "RoleARN": {"Fn::GetAtt": ["Role", "Arn"]},
                        "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60},
                        "CloudWatchLoggingOptions": log_to("LakeLog"),
                        "CompressionFormat": "GZIP",
                        "Prefix": "clean/",
                        "ErrorOutputPrefix": "errors/!{firehose:error-output-type}/",
                        **destination,
                    },
                },
            },
        }
    }


BACKUP = {
    "S3BackupMode": "Enabled",
    "S3BackupConfiguration": {
        "BucketARN": {"Fn::GetAtt": ["Lake", "Arn"]},
        "RoleARN": {"Fn::GetAtt": ["Role", "Arn"]},
        "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60},
        "CloudWatchLoggingOptions": log_to("BackupLog"),
        "CompressionFormat": "GZIP",
        "EncryptionConfiguration": {"KMSEncryptionConfig": {"AWSKMSKeyARN": {"Fn::GetAtt": ["RawKey", "Arn"]}}},
        "Prefix": "raw/!{timestamp:yyyy/MM/dd/HH}/",
    },
}


@contextmanager
def deployed(aws: Aws, **destination: Any) -> Iterator[dict[str, str]]:
    """Deploy a stack; give its physical names by logical id."""
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(StackName="lake", TemplateBody=json.dumps(template(**destination)))
    cloudformation.get_waiter("stack_create_complete").wait(StackName="lake", WaiterConfig={"Delay": 1})
    resources = cloudformation.describe_stack_resources(StackName="lake")["StackResources"]
    yield {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources}
    cloudformation.delete_stack(StackName="lake")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="lake", WaiterConfig={"Delay": 1})


def descriptions(aws: Aws) -> StreamDescriptions:
    return StreamDescriptions(*map(aws.client, ("firehose", "cloudformation", "kms")))


def test_what_the_embedded_aws_leaves_out_of_a_description_comes_from_the_template(aws: Aws) -> None:
    """API Reference, "ExtendedS3DestinationDescription"."""
    with deployed(aws, **BACKUP, CustomTimeZone="Europe/Berlin", FileExtension=".jsonl.gz") as names:
        (destination,) = descriptions(aws).read(names["Stream"])["Destinations"]
        key_arn = aws.client("kms").describe_key(KeyId=names["RawKey"])["KeyMetadata"]["Arn"]
        role_arn = aws.client("iam").get_role(RoleName=names["Role"])["Role"]["Arn"]
    described = destination["ExtendedS3DestinationDescription"]
    assert described["CustomTimeZone"] == "Europe/Berlin"
    assert described["FileExtension"] == ".jsonl.gz"
    assert described["S3BackupDescription"] == {
        **BACKUP["S3BackupConfiguration"],  # type: ignore[dict-item]
        "BucketARN": f"arn:aws:s3:::{names['Lake']}",
        "RoleARN": role_arn,
        "CloudWatchLoggingOptions": {"Enabled": True, "LogGroupName": names["Logs"], "LogStreamName": "Backup"},
        "EncryptionConfiguration": {"KMSEncryptionConfig": {"AWSKMSKeyARN": key_arn}},
    }


def test_a_backup_value_that_cannot_be_resolved_is_named(aws: Aws) -> None:
    backup = {**BACKUP["S3BackupConfiguration"], "BucketARN": {"Fn::Sub": "arn:aws:s3:::${Lake}"}}  # type: ignore[dict-item]
    with (
        deployed(aws, S3BackupMode="Enabled", S3BackupConfiguration=backup) as names,
        pytest.raises(ConfigurationError, match="BucketARN of the source record backup"),
    ):
        descriptions(aws).read(names["Stream"])


def test_a_backup_without_readable_settings_is_refused_rather_than_left_out(aws: Aws, bucket: str) -> None:
    destination = {"RoleARN": ROLE, "BucketARN": f"arn:aws:s3:::{bucket}", "S3BackupMode": "Enabled"}
    aws.client("firehose").create_delivery_stream(
        DeliveryStreamName=bucket, ExtendedS3DestinationConfiguration=destination
    )
    with pytest.raises(ConfigurationError, match="nowhere to be read"):
        descriptions(aws).read(bucket)


@contextmanager
def process(aws: Aws, speed: str) -> Iterator[tuple[subprocess.Popen[str], Any]]:
    """Run the module; give the process and a boto3 client of it."""
    arguments = ["--endpoint-url", aws.endpoint_url, "--region", REGION, "--speed", speed]
    with subprocess.Popen(
        [sys.executable, "-m", "genesys_firehose_tools.local.firehose", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path[1:])},
    ) as running:
        assert running.stdout is not None
        url = json.loads(running.stdout.readline())["url"]
        try:
            yield running, boto3.client("firehose", endpoint_url=url, region_name=REGION)
        finally:
            running.kill()


def test_the_process_delivers_what_it_holds_when_it_is_told_to_stop(aws: Aws, function_arn: str) -> None:
    """The whole way: producer, backup, the deployed function, and the role's own credentials."""
    processors = [{"Type": "Lambda", "Parameters": [{"ParameterName": "LambdaArn", "ParameterValue": function_arn}]}]
    processing = {"Enabled": True, "Processors": processors}
    record = script("answer", data="masked\n")
    with deployed(aws, **BACKUP, ProcessingConfiguration=processing) as names, process(aws, "1") as (running, sdk):
        sdk.put_record(DeliveryStreamName=names["Stream"], Record={"Data": record})
        assert aws.objects(names["Lake"]) == {}
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 0
        found = aws.objects(names["Lake"])
    assert {key.partition("/")[0]: body for key, body in found.items()} == {"raw": record, "clean": b"masked\n"}


def test_the_process_fails_when_it_stops_with_something_undelivered(aws: Aws, bucket: str) -> None:
    destination = {"RoleARN": ROLE, "BucketARN": f"arn:aws:s3:::{bucket}-missing"}
    aws.client("firehose").create_delivery_stream(
        DeliveryStreamName=bucket, ExtendedS3DestinationConfiguration=destination
    )
    with process(aws, "1") as (running, sdk):
        sdk.put_record(DeliveryStreamName=bucket, Record={"Data": b"x"})
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 1


def test_a_speed_of_zero_is_refused(aws: Aws) -> None:
    arguments = ["--endpoint-url", aws.endpoint_url, "--region", REGION, "--speed", "0"]
    answer = subprocess.run(
        [sys.executable, "-m", "genesys_firehose_tools.local.firehose", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode != 0
    assert "speed must be above 0, not 0.0." in answer.stderr
