"""A rotation in Secrets Manager's four steps: any of them may come twice or fail, and nobody is refused meanwhile."""

# ruff: noqa: N803 - AWS's names

import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from key_rotation.function import RotationError, RotationHandler
from key_rotation.settings import RotationSettings

ARN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:signing-abcdef"
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
TOKEN = "the-token-of-the-rotation"
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")


class World:
    """Secrets Manager with one secret, the two functions that are called, and a clock."""

    def __init__(self) -> None:
        self.now = NOW
        self.keys: dict[str, tuple[str, datetime]] = {"first": ("the-first-key", NOW - timedelta(days=30))}
        self.labels: dict[str, list[str]] = {"first": ["AWSCURRENT"], TOKEN: ["AWSPENDING"]}
        self.subscribed_with = "the-first-key"
        self.subscribed_at: datetime | None = None
        self.finished_at: datetime | None = None
        self.status = 400
        self.requests: list[Mapping[str, Any]] = []
        self.failing: str | None = None
        settings = RotationSettings.from_environment(
            {
                "SIGNING_SECRET_ARN": ARN,
                "KEY_KNOWN_AFTER_SECONDS": "310",
                "DRAIN_SECONDS": "120",
                "SENDER_FUNCTION": "sender",
                "INGEST_FUNCTION": "ingest",
                "SIGNATURE_KIND": "shared_key",
                "SIGNATURE_HEADER": "X-Genesys-Signature",
                "SIGNATURE_PREFIX": "",
                "SIGNATURE_ENCODING": "hex",
                "TIMESTAMP_HEADER": "",
                "TIMESTAMP_TOLERANCE_SECONDS": "300",
            }
        )
        self.function = RotationHandler(settings, lambda _: self, lambda: self.now, self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def do(self, step: str, token: str = TOKEN, secret: str = ARN) -> None:
        self.function.do({"Step": step, "SecretId": secret, "ClientRequestToken": token})

    def describe_secret(self, *, SecretId: str) -> dict[str, Any]:
        assert SecretId == ARN
        return {"ARN": ARN, "VersionIdsToStages": {version: list(labels) for version, labels in self.labels.items()}}

    def get_secret_value(
        self, *, SecretId: str, VersionId: str | None = None, VersionStage: str = "AWSCURRENT"
    ) -> dict[str, Any]:
        assert SecretId == ARN
        version = VersionId or next(each for each, labels in self.labels.items() if VersionStage in labels)
        if version not in self.keys:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "no"}}, "GetSecretValue")
        key, created = self.keys[version]
        return {"SecretString": key, "CreatedDate": created}

    def put_secret_value(
        self, *, SecretId: str, ClientRequestToken: str, SecretString: str, VersionStages: list[str]
    ) -> None:
        assert (SecretId, VersionStages) == (ARN, ["AWSPENDING"])
        assert ClientRequestToken not in self.keys  # Secrets Manager takes no other text for the same token
        self.keys[ClientRequestToken] = (SecretString, self.now)

    def update_secret_version_stage(
        self, *, SecretId: str, VersionStage: str, MoveToVersionId: str | None = None, RemoveFromVersionId: str
    ) -> None:
        assert SecretId == ARN
        self.labels[RemoveFromVersionId].remove(VersionStage)
        if MoveToVersionId is None:
            return
        self.labels[RemoveFromVersionId].append("AWSPREVIOUS")
        self.labels[MoveToVersionId].append("AWSCURRENT")
        self.finished_at = self.now

    def invoke(self, *, FunctionName: str, Payload: str) -> dict[str, Any]:
        payload = json.loads(Payload)
        if self.failing == FunctionName:
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(b'{"errorMessage":"the-next-key"}')}
        if FunctionName == "sender":
            assert payload == {"RequestType": "Keep"}
            self.subscribed_with, self.subscribed_at = self.keys[TOKEN][0], self.now
            return {"Payload": io.BytesIO(b"{}")}
        self.requests.append(payload)
        return {"Payload": io.BytesIO(json.dumps({"statusCode": self.status}).encode())}


@pytest.fixture
def world() -> World:
    return World()


def test_a_rotation_ends_with_the_new_key_at_the_sender_and_current(world: World) -> None:
    for step in STEPS:
        world.do(step)
    assert world.labels == {"first": ["AWSPREVIOUS"], TOKEN: ["AWSCURRENT"]}
    assert world.subscribed_with == world.keys[TOKEN][0] != "the-first-key"


