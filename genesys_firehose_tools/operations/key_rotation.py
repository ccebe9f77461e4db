"""Rotates the signing key of a sender who is told by hand, in two steps with any time between them.

The beginning makes the next key, the secret's version AWSPENDING, which the ingest function accepts beside the current
one. The end makes it the current one, and takes the label from the one before, which then counts no more. While two
keys count, the ingest function counts in its log which of them signed a request: so the end knows who still needs the
old one.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from genesys_firehose_tools.errors import ToolError
from genesys_firehose_tools.library_files import function_module
from genesys_firehose_tools.operations.clients import Clients
from genesys_firehose_tools.operations.deployed_pipeline import DeployedPipeline

KNOWN_AFTER = timedelta(seconds=310)
"""How old a version is until every environment of the ingest function knows it: it caches the secret for 300 s."""
ENDED_AFTER = timedelta(minutes=5)
"""How long an environment of the ingest function may go on with a key that has lost its label."""

_TIME = "%Y-%m-%d %H:%M:%S UTC"


class KeyRotationError(ToolError):
    """The key can't be rotated, or not yet."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the secret.

    Attributes:
        id: Its id.
        created: When it was made.
    """

    id: str
    created: datetime


@dataclass(frozen=True, slots=True)
class Begun:
    """A rotation that has begun.

    Attributes:
        secret: The secret's ARN.
        version: The id of the version that holds the next key.
        known_from: From when on every environment of the ingest function accepts it.
        key: The next key.
    """

    secret: str
    version: str
    known_from: datetime
    key: str


@dataclass(frozen=True, slots=True)
class Finished:
    """A rotation that is finished.

    Attributes:
        secret: The secret's ARN.
        version: The id of the version that holds the key.
        ended_by: By when no environment of the ingest function accepts the key before.
    """

    secret: str
    version: str
    ended_by: datetime


class HandRotation:
    """The rotation of a pipeline's signing key by hand.

    Args:
        clients: A boto3 session, or anything that makes its clients.
        pipeline: The pipeline.
        now: The time, UTC.

    Raises:
        PipelineError: The pipeline has no webhook.
    """

    def __init__(
        self, clients: Clients, pipeline: DeployedPipeline, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._clients = clients
        self._secret = pipeline.output("SigningSecretArn")
        self._function = pipeline.output("IngestFunctionName")
        self._now = now

    def begin(self, window: timedelta) -> Begun:
        """Make the next key.

        Args:
            window: For how long nobody must have signed with a key that a rotation before this one has replaced.

        Raises:
            KeyRotationError: A rotation is under way, the key before is still in use, or AWS refuses.
        """
        with _refusals():
            labels = self._labels()
            if "AWSPENDING" in labels and labels["AWSPENDING"] != labels["AWSCURRENT"]:
                raise KeyRotationError(
                    f"A rotation is under way since {labels['AWSPENDING'].created:{_TIME}}: finish it with "
                    "`genesys-firehose rotate-key finish` before the next one."
                )
            if "AWSPREVIOUS" in labels:
                self._check_that_old_key_is_quiet(self._now() - window, "give the sender the current key first")
            key = function_module("shared.secret_key").new_key()
            version = self._client().put_secret_value(
                SecretId=self._secret, SecretString=key, VersionStages=["AWSPENDING"]
            )["VersionId"]
        return Begun(self._secret, version, self._now() + KNOWN_AFTER, key)

    def finish(self, window: timedelta, *, force: bool) -> Finished:
        """Make the next key the current one, and end the one before.

        Args:
            window: For how long nobody must have signed with the old key, and somebody with the new one.
            force: Do so whoever signs with which key.

        Raises:
            KeyRotationError: No rotation is under way, the old key is still needed, or AWS refuses.
        """
        with _refusals():
            labels = self._labels()
            if "AWSPENDING" not in labels:
                raise KeyRotationError("There is nothing to finish: no rotation of the signing key is under way.")
            pending, current = labels["AWSPENDING"], labels["AWSCURRENT"]
            if not force and pending != current:
                self._check_that_new_key_is_used(pending, window)
            stage = self._client().update_secret_version_stage
            if pending != current:
                stage(
                    SecretId=self._secret,
                    VersionStage="AWSCURRENT",
                    MoveToVersionId=pending.id,
                    RemoveFromVersionId=current.id,
                )
            # The label AWSPENDING goes last: a finish that was cut off goes on where it stopped.
            for label in ("AWSPREVIOUS", "AWSPENDING"):
                if (version := self._labels().get(label)) is not None:
                    stage(SecretId=self._secret, VersionStage=label, RemoveFromVersionId=version.id)
        return Finished(self._secret, pending.id, self._now() + ENDED_AFTER)

    def _labels(self) -> dict[str, Version]:
        """Return the version of each label, of a secret that is rotated by hand."""
        client = self._client()
        if client.describe_secret(SecretId=self._secret).get("RotationEnabled"):
            raise KeyRotationError(
                "Secrets Manager rotates this key on a schedule (webhook.signature.rotation): "
                f"`aws secretsmanager rotate-secret --secret-id {self._secret}` does so now."
            )
        return {
            label: Version(version["VersionId"], version["CreatedDate"].astimezone(UTC))
            for version in client.list_secret_version_ids(SecretId=self._secret)["Versions"]
            for label in version.get("VersionStages", [])
        }

    def _check_that_new_key_is_used(self, pending: Version, window: timedelta) -> None:
        known_from = pending.created + KNOWN_AFTER
        if self._now() < known_from:
            raise KeyRotationError(
                f"The function knows the new key in all its environments from {known_from:{_TIME}} on: finish the "
                "rotation later, or end the old key nevertheless with --force."
            )
        # Before, an environment may have counted by the keys of a rotation before this one.
        since = max(self._now() - window, known_from)
        advice = "give the sender the new key, and finish later, or end the old key nevertheless with --force"
        self._check_that_old_key_is_quiet(since, advice)
        if not any(self._requests("RequestsSignedWithNewKey", since)):
            raise KeyRotationError(f"The new key has signed no request since {since:{_TIME}}: {advice}.")

    def _check_that_old_key_is_quiet(self, since: datetime, advice: str) -> None:
        times = list(self._requests("RequestsSignedWithOldKey", since))
        if times:
            raise KeyRotationError(
                f"The old key has signed requests since {since:{_TIME}} ({len(times)}, the last at "
                f"{max(times):{_TIME}}): {advice}."
            )

    def _requests(self, metric: str, since: datetime) -> Iterator[datetime]:
        """Yield the time of each request that the ingest function's log has counted in a metric."""
        configuration = self._clients.client("lambda").get_function_configuration(FunctionName=self._function)
        pages = (
            self._clients.client("logs")
            .get_paginator("filter_log_events")
            .paginate(
                logGroupName=configuration["LoggingConfig"]["LogGroup"],
                filterPattern=f'"{metric}"',
                startTime=int(since.timestamp() * 1000),
            )
        )
        for page in pages:
            for event in page["events"]:
                if json.loads(event["message"]).get(metric):
                    yield datetime.fromtimestamp(event["timestamp"] / 1000, UTC)

    def _client(self) -> Any:
        return self._clients.client("secretsmanager")


@contextmanager
def _refusals() -> Iterator[None]:
    """Say what is to be allowed where AWS refuses a call."""
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code not in ("AccessDenied", "AccessDeniedException"):
            raise
        raise KeyRotationError(
            f"AWS refused {error.operation_name} ({code}): allow it on the signing key's secret, its KMS key, and the "
            "ingest function with its log group, as docs/runbook.md lists, or name another AWS profile with --profile."
        ) from error
