"""CloudFormation gets an answer in every case, at its own URL alone; a deletion does nothing."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests.functions.verification.world import World
from tests.in_memory_aws import refusal
from tests.wired_functions import METRICS_ENVIRONMENT
from verification.answer import AnswerError, answer
from verification.delivery import DeliveryError
from verification.function import VerificationHandler

STACK_ID = "arn:aws:cloudformation:eu-central-1:111122223333:stack/verification/1a2b"


class CloudFormation:
    """Takes answers; a status may be planned for each of the first."""

    def __init__(self) -> None:
        self.answers: list[dict[str, Any]] = []
        self.content_types: list[str | None] = []
        self.paths: list[str] = []
        self.statuses: list[int] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = outer.statuses.pop(0) if outer.statuses else 200
                if status == 200:
                    outer.answers.append(json.loads(body))
                outer.content_types.append(self.headers.get("Content-Type"))
                outer.paths.append(self.path)
                self.send_response(status)
                if status == 307:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)

    def request(self, kind: str = "Create", **changes: Any) -> dict[str, Any]:
        return {
            "RequestType": kind,
            "ResponseURL": f"http://127.0.0.1:{self.server.server_port}/answer?signature=a%2Fb",
            "StackId": STACK_ID,
            "RequestId": "r-1",
            "LogicalResourceId": "Verification0123",
            "ResourceType": "Custom::DeliveryVerification",
            "ResourceProperties": {},
            **changes,
        }


@pytest.fixture
def cloudformation() -> Iterator[CloudFormation]:
    cloudformation = CloudFormation()
    thread = threading.Thread(target=cloudformation.server.serve_forever)
    thread.start()
    yield cloudformation
    cloudformation.server.shutdown()
    cloudformation.server.server_close()
    thread.join()


class Trial:
    """A trial that ends as it is told."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def run(self) -> Any:
        raise self._error


def handle(request: dict[str, Any], error: Exception) -> None:
    VerificationHandler(World().settings, lambda _: None, lambda *_: Trial(error)).handle(request)  # type: ignore[arg-type,return-value]


def test_a_delivery_that_works_is_answered_with_what_was_found(
    cloudformation: CloudFormation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in METRICS_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    world = World()
    VerificationHandler(world.settings, world.client, world.trial).handle(cloudformation.request())
    [said] = cloudformation.answers
    assert said["Data"]["Seconds"] == "70"
    assert {name: value for name, value in said.items() if name != "Data"} == {
        "Status": "SUCCESS",
        "Reason": "",
        "PhysicalResourceId": "Verification0123",
        "StackId": STACK_ID,
        "RequestId": "r-1",
        "LogicalResourceId": "Verification0123",
    }
    # The URL is signed, and for an empty content type.
    assert (cloudformation.content_types, cloudformation.paths) == ([""], ["/answer?signature=a%2Fb"])


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (DeliveryError("No new object came."), "No new object came."),
        (
            refusal("AccessDenied", "SendMessage"),
            "The verification's call SendMessage was refused with AccessDenied: give its role its policy back, or "
            "leave the verification out.",
        ),
        (
            RuntimeError("+15550100100"),
            "The verification itself failed with RuntimeError: its log names the place.",
        ),
    ],
    ids=["not delivered", "refused", "unexpected"],
)
def test_a_failure_is_answered_in_one_sentence(
    cloudformation: CloudFormation, error: Exception, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    handle(cloudformation.request(), error)
    [said] = cloudformation.answers
    assert (said["Status"], said["Reason"], said["Data"]) == ("FAILED", reason, {})
    assert "15550100100" not in capsys.readouterr().out


def test_a_deletion_succeeds_at_once_under_the_id_it_has(cloudformation: CloudFormation) -> None:
    handle(cloudformation.request("Delete", PhysicalResourceId="Verification9876"), AssertionError("no trial"))
    [said] = cloudformation.answers
    assert (said["Status"], said["PhysicalResourceId"]) == ("SUCCESS", "Verification9876")


def test_an_answer_that_is_not_taken_is_sent_again(cloudformation: CloudFormation) -> None:
    cloudformation.statuses = [503, 503]
    answer(cloudformation.request(), {}, sleep=lambda _: None)
    assert len(cloudformation.answers) == 1


def test_an_answer_follows_no_redirect(cloudformation: CloudFormation) -> None:
    cloudformation.statuses = [307]
    answer(cloudformation.request(), {}, sleep=lambda _: None)
    assert set(cloudformation.paths) == {"/answer?signature=a%2Fb"}


def test_an_answer_that_nobody_takes_is_an_error_that_repeats_no_url(cloudformation: CloudFormation) -> None:
    cloudformation.statuses = [503] * 5
    with pytest.raises(AnswerError) as error:
        answer(cloudformation.request(), {}, sleep=lambda _: None)
    assert "http" not in str(error.value)


def test_an_answer_with_everything_in_it_is_as_short_as_cloudformation_demands(cloudformation: CloudFormation) -> None:
    answer(cloudformation.request(), {"RawRetention": "GOVERNANCE until 2026-12-23T10:00:00.000Z; " * 20}, "x" * 9_000)
    assert len(json.dumps(cloudformation.answers[0])) < 4096
