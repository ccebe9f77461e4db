"""Verifies the sender's HMAC-SHA256 signature over the exact bytes of the body, or the key itself in a header."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from ingest.settings import SignatureScheme

_DIGEST_BYTES = 32

Headers = Mapping[str, Sequence[str]]


def signer(scheme: SignatureScheme, headers: Headers, body: bytes, keys: Sequence[bytes], now: datetime) -> int | None:
    """Return which of ``keys`` made the signature that a request carries, or is the key that it carries; None for none.

    Every key is tried and every comparison takes the same time, whatever the signature is. A header given twice, in
    whatever case, is no signature: request smuggling exploits the choice between the two.

    Args:
        scheme: how the sender signs.
        headers: the request's headers by lower-case name, all values of each.
        body: the body's bytes as sent.
        keys: the current and, while it is valid, the previous key.
        now: the time, UTC; compared with the timestamp header where the scheme has one.
    """
    given = _only_value(headers, scheme.header)
    if given is None or not given.startswith(scheme.prefix):
        return None
    if scheme.kind != "hmac":
        return _given_key(scheme, given[len(scheme.prefix) :], keys)
    signature = _decode(given[len(scheme.prefix) :], scheme)
    if signature is None:
        return None
    if scheme.timestamp_header:
        timestamp = _only_value(headers, scheme.timestamp_header)
        if timestamp is None or not _is_recent(timestamp, scheme, now):
            return None
        # The timestamp is part of what is signed; one that isn't could be replaced and would prove nothing.
        body = timestamp.encode("utf-8", "surrogatepass") + b"." + body
    matches = [hmac.compare_digest(hmac.digest(key, body, "sha256"), signature) for key in keys]
    return matches.index(True) if any(matches) else None


def proof(scheme: SignatureScheme, key: bytes, body: bytes, now: datetime) -> dict[str, str]:
    """Return the headers with which a sender proves itself: the other side of ``signer``."""
    match scheme.kind:
        case "basic":
            return {scheme.header: f"Basic {base64.b64encode(b'sender:' + key).decode()}"}
        case "shared_key":
            return {scheme.header: scheme.prefix + key.decode()}
    timestamp = str(int(now.timestamp()))
    signed = timestamp.encode() + b"." + body if scheme.timestamp_header else body
    digest = hmac.digest(key, signed, "sha256")
    signature = digest.hex() if scheme.encoding == "hex" else base64.b64encode(digest).decode()
    headers = {scheme.header: scheme.prefix + signature}
    return {**headers, scheme.timestamp_header: timestamp} if scheme.timestamp_header else headers


def _given_key(scheme: SignatureScheme, given: str, keys: Sequence[bytes]) -> int | None:
    key = _password(given) if scheme.kind == "basic" else given.encode("utf-8", "surrogatepass")
    if key is None:
        return None
    # compare_digest takes the same time for inputs of the same length alone: digests do not tell a key's length.
    digest = hashlib.sha256(key).digest()
    matches = [hmac.compare_digest(hashlib.sha256(each).digest(), digest) for each in keys]
    return matches.index(True) if any(matches) else None


def _password(credentials: str) -> bytes | None:
    """Return the password of Basic authentication (RFC 7617), whoever the user is; None for anything else."""
    scheme, _, encoded = credentials.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        pair = binascii.a2b_base64(encoded, strict_mode=True)
    except (ValueError, binascii.Error):
        return None
    _, colon, password = pair.partition(b":")
    return password if colon else None


def _only_value(headers: Headers, name: str) -> str | None:
    values = headers.get(name.lower(), ())
    return values[0] if len(values) == 1 else None


def _decode(text: str, scheme: SignatureScheme) -> bytes | None:
    """Decode a signature of exactly one digest, without blanks, padding or stray bits; hex digits in either case."""
    try:
        if scheme.encoding == "hex":
            # bytes.fromhex would also take blanks between the digits.
            signature = bytes.fromhex(text) if len(text) == 2 * _DIGEST_BYTES else b""
        else:
            signature = base64.b64decode(text, validate=True)
            if base64.b64encode(signature).decode() != text:
                return None
    except (ValueError, binascii.Error):
        return None
    return signature if len(signature) == _DIGEST_BYTES else None


def _is_recent(timestamp: str, scheme: SignatureScheme, now: datetime) -> bool:
    """Read epoch seconds, epoch milliseconds or ISO 8601, and hold it against the window."""
    try:
        if timestamp.isascii() and timestamp.isdigit():
            seconds = float(timestamp[:16])
            moment = datetime.fromtimestamp(seconds / 1000 if seconds >= 1e11 else seconds, UTC)
        else:
            moment = datetime.fromisoformat(timestamp)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
        return abs(now - moment) <= scheme.timestamp_tolerance
    except (ValueError, OverflowError, OSError):
        return False
