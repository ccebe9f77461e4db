"""The form of a manifest and of its parts: JSON lines that standard tools can check.

A manifest has two lines. The first is the manifest, and is what is signed, with the line break at its end. The second
is the signature. The manifest names its last part by key and SHA-256, and each part names the one before in its first
line, so the signature covers them all, and nothing has to hold more than one part.

The first line of a part also has what was counted so far, and where the next one begins. A part has a line for each
version: key, version id, whether it is the latest of its key, size and SHA-256, or
``"delete_marker": true``.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

FORMAT: Final = 1
ALGORITHM: Final = "ECDSA_SHA_256"

_encode = json.JSONEncoder(separators=(",", ":"), sort_keys=True).encode


def line_of(values: Mapping[str, Any]) -> bytes:
    """Write a line, its names in order: the same values give the same bytes."""
    return _encode(values).encode() + b"\n"


def part_of(head: Mapping[str, Any], versions: Iterable[Mapping[str, Any]]) -> bytes:
    """Write a part."""
    return b"".join(line_of(each) for each in ({"format": FORMAT, **head}, *versions))


def signed(manifest: bytes, signature: bytes, key_arn: str) -> bytes:
    """Put the signature below the manifest's line."""
    text = base64.b64encode(signature).decode()
    return manifest + line_of({"algorithm": ALGORITHM, "key": key_arn, "signature": text})


def sha256(content: bytes) -> str:
    """Return the SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()


def first_line(content: bytes) -> bytes:
    """Return what is signed: the first line, with its line break."""
    return content[: content.find(b"\n") + 1]
