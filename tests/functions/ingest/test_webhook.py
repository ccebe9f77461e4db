"""The webhook's answers: what they are, what they hide, and what is stored when."""

import base64
import gzip
import json
import uuid
from datetime import timedelta
from typing import Any

import botocore.session
import pytest

from ingest.deadline import Deadline
from ingest.delivery import Delivery
from ingest.function import IngestHandler
from ingest.intake import Intake
from ingest.oversize import OversizeStore
from ingest.settings import IngestSettings
from ingest.signing_keys import SigningKeys
from ingest.webhook import Webhook
from shared.telemetry import Metrics
from tests.functions.observing import Clock, metrics_of
from tests.in_memory_aws import Fault, InMemoryAws
from tests.wired_functions import INGEST_ENVIRONMENT, hex_signature, ingest_function, queue_batch, queues, request

EVENTS = b'[{"messageId":"a"},{"messageId":"b"}]'


@pytest.fixture
def function(aws: InMemoryAws) -> IngestHandler:
    return ingest_function(aws)


def is_untouched(aws: InMemoryAws) -> bool:
    return not (aws.in_stream or aws.queue or aws.objects)


def check_problem(answer: dict[str, Any], status: int) -> dict[str, Any]:
    assert answer["statusCode"] == status
    assert answer["headers"]["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = json.loads(answer["body"])
    assert problem.keys() == {"type", "title", "status", "detail"}
    assert problem["type"] == "about:blank"
    assert problem["status"] == status
    return problem


def test_signed_events_are_accepted_and_each_is_in_firehose(aws: InMemoryAws, function: IngestHandler) -> None:
    answer = function.handle(request(EVENTS))
    assert answer["statusCode"] == 200
    assert answer["headers"] == {"Content-Type": "application/json", "Cache-Control": "no-store"}
    assert json.loads(answer["body"]) == {"accepted": 2, "duplicates": 0}
    assert [json.loads(record)["event"] for record in aws.in_stream] == [{"messageId": "a"}, {"messageId": "b"}]


def test_a_body_that_is_not_base64_encoded_is_taken_as_it_is(aws: InMemoryAws, function: IngestHandler) -> None:
    body = '{"messageId":"a","note":"ä \U0001f600"}'
    plain = {**request(body.encode()), "body": body, "isBase64Encoded": False}
    assert function.handle(plain)["statusCode"] == 200
    assert json.loads(aws.in_stream[0])["event"] == json.loads(body)


@pytest.mark.parametrize("ending", [b",{]", b"] ]", b",7]"])
def test_of_a_body_that_cant_be_read_to_its_end_nothing_is_stored(
    aws: InMemoryAws, function: IngestHandler, ending: bytes
) -> None:
    large = json.dumps({"messageId": "a", "transcripts": "x" * 1_100_000}).encode()
    for first in (b'{"messageId":"a"}', large):
        assert function.handle(request(b"[" + first + ending))["statusCode"] == 400
    assert (aws.in_stream, aws.queue, aws.objects) == ([], [], {})


def test_a_retry_is_answered_with_its_duplicates_and_without_a_call(aws: InMemoryAws, function: IngestHandler) -> None:
    function.handle(request(EVENTS))
    calls = len(aws.calls)
    answer = function.handle(request(EVENTS))
    assert json.loads(answer["body"]) == {"accepted": 2, "duplicates": 2}
    assert len(aws.calls) == calls


@pytest.mark.parametrize(
    "headers",
    [
        {},
        None,
        {"X-Genesys-Signature": []},
        {"X-Genesys-Signature": ["00" * 32]},
        {"X-Genesys-Signature": [hex_signature(EVENTS), hex_signature(EVENTS)]},
        {"X-Genesys-Signature": [hex_signature(EVENTS)], "x-genesys-signature": [hex_signature(EVENTS)]},
        {"X-Genesys-Signature": ["00" * 32], "X-GENESYS-SIGNATURE": [hex_signature(EVENTS)]},
        {"X-Genesys-Signature": [f"{'00' * 32},{hex_signature(EVENTS)}"]},
    ],
    ids=["none", "null", "empty", "wrong", "twice", "in two cases", "smuggled", "comma-joined"],
)
def test_what_is_not_signed_once_and_rightly_is_401_and_stored_nowhere(
    aws: InMemoryAws, function: IngestHandler, headers: dict[str, list[str]] | None
) -> None:
    check_problem(function.handle({**request(EVENTS), "multiValueHeaders": headers}), 401)
    assert is_untouched(aws)


def test_a_request_without_any_headers_is_401(aws: InMemoryAws, function: IngestHandler) -> None:
    bare = request(EVENTS)
    del bare["multiValueHeaders"]
    check_problem(function.handle(bare), 401)
    assert is_untouched(aws)


def test_the_signature_headers_name_counts_in_any_case(function: IngestHandler) -> None:
    assert (
        function.handle(request(EVENTS, headers={"X-GENESYS-signature": [hex_signature(EVENTS)]}))["statusCode"] == 200
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"[]",
        b"null",
        b"7",
        b'"text"',
        b"[1]",
        b'[{"messageId":"a"},7]',
        b'[{"messageId":"a"},]',
        b'{"messageId":"a"}{"messageId":"b"}',
        b'{"messageId":"a"',
        b"\xef\xbb\xbf" + EVENTS,
        b'{"messageId":"\xed\xa0\x80"}',
        b'{"number":NaN}',
        b'{"number":-Infinity}',
        b'{"number":' + b"7" * 5000 + b"}",
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        gzip.compress(EVENTS, mtime=0),
    ],
)
def test_what_can_never_be_read_is_400_though_signed_and_stored_nowhere(
    aws: InMemoryAws, function: IngestHandler, body: bytes
) -> None:
    check_problem(function.handle(request(body)), 400)
    assert is_untouched(aws)


