"""The signing key rotated under load, by Secrets Manager's steps and by hand: no request is refused."""

import json
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import urllib3

from genesys.client import Credentials, Deadline, GenesysClient
from genesys_firehose_tools.local.deployment import Deployment, checkout
from genesys_firehose_tools.local.genesys.organization import SUBSCRIPTIONS_PATH
from genesys_firehose_tools.local.pipeline import temporary_pipeline
from genesys_firehose_tools.operations import key_rotation
from genesys_firehose_tools.operations.deployed_pipeline import find_pipeline
from genesys_firehose_tools.operations.key_rotation import HandRotation, KeyRotationError
from ingest.signing_keys import SigningKeys
from tests.e2e.conftest import eventually

pytestmark = pytest.mark.xdist_group("key rotation")

# The app of this checkout with an event subscription, whose key is rotated.
_APP = """
import runpy
import sys
from dataclasses import replace

import aws_cdk as cdk

sys.path.insert(0, {checkout!r})
import genesys_firehose_cdk as library


class Managed(library.GenesysFirehosePipeline):
    def __init__(self, scope, id, *, webhook, genesys, **keywords):
        signature = library.SignatureProps.shared_key(rotation=cdk.Duration.days(90))
        webhook = replace(webhook, signature=signature)
        genesys = replace(genesys, subscription=library.EventSubscriptionProps())
        super().__init__(scope, id, webhook=webhook, genesys=genesys, **keywords)


library.GenesysFirehosePipeline = Managed
runpy.run_path({checkout!r} + "/app.py", run_name="__main__")
"""
_STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
_WINDOW = timedelta(seconds=2)


@pytest.fixture(scope="module")
def managed() -> Iterator[Deployment]:
    """A pipeline whose sender the stack manages, and whose rotation waits for seconds rather than minutes."""
    with TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        app, root = Path(directory), checkout()
        (app / "app.py").write_text(_APP.format(checkout=str(root)))
        for name in ("cdk.json", "node_modules"):
            (app / name).symlink_to(root / name)
        patch.setattr("genesys_firehose_tools.local.deployment.checkout", lambda: app)
        with temporary_pipeline("rotation") as pipeline:
            deployment = pipeline.deployment
            _set(deployment, "key_rotation", KEY_KNOWN_AFTER_SECONDS="2", DRAIN_SECONDS="1")
            _set(deployment, "genesys_subscription", KEY_KNOWN_AFTER_SECONDS="1")
            yield deployment


def _function(deployment: Deployment, package: str) -> str:
    functions = deployment.client("lambda").list_functions()["Functions"]
    [name] = [str(each["FunctionName"]) for each in functions if each["Handler"] == f"{package}.handler.handle"]
    return name


def _set(deployment: Deployment, package: str, **variables: str) -> None:
    functions, name = deployment.client("lambda"), _function(deployment, package)
    present = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": {**present, **variables}})


def _key_at_genesys_cloud(deployment: Deployment) -> str:
    """What a subscription's reader sees of it; the state that the local Genesys Cloud shows has no headers."""
    client = GenesysClient(
        deployment.genesys_url, deployment.genesys_url, Credentials("client", "secret"), Deadline(30)
    )
    [subscription] = client.pages(SUBSCRIPTIONS_PATH)
    return str(subscription["headers"]["X-Genesys-Signature"])


@contextmanager
def _load(deployment: Deployment, key: Callable[[], str]) -> Iterator[Counter[int]]:
    """Post events all the while from several connections, each with the sender's key, and count the answers."""
    answers: Counter[int] = Counter()
    is_over = threading.Event()

    def send() -> None:
        while not is_over.is_set():
            body = json.dumps({"messageId": secrets.token_hex(8), "eventType": "call.event"}).encode()
            answer = urllib3.request(
                "POST", deployment.ingest_url, body=body, headers={"X-Genesys-Signature": key()}, timeout=30
            )
            answers[answer.status] += 1

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        assert eventually(lambda: answers[200] > 10)
        yield answers
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


def test_secrets_manager_rotates_the_key_of_a_managed_sender_under_load(managed: Deployment) -> None:
    client, functions = managed.client("secretsmanager"), managed.client("lambda")
    arn, token = client.describe_secret(SecretId=managed.secret)["ARN"], secrets.token_hex(16)
    before = managed.signing_key().decode()
    assert _key_at_genesys_cloud(managed) == before
    with _load(managed, lambda: _key_at_genesys_cloud(managed)) as answers:
        # As Secrets Manager does it: a version without a key, then the steps. The embedded AWS has no rotation.
        client.put_secret_value(SecretId=arn, ClientRequestToken=token, VersionStages=["AWSPENDING"])
        for step in _STEPS:
            event = {"Step": step, "SecretId": arn, "ClientRequestToken": token}
            answer = functions.invoke(FunctionName=_function(managed, "key_rotation"), Payload=json.dumps(event))
            assert "FunctionError" not in answer, (step, answer["Payload"].read())
        accepted = answers[200]
        assert eventually(lambda: answers[200] > accepted + 10)
    after = client.get_secret_value(SecretId=arn)
    assert after["VersionId"] == token
    assert _key_at_genesys_cloud(managed) == after["SecretString"] != before
    assert set(answers) == {200}, answers


def test_a_key_is_rotated_by_hand_under_load(managed: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_rotation, "KNOWN_AFTER", timedelta(seconds=2))
    client = managed.client("secretsmanager")
    pipeline = find_pipeline(managed.client("cloudformation"), managed.stack)
    rotation = HandRotation(managed, pipeline)
    sender = {"key": managed.signing_key().decode()}

    def finish() -> Any:
        return rotation.finish(_WINDOW, force=False)

    with pytest.raises(KeyRotationError, match="There is nothing to finish"):
        finish()
    with _load(managed, lambda: sender["key"]) as answers:
        assert eventually(lambda: _begins(rotation), 60)
        with pytest.raises(KeyRotationError, match="A rotation is under way since"):
            rotation.begin(_WINDOW)
        assert eventually(lambda: _is_told(finish, "The old key signed requests"))
        sender["key"] = client.get_secret_value(SecretId=managed.secret, VersionStage="AWSPENDING")["SecretString"]
        assert eventually(lambda: _finishes(finish))
        accepted = answers[200]
        assert eventually(lambda: answers[200] > accepted + 10)
    assert set(answers) == {200}, answers
    keys = SigningKeys(lambda: client, managed.secret, timedelta(hours=24))
    assert keys.get() == [sender["key"].encode()]


def _begins(rotation: HandRotation) -> bool:
    """Begin as soon as nobody signs with the key that the rotation before has replaced."""
    try:
        rotation.begin(_WINDOW)
    except KeyRotationError:
        return False
    return True


def _is_told(finish: Callable[[], Any], reason: str) -> bool:
    with pytest.raises(KeyRotationError) as raised:
        finish()
    return reason in str(raised.value)


def _finishes(finish: Callable[[], Any]) -> bool:
    try:
        finish()
    except KeyRotationError:
        return False
    return True
