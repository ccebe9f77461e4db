"""A smoke proves itself as the function expects it, and says why a way in can't be tried."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from benchmarks.environment import INGEST_ENVIRONMENT
from genesys_firehose_tools.operations.deployed_pipeline import DeployedPipeline
from genesys_firehose_tools.operations.deployed_resources import DeployedResources
from genesys_firehose_tools.operations.smoke import Smoke
from genesys_firehose_tools.operations.webhook import target_of
from ingest.settings import SignatureScheme
from ingest.signature import signer

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
KEY = b"a key of the test"
HMAC = SignatureScheme(
    kind="hmac",
    header="X-Genesys-Signature",
    prefix="",
    encoding="hex",
    timestamp_header="",
    timestamp_tolerance=timedelta(seconds=300),
)


@pytest.mark.parametrize(
    "scheme",
    [
        HMAC,
        replace(HMAC, header="X-Hub-Signature-256", prefix="sha256=", encoding="base64"),
        replace(HMAC, timestamp_header="X-Timestamp"),
        replace(HMAC, kind="shared_key", prefix="Key "),
        replace(HMAC, kind="basic", header="Authorization"),
    ],
    ids=["hex", "base64", "timestamp", "shared key", "basic"],
)
def test_the_headers_of_every_scheme_are_accepted_with_the_right_key_alone(scheme: SignatureScheme) -> None:
    body = b'{"eventType":"smoke.event"}'
    for key, accepted in ((KEY, True), (b"another", False)):
        headers = target_of(scheme, "https://events.example.com/", key).headers(body, now=NOW)
        received = {name.lower(): [value] for name, value in headers.items()}
        assert (signer(scheme, received, body, [KEY], NOW) is not None) == accepted


ENVIRONMENT = {**INGEST_ENVIRONMENT, "SIGNING_SECRET_ARN": ""}


def clients() -> Any:
    destination = {"ExtendedS3DestinationDescription": {"BufferingHints": {"IntervalInSeconds": 60}}}
    made = {
        "firehose": SimpleNamespace(
            describe_delivery_stream=lambda **_: {"DeliveryStreamDescription": {"Destinations": [destination]}}
        ),
        "lambda": SimpleNamespace(get_function_configuration=lambda **_: {"Environment": {"Variables": ENVIRONMENT}}),
    }
    return SimpleNamespace(client=lambda service: made.get(service, SimpleNamespace()))


def test_a_way_that_the_pipeline_does_not_have_or_nobody_can_try_is_not_applicable() -> None:
    outputs = {"StreamNames": "s", "IngestFunctionName": "f", "PartnerBusName": "aws.partner/genesys.com/x"}
    pipeline = DeployedPipeline("Lake", "Lake/Pipeline", outputs)
    smoke = Smoke(clients(), pipeline, DeployedResources([], "aws", "eu-west-1", "111111111111"), is_local=False)
    assert "the pipeline has no webhook" in str(smoke._webhook([]))
    assert "nobody but Genesys Cloud can put events on the bus" in str(smoke._bus([]))


def test_a_call_that_aws_refuses_fails_its_way_alone() -> None:
    outputs = {"StreamNames": "s", "IngestFunctionName": "f", "IngestUrl": "https://events.example.com/"}
    pipeline = DeployedPipeline("Lake", "Lake/Pipeline", outputs)
    smoke = Smoke(clients(), pipeline, DeployedResources([], "aws", "eu-west-1", "111111111111"), is_local=False)

    def refused(_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "secret"}}, "GetSecretValue")

    passage = smoke._try("webhook", refused)
    assert (passage.state, passage.reason) == ("failed", "AWS refused GetSecretValue with AccessDeniedException.")