@pytest.mark.parametrize("text", ["%%%%", "YQ=", "YQ==YQ==", "YQ==\n", "\u00e4", "\ud800AAA"])
def test_a_body_that_is_not_base64_though_said_to_be_is_400(
    aws: InMemoryAws, function: IngestHandler, text: str
) -> None:
    check_problem(function.handle({**request(EVENTS), "body": text}), 400)
    assert is_untouched(aws)


def test_a_body_of_exactly_the_limit_is_taken_and_one_byte_more_is_413(aws: InMemoryAws) -> None:
    function = ingest_function(aws, MAX_BODY_BYTES="100")
    largest = b'{"messageId":"a"}'.ljust(100)
    assert function.handle(request(largest))["statusCode"] == 200
    aws.in_stream.clear()
    for body in (largest + b" ", largest + b"  ", largest + b"   ", largest * 50):
        check_problem(function.handle(request(body)), 413)
        check_problem(function.handle({**request(body), "body": body.decode(), "isBase64Encoded": False}), 413)
    assert is_untouched(aws)


def test_a_body_is_measured_in_bytes_not_in_characters(aws: InMemoryAws) -> None:
    function = ingest_function(aws, MAX_BODY_BYTES="100")
    body = '"' + "\U0001f600" * 30 + '"'
    check_problem(function.handle({**request(body.encode()), "body": body, "isBase64Encoded": False}), 413)


def test_ten_megabytes_are_413_without_a_call(aws: InMemoryAws, function: IngestHandler) -> None:
    check_problem(function.handle(request(b"x" * 10_000_000, signature="00" * 32)), 413)
    assert aws.calls == []


def test_what_neither_firehose_nor_the_queue_takes_is_503(aws: InMemoryAws, function: IngestHandler) -> None:
    # Two reads of the secret, three puts, then the queue.
    aws.schedule = dict.fromkeys(range(3, 7), Fault.THROTTLE)
    check_problem(function.handle(request(EVENTS)), 503)
    assert is_untouched(aws)
    assert function.handle(request(EVENTS))["statusCode"] == 200


def test_a_secret_that_cant_be_read_is_503_and_nothing_is_stored(aws: InMemoryAws, function: IngestHandler) -> None:
    aws.schedule = {0: Fault.REFUSED}
    check_problem(function.handle(request(EVENTS)), 503)
    assert is_untouched(aws)


def test_without_a_signing_secret_no_request_is_accepted(aws: InMemoryAws) -> None:
    # What a function gets whose events come over the bus alone. botocore refuses the empty name without a call.
    def client(service: str) -> Any:
        if service != "secretsmanager":
            return aws.client(service)
        return botocore.session.get_session().create_client(
            service, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
        )

    settings = IngestSettings.from_environment({**INGEST_ENVIRONMENT, "SIGNING_SECRET_ARN": ""})
    check_problem(IngestHandler(settings, client).handle(request(EVENTS)), 503)
    assert aws.calls == []


