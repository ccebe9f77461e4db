"""Amazon Data Firehose Developer Guide, "Troubleshoot errors in Amazon Data Firehose" and "Controlling access"."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from genesys_firehose_tools.local.aws import ACCOUNT, EmbeddedAws
from genesys_firehose_tools.local.firehose.clients import AssumedRoles
from genesys_firehose_tools.local.firehose.configuration import read_configuration
from genesys_firehose_tools.local.firehose.faults import Faults, FaultSwitch
from genesys_firehose_tools.local.firehose.stream import DELIVERY_RETRY_SECONDS, DeliveryStream
from tests.manual_clock import ManualClock
from tests.tools.local_firehose.conftest import (
    REGION,
    ROLE,
    Aws,
    Description,
    describe,
    partitioned,
    script,
    transforming,
)

NewStream = Callable[[Description], DeliveryStream]
DAY = 24 * 60 * 60


def test_an_object_that_s3_refuses_is_tried_again_under_the_same_name(
    new_stream: NewStream, clock: ManualClock, aws: Aws, bucket: str
) -> None:
    """Introduction: Firehose keeps retrying until the retention period ends."""
    missing = f"{bucket}-to-come"
    stream = new_stream(describe(missing))
    stream.accept([b"patient"])
    stream.tick(flush=True)
    assert stream.state().undelivered_objects == 1
    aws.client("s3").create_bucket(Bucket=missing, CreateBucketConfiguration={"LocationConstraint": REGION})
    stream.tick()
    assert aws.objects(missing) == {}
    clock.advance(DELIVERY_RETRY_SECONDS)
    stream.tick()
    (key,) = aws.objects(missing)
    assert "events-3-2018-08-27-10-30-15-" in key
    assert stream.state().is_empty


def test_new_records_do_not_wait_behind_an_object_that_s3_refuses(
    new_stream: NewStream, clock: ManualClock, aws: Aws, bucket: str
) -> None:
    """Not documented; seen on AWS: a backup that cannot be written does not hold up the destination."""
    settings = describe("no-such-lake")["Destinations"][0]["ExtendedS3DestinationDescription"]
    stream = new_stream(describe(bucket, S3BackupMode="Enabled", S3BackupDescription={**settings, "Prefix": "raw/"}))
    stream.accept([b"one"])
    stream.tick()
    clock.advance(60)
    stream.tick()
    assert list(aws.objects(bucket).values()) == [b"one"]
    assert stream.state().undelivered_objects == 1


def test_data_that_cannot_be_delivered_for_24_hours_is_lost(new_stream: NewStream, clock: ManualClock) -> None:
    """Section "Direct PUT": records are retained for 24 hours."""
    stream = new_stream(describe("no-such-bucket-ever"))
    stream.accept([b"one", b"two"])
    stream.tick(flush=True)
    clock.advance(DAY - 1)
    stream.tick()
    assert (stream.state().undelivered_objects, stream.state().lost_records) == (1, 0)
    clock.advance(DELIVERY_RETRY_SECONDS)
    stream.tick()
    assert (stream.state().undelivered_objects, stream.state().lost_records) == (0, 2)


@pytest.mark.parametrize(("options", "seconds"), [({}, 300), ({"RetryOptions": {"DurationInSeconds": 7200}}, 7200)])
def test_an_object_of_a_partition_is_given_up_after_its_retry_duration_and_the_backup_is_not(
    new_stream: NewStream, clock: ManualClock, function_arn: str, options: dict[str, Any], seconds: int
) -> None:
    """API: RetryOptions. That the records are then lost is our reading; the backup has them."""
    settings = partitioned(function_arn)
    settings["DynamicPartitioningConfiguration"] |= options
    backup = describe("no-such-lake")["Destinations"][0]["ExtendedS3DestinationDescription"]
    backup = {**backup, "Prefix": "raw/"}
    stream = new_stream(describe("no-such-lake", **settings, S3BackupMode="Enabled", S3BackupDescription=backup))
    stream.accept([script("answer", data="x", keys={"type": "call", "date": "2026-11-23"})])
    stream.tick(flush=True)
    clock.advance(seconds - 1)
    stream.tick()
    assert (stream.state().undelivered_objects, stream.state().lost_records) == (2, 0)
    clock.advance(DELIVERY_RETRY_SECONDS)
    stream.tick()
    assert (stream.state().undelivered_objects, stream.state().lost_records) == (1, 1)


def test_a_delivery_error_is_written_to_the_configured_log_stream(new_stream: NewStream, aws: Aws, bucket: str) -> None:
    """ "Monitor Amazon Data Firehose Using CloudWatch Logs", Amazon S3 data delivery errors."""
    logs = aws.client("logs")
    logs.create_log_group(logGroupName=bucket)
    logs.create_log_stream(logGroupName=bucket, logStreamName="S3Delivery")
    options = {"Enabled": True, "LogGroupName": bucket, "LogStreamName": "S3Delivery"}
    stream = new_stream(describe("no-such-bucket-either", CloudWatchLoggingOptions=options))
    stream.accept([b"secret"])
    stream.tick(flush=True)
    (event,) = logs.get_log_events(logGroupName=bucket, logStreamName="S3Delivery")["events"]
    assert json.loads(event["message"])["errorCode"] == "S3.NoSuchBucket"
    assert "secret" not in event["message"]


def test_an_upload_without_a_checksum_fails_where_it_would_get_a_retention(
    new_stream: NewStream, faults: FaultSwitch, clock: ManualClock, aws: Aws, bucket: str
) -> None:
    """Amazon S3 API Reference, "PutObject": uploads under Object Lock need Content-MD5 or a checksum."""
    locked = f"{bucket}-locked"
    aws.client("s3").create_bucket(
        Bucket=locked,
        CreateBucketConfiguration={"LocationConstraint": REGION},
        ObjectLockEnabledForBucket=True,
    )
    retention = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}
    aws.client("s3").put_object_lock_configuration(
        Bucket=locked, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": retention}
    )
    faults.faults = Faults(missing_checksum=1.0)
    for name in (bucket, locked):
        stream = new_stream(describe(name))
        stream.accept([b"one"])
        stream.tick(flush=True)
        assert stream.state().is_empty is (name == bucket)
    assert aws.objects(locked) == {}
    (key,) = aws.objects(bucket)
    head = aws.client("s3").head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    assert not [field for field in head if field.startswith("Checksum")]

    faults.faults = Faults()
    clock.advance(DELIVERY_RETRY_SECONDS)
    stream.tick()
    assert list(aws.objects(locked).values()) == [b"one"]


ACTIONS = (
    "s3:AbortMultipartUpload",
    "s3:GetBucketLocation",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:ListBucketMultipartUploads",
    "s3:PutObject",
    "lambda:InvokeFunction",
    "lambda:GetFunctionConfiguration",
)


@pytest.fixture(scope="module")
def guarded_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """An embedded AWS that evaluates IAM policies, with a delivery role that Firehose may assume."""
    embedded = EmbeddedAws.start(tmp_path_factory.mktemp("guarded"))
    aws = Aws(embedded.endpoint_url)
    trust = {"Effect": "Allow", "Principal": {"Service": "firehose.amazonaws.com"}, "Action": "sts:AssumeRole"}
    aws.client("iam").create_role(
        RoleName="delivery",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    embedded.enforce_iam()
    yield aws
    embedded.stop()


def deliver_with(aws: Aws, actions: tuple[str, ...], clock: ManualClock) -> dict[str, bytes]:
    """Return what a stream delivers whose role is allowed these actions."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    aws.client("iam").put_role_policy(
        RoleName="delivery",
        PolicyName="delivery",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    bucket = aws.new_bucket()
    function_arn = aws.new_function(Path(__file__).with_name("scripted_transform.py").read_text())
    configuration = read_configuration(describe(bucket, **transforming(function_arn)))
    clients = AssumedRoles(aws.endpoint_url, REGION)
    stream = DeliveryStream(configuration, clients, clock, FaultSwitch())
    stream.accept([script("answer", data="x")])
    stream.tick(flush=True)
    return aws.objects(bucket, "clean/")


