"""How long a comparison takes says nothing about the signature or key it compares.

Measured times would say less: a comparison that stops early gains nanoseconds. So the work is counted instead, and
``hmac.compare_digest`` is trusted to take the same time for inputs of the same length, as it is documented to.
"""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ingest.settings import SignatureScheme
from ingest.signature import signer

BODY = b'{"messageId":"m-1"}' * 100
KEYS = (b"current", b"previous")
NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
SCHEME = SignatureScheme(
    kind="hmac",
    header="X-Genesys-Signature",
    prefix="",
    encoding="hex",
    timestamp_header="",
    timestamp_tolerance=timedelta(0),
)


def digest(key: bytes) -> bytes:
    return hmac.new(key, BODY, hashlib.sha256).digest()


def signed(signature: bytes) -> bool:
    return signer(SCHEME, {"x-genesys-signature": [signature.hex()]}, BODY, KEYS, NOW) is not None


def sharing_a_prefix(length: int) -> bytes:
    """A signature of which the first bytes are right."""
    right = digest(KEYS[0])
    return right[:length] + bytes(byte ^ 0xFF for byte in right[length:])


SIGNATURES = [
    digest(KEYS[0]),
    digest(KEYS[1]),
    bytes(32),
    *(sharing_a_prefix(length) for length in range(32)),
    *(hashlib.sha256(bytes([seed])).digest() for seed in range(20)),
]


def test_every_signature_costs_the_same_digests_and_comparisons_of_full_length(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[tuple[str, tuple[int, ...]]] = []

    def watched(name: str) -> Callable[..., object]:
        function = getattr(hmac, name)

        def watch(*arguments: Sequence[int]) -> object:
            calls.append((name, tuple(len(argument) for argument in arguments)))
            return function(*arguments)

        return watch

    expected = [
        ("digest", (len(KEYS[0]), len(BODY), len("sha256"))),
        ("compare_digest", (32, 32)),
        ("digest", (len(KEYS[1]), len(BODY), len("sha256"))),
        ("compare_digest", (32, 32)),
    ]
    signatures = [(signature, signature in map(digest, KEYS)) for signature in SIGNATURES]
    for name in ("digest", "compare_digest"):
        monkeypatch.setattr(hmac, name, watched(name))
    for signature, is_right in signatures:
        calls.clear()
        assert signed(signature) == is_right
        assert calls == expected


GIVEN_KEYS = [b"current", b"previous", b"", b"c", b"curren", b"currents", b"xxxxxxx", b"current" * 100, bytes(32)]


def test_every_key_in_a_header_costs_the_same_comparisons_of_full_length(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[int, int]] = []
    compare = hmac.compare_digest

    def watch(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return compare(one, other)

    monkeypatch.setattr(hmac, "compare_digest", watch)
    scheme = replace(SCHEME, kind="shared_key")
    for given in GIVEN_KEYS:
        compared.clear()
        passes = signer(scheme, {"x-genesys-signature": [given.decode("latin-1")]}, BODY, KEYS, NOW) is not None
        assert passes == (given in KEYS)
        assert compared == [(32, 32), (32, 32)]