def test_our_own_error_is_503_not_a_crash(
    aws: InMemoryAws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise AttributeError

    monkeypatch.setattr(aws, "call", fails)
    check_problem(ingest_function(aws).handle(request(EVENTS)), 503)
    assert '"unexpected error","error":"AttributeError"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("signature", "body", "expected"),
    [
        ("00" * 32, EVENTS, {"RequestsForged": 1, "RequestsRejected": 1}),
        (None, b"7", {"RequestsRejected": 1}),
    ],
    ids=["forged", "unreadable"],
)
def test_each_refusal_is_counted(
    function: IngestHandler,
    capsys: pytest.CaptureFixture[str],
    signature: str | None,
    body: bytes,
    expected: dict[str, int],
) -> None:
    function.handle(request(body, signature))
    assert metrics_of(capsys.readouterr().out) == expected


def test_a_request_that_is_accepted_writes_no_line_and_its_repetition_says_that_it_is_one(
    function: IngestHandler, capsys: pytest.CaptureFixture[str]
) -> None:
    function.handle(request(EVENTS))
    assert capsys.readouterr().out == ""
    assert function.handle(request(EVENTS))["statusCode"] == 200
    assert metrics_of(capsys.readouterr().out) == {"EventsDuplicate": 2}


def test_a_request_of_which_not_all_could_be_stored_is_counted_as_unavailable_and_its_retry_is_accepted(
    aws: InMemoryAws, capsys: pytest.CaptureFixture[str]
) -> None:
    function = ingest_function(aws)
    # Half of every put fails, and half of what goes to the queue then.
    aws.schedule = dict.fromkeys(range(3, 7), Fault.PARTIAL)
    check_problem(function.handle(request(EVENTS)), 503)
    aws.schedule.clear()
    assert function.handle(request(EVENTS))["statusCode"] == 200
    counted = metrics_of(capsys.readouterr().out)
    assert counted["RequestsUnavailable"] == 1


def test_nothing_of_a_request_is_in_the_log_or_the_answer(aws: InMemoryAws, capsys: pytest.CaptureFixture[str]) -> None:
    function = ingest_function(aws)
    planted = {name: f"zq{uuid.uuid4().hex}" for name in ("header", "name", "id", "text", "key", "topic", "signature")}
    aws.secret_versions["AWSCURRENT"] = planted["key"]
    event = {"messageId": planted["id"], "topicName": planted["topic"], planted["name"]: planted["text"]}
    bodies = [
        json.dumps(event).encode(),
        json.dumps([event, planted["text"]]).encode(),
        json.dumps(event).encode()[:-1],
        json.dumps({**event, "big": "x" * 1_100_000}).encode(),
        planted["text"].encode() + b"\xff",
    ]
    answers = []
    for fault in (None, *Fault):
        if fault in (Fault.CRASH_AFTER, Fault.CRASH_BEFORE):
            continue
        for body in bodies:
            for signature in (hex_signature(body, planted["key"]), planted["signature"]):
                headers = {"X-Genesys-Signature": [signature], "X-Planted": [planted["header"]]}
                aws.schedule = {len(aws.calls) + ahead: fault for ahead in range(9)} if fault else {}
                answers.append(function.handle(request(body, headers=headers)))
                answers.append(function.handle(queue_batch(body.decode("latin-1"))))
                function = ingest_function(aws)
    assert {answer.get("statusCode") for answer in answers} == {None, 200, 400, 401, 503}
    written = capsys.readouterr().out + json.dumps(answers)
    assert '"level":"ERROR"' in written
    assert [name for name, value in planted.items() if value in written] == []


def test_a_flood_of_forgeries_cant_turn_into_a_flood_of_secret_reads(aws: InMemoryAws, clock: Clock) -> None:
    settings = IngestSettings.from_environment(INGEST_ENVIRONMENT)
    keys = SigningKeys(lambda: aws.client("secretsmanager"), settings.signing_secret_arn, timedelta(hours=24), clock)
    delivery = Delivery(lambda: aws.client("firehose"), queues(aws), ["stream"])
    intake = Intake(settings, delivery, OversizeStore(lambda: aws.client("s3"), "lake", "key"))
    webhook = Webhook(settings, keys, intake)
    forged, genuine = request(EVENTS, signature="00" * 32), request(EVENTS)
    for _second in range(20):
        for _forgery in range(50):
            assert webhook.answer(forged, Deadline(), Metrics())["statusCode"] == 401
        assert webhook.answer(genuine, Deadline(), Metrics())["statusCode"] == 200
        clock.advance(1)
    # 1,000 forgeries in 20 s: one reading a second, of three versions each.
    assert aws.calls.count("GetSecretValue") == 60


