"""Puts a version's retention, and never a shorter or weaker one than it has."""

from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from retention.messages import Version
from retention.settings import RetentionSettings

_GONE = frozenset({"NoSuchKey", "NoSuchVersion"})


class Locker:
    """Gives versions of the lake their retention.

    A retention ends a fixed time after the version was created, so the same message twice asks for the same end. S3
    refuses an earlier end to whoever has no s3:BypassGovernanceRetention (Amazon S3 User Guide, "Object Lock
    considerations"), and the function's role has none.

    Args:
        settings: mode and period.
        s3: the client.
    """

    def __init__(self, settings: RetentionSettings, s3: Any) -> None:
        self._settings = settings
        self._s3 = s3

    def lock(self, version: Version) -> bool:
        """Put a version's retention; return False when there is nothing to lock any more.

        Raises:
            ClientError: S3 refused, and the version has no retention that is as long and as strict.
        """
        until = (version.created_at + self._settings.period).replace(microsecond=0)
        if until <= datetime.now(UTC):
            return False
        try:
            self._s3.put_object_retention(
                **self._names(version), Retention={"Mode": self._settings.mode, "RetainUntilDate": until}
            )
        except ClientError as error:
            code = _code_of(error)
            if code in _GONE:
                return False
            if code != "AccessDenied" or not self._is_held(version, until):
                raise
        return True

    def is_locked(self, version: Version) -> bool:
        """Tell whether a version has a retention, or is gone."""
        return self._retention_of(version) is not None

    def _is_held(self, version: Version, until: datetime) -> bool:
        """Tell whether the retention there is as long and as strict as the one that was refused."""
        held = self._retention_of(version) or {}
        return (
            "RetainUntilDate" in held
            and held["RetainUntilDate"] >= until
            and held["Mode"] in ("COMPLIANCE", self._settings.mode)
        )

    def _retention_of(self, version: Version) -> dict[str, Any] | None:
        """Return a version's retention, None where it has none, and an empty one where the version is gone."""
        try:
            retention: dict[str, Any] = self._s3.get_object_retention(**self._names(version))["Retention"]
        except ClientError as error:
            code = _code_of(error)
            if code == "NoSuchObjectLockConfiguration":
                return None
            if code in _GONE:
                return {}
            raise
        return retention

    def _names(self, version: Version) -> dict[str, str]:
        return {"Bucket": self._settings.bucket_name, "Key": version.key, "VersionId": version.version_id}


def _code_of(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])
