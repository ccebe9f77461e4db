"""Events above Firehose's record limit: the original goes to S3 whole, the record keeps a pointer to it."""

import gzip
import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from shared.pointer import Pointer, new_object_key


class S3(Protocol):
    """The one call used of S3's client."""

    def put_object(self, **request: Any) -> dict[str, Any]:
        """Put an object."""
        ...


class OversizeStore:
    """Keeps originals under ``raw/oversize/``, encrypted with raw/'s own key.

    Args:
        s3: makes the S3 client when it is first needed.
        bucket_name: the data lake's bucket.
        raw_key_arn: the KMS key of ``raw/``.
    """

    def __init__(self, s3: Callable[[], S3], bucket_name: str, raw_key_arn: str) -> None:
        self._s3 = s3
        self._bucket_name = bucket_name
        self._raw_key_arn = raw_key_arn

    def keep(self, original: bytes, arrival: datetime) -> Pointer:
        """Store an original and return the pointer to it."""
        digest = hashlib.sha256(original).hexdigest()
        pointer = Pointer(new_object_key(arrival), len(original), digest)
        self._s3().put_object(
            Bucket=self._bucket_name,
            Key=pointer.key,
            Body=gzip.compress(original, 6, mtime=0),
            ContentType="application/json",
            ContentEncoding="gzip",
            ServerSideEncryption="aws:kms",
            SSEKMSKeyId=self._raw_key_arn,
            # Object Lock asks for a checksum on every upload under retention.
            ChecksumAlgorithm="SHA256",
        )
        return pointer


def reduce_event(event: dict[str, Any], fields: frozenset[str], most_bytes: int) -> bytes:
    """Write an event without the values of its large optional fields; if that is too large still, without anything."""

    def without_fields(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: None if name in fields else without_fields(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [without_fields(inner) for inner in value]
        return value

    try:
        reduced = json.dumps(without_fields(event), separators=(",", ":"), allow_nan=False).encode()
    except (ValueError, RecursionError):
        # What can't be written anew, 1e999 or a thousand levels, stays in the original alone.
        return b"{}"
    return reduced if len(reduced) <= most_bytes else b"{}"
