"""Object Lock on arrival: a bucket without a default retention, and a function that locks what lands."""

import json
import time
from collections.abc import Callable, Iterator

import boto3
import pytest
from botocore.exceptions import ClientError

from genesys_firehose_tools.local.deployment import Deployment
from genesys_firehose_tools.local.firehose.faults import Faults
from genesys_firehose_tools.local.pipeline import LocalPipeline
from genesys_firehose_tools.local.soak import set_faults
from genesys_firehose_tools.local.values import GeneratedEvent
from tests.e2e.conftest import Sender, eventually, pipeline_with
from tests.e2e.test_least_privilege import Function
from tests.e2e.test_object_lock import LAYERS, is_locked, retention, versions

Generate = Callable[[str], GeneratedEvent]


@pytest.fixture
def firehose_sends_no_checksum(deployment: Deployment) -> Iterator[None]:
    set_faults(deployment, Faults(missing_checksum=1))
    yield
    set_faults(deployment, Faults())


@pytest.fixture(scope="module")
def pipeline() -> Iterator[LocalPipeline]:
    with pipeline_with(retention_applied="ON_ARRIVAL") as pipeline:
        yield pipeline


@pytest.mark.usefixtures("firehose_sends_no_checksum")
def test_an_upload_without_a_checksum_lands_and_is_locked_within_seconds(sender: Sender, generate: Generate) -> None:
    deployment, event = sender.deployment, generate("call")
    sender.post_events(event)
    assert len(sender.landings(event)) == len(sender.landings(event, "raw/")) == 1
    started = time.monotonic()
    for prefix in LAYERS:
        found = versions(deployment, prefix)
        assert found
        for version in found:
            assert eventually(lambda version=version: is_locked(deployment, *version))  # type: ignore[misc]
    assert time.monotonic() - started < 10


def test_an_older_version_of_an_object_is_locked_as_well(deployment: Deployment) -> None:
    s3, key = deployment.client("s3"), "clean/event_type=call/date=2026-11-23/twice.gz"
    for body in (b"first", b"second"):
        s3.put_object(Bucket=deployment.bucket, Key=key, Body=body)
    first, second = versions(deployment, key)
    assert eventually(lambda: is_locked(deployment, *first) and is_locked(deployment, *second))


def test_nothing_outside_the_two_layers_is_locked(deployment: Deployment) -> None:
    s3 = deployment.client("s3")
    for key in ("errors/an/object.gz", "clean/an/object.gz"):
        s3.put_object(Bucket=deployment.bucket, Key=key, Body=b"")
    [clean], [error] = versions(deployment, "clean/an/"), versions(deployment, "errors/an/")
    assert eventually(lambda: is_locked(deployment, *clean))
    assert not is_locked(deployment, *error)


def test_nobody_deletes_a_version_that_waits_and_the_functions_role_suffices_to_lock_it(
    pipeline: LocalPipeline,
) -> None:
    # The last test of the file: from here on IAM is evaluated.
    deployment = pipeline.deployment
    s3, iam = deployment.client("s3"), deployment.client("iam")
    function, client, sqs = Function(deployment, "retention"), deployment.client("lambda"), deployment.client("sqs")
    [mapping] = client.list_event_source_mappings(FunctionName=function.name)["EventSourceMappings"]
    client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    queue = sqs.get_queue_url(QueueName=mapping["EventSourceArn"].rsplit(":", 1)[1])["QueueUrl"]
    # What fails comes again soon.
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "2"})
    for key in ("raw/waiting.gz", "errors/waiting.gz"):
        s3.put_object(Bucket=deployment.bucket, Key=key, Body=b"")
    [version], [error] = versions(deployment, "raw/waiting"), versions(deployment, "errors/waiting")
    # There is no TLS on the loopback interface, which the bucket's policy demands.
    policy = json.loads(s3.get_bucket_policy(Bucket=deployment.bucket)["Policy"])
    policy["Statement"] = [each for each in policy["Statement"] if each["Action"] != "s3:*"]
    s3.put_bucket_policy(Bucket=deployment.bucket, Policy=json.dumps(policy))
    iam.create_user(UserName="administrator")
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
    iam.put_user_policy(UserName="administrator", PolicyName="all", PolicyDocument=document)
    key = iam.create_access_key(UserName="administrator")["AccessKey"]
    pipeline.aws.enforce_iam()
    administrator = boto3.client(
        "s3",
        endpoint_url=deployment.endpoint_url,
        region_name=deployment.region,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    assert retention(deployment, *version) is None
    with pytest.raises(ClientError, match="AccessDenied"):
        administrator.delete_object(Bucket=deployment.bucket, Key=version[0], VersionId=version[1])
    administrator.delete_object(Bucket=deployment.bucket, Key=error[0], VersionId=error[1])
    assert versions(deployment, "errors/waiting") == []
    assert versions(deployment, "raw/waiting") == [version]

    # With the rights of its role alone, the function locks what waited.
    with function.without("s3:PutObjectRetention"):
        client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
        assert not eventually(lambda: retention(deployment, *version) is not None, within_seconds=3)
    assert eventually(lambda: is_locked(deployment, *version), within_seconds=60)
