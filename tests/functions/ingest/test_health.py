"""The health check names the problem in one word, and calls AWS seldom."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from ingest.health import Health
from ingest.signing_keys import SigningKeys
from tests.functions.observing import Clock
from tests.in_memory_aws import Fault, InMemoryAws
from tests.wired_functions import ingest_function, request


@pytest.fixture
def health(aws: InMemoryAws, clock: Clock) -> Health:
    keys = SigningKeys(lambda: aws.client("secretsmanager"), "arn:secret", timedelta(hours=24), clock)
    return Health(keys, lambda: aws.client("firehose"), ["stream"], clock)


def test_all_is_well_when_the_secret_is_readable_and_the_stream_active(health: Health) -> None:
    assert health.reason() is None


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.THROTTLE, Fault.TIMEOUT])
def test_a_secret_that_cant_be_read_is_named(aws: InMemoryAws, health: Health, fault: Fault) -> None:
    aws.schedule = {0: fault}
    assert health.reason() == "SECRET_UNREADABLE"


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.TIMEOUT])
def test_a_stream_that_cant_be_described_is_named(aws: InMemoryAws, health: Health, fault: Fault) -> None:
    aws.schedule = {3: fault}
    assert health.reason() == "STREAM_UNREADABLE"


@pytest.mark.parametrize("status", ["ACTIVE", "DELETING"])
def test_while_describing_is_throttled_what_was_known_of_the_stream_holds(
    aws: InMemoryAws, clock: Clock, health: Health, status: str
) -> None:
    aws.stream_status = status
    known = health.reason()
    clock.advance(31)
    # The secret is still known then.
    aws.schedule = {len(aws.calls): Fault.THROTTLE}
    assert health.reason() == known == (None if status == "ACTIVE" else "STREAM_NOT_ACTIVE")
    assert aws.calls.count("DescribeDeliveryStream") == 2


def test_a_throttle_at_the_first_look_is_no_reason_to_be_down(aws: InMemoryAws, health: Health) -> None:
    aws.schedule = {3: Fault.THROTTLE}
    assert health.reason() is None


@pytest.mark.parametrize("status", ["CREATING", "CREATING_FAILED", "DELETING", "DELETING_FAILED", "SUSPENDED"])
def test_a_stream_that_is_not_active_is_named(aws: InMemoryAws, health: Health, status: str) -> None:
    aws.stream_status = status
    assert health.reason() == "STREAM_NOT_ACTIVE"


def test_an_answer_holds_for_half_a_minute(aws: InMemoryAws, clock: Clock, health: Health) -> None:
    assert health.reason() is None
    aws.stream_status = "DELETING"
    for _second in range(30):
        assert health.reason() is None
        clock.advance(1)
    assert aws.calls.count("DescribeDeliveryStream") == 1
    clock.advance(1)
    assert health.reason() == "STREAM_NOT_ACTIVE"
    aws.stream_status = "ACTIVE"
    assert health.reason() == "STREAM_NOT_ACTIVE"
    clock.advance(31)
    assert health.reason() is None


def health_of(aws: InMemoryAws, clock: Clock, shards: int) -> Health:
    keys = SigningKeys(lambda: aws.client("secretsmanager"), "arn:secret", timedelta(hours=24), clock)
    return Health(keys, lambda: aws.client("firehose"), [f"stream-{n}" for n in range(shards)], clock)


def test_one_stream_of_several_that_is_not_active_is_named(aws: InMemoryAws, clock: Clock) -> None:
    aws.stream_statuses = {"stream-1": "DELETING"}
    assert health_of(aws, clock, 3).reason() == "STREAM_NOT_ACTIVE"


def test_of_many_streams_five_are_looked_at_in_a_check_and_all_in_turn(aws: InMemoryAws, clock: Clock) -> None:
    health = health_of(aws, clock, 12)
    aws.stream_statuses = {"stream-11": "DELETING"}
    found = []
    for _check in range(3):
        found.append(health.reason())
        clock.advance(31)
    assert aws.described == [f"stream-{n % 12}" for n in range(15)]
    assert found == [None, None, "STREAM_NOT_ACTIVE"]


def test_a_stream_once_found_bad_is_bad_until_it_is_looked_at_again(aws: InMemoryAws, clock: Clock) -> None:
    health = health_of(aws, clock, 12)
    aws.stream_statuses = {"stream-0": "DELETING"}
    found = [health.reason()]
    aws.stream_statuses = {}
    for _check in range(2):
        clock.advance(31)
        found.append(health.reason())
    assert found == ["STREAM_NOT_ACTIVE", "STREAM_NOT_ACTIVE", None]


def test_a_key_that_cant_work_is_a_reason_of_its_own(aws: InMemoryAws, clock: Clock, health: Health) -> None:
    aws.secret_versions["AWSCURRENT"] = "the-first-key\n"
    assert health.reason() == "SECRET_UNUSABLE"
    clock.advance(31)
    aws.secret_versions["AWSCURRENT"] = "the-first-key"
    assert health.reason() is None


def test_the_operator_view_tells_the_keys_age_and_the_forged_requests(aws: InMemoryAws) -> None:
    aws.secret_created = datetime.now(UTC) - timedelta(days=40)
    function = ingest_function(aws)
    for _forgery in range(3):
        function.handle(request(b"[]", "00" * 32))
    view = function.handle({"operatorView": True})
    assert (view["status"], view["reason"], view["requests_forged"]) == ("ok", None, 3)
    assert view["signing_key"]["age_days"] == 40
    assert datetime.fromisoformat(view["since"]) <= datetime.now(UTC)
    assert "the-first-key" not in str(view)


def test_the_operator_view_tells_why_there_are_no_facts_of_the_key(aws: InMemoryAws) -> None:
    aws.secret_versions["AWSCURRENT"] = " "
    view = ingest_function(aws).handle({"operatorView": True})
    assert (view["status"], view["reason"], view["signing_key"]) == ("unavailable", "SECRET_UNUSABLE", None)


def test_without_the_webhook_the_operator_view_knows_no_signing_key(aws: InMemoryAws) -> None:
    view = ingest_function(aws, SIGNING_SECRET_ARN="").handle({"operatorView": True})
    assert (view["status"], view["signing_key"]) == ("ok", None)
    assert "GetSecretValue" not in aws.calls


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nobody_gets_the_operator_view_through_the_api(aws: InMemoryAws, method: str) -> None:
    body = b'{"operatorView":true}'
    sent = {**request(body, "00" * 32), "httpMethod": method, "queryStringParameters": {"operatorView": "true"}}
    assert "signing_key" not in json.dumps(ingest_function(aws).handle(sent))
