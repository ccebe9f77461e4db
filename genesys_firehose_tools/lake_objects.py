"""The content of the lake's objects: Firehose writes GZIP, an emulator may not."""

import gzip

_GZIP_MAGIC = b"\x1f\x8b"


def is_packed(beginning: bytes) -> bool:
    """Tell whether an object that begins so is GZIP."""
    return beginning.startswith(_GZIP_MAGIC)


def unpack(body: bytes) -> bytes:
    """Return an object's content."""
    return gzip.decompress(body) if is_packed(body) else body
