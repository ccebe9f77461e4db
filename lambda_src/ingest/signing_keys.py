"""The keys a signature may be made with: the secret's current version and those beside it while it is rotated.

Before a rotation the next key is the version AWSPENDING: it counts before any sender has it. For a while after the
rotation the key before is the version AWSPREVIOUS.

Cached for minutes. A signature that none of them made may mean that the secret was rotated since: then they are read
again, but not more often than once a second, so that many forgeries do not cause many secret reads. So forgeries keep a
new key from being known for a second, and no longer: its first posts are not refused for good.

For ten seconds after a function has met a new version, nobody can be sure of what none of the keys made: the sender may
be ahead of what was read, or the version be corrected. It is to be sent again until then, which the sender does.
"""

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from shared.secret_key import UnusableKeyError, usable_key
from shared.telemetry import log

_ROLE = "signing key"
CACHE_SECONDS = 300.0
REFETCH_SECONDS = 10.0
MISMATCH_SECONDS = 1.0
FIRST_READ_PAUSE_SECONDS = 1.0
# Genesys Cloud's Open Messaging repeats a request five times, five seconds apart (Genesys Cloud Developer Center, "Open
# messaging"): the last answer comes later.
SETTLING_SECONDS = 10.0


class SecretsManager(Protocol):
    """The one call used of Secrets Manager's client."""

    def get_secret_value(self, *, SecretId: str, VersionStage: str) -> dict[str, Any]:  # noqa: N803
        """Read one version of a secret."""
        ...


class KeysUnavailableError(Exception):
    """The secret can't be read or holds no usable key, so no signature can be checked."""


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
        self._pending: bytes | None = None
        self._pending_created: datetime | None = None
        self._created = self._previous_until = datetime.min.replace(tzinfo=UTC)
        self._rotated_early = False
        self._read_at = 0.0
        self._changed_at = -math.inf
        self._tried_at: float | None = None
        self._last_error: Exception | None = None

    def get(self) -> list[bytes]:
        """Return the keys to try, the newest first.

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
        pause = MISMATCH_SECONDS if self._last_error is None else REFETCH_SECONDS
        if self._tried_at is not None and self._clock() - self._tried_at < pause:
            if self._last_error is not None:
                raise KeysUnavailableError from self._last_error
            return None
        self._read()
        return self._valid_keys()

    @property
    def are_settling(self) -> bool:
        """Whether the secret has just changed, so that a signature which none of the keys made is no forgery for sure.

        A function that has read no other version before goes by the version's age, if it is not the secret's first.
        """
        return self._clock() - self._changed_at < SETTLING_SECONDS

    def _valid_keys(self) -> list[bytes]:
        keys = [key for key in (self._pending, self._current) if key is not None]
        if self._previous is not None and datetime.now(UTC) < self._previous_until:
            keys.append(self._previous)
        return keys

    def facts(self) -> dict[str, Any]:
        """Return what an operator may know of the keys: their ages, and nothing of themselves.

        Raises:
            KeysUnavailableError: as ``get`` does.
        """
        accepted = self.get()
        is_previous_accepted = self._previous in accepted
        return {
            "created": self._created.isoformat(),
            "age_days": (datetime.now(UTC) - self._created).days,
            "next_key_accepted_since": self._pending_created.isoformat() if self._pending_created else None,
            "previous_key_accepted_until": self._previous_until.isoformat() if is_previous_accepted else None,
            "rotated_early": self._rotated_early,
        }

    def _read(self) -> None:
        # A secret that can't be read is not requested for every event.
        pause = REFETCH_SECONDS if self._current is not None else FIRST_READ_PAUSE_SECONDS
        if self._last_error is not None and self._tried_at is not None and self._clock() - self._tried_at < pause:
            raise KeysUnavailableError from self._last_error
        self._tried_at = self._clock()
        try:
            secret = self._client().get_secret_value(SecretId=self._secret_arn, VersionStage="AWSCURRENT")
            previous, pending = self._read_label("AWSPREVIOUS"), self._read_label("AWSPENDING")
            current = usable_key(secret.get("SecretString"), _ROLE)
        except (ClientError, BotoCoreError, OSError, UnusableKeyError) as error:
            self._last_error = error
            if isinstance(error, UnusableKeyError):
                log("ERROR", str(error))
            raise KeysUnavailableError from error
        created = secret["CreatedDate"].astimezone(UTC)
        if self._current not in (None, current):
            self._changed_at = self._tried_at
        elif self._current is None and previous is not None:
            self._changed_at = self._tried_at - max(0.0, (datetime.now(UTC) - created).total_seconds())
        self._current, self._created = current, created
        self._previous_until = self._created + self._previous_key_validity
        self._previous = self._usable(previous)
        # After a rotation the label may stay where AWSCURRENT is (AWS Secrets Manager API Reference, "RotateSecret").
        is_next = pending is not None and pending["VersionId"] != secret["VersionId"]
        self._pending = self._usable(pending) if is_next else None
        self._pending_created = pending["CreatedDate"].astimezone(UTC) if pending and self._pending else None
        self._rotated_early = previous is not None and self._is_early(previous["CreatedDate"].astimezone(UTC))
        self._read_at = self._tried_at
        self._last_error = None

    def _read_label(self, label: str) -> dict[str, Any] | None:
        try:
            return self._client().get_secret_value(SecretId=self._secret_arn, VersionStage=label)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return None  # no version has the label, or it has no key yet
            raise

    def _usable(self, version: dict[str, Any] | None) -> bytes | None:
        # A key that can't work must not stand in the way of the current one.
        try:
            return None if version is None else usable_key(version.get("SecretString"), _ROLE)
        except UnusableKeyError:
            return None

    def _is_early(self, previous_created: datetime) -> bool:
        """Tell whether the last rotation came while the key before the previous one might still be in use.

        The secret keeps two versions at hand. So the key before them is refused, although its time is not over.
        """
        until = previous_created + self._previous_key_validity
        if not (self._created < until and datetime.now(UTC) < until):
            return False
        log(
            "WARN",
            "the signing key was rotated again before the previous key's validity was over; a key older than these two "
            "is refused",
            hours_between=int((self._created - previous_created).total_seconds() // 3600),
        )
        return True