def test_a_new_key_has_64_letters_and_digits_and_no_two_are_alike() -> None:
    keys = []
    for _ in range(20):
        world = World()
        world.do("createSecret")
        keys.append(world.keys[TOKEN][0])
    assert all(len(key) == 64 and key.isascii() and key.isalnum() for key in keys)
    assert len(set(keys)) == 20


def test_the_sender_gets_the_next_key_only_when_every_environment_of_the_webhook_knows_it(world: World) -> None:
    world.do("createSecret")
    world.now += timedelta(seconds=100)
    world.do("setSecret")
    assert world.subscribed_at == NOW + timedelta(seconds=310)


def test_a_step_that_comes_again_later_does_not_wait_again(world: World) -> None:
    world.do("createSecret")
    world.now += timedelta(hours=1)
    world.do("setSecret")
    assert world.subscribed_at == NOW + timedelta(hours=1)


def test_the_key_before_ends_after_the_last_repetition_of_what_was_signed_with_it(world: World) -> None:
    for step in STEPS:
        world.do(step)
    assert world.subscribed_at is not None
    assert world.finished_at is not None
    assert world.finished_at - world.subscribed_at >= timedelta(seconds=85)


@pytest.mark.parametrize("repeated", STEPS)
def test_any_step_may_come_again(world: World, repeated: str) -> None:
    for step in STEPS:
        world.do(step)
        if step == repeated:
            world.do(step)
    assert world.labels[TOKEN] == ["AWSCURRENT"]
    assert world.subscribed_with == world.keys[TOKEN][0]


@pytest.mark.parametrize("step", STEPS)
def test_after_the_end_no_step_does_anything(world: World, step: str) -> None:
    for each in STEPS:
        world.do(each)
    after, requests = world.now, len(world.requests)
    world.do(step)
    assert (world.now, len(world.requests)) == (after, requests)


def test_the_names_of_the_steps_as_the_user_guide_writes_them_are_the_same_steps(world: World) -> None:
    for step in ("create_secret", "set_secret", "test_secret", "finish_secret"):
        world.do(step)
    assert "AWSCURRENT" in world.labels[TOKEN]


def test_the_next_key_is_tried_with_a_signed_request_that_holds_no_event(world: World) -> None:
    world.do("createSecret")
    world.do("testSecret")
    [request] = world.requests
    assert request["multiValueHeaders"] == {"X-Genesys-Signature": [world.keys[TOKEN][0]]}
    assert request["body"] == "[]"


def test_the_trial_of_a_new_schedule_tries_the_current_key(world: World) -> None:
    """Secrets Manager makes a version for it, and whether that one holds a key is not documented."""
    world.do("testSecret")
    [request] = world.requests
    assert request["multiValueHeaders"] == {"X-Genesys-Signature": ["the-first-key"]}


@pytest.mark.parametrize("status", [401, 403, 503])
def test_a_key_that_the_webhook_does_not_accept_fails_the_step(world: World, status: int) -> None:
    world.do("createSecret")
    world.status = status
    with pytest.raises(RotationError, match=f"answers {status} to a request signed with the next key"):
        world.do("testSecret")


@pytest.mark.parametrize(("step", "function"), [("setSecret", "sender"), ("testSecret", "ingest")])
def test_a_function_that_fails_fails_the_step_without_its_words(world: World, step: str, function: str) -> None:
    world.do("createSecret")
    world.failing = function
    with pytest.raises(RotationError) as raised:
        world.do(step)
    assert "the-next-key" not in str(raised.value)


def test_a_step_that_is_none_another_secret_and_an_unknown_token_are_refused(world: World) -> None:
    for event, problem in (
        ({"step": "deleteSecret"}, "the step is none of"),
        ({"step": "createSecret", "secret": f"{ARN}2"}, "the secret is not the one"),
        ({"step": "createSecret", "token": "first-of-nobody"}, "rotates to no version of this token"),
    ):
        with pytest.raises(RotationError, match=problem):
            world.do(**event)
    with pytest.raises(RotationError, match="there is no next key yet"):
        world.do("setSecret")


def test_no_key_is_ever_written(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    for step in STEPS:
        world.do(step)
    written = capsys.readouterr().out
    assert written.count("a step of the rotation is done") == 4
    assert not [key for key, _ in world.keys.values() if key in written]
