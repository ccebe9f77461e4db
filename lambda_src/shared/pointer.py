"""Pointers from a record to the original of an event that was too large for a Firehose record."""

import hashlib
import os
import re
import zlib
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

PREFIX = "raw/oversize/"
# What one original may unpack to: API Gateway's payload limit (API Gateway Developer Guide, "quotas").
MAX_ORIGINAL_BYTES = 10 * 1024 * 1024
_NAME_LENGTH = 32
# The second form is that of older records: the event's key and the beginning of the original's SHA-256.
_KEY = re.compile(
    rf"raw/oversize/[0-9]{{4}}/[0-9]{{2}}/[0-9]{{2}}/(?:[0-9a-f]{{{_NAME_LENGTH}}}|([0-9a-f]{{64}})-([0-9a-f]{{16}}))\.json\.gz"
)
_SHA256 = re.compile(r"[0-9a-f]{64}")
# Amazon S3 API Reference, "Error responses": the object is not there, is archived, is deleted, or can't have that name.
# Trying again changes nothing.
_FINAL_ERRORS = {
    "NoSuchKey": "the original of the event is gone",
    "MethodNotAllowed": "the original of the event is gone",
    "InvalidObjectState": "the original of the event is archived; restore it first",
    **dict.fromkeys(
        ("KeyTooLongError", "InvalidArgument", "InvalidURI"),
        "the original of the event has no name that S3 takes",
    ),
}


class BrokenPointerError(Exception):
    """A pointer, or what it points to, is not what the ingest function wrote. The message repeats nothing of it."""


class Pointer(NamedTuple):
    """Where an original is, and what it must be: its length and SHA-256 unpacked."""

    key: str
    length: int
    sha256: str

    @classmethod
    def of(cls, value: Any, dedup_key: str) -> "Pointer":
        """Read the pointer that stands in the envelope of the event with this ``dedup_key``.

        Raises:
            BrokenPointerError: it is not of the form that the ingest function writes, or leads to another event.
        """
        if not isinstance(value, dict) or value.keys() != set(cls._fields):
            raise BrokenPointerError("the pointer to the original is not one")
        pointer = cls(**value)
        key = _KEY.fullmatch(pointer.key) if isinstance(pointer.key, str) else None
        if (
            key is None
            or not isinstance(pointer.sha256, str)
            or not _SHA256.fullmatch(pointer.sha256)
            or key.groups() not in ((None, None), (dedup_key, pointer.sha256[:16]))
            or type(pointer.length) is not int
            or not 0 < pointer.length <= MAX_ORIGINAL_BYTES
        ):
            raise BrokenPointerError("the pointer to the original is not one")
        return pointer


def new_object_key(arrival: datetime) -> str:
    """Name the object of an original: by its day of arrival and at random.

    Names stand in listings, inventories and access logs, where a hash of the content would tell whoever can guess it.
    """
    return f"{PREFIX}{arrival:%Y/%m/%d}/{os.urandom(_NAME_LENGTH // 2).hex()}.json.gz"


def read_original(pointer: Pointer, get_object: Callable[[str], bytes]) -> bytes:
    """Fetch and check an original.

    Raises:
        BrokenPointerError: there is no such object to read, now or later, or it is not gzip, or not of the length and
            SHA-256 that the pointer names.
        botocore.exceptions.ClientError, BotoCoreError: it could not be read now.
    """
    try:
        packed = get_object(pointer.key)
    except ClientError as error:
        reason = _FINAL_ERRORS.get(error.response["Error"]["Code"])
        if reason is None:
            raise
        raise BrokenPointerError(reason) from None
    try:
        original = zlib.decompressobj(wbits=31).decompress(packed, pointer.length + 1)
    except zlib.error:
        raise BrokenPointerError("the original is not gzip") from None
    if len(original) != pointer.length or hashlib.sha256(original).hexdigest() != pointer.sha256:
        raise BrokenPointerError("the original is not what the pointer names")
    return original
