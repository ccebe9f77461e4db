"""An embedded AWS for S3, Lambda, IAM and CloudFormation, and streams on a clock that is moved by hand."""

import gzip
import io
import json
import uuid
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from genesys_firehose_tools.local.aws import ACCOUNT, EmbeddedAws
from genesys_firehose_tools.local.firehose.clients import CONFIG
from genesys_firehose_tools.local.firehose.configuration import read_configuration
from genesys_firehose_tools.local.firehose.faults import FaultSwitch
from genesys_firehose_tools.local.firehose.stream import DeliveryStream
from tests.manual_clock import ManualClock

REGION = "eu-central-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/delivery"
START = datetime(2018, 8, 27, 10, 30, 15, tzinfo=UTC)

Description = dict[str, Any]


class Aws:
    """An endpoint with its clients and the few things tests ask of it."""

    def __init__(self, endpoint_url: str) -> None:
        self.endpoint_url = endpoint_url

    def client(self, service: str, _role_arn: str = "") -> Any:
        return boto3.client(service, endpoint_url=self.endpoint_url, region_name=REGION, config=CONFIG)

    def new_bucket(self) -> str:
        name = f"lake-{uuid.uuid4().hex}"
        self.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        return name

    def objects(self, bucket: str, prefix: str = "") -> dict[str, bytes]:
        """Return every object's bytes, decompressed where S3 says they are compressed."""
        s3 = self.client("s3")
        found = {}
        for item in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", []):
            answer = s3.get_object(Bucket=bucket, Key=item["Key"])
            body = answer["Body"].read()
            found[item["Key"]] = gzip.decompress(body) if answer.get("ContentEncoding") == "gzip" else body
        return found

    def error_lines(self, bucket: str, error_type: str) -> list[dict[str, Any]]:
        """Return the error output of a type, line by line."""
        return [
            json.loads(line)
            for body in self.objects(bucket, f"errors/{error_type}/").values()
            for line in body.splitlines()
        ]

    def new_function(self, source: str) -> str:
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("transform.py", source)
        answer = self.client("lambda").create_function(
            FunctionName=f"transform-{uuid.uuid4().hex}",
            Runtime="python3.14",
            Handler="transform.handle",
            Role=ROLE,
            Code={"ZipFile": code.getvalue()},
            Timeout=1,
        )
        arn: str = answer["FunctionArn"]
        return arn


@pytest.fixture(scope="session", autouse=True)
def _credentials() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", ACCOUNT)
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.delenv("AWS_SESSION_TOKEN", raising=False)
        patch.delenv("AWS_PROFILE", raising=False)
        yield


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    embedded = EmbeddedAws.start(tmp_path_factory.mktemp("aws"))
    aws = Aws(embedded.endpoint_url)
    trust = {"Effect": "Allow", "Principal": {"Service": "firehose.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    aws.client("iam").create_role(RoleName="delivery", AssumeRolePolicyDocument=document)
    yield aws
    embedded.stop()


@pytest.fixture
def bucket(aws: Aws) -> str:
    return aws.new_bucket()


@pytest.fixture(scope="session")
def function_arn(aws: Aws) -> str:
    return aws.new_function(Path(__file__).with_name("scripted_transform.py").read_text())


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START.timestamp())


@pytest.fixture
def faults() -> FaultSwitch:
    return FaultSwitch()


@pytest.fixture
def new_stream(aws: Aws, clock: ManualClock, faults: FaultSwitch) -> Callable[[Description], DeliveryStream]:
    def build(description: Description) -> DeliveryStream:
        return DeliveryStream(read_configuration(description), aws.client, clock, faults)

    return build


def describe(bucket: str, **destination: Any) -> Description:
    """Return a stream's description as AWS gives it: 1 MiB or 60 seconds, no processor, errors under errors/."""
    return {
        "DeliveryStreamName": "events",
        "DeliveryStreamARN": f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/events",
        "DeliveryStreamStatus": "ACTIVE",
        "DeliveryStreamType": "DirectPut",
        "VersionId": "3",
        "HasMoreDestinations": False,
        "Destinations": [
            {
                "DestinationId": "destinationId-000000000001",
                "ExtendedS3DestinationDescription": {
                    "RoleARN": ROLE,
                    "BucketARN": f"arn:aws:s3:::{bucket}",
                    "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60},
                    "CompressionFormat": "UNCOMPRESSED",
                    "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
                    "Prefix": "clean/",
                    "ErrorOutputPrefix": "errors/!{firehose:error-output-type}/",
                    "S3BackupMode": "Disabled",
                    **destination,
                },
            }
        ],
    }


def transforming(function_arn: str, **parameters: str) -> dict[str, Any]:
    """Return destination settings with the function as processor, called at once unless said otherwise."""
    values = {"LambdaArn": function_arn, "BufferIntervalInSeconds": "0", **parameters}
    listed = [{"ParameterName": name, "ParameterValue": value} for name, value in values.items()]
    return {
        "ProcessingConfiguration": {
            "Enabled": True,
            "Processors": [{"Type": "Lambda", "Parameters": listed}],
        }
    }


def partitioned(function_arn: str) -> dict[str, Any]:
    """Return destination settings of a lake partitioned by two keys of the function's."""
    return {
        **transforming(function_arn),
        "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 60},
        "Prefix": "clean/type=!{partitionKeyFromLambda:type}/date=!{partitionKeyFromLambda:date}/",
        "DynamicPartitioningConfiguration": {"Enabled": True},
    }


def script(action: str, **rest: Any) -> bytes:
    """Return a record that asks the scripted function for something."""
    return json.dumps({"do": action, **rest}).encode()
