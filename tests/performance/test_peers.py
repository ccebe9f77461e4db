"""The peers do the same job, so that a comparison with them is fair."""

import base64
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from benchmarks import inputs
from benchmarks.contestants import Handler, plain_ingest, powertools_ingest, powertools_transform
from benchmarks.environment import FUNCTION_ENVIRONMENT, SIGNING_KEY
from benchmarks.instant_aws import InstantAws
from genesys_firehose_tools.local.events import FAMILIES, EventGenerator
from tests.in_memory_aws import InMemoryAws
from tests.wired_functions import transform_function, transformed

# Powertools warns when a refused request counted nothing.
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics")

EVENTS = [inputs.event_with_id(), inputs.event_without_id()]
BODY = json.dumps(EVENTS).encode()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in FUNCTION_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def instant_aws() -> InstantAws:
    return InstantAws(keep=1000)


@pytest.fixture(params=[plain_ingest, powertools_ingest], ids=["plain", "powertools"])
def ingest(request: pytest.FixtureRequest, instant_aws: InstantAws) -> Handler:
    handler: Handler = request.param(instant_aws)
    return handler


def test_signed_events_are_put_each_as_a_line(ingest: Handler, instant_aws: InstantAws) -> None:
    answer = ingest(inputs.request(BODY))
    assert (answer["statusCode"], json.loads(answer["body"])) == (200, {"accepted": 2})
    assert all(record.endswith(b"\n") for record in instant_aws.records())
    assert [json.loads(record) for record in instant_aws.records()] == EVENTS


def test_a_single_event_is_put(ingest: Handler, instant_aws: InstantAws) -> None:
    assert ingest(inputs.request(json.dumps(EVENTS[0]).encode()))["statusCode"] == 200
    assert [json.loads(record) for record in instant_aws.records()] == EVENTS[:1]


def test_what_is_not_rightly_signed_is_401_and_not_put(ingest: Handler, instant_aws: InstantAws) -> None:
    unsigned = inputs.request(BODY)
    del unsigned["headers"]["X-Genesys-Signature"]
    del unsigned["multiValueHeaders"]["X-Genesys-Signature"]
    for request in (inputs.request(BODY, "another key"), unsigned):
        assert ingest(request)["statusCode"] == 401
    assert not instant_aws.puts


def test_what_is_not_json_is_400(ingest: Handler, instant_aws: InstantAws) -> None:
    assert ingest(inputs.request(BODY[:-1]))["statusCode"] == 400
    assert not instant_aws.puts


class BrokenFirehose(InstantAws):
    def put_record(self, **_request: Any) -> dict[str, Any]:
        raise ClientError({"Error": {"Code": "ServiceUnavailableException", "Message": ""}}, "PutRecord")

    def delete_item(self, **_request: Any) -> dict[str, Any]:
        return {}


@pytest.mark.parametrize("make", [plain_ingest, powertools_ingest])
def test_what_firehose_does_not_take_is_503(make: Any) -> None:
    assert make(BrokenFirehose())(inputs.request(BODY))["statusCode"] == 503


def test_powertools_puts_an_event_whose_key_is_taken_no_more() -> None:
    class Taken(InstantAws):
        def put_item(self, **request: Any) -> dict[str, Any]:
            stored = {**request["Item"], "status": {"S": "COMPLETED"}, "data": {"S": '{"record_id": "1"}'}}
            error = {"Error": {"Code": "ConditionalCheckFailedException", "Message": ""}, "Item": stored}
            raise ClientError(error, "PutItem")  # type: ignore[arg-type]

    aws = Taken(keep=1000)
    assert powertools_ingest(aws)(inputs.request(BODY))["statusCode"] == 200
    assert not aws.puts


def test_the_transforming_peer_masks_and_partitions_as_ours_does(instant_aws: InstantAws) -> None:
    generator = EventGenerator(7)
    records = [inputs.record(generator.generate(family).body) for family in FAMILIES for _ in range(5)]
    batch = inputs.firehose_batch(records)
    aws = InMemoryAws()
    aws.secret_versions = {"AWSCURRENT": SIGNING_KEY}
    ours = transform_function(aws).handle(batch)
    theirs = powertools_transform(instant_aws)(batch)
    assert [clean["event"] for clean in transformed(theirs)] == [clean["event"] for clean in transformed(ours)]
    assert [answer["metadata"] for answer in theirs["records"]] == [answer["metadata"] for answer in ours["records"]]


def test_the_transforming_peer_gives_back_what_it_cant_read(instant_aws: InstantAws) -> None:
    batch = inputs.firehose_batch([b"no JSON"])
    [answer] = powertools_transform(instant_aws)(batch)["records"]
    assert (answer["result"], base64.b64decode(answer["data"])) == ("ProcessingFailed", b"no JSON")
