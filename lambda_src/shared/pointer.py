"""Pointers from a record to the original of an event that was too large for a Firehose record."""

import hashlib
import zlib
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

POINTER_FIELD = "$oversize"
PREFIX = "raw/oversize/"
# What one original may unpack to: API Gateway's payload limit (API Gateway Developer Guide, "quotas").
MAX_ORIGINAL_BYTES = 10 * 1024 * 1024


class Pointer(NamedTuple):
    """Where an original is, and what it must be: its length and SHA-256 unpacked."""

    key: str
    length: int
    sha256: str

    def to_json(self) -> dict[str, Any]:
        """Return the pointer as it stands in the record, as the value of ``$oversize``."""
        return self._asdict()


class BrokenPointerError(Exception):
    """A pointer, or what it points to, is not what the ingest function wrote."""


def object_key(dedup_key: str, digest: str, arrival: datetime) -> str:
    """Name the object of an original: by day of arrival, event and content."""
    return f"{PREFIX}{arrival:%Y/%m/%d}/{dedup_key}-{digest[:16]}.json.gz"


def find_pointer(value: Any, dedup_key: str) -> Pointer | None:
    """Find the first pointer in an event.

    A pointer counts only if it leads to this very event's original: a sender can write ``$oversize`` into its events,
    but not have us read other objects for it.
    """
    if isinstance(value, dict):
        given = value.get(POINTER_FIELD)
        if isinstance(given, dict):
            key, length, digest = given.get("key"), given.get("length"), given.get("sha256")
            if isinstance(key, str) and isinstance(length, int) and isinstance(digest, str):
                own = key.startswith(PREFIX) and key.endswith(f"/{dedup_key}-{digest[:16]}.json.gz")
                if own and 0 < length <= MAX_ORIGINAL_BYTES:
                    return Pointer(key, length, digest)
        inner_values: Any = value.values()
    elif isinstance(value, list):
        inner_values = value
    else:
        return None
    return next((found for inner in inner_values if (found := find_pointer(inner, dedup_key))), None)


def read_original(pointer: Pointer, get_object: Callable[[str], bytes]) -> bytes:
    """Fetch and check an original.

    Raises:
        BrokenPointerError: the object is not gzip, or not of the length and SHA-256 that the pointer names.
    """
    try:
        unpacker = zlib.decompressobj(wbits=31)
        original = unpacker.decompress(get_object(pointer.key), pointer.length + 1)
    except zlib.error:
        raise BrokenPointerError("the original is not gzip") from None
    if len(original) != pointer.length or hashlib.sha256(original).hexdigest() != pointer.sha256:
        raise BrokenPointerError("the original is not what the pointer names")
    return original
