"""Firehose delivers as the design says, with a role that can do that and nothing else."""

from typing import Any

import aws_cdk as cdk
import pytest

from genesys_firehose_cdk import BufferingProps, DeliveryProps
from tests.library.synthesis import Template, as_list, flat, statements, synthesize


def _destination(template: Template) -> dict[str, Any]:
    stream = template.properties("AWS::KinesisFirehose::DeliveryStream")
    destination: dict[str, Any] = stream["ExtendedS3DestinationConfiguration"]
    return destination


def _processor(template: Template) -> dict[str, Any]:
    [processor] = _destination(template)["ProcessingConfiguration"]["Processors"]
    assert processor["Type"] == "Lambda"
    return {parameter["ParameterName"]: parameter["ParameterValue"] for parameter in processor["Parameters"]}


def _role_policy(template: Template) -> dict[str, dict[str, Any]]:
    return statements(template.properties("AWS::IAM::ManagedPolicy", "Delivery/Role/Policy")["PolicyDocument"])


def test_stream_takes_direct_puts_and_is_encrypted(default: Template, maximal: Template) -> None:
    stream = default.properties("AWS::KinesisFirehose::DeliveryStream")
    assert stream["DeliveryStreamType"] == "DirectPut"
    assert stream["DeliveryStreamEncryptionConfigurationInput"] == {"KeyType": "AWS_OWNED_CMK"}
    own_key = maximal.properties("AWS::KinesisFirehose::DeliveryStream")["DeliveryStreamEncryptionConfigurationInput"]
    assert own_key["KeyType"] == "CUSTOMER_MANAGED_CMK"
    assert "StreamKey" in flat(own_key["KeyARN"])


def test_clean_is_partitioned_by_event_type_and_date_in_gzip_and_utc(default: Template) -> None:
    destination = _destination(default)
    assert destination["DynamicPartitioningConfiguration"]["Enabled"] is True
    assert destination["Prefix"] == (
        "clean/event_type=!{partitionKeyFromLambda:event_type}/date=!{partitionKeyFromLambda:date}/"
    )
    assert destination["CompressionFormat"] == "GZIP"
    assert destination["FileExtension"] == ".json.gz"
    assert destination["CustomTimeZone"] == "UTC"
    assert "CleanKey" in flat(destination["EncryptionConfiguration"]["KMSEncryptionConfig"]["AWSKMSKeyARN"])


def test_everything_is_backed_up_as_received_under_its_own_key(default: Template) -> None:
    destination = _destination(default)
    backup = destination["S3BackupConfiguration"]
    assert destination["S3BackupMode"] == "Enabled"
    assert backup["Prefix"] == "raw/!{timestamp:yyyy/MM/dd/HH}/"
    assert backup["CompressionFormat"] == "GZIP"
    assert "RawKey" in flat(backup["EncryptionConfiguration"]["KMSEncryptionConfig"]["AWSKMSKeyARN"])


def test_errors_have_their_own_prefix_without_partition_keys(default: Template) -> None:
    prefix = _destination(default)["ErrorOutputPrefix"]
    assert prefix.startswith("errors/!{firehose:error-output-type}/")
    assert "partitionKey" not in prefix


def test_delivery_failures_are_logged(default: Template) -> None:
    destination = _destination(default)
    for part in (destination, destination["S3BackupConfiguration"]):
        assert part["CloudWatchLoggingOptions"]["Enabled"] is True


def test_a_partitioned_destination_buffers_64_mib_and_its_processor_and_backup_1_mib(default: Template) -> None:
    destination = _destination(default)
    assert destination["BufferingHints"] == {"SizeInMBs": 64, "IntervalInSeconds": 60}
    assert destination["S3BackupConfiguration"]["BufferingHints"] == {"SizeInMBs": 1, "IntervalInSeconds": 60}
    processor = _processor(default)
    assert processor["BufferSizeInMBs"] == "1"


def test_an_event_is_in_clean_within_120_seconds_at_the_worst(default: Template) -> None:
    interval = _destination(default)["BufferingHints"]["IntervalInSeconds"]
    assert int(_processor(default)["BufferIntervalInSeconds"]) + 1.5 * interval < 120


def test_an_unpartitioned_destination_buffers_1_mib_or_60_seconds(unpartitioned: Template) -> None:
    destination = _destination(unpartitioned)
    assert destination["BufferingHints"] == {"SizeInMBs": 1, "IntervalInSeconds": 60}
    assert "DynamicPartitioningConfiguration" not in destination
    assert destination["Prefix"] == "clean/!{timestamp:yyyy/MM/dd}/"