def test_a_rotation_half_way_refuses_nobody(aws: InMemoryAws, clock: Clock) -> None:
    settings = IngestSettings.from_environment(INGEST_ENVIRONMENT)
    keys = SigningKeys(lambda: aws.client("secretsmanager"), settings.signing_secret_arn, timedelta(hours=24), clock)
    delivery = Delivery(lambda: aws.client("firehose"), queues(aws), ["stream"])
    intake = Intake(settings, delivery, OversizeStore(lambda: aws.client("s3"), "lake", "key"))
    webhook = Webhook(settings, keys, intake)

    def status(number: int, key: str) -> int:
        body = json.dumps({"messageId": number}).encode()
        answer = webhook.answer(request(body, hex_signature(body, key)), Deadline(), Metrics())
        code: int = answer["statusCode"]
        return code

    assert status(1, "the-first-key") == 200
    aws.secret_versions = {"AWSCURRENT": "the-new-key", "AWSPREVIOUS": "the-first-key"}
    clock.advance(10)
    assert [status(2, "the-first-key"), status(3, "the-new-key"), status(4, "the-first-key")] == [200, 200, 200]
    assert len(aws.in_stream) == 4


def test_just_after_a_rotation_an_unknown_signature_is_503_and_no_server_error_and_ten_seconds_later_401(
    aws: InMemoryAws, clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(SigningKeys.__init__, "__defaults__", (clock,))
    function = ingest_function(aws)
    forged = request(EVENTS, signature="00" * 32)
    assert function.handle(forged)["statusCode"] == 401
    aws.secret_versions = {"AWSCURRENT": "the-new-key", "AWSPREVIOUS": "the-first-key"}
    clock.advance(1)
    capsys.readouterr()
    check_problem(function.handle(forged), 503)
    counted = metrics_of(capsys.readouterr().out)
    assert counted["RequestsUndecided"] == 1
    assert not counted.keys() & {"RequestsUnavailable", "RequestsForged", "RequestsRejected"}
    assert function.handle(request(EVENTS, hex_signature(EVENTS, "the-new-key")))["statusCode"] == 200
    clock.advance(10)
    check_problem(function.handle(forged), 401)


@pytest.mark.parametrize(
    ("versions", "signed_with", "counted"),
    [
        ({"AWSCURRENT": "current"}, "current", {}),
        ({"AWSCURRENT": "current", "AWSPENDING": "the-next"}, "current", {"RequestsSignedWithOldKey": 1}),
        ({"AWSCURRENT": "current", "AWSPENDING": "the-next"}, "the-next", {"RequestsSignedWithNewKey": 1}),
        ({"AWSCURRENT": "current", "AWSPREVIOUS": "previous"}, "current", {"RequestsSignedWithNewKey": 1}),
        ({"AWSCURRENT": "current", "AWSPREVIOUS": "previous"}, "previous", {"RequestsSignedWithOldKey": 1}),
    ],
)
def test_while_two_keys_count_each_request_is_counted_by_whether_its_key_is_the_newest(
    aws: InMemoryAws,
    capsys: pytest.CaptureFixture[str],
    versions: dict[str, str | bytes],
    signed_with: str,
    counted: dict[str, int],
) -> None:
    aws.secret_versions = {label: f"{key}-key" for label, key in versions.items()}
    answer = ingest_function(aws).handle(request(EVENTS, hex_signature(EVENTS, f"{signed_with}-key")))
    assert answer["statusCode"] == 200
    written = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {name: value for line in written for name, value in line.items() if "Key" in name} == counted


@pytest.mark.parametrize(("key", "status"), [("the-first-key", 400), ("another-key", 401)])
def test_a_request_without_an_event_tells_whether_its_key_counts_and_lands_nothing(
    aws: InMemoryAws, function: IngestHandler, key: str, status: int
) -> None:
    """So a rotation tries a key."""
    check_problem(function.handle(request(b"[]", hex_signature(b"[]", key))), status)
    assert is_untouched(aws)


def test_get_is_answered_with_the_health(aws: InMemoryAws, function: IngestHandler) -> None:
    answer = function.handle({"httpMethod": "GET", "path": "/health"})
    assert (answer["statusCode"], json.loads(answer["body"])) == (200, {"status": "ok"})
    aws.stream_status = "CREATING_FAILED"
    answer = ingest_function(aws).handle({"httpMethod": "GET", "path": "/health"})
    assert answer["statusCode"] == 503
    assert json.loads(answer["body"]) == {"status": "unavailable", "reason": "STREAM_NOT_ACTIVE"}


def test_a_base64_body_is_verified_decoded(aws: InMemoryAws, function: IngestHandler) -> None:
    """A signature of the base64 text is one of other bytes than those that would be stored."""
    encoded = base64.b64encode(EVENTS)
    check_problem(function.handle(request(EVENTS, hex_signature(encoded))), 401)
    assert is_untouched(aws)