def test_the_documented_actions_suffice_for_the_delivery_role(guarded_aws: Aws, clock: ManualClock) -> None:
    """ "Controlling access with Amazon Data Firehose", Amazon S3 destination and Lambda."""
    assert list(deliver_with(guarded_aws, ACTIONS, clock).values()) == [b"x"]


@pytest.mark.parametrize("missing", ACTIONS)
def test_nothing_is_delivered_when_the_delivery_role_lacks_a_documented_action(
    guarded_aws: Aws, clock: ManualClock, missing: str
) -> None:
    """ "Controlling access with Amazon Data Firehose", Amazon S3 destination and Lambda."""
    rest = tuple(action for action in ACTIONS if action != missing)
    assert deliver_with(guarded_aws, rest, clock) == {}


def test_the_account_goes_along_as_external_id_when_a_role_is_assumed(
    guarded_aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ "Controlling access with Amazon Data Firehose", Allow Firehose to assume an IAM role."""
    requests: list[str] = []
    session = boto3.Session()
    session.events.register("before-send.sts.AssumeRole", lambda request, **_: requests.append(str(request.body)))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
    AssumedRoles(guarded_aws.endpoint_url, REGION)("s3", ROLE)
    (request,) = requests
    assert f"ExternalId={ACCOUNT}" in request


def test_a_role_is_assumed_again_only_when_its_credentials_are_about_to_end(
    guarded_aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS Security Token Service API Reference, "AssumeRole": credentials last an hour by default."""
    clients = AssumedRoles(guarded_aws.endpoint_url, REGION)
    first = clients("s3", ROLE)
    assert clients("s3", ROLE) is first
    monkeypatch.setattr("genesys_firehose_tools.local.firehose.clients._RENEW_BEFORE_END", timedelta(hours=2))
    assert clients("s3", ROLE) is not first


def test_a_role_that_cannot_be_assumed_is_named_as_the_reason(
    guarded_aws: Aws, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """The list "Lambda invocation errors"."""
    description = describe(guarded_aws.new_bucket(), RoleARN=ROLE + "-gone", **transforming("arn:aws:lambda:x"))
    clients = AssumedRoles(guarded_aws.endpoint_url, REGION)
    stream = DeliveryStream(read_configuration(description), clients, clock, FaultSwitch())
    stream.accept([b"{}"])
    stream.tick(flush=True)
    assert "Lambda.AssumeRoleAccessDenied" in caplog.text