def test_given_buffering_reaches_every_stage_within_its_own_limit(maximal: Template) -> None:
    destination = _destination(maximal)
    assert destination["BufferingHints"] == {"SizeInMBs": 128, "IntervalInSeconds": 900}
    assert destination["S3BackupConfiguration"]["BufferingHints"] == {"SizeInMBs": 128, "IntervalInSeconds": 900}
    assert _processor(maximal)["BufferSizeInMBs"] == "3"
    assert _processor(maximal)["BufferIntervalInSeconds"] == "20"


def test_an_unpartitioned_stream_may_deliver_at_once() -> None:
    template = synthesize(
        delivery=DeliveryProps(dynamic_partitioning=False, buffering=BufferingProps(interval=cdk.Duration.seconds(0)))
    )
    assert _destination(template)["BufferingHints"]["IntervalInSeconds"] == 0
    assert _processor(template)["BufferIntervalInSeconds"] == "0"


def test_stream_waits_for_the_policy_of_its_role(default: Template) -> None:
    [policy_id] = [key for key in default.resources("AWS::IAM::ManagedPolicy") if "DeliveryRolePolicy" in key]
    assert policy_id in default.one("AWS::KinesisFirehose::DeliveryStream")["DependsOn"]


def test_role_trusts_firehose_alone(default: Template, maximal: Template) -> None:
    [statement] = default.properties("AWS::IAM::Role", "Delivery/Role/Role")["AssumeRolePolicyDocument"]["Statement"]
    assert statement == {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": "firehose.amazonaws.com"},
    }
    [restricted] = maximal.properties("AWS::IAM::Role", "Delivery/Role/Role")["AssumeRolePolicyDocument"]["Statement"]
    assert restricted["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_role_has_exactly_these_actions(default: Template) -> None:
    actions = {sid: set(as_list(statement["Action"])) for sid, statement in _role_policy(default).items()}
    assert actions == {
        "Bucket": {"s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"},
        "Objects": {"s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"},
        "CleanKey": {"kms:Decrypt", "kms:GenerateDataKey"},
        "RawKey": {"kms:Decrypt", "kms:GenerateDataKey"},
        "Transform": {"lambda:InvokeFunction", "lambda:GetFunctionConfiguration"},
        "Logs": {"logs:PutLogEvents"},
    }


def test_role_has_no_other_policy(default: Template, maximal: Template) -> None:
    for template in (default, maximal):
        [role_id] = [key for key in template.resources("AWS::IAM::Role") if key.startswith("PipelineDeliveryRole")]
        attached = [
            key
            for type_name in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
            for key, policy in template.resources(type_name).items()
            if {"Ref": role_id} in policy["Properties"]["Roles"]
        ]
        assert len(attached) == 1
        role = template.resources("AWS::IAM::Role")[role_id]["Properties"]
        assert not {"Policies", "ManagedPolicyArns"} & set(role)


def test_role_reaches_this_bucket_under_three_prefixes_alone(default: Template) -> None:
    [bucket_id] = [key for key in default.resources("AWS::S3::Bucket") if "DataLakeBucket" in key]
    policy = _role_policy(default)
    assert [flat(arn) for arn in as_list(policy["Bucket"]["Resource"])] == [f"<{bucket_id}.Arn>"]
    assert {flat(arn) for arn in policy["Objects"]["Resource"]} == {
        f"<{bucket_id}.Arn>/{prefix}/*" for prefix in ("raw", "clean", "errors")
    }


@pytest.mark.parametrize("key", ["CleanKey", "RawKey"])
def test_role_uses_keys_through_s3_and_for_this_bucket_alone(default: Template, key: str) -> None:
    statement = _role_policy(default)[key]
    assert key in flat(statement["Resource"])
    via = flat(statement["Condition"]["StringEquals"]["kms:ViaService"])
    assert via == "s3.<AWS::Region>.amazonaws.com"
    contexts = statement["Condition"]["StringLike"]["kms:EncryptionContext:aws:s3:arn"]
    assert [flat(context).partition(">")[2] for context in contexts] == ["", "/*"]


def test_role_writes_to_the_streams_of_its_own_log_group_alone(default: Template) -> None:
    resources = [flat(arn) for arn in _role_policy(default)["Logs"]["Resource"]]
    assert len(resources) == 2
    for resource in resources:
        assert ":log-group:<PipelineDeliveryLogGroup" in resource
        assert ":log-stream:<PipelineDeliveryLogGroupS3" in resource
        assert "*" not in resource


def test_role_invokes_the_transform_function_alone(default: Template) -> None:
    [function_id] = [key for key in default.resources("AWS::Lambda::Function") if "Transform" in key]
    assert {flat(arn) for arn in _role_policy(default)["Transform"]["Resource"]} == {
        f"<{function_id}.Arn>",
        f"<{function_id}.Arn>:$LATEST",
    }
