"""What the queue's messages say: that a version was created, or that versions without a retention are to be found."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

RAW_PREFIX = "raw/"


@dataclass(frozen=True, slots=True)
class Version:
    """A version of an object.

    Attributes:
        key: the object's key.
        version_id: the version's id.
        created_at: when S3 took it.
    """

    key: str
    version_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sweep goes on: behind this version of this key; without a version, behind the key."""

    prefix: str
    key_marker: str = ""
    version_id_marker: str = ""

    def to_message(self) -> str:
        """Return the message that lets the sweep go on here."""
        return json.dumps({"sweep": [self.prefix, self.key_marker, self.version_id_marker]})


def read_message(body: str) -> Version | Place:
    """Read a message of EventBridge (Amazon S3 User Guide, "EventBridge event message structure") or of a sweep.

    Raises:
        ValueError: It is neither.
    """
    try:
        message = json.loads(body)
        if "sweep" in message:
            return Place(*map(str, message["sweep"]))
        created = message["detail"]["object"]
        created_at = datetime.fromisoformat(message["time"])
        return Version(created["key"], created["version-id"], created_at.astimezone(UTC))
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError("neither an event of S3 nor a place of a sweep") from error


def beginning(place: Place, oldest: datetime) -> Place:
    """Return where a sweep begins: raw/ is laid out by day of arrival, so older days are passed over.

    An object may come into the folder of any day of clean/, so all of it is listed.
    """
    if place.key_marker or place.prefix != RAW_PREFIX:
        return place
    # Firehose delivers for up to a day into the folder of a record's arrival.
    return Place(RAW_PREFIX, f"{RAW_PREFIX}{oldest - timedelta(days=1):%Y/%m/%d/}")
