"""Reads a version of an object once: its SHA-256, and how many records of which type are in it.

The SHA-256 is made of the bytes. S3 has one of its own only where the uploader sent it, which nobody documents of
Firehose, and the checksums that S3 makes by itself find damage, no intent.
"""

import gzip
import hashlib
import re
import zlib
from collections import Counter
from typing import IO, cast

from shared.envelope import RESERVED
from shared.event_types import EVENT_TYPES

UNREADABLE = "unreadable"
"""What is counted of a line that is no envelope, and of an object whose compression is broken."""

_CHUNK_BYTES = 1024 * 1024
# A record has 1,000 KiB at most; a line that is longer is none of ours, and is not kept in memory whole.
_LONGEST_LINE_BYTES = 2 * 1024 * 1024
# All of this is written by the ingest function; what a sender wrote stands behind it.
_HEAD = re.compile(
    rb'\{"ingest_id":"[^"]*","received_at":"[^"]*","ingress":"([a-z]+)",[^{}]{0,400}?"event_type":"(\w{1,64})"'
)


class Contents:
    """What a version holds.

    Attributes:
        sha256: of its bytes, in hex.
        size: of its bytes.
        records: how many by type; empty for what holds no records.
    """

    def __init__(self, body: IO[bytes], *, holds_records: bool) -> None:
        hashed = _Hashed(body)
        self.records: Counter[str] = _count(hashed) if holds_records else Counter()
        while hashed.read(_CHUNK_BYTES):
            pass
        self.sha256 = hashed.digest.hexdigest()
        self.size = hashed.size


class _Hashed:
    """Passes on what it reads, and hashes it."""

    def __init__(self, body: IO[bytes]) -> None:
        self._body = body
        self.digest = hashlib.sha256()
        self.size = 0

    def read(self, size: int) -> bytes:
        data = self._body.read(size)
        self.digest.update(data)
        self.size += len(data)
        return data


def _count(content: _Hashed) -> Counter[str]:
    counted: Counter[str] = Counter()
    begins = True
    try:
        with gzip.GzipFile(fileobj=cast(IO[bytes], content)) as lines:
            while line := lines.readline(_LONGEST_LINE_BYTES):
                if begins and line.strip():
                    counted[_type_of(line)] += 1
                begins = line.endswith(b"\n")
    except (gzip.BadGzipFile, EOFError, zlib.error):
        counted[UNREADABLE] += 1
    return counted


def _type_of(line: bytes) -> str:
    head = _HEAD.match(line)
    if head is None:
        return UNREADABLE
    ingress, event_type = (part.decode() for part in head.groups())
    if ingress in RESERVED:
        return ingress
    # Whoever may put records to the stream could name a million types.
    return event_type if event_type in EVENT_TYPES else UNREADABLE
