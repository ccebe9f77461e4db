"""Finds versions that have no retention although they landed a while ago."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from retention.locking import Locker
from retention.messages import Place, Version, beginning
from retention.settings import RetentionSettings

# A sweep a day looks at each version twice, so that one sweep may fail.
LOOKS_BACK = timedelta(days=2)
# What is younger is on its way: S3 tells of an object within seconds, at times a minute or more later (Amazon S3 User
# Guide, "Amazon S3 Event Notifications"), and SQS brings a message that failed again after six minutes.
ARRIVES_WITHIN = timedelta(minutes=15)


class Sweep:
    """Looks at the versions of the last days, as far as the time goes.

    Args:
        settings: the bucket.
        s3: the client.
        locker: gives those that escaped their retention.
    """

    def __init__(self, settings: RetentionSettings, s3: Any, locker: Locker) -> None:
        self._bucket = settings.bucket_name
        self._s3 = s3
        self._locker = locker

    def go_on(self, place: Place, has_time: Callable[[], bool]) -> tuple[int, Place | None]:
        """Go on from a place; return how many versions had escaped, and where to go on, None at the end."""
        now = datetime.now(UTC)
        place = beginning(place, now - LOOKS_BACK)
        escaped = 0
        while has_time():
            page = self._page(place)
            for entry in page.get("Versions", ()):
                version = Version(entry["Key"], entry["VersionId"], entry["LastModified"])
                is_due = now - LOOKS_BACK <= version.created_at <= now - ARRIVES_WITHIN
                if is_due and not self._locker.is_locked(version):
                    self._locker.lock(version)
                    escaped += 1
                if not has_time():
                    return escaped, Place(place.prefix, version.key, version.version_id)
            if not page["IsTruncated"]:
                return escaped, None
            place = Place(place.prefix, page["NextKeyMarker"], page["NextVersionIdMarker"])
        return escaped, place

    def _page(self, place: Place) -> dict[str, Any]:
        markers = {"KeyMarker": place.key_marker, "VersionIdMarker": place.version_id_marker}
        page: dict[str, Any] = self._s3.list_object_versions(
            Bucket=self._bucket, Prefix=place.prefix, **{name: value for name, value in markers.items() if value}
        )
        return page
