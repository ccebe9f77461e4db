"""Behind a load balancer: its documented form of a request in, its form of an answer out, the very bytes verified."""

import base64
import json
from typing import Any

import pytest

from ingest.function import IngestHandler
from tests.functions.observing import lines_of
from tests.in_memory_aws import InMemoryAws
from tests.wired_functions import hex_signature, ingest_function

TARGET_GROUP = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/events/6d0ecf831eec9f09"
EVENT = '{"messageId":"a","note":"ä \U0001f600","number":1.0}'


@pytest.fixture
def function(aws: InMemoryAws) -> IngestHandler:
    return ingest_function(aws)


def balanced(body: bytes | str, *signatures: str, **changed: Any) -> dict[str, Any]:
    """A request as the Elastic Load Balancing User Guide shows it, with multi-value headers."""
    raw = body.encode() if isinstance(body, str) else body
    return {
        "requestContext": {"elb": {"targetGroupArn": TARGET_GROUP}},
        "httpMethod": "POST",
        "path": "/ingest/genesys-events",
        "multiValueQueryStringParameters": {},
        "multiValueHeaders": {
            "content-type": ["application/json"],
            "host": ["events.example.com"],
            "x-amzn-trace-id": ["Root=1-5bdb40ca-556d8b0c50dc66f0511bf520"],
            "x-forwarded-for": ["203.0.113.9, 72.12.164.125"],
            "x-forwarded-port": ["443"],
            "x-forwarded-proto": ["https"],
            "x-genesys-signature": list(signatures or [hex_signature(raw)]),
        },
        "body": body if isinstance(body, str) else base64.b64encode(body).decode(),
        "isBase64Encoded": not isinstance(body, str),
        **changed,
    }


def check_form(answer: dict[str, Any], status: str) -> dict[str, Any]:
    """The answer has what a load balancer needs, and nothing that it does not take; return its body."""
    assert answer.keys() == {"statusCode", "statusDescription", "multiValueHeaders", "body", "isBase64Encoded"}
    assert answer["statusDescription"] == status
    assert answer["statusCode"] == int(status[:3])
    assert all(isinstance(values, list) for values in answer["multiValueHeaders"].values())
    assert answer["isBase64Encoded"] is False
    content: dict[str, Any] = json.loads(answer["body"])
    return content


@pytest.mark.parametrize("body", [EVENT, EVENT.encode()], ids=["JSON as text", "another type in base64"])
def test_the_bytes_that_were_sent_are_verified_and_stored(
    aws: InMemoryAws, function: IngestHandler, body: str | bytes
) -> None:
    answer = function.handle(balanced(body))
    assert check_form(answer, "200 OK") == {"accepted": 1, "duplicates": 0}
    assert answer["multiValueHeaders"]["Content-Type"] == ["application/json"]
    assert EVENT.encode() in aws.in_stream[0]


@pytest.mark.parametrize("signatures", [["00" * 32], [hex_signature(EVENT.encode())] * 2], ids=["wrong", "twice"])
def test_a_forgery_is_answered_401_and_its_network_is_the_one_that_the_load_balancer_saw(
    aws: InMemoryAws, function: IngestHandler, capsys: pytest.CaptureFixture[str], signatures: list[str]
) -> None:
    problem = check_form(function.handle(balanced(EVENT, *signatures)), "401 Unauthorized")
    assert problem["title"] == "Unauthorized"
    assert aws.in_stream == []
    [refused] = [line for line in lines_of(capsys.readouterr().out) if line.get("message") == "request refused"]
    # Not the first address, which the sender wrote.
    assert refused["network"] == "72.12.0.0/16"


@pytest.mark.parametrize("forwarded", [[], [""], ["nonsense"], ["1.2.3.4, nonsense"]])
def test_without_an_address_the_network_is_unknown(
    function: IngestHandler, capsys: pytest.CaptureFixture[str], forwarded: list[str]
) -> None:
    request = balanced(EVENT, "00" * 32)
    request["multiValueHeaders"]["x-forwarded-for"] = forwarded
    check_form(function.handle(request), "401 Unauthorized")
    assert '"network":"unknown"' in capsys.readouterr().out


def test_a_body_over_the_limit_and_an_error_of_ours_have_its_form_as_well(
    aws: InMemoryAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = json.dumps({"messageId": "a", "note": "x" * 2000})
    assert check_form(
        ingest_function(aws, MAX_BODY_BYTES="1024").handle(balanced(long)), "413 Request Entity Too Large"
    )

    def fails(*_: Any) -> None:
        raise AttributeError

    monkeypatch.setattr(aws, "call", fails)
    check_form(ingest_function(aws).handle(balanced(EVENT)), "503 Service Unavailable")


def test_the_health_check_has_its_form(function: IngestHandler) -> None:
    answer = function.handle(balanced("", httpMethod="GET", path="/health"))
    assert check_form(answer, "200 OK") == {"status": "ok"}
