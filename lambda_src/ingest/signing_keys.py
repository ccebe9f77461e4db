"""The keys a signature may be made with: the secret's current version and, for a while after a rotation, its previous.

Cached for minutes. A signature that none of them made may mean that the secret was rotated since: then they are read
again, but not more often than once a second, so that many forgeries do not cause many secret reads. So forgeries keep a
new key from being known for a second, and no longer: its first posts are not refused for good.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

CACHE_SECONDS = 300.0
REFETCH_SECONDS = 10.0
MISMATCH_SECONDS = 1.0
FIRST_READ_PAUSE_SECONDS = 1.0


class SecretsManager(Protocol):
    """The one call used of Secrets Manager's client."""

    def get_secret_value(self, *, SecretId: str, VersionStage: str) -> dict[str, Any]:  # noqa: N803
        """Read one version of a secret."""
        ...


class KeysUnavailableError(Exception):
    """The secret can't be read, so no signature can be checked."""


class SigningKeys:
    """The keys of one secret.

    Args:
        client: makes the Secrets Manager client when it is first needed.
        secret_arn: the secret; its string is the key.
        previous_key_validity: how long the previous version counts after the current one was created.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        client: Callable[[], SecretsManager],
        secret_arn: str,
        previous_key_validity: timedelta,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._secret_arn = secret_arn
        self._previous_key_validity = previous_key_validity
        self._clock = clock
        self._current: bytes | None = None
        self._previous: bytes | None = None
        self._previous_until = datetime.min.replace(tzinfo=UTC)
        self._read_at = 0.0
        self._tried_at: float | None = None
        self._last_try_failed = False

    def get(self) -> list[bytes]:
        """Return the keys to try.

        Raises:
            KeysUnavailableError: the secret was never read, and can't be now.
        """
        if self._current is None or self._clock() - self._read_at > CACHE_SECONDS:
            try:
                self._read()
            except KeysUnavailableError:
                # The known keys can still be checked; only a new key would be missed.
                if self._current is None:
                    raise
        return self._valid_keys()

    def get_again(self) -> list[bytes] | None:
        """Read the keys again because none made the signature; None when they are fresh enough to say so.

        Raises:
            KeysUnavailableError: they can't be read, so the signature may be one of a new key.
        """
        pause = REFETCH_SECONDS if self._last_try_failed else MISMATCH_SECONDS
        if self._tried_at is not None and self._clock() - self._tried_at < pause:
            if self._last_try_failed:
                raise KeysUnavailableError
            return None
        self._read()
        return self._valid_keys()

    def _valid_keys(self) -> list[bytes]:
        keys = [self._current] if self._current is not None else []
        if self._previous is not None and datetime.now(UTC) < self._previous_until:
            keys.append(self._previous)
        return keys

    def _read(self) -> None:
        # A secret that can't be read is not requested for every event.
        pause = REFETCH_SECONDS if self._current is not None else FIRST_READ_PAUSE_SECONDS
        if self._last_try_failed and self._tried_at is not None and self._clock() - self._tried_at < pause:
            raise KeysUnavailableError
        self._tried_at = self._clock()
        self._last_try_failed = True
        try:
            current = self._client().get_secret_value(SecretId=self._secret_arn, VersionStage="AWSCURRENT")
            previous = self._read_previous()
        except (ClientError, BotoCoreError, OSError) as error:
            raise KeysUnavailableError from error
        self._current = current["SecretString"].encode()
        self._previous = previous
        self._previous_until = current["CreatedDate"].astimezone(UTC) + self._previous_key_validity
        self._read_at = self._tried_at
        self._last_try_failed = False

    def _read_previous(self) -> bytes | None:
        try:
            answer = self._client().get_secret_value(SecretId=self._secret_arn, VersionStage="AWSPREVIOUS")
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return None  # never rotated
            raise
        value: str = answer["SecretString"]
        return value.encode()
