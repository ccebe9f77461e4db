"""One rotation of the signing key, in the four steps of AWS Secrets Manager.

AWS Secrets Manager User Guide, "Lambda rotation functions": createSecret makes the next key (AWSPENDING), setSecret
gives it to the sender, testSecret tries it, finishSecret makes it the current one. Any step may come again.

No request is refused meanwhile. The ingest function accepts the next key beside the current one, and every environment
of it knows the next key before the sender does: setSecret waits for that. The key before ends when finishSecret moves
the label AWSCURRENT, but for ``previous_key_validity``; requests on their way then were signed before, so it waits for
them.
"""

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from botocore.exceptions import ClientError

from ingest.signature import proof
from key_rotation.settings import RotationSettings
from shared.secret_key import new_key, usable_key
from shared.telemetry import log

# A request without an event lands nothing. The ingest function reads it once its signature has passed.
_BODY = b"[]"
_SIGNATURE_PASSED = (HTTPStatus.OK, HTTPStatus.BAD_REQUEST)


class RotationError(Exception):
    """A step can't be done; the text says why, and repeats nothing of a key."""


class RotationHandler:
    """Rotates the key of one secret.

    Args:
        settings: what the construct told the function.
        make_client: makes the client of an AWS service.
        now: the time, UTC.
        sleep: waits.
    """

    def __init__(
        self,
        settings: RotationSettings,
        make_client: Callable[[str], Any],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._make_client = make_client
        self._now = now
        self._sleep = sleep

    def do(self, event: Mapping[str, Any]) -> None:
        """Do the step that an event names.

        Raises:
            RotationError: the event is none for this secret, or the step failed.
        """
        # The User Guide names the steps create_secret and so on; its templates get createSecret.
        steps = {
            "createsecret": self._create,
            "setsecret": self._set,
            "testsecret": self._test,
            "finishsecret": self._finish,
        }
        step = steps.get(str(event["Step"]).replace("_", "").lower())
        if step is None:
            raise RotationError("the step is none of createSecret, setSecret, testSecret and finishSecret")
        client, token = self._make_client("secretsmanager"), str(event["ClientRequestToken"])
        described = client.describe_secret(SecretId=self._settings.secret_arn)
        if event["SecretId"] != described["ARN"]:
            raise RotationError("the secret is not the one that this function rotates")
        labels: dict[str, list[str]] = described["VersionIdsToStages"]
        if "AWSCURRENT" in labels.get(token, ()):
            return  # the rotation was finished before
        if "AWSPENDING" not in labels.get(token, ()):
            raise RotationError("Secrets Manager rotates to no version of this token")
        current = next(version for version, stages in labels.items() if "AWSCURRENT" in stages)
        step(client, token, current)
        log("INFO", "a step of the rotation is done", step=step.__name__.strip("_"))

    def _create(self, client: Any, token: str, _current: str) -> None:
        if self._pending(client, token) is None:
            client.put_secret_value(
                SecretId=self._settings.secret_arn,
                ClientRequestToken=token,
                SecretString=new_key(),
                VersionStages=["AWSPENDING"],
            )

    def _set(self, client: Any, token: str, _current: str) -> None:
        pending = self._pending(client, token)
        if pending is None:
            raise RotationError("there is no next key yet")
        age = (self._now() - pending["CreatedDate"].astimezone(UTC)).total_seconds()
        self._sleep(max(0.0, self._settings.known_after_seconds - age))
        self._invoke(self._settings.sender_function, {"RequestType": "Keep"})

    def _test(self, client: Any, token: str, _current: str) -> None:
        # Without a key this is the trial of a new schedule, before any rotation (AWS Secrets Manager API Reference,
        # "RotateSecret", RotateImmediately): then the current key is tried.
        version = self._pending(client, token) or client.get_secret_value(SecretId=self._settings.secret_arn)
        key = usable_key(version["SecretString"], "signing key")
        headers = proof(self._settings.signature, key, _BODY, self._now())
        request = {
            "httpMethod": "POST",
            "multiValueHeaders": {name: [value] for name, value in headers.items()},
            "body": _BODY.decode(),
            "isBase64Encoded": False,
        }
        status = self._invoke(self._settings.ingest_function, request)["statusCode"]
        if status not in _SIGNATURE_PASSED:
            raise RotationError(f"the ingest function answers {status} to a request signed with the next key")

    def _finish(self, client: Any, token: str, current: str) -> None:
        self._sleep(self._settings.drain_seconds)
        client.update_secret_version_stage(
            SecretId=self._settings.secret_arn,
            VersionStage="AWSCURRENT",
            MoveToVersionId=token,
            RemoveFromVersionId=current,
        )
        # Secrets Manager takes a rotation for successful with the label or without (API Reference, "RotateSecret").
        client.update_secret_version_stage(
            SecretId=self._settings.secret_arn, VersionStage="AWSPENDING", RemoveFromVersionId=token
        )

    def _pending(self, client: Any, token: str) -> dict[str, Any] | None:
        """Return the version of a token, or None while it holds no key."""
        try:
            version: dict[str, Any] = client.get_secret_value(
                SecretId=self._settings.secret_arn, VersionId=token, VersionStage="AWSPENDING"
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            return None
        return version if version.get("SecretString") else None

    def _invoke(self, function: str, payload: Mapping[str, Any]) -> Any:
        answer = self._make_client("lambda").invoke(FunctionName=function, Payload=json.dumps(payload))
        if "FunctionError" in answer:
            raise RotationError("a function that the rotation needs has failed; its own log says why")
        return json.load(answer["Payload"])
