"""The signing key rotated under load, by Secrets Manager's steps and by hand: no request is refused."""

import json
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import urllib3

from genesys.client import Credentials, Deadline, GenesysClient
from genesys_firehose_tools.local.deployment import Deployment
from genesys_firehose_tools.local.genesys.organization import SUBSCRIPTIONS_PATH
from genesys_firehose_tools.local.pipeline import LocalPipeline, temporary_pipeline
from genesys_firehose_tools.operations import key_rotation
from genesys_firehose_tools.operations.deployed_pipeline import find_pipeline
from genesys_firehose_tools.operations.key_rotation import HandRotation, KeyRotationError
from ingest.signing_keys import SigningKeys
from tests.e2e.conftest import eventually, synthesize_with_node
from tests.e2e.test_least_privilege import USED_BY_LAMBDA_ITSELF, Function, name_secrets_by_arn
from tests.library.synthesis import CONTEXT, ROOT

pytestmark = pytest.mark.xdist_group("key rotation")

# The app of this checkout with an event subscription, whose key is rotated.
_APP = """
import runpy
import sys
from dataclasses import replace

import aws_cdk as cdk

sys.path.insert(0, sys.argv[1])
import genesys_firehose_cdk as library


class Managed(library.GenesysFirehosePipeline):
    def __init__(self, scope, id, *, webhook, genesys, **keywords):
        signature = library.SignatureProps.shared_key(rotation=cdk.Duration.days(90))
        webhook = replace(webhook, signature=signature)
        genesys = replace(genesys, subscription=library.EventSubscriptionProps())
        super().__init__(scope, id, webhook=webhook, genesys=genesys, **keywords)


library.GenesysFirehosePipeline = Managed
runpy.run_path(sys.argv[1] + "/app.py", run_name="__main__")
"""
_STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
_WINDOW = timedelta(seconds=2)
# Any other answer but 200, such as 503 while everything is slow, the sender repeats.
_REFUSED = set(range(400, 500)) - {429}


@pytest.fixture(scope="module")
def managed_pipeline() -> Iterator[LocalPipeline]:
    """A pipeline whose sender the stack manages, and whose rotation waits for seconds rather than minutes."""
    context = {**CONTEXT, "env": "local"}
    with TemporaryDirectory() as assembly:
        synthesize_with_node(["-c", _APP, str(ROOT)], assembly, CDK_CONTEXT_JSON=json.dumps(context))
        with temporary_pipeline("rotation", Path(assembly)) as pipeline:
            deployment = pipeline.deployment
            Function(deployment, "key_rotation").start_anew(KEY_KNOWN_AFTER_SECONDS="2", DRAIN_SECONDS="1")
            Function(deployment, "genesys_subscription").start_anew(KEY_KNOWN_AFTER_SECONDS="1")
            yield pipeline


@pytest.fixture
def managed(managed_pipeline: LocalPipeline) -> Deployment:
    return managed_pipeline.deployment


def _key_at_genesys_cloud(deployment: Deployment) -> str:
    """What a subscription's reader sees of it; the state that the local Genesys Cloud shows has no headers."""
    client = GenesysClient(
        deployment.genesys_url, deployment.genesys_url, Credentials("client", "secret"), Deadline(30)
    )
    [subscription] = client.pages(SUBSCRIPTIONS_PATH)
    return str(subscription["headers"]["X-Genesys-Signature"])


def _failed_step(deployment: Deployment) -> str | None:
    """Rotate as Secrets Manager does, which the embedded AWS does not, and return the step that fails, if one does."""
    client, functions = deployment.client("secretsmanager"), deployment.client("lambda")
    described, token = client.describe_secret(SecretId=deployment.secret), secrets.token_hex(16)
    arn, name = described["ARN"], Function(deployment, "key_rotation").name
    for version, labels in described["VersionIdsToStages"].items():
        if "AWSPENDING" in labels:
            client.update_secret_version_stage(SecretId=arn, VersionStage="AWSPENDING", RemoveFromVersionId=version)
    # It begins with a version that holds no key.
    client.put_secret_value(SecretId=arn, ClientRequestToken=token, VersionStages=["AWSPENDING"])
    for step in _STEPS:
        event = {"Step": step, "SecretId": arn, "ClientRequestToken": token}
        if "FunctionError" in functions.invoke(FunctionName=name, Payload=json.dumps(event)):
            return step
    return None


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
    before = managed.signing_key().decode()
    assert _key_at_genesys_cloud(managed) == before
    with _load(managed, lambda: _key_at_genesys_cloud(managed)) as answers:
        assert _failed_step(managed) is None
        accepted = answers[200]
        assert eventually(lambda: answers[200] > accepted + 10)
    assert _key_at_genesys_cloud(managed) == managed.signing_key().decode() != before
    assert not _REFUSED & answers.keys(), answers


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
        _let_every_environment_read_the_keys(managed)
        with pytest.raises(KeyRotationError, match="A rotation is under way since"):
            rotation.begin(_WINDOW)
        assert eventually(lambda: _is_told(finish, "The old key has signed requests"))
        sender["key"] = client.get_secret_value(SecretId=managed.secret, VersionStage="AWSPENDING")["SecretString"]
        assert eventually(lambda: _finishes(finish))
        accepted = answers[200]
        assert eventually(lambda: answers[200] > accepted + 10)
    assert not _REFUSED & answers.keys(), answers
    keys = SigningKeys(lambda: client, managed.secret, timedelta(hours=24))
    assert keys.get() == [sender["key"].encode()]


def _let_every_environment_read_the_keys(deployment: Deployment) -> None:
    """Post what is forged, which makes an environment read the keys again, rather than wait five minutes."""

    def forge(_: int) -> int:
        headers = {"X-Genesys-Signature": "forged"}
        return urllib3.request("POST", deployment.ingest_url, body=b"{}", headers=headers, timeout=30).status

    with ThreadPoolExecutor(8) as executor:
        # Refused, or, just after the rotation of the test before, to be sent again.
        answers = set(executor.map(forge, range(150)))
    assert answers & {401, 503}
    assert 200 not in answers


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


# The first step that fails without the right.
_NEEDS = {
    "secretsmanager:DescribeSecret": "createSecret",
    "secretsmanager:GetSecretValue": "createSecret",
    "secretsmanager:PutSecretValue": "createSecret",
    "lambda:InvokeFunction": "setSecret",
    "secretsmanager:UpdateSecretVersionStage": "finishSecret",
}


def test_the_function_needs_each_of_its_rights_and_has_no_other(managed_pipeline: LocalPipeline) -> None:
    """The last of the module: from here on every call is evaluated."""
    deployment = managed_pipeline.deployment
    for package in ("key_rotation", "genesys_subscription", "ingest"):
        name_secrets_by_arn(Function(deployment, package).role)
    rotation = Function(deployment, "key_rotation")
    managed_pipeline.aws.enforce_iam()
    assert rotation.role.actions - USED_BY_LAMBDA_ITSELF == _NEEDS.keys()
    assert _failed_step(deployment) is None
    for action, step in _NEEDS.items():
        with rotation.without(action):
            assert _failed_step(deployment) == step, action
