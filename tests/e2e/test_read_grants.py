"""Reading one layer of the lake opens no other, as IAM's evaluation shows."""

import json
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import boto3
import pytest
from aws_cdk import aws_iam as iam
from botocore.exceptions import ClientError

from genesys_firehose_cdk import GenesysFirehosePipeline
from genesys_firehose_tools.local.deployment import Deployment
from genesys_firehose_tools.local.pipeline import temporary_pipeline

pytestmark = pytest.mark.xdist_group("read grants")

LAYERS = ("clean/", "raw/", "errors/")
GRANTS: dict[str, Callable[[GenesysFirehosePipeline, iam.IGrantable], object]] = {
    "grant_read_clean": GenesysFirehosePipeline.grant_read_clean,
    "grant_read_raw": GenesysFirehosePipeline.grant_read_raw,
    "grant_redrive": GenesysFirehosePipeline.grant_redrive,
}
# errors/ holds events as received.
OPENED = {"grant_read_clean": {"clean/"}, "grant_read_raw": {"raw/", "errors/"}, "grant_redrive": {"errors/"}}


def _granted(grant: str, bucket: str) -> str:
    """Return the policy that a grant writes, for a deployed bucket; the bucket is all that it has to be told."""
    app = cdk.App(analytics_reporting=False)
    stack = cdk.Stack(app, "Grants")
    pipeline = GenesysFirehosePipeline(stack, "Pipeline")
    reader = iam.User(stack, "Reader")
    GRANTS[grant](pipeline, reader)
    template = app.synth().get_stack_by_name("Grants").template
    [policy] = [
        resource["Properties"]["PolicyDocument"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::IAM::Policy"
    ]

    def resolved(value: Any) -> Any:
        match value:
            case {"Fn::Join": [_, parts]}:
                return "".join(resolved(part) for part in parts)
            case {"Fn::GetAtt": [name, "Arn"]}:
                return (
                    f"arn:aws:s3:::{bucket}"
                    if "LakeBucket" in name
                    else f"arn:aws:kms:us-east-1:000000000000:key/{name}"
                )
            case dict():
                return {key: resolved(inner) for key, inner in value.items()}
            case list():
                return [resolved(inner) for inner in value]
        return value

    return json.dumps(resolved(policy))


@pytest.fixture(scope="module")
def deployment(own_app: Path) -> Iterator[Deployment]:
    with temporary_pipeline("grants", own_app) as pipeline:
        s3 = pipeline.deployment.client("s3")
        for layer in LAYERS:
            s3.put_object(Bucket=pipeline.deployment.bucket, Key=f"{layer}an/object.gz", Body=b"")
        # There is no TLS on the loopback interface, which the bucket's policy demands.
        s3.delete_bucket_policy(Bucket=pipeline.deployment.bucket)
        pipeline.aws.enforce_iam()
        yield pipeline.deployment


def _reader(deployment: Deployment, grant: str) -> Any:
    """Return the S3 client of a user that one grant was made to."""
    client, name = deployment.client("iam"), f"reader-{secrets.token_hex(4)}"
    client.create_user(UserName=name)
    client.put_user_policy(UserName=name, PolicyName="grant", PolicyDocument=_granted(grant, deployment.bucket))
    key = client.create_access_key(UserName=name)["AccessKey"]
    return boto3.client(
        "s3",
        endpoint_url=deployment.endpoint_url,
        region_name=deployment.region,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )


def _allowed(call: Callable[..., Any], **request: Any) -> bool:
    try:
        call(**request)
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            raise
        return False
    return True


@pytest.mark.parametrize("granted", GRANTS)
def test_a_grant_opens_its_layers_alone(deployment: Deployment, granted: str) -> None:
    s3, bucket = _reader(deployment, granted), deployment.bucket
    readable = {layer for layer in LAYERS if _allowed(s3.get_object, Bucket=bucket, Key=f"{layer}an/object.gz")}
    listable = {layer for layer in (*LAYERS, "") if _allowed(s3.list_objects_v2, Bucket=bucket, Prefix=layer)}
    writable = {layer for layer in LAYERS if _allowed(s3.put_object, Bucket=bucket, Key=f"{layer}mine.gz", Body=b"")}
    assert (readable, listable, writable) == (OPENED[granted], OPENED[granted], set())
