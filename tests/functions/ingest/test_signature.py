"""Only the very bytes the sender signed, signed in one way, pass."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.settings import SignatureScheme
from ingest.signature import proof, signer

KEY = b"the-first-key"
OTHER_KEY = b"another-key"
BODY = b'{"messageId":"m-1"}'
NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)

HEX = SignatureScheme(
    kind="hmac",
    header="X-Genesys-Signature",
    prefix="",
    encoding="hex",
    timestamp_header="",
    timestamp_tolerance=timedelta(seconds=300),
)
OPEN_MESSAGING = SignatureScheme(
    kind="hmac",
    header="X-Hub-Signature-256",
    prefix="sha256=",
    encoding="base64",
    timestamp_header="",
    timestamp_tolerance=timedelta(seconds=300),
)
TIMESTAMPED = SignatureScheme(
    kind="hmac",
    header="X-Genesys-Signature",
    prefix="",
    encoding="hex",
    timestamp_header="X-Genesys-Timestamp",
    timestamp_tolerance=timedelta(seconds=300),
)

SHARED = replace(HEX, kind="shared_key")
BEARER = replace(HEX, kind="shared_key", header="Authorization", prefix="Bearer:")
BASIC = replace(HEX, kind="basic", header="Authorization")


def digest(body: bytes, key: bytes = KEY) -> bytes:
    return hmac.new(key, body, hashlib.sha256).digest()


def hex_signed(signature: str, body: bytes = BODY, keys: tuple[bytes, ...] = (KEY,)) -> bool:
    return signer(HEX, {"x-genesys-signature": [signature]}, body, keys, NOW) is not None


def base64_signed(header: str, body: bytes = BODY) -> bool:
    return signer(OPEN_MESSAGING, {"x-hub-signature-256": [header]}, body, (KEY,), NOW) is not None


def test_the_hex_signature_of_the_body_is_accepted_in_either_case() -> None:
    assert hex_signed(digest(BODY).hex())
    assert hex_signed(digest(BODY).hex().upper())


def test_open_messagings_prefixed_base64_signature_is_accepted() -> None:
    assert base64_signed("sha256=" + base64.b64encode(digest(BODY)).decode())


def test_a_signature_without_the_schemes_prefix_is_refused() -> None:
    assert not base64_signed(base64.b64encode(digest(BODY)).decode())


@given(body=st.binary(max_size=64))
def test_no_other_body_passes_with_the_signature(body: bytes) -> None:
    assert hex_signed(digest(BODY).hex(), body) == (body == BODY)


@given(bit=st.integers(0, 255))
def test_no_signature_that_differs_in_a_bit_passes(bit: int) -> None:
    changed = bytearray(digest(BODY))
    changed[bit // 8] ^= 1 << bit % 8
    assert not hex_signed(changed.hex())
    assert not base64_signed("sha256=" + base64.b64encode(changed).decode())


@pytest.mark.parametrize(
    "rewrite",
    [
        lambda text: text[:0],
        lambda text: text[:-1],
        lambda text: text[:-2],
        lambda text: text[:32],
        lambda text: text + "00",
        lambda text: " " + text,
        lambda text: text + "\n",
        lambda text: text[:2] + " " + text[2:],
        lambda text: "0x" + text,
        lambda text: text[:-2] + "  ",
        lambda text: text.translate({ord("a") + i: 0xFF41 + i for i in range(6)}),
        lambda text: text.replace(text[0], "\ud800"),
    ],
)
def test_a_hex_signature_that_is_cut_stretched_or_rewritten_is_refused(rewrite: Callable[[str], str]) -> None:
    right = digest(BODY).hex()
    assert rewrite(right) != right
    assert not hex_signed(rewrite(right))


def _with_stray_bits(text: str) -> str:
    # 32 bytes end in a character of which two bits mean nothing: "…8=" and "…9=" decode to the same.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    rewritten = text[:-2] + alphabet[alphabet.index(text[-2]) + 1] + "="
    assert base64.b64decode(rewritten) == base64.b64decode(text)
    return rewritten


@pytest.mark.parametrize(
    "rewrite",
    [
        _with_stray_bits,
        lambda text: text.rstrip("="),
        lambda text: text + "=",
        lambda text: text + "\n",
        lambda text: " " + text,
        lambda text: text[:20] + "\r\n" + text[20:],
        lambda text: base64.urlsafe_b64encode(base64.b64decode(text)).decode(),
        lambda text: base64.b64decode(text).hex(),
        lambda text: text[:-4],
        lambda text: "\u00e4" + text,
    ],
)
def test_a_base64_signature_that_is_re_encoded_is_refused(rewrite: Callable[[str], str]) -> None:
    # A body whose signature holds both characters in which the alphabets differ.
    bodies = (b"%d" % number for number in range(1000))
    body = next(body for body in bodies if {b"+", b"/"} <= {bytes([c]) for c in base64.b64encode(digest(body))})
    right = base64.b64encode(digest(body)).decode()
    assert base64_signed("sha256=" + right, body)
    assert rewrite(right) != right
    assert not base64_signed("sha256=" + rewrite(right), body)


@pytest.mark.parametrize("values", [[], ["right", "wrong"], ["wrong", "right"], ["right", "right"]])
def test_a_signature_header_that_is_missing_or_stands_twice_is_refused(values: list[str]) -> None:
    signatures = {"right": digest(BODY).hex(), "wrong": "00" * 32}
    headers = {"x-genesys-signature": [signatures[value] for value in values]}
    assert signer(HEX, headers, BODY, (KEY,), NOW) is None


def test_any_of_the_keys_may_have_made_the_signature() -> None:
    assert hex_signed(digest(BODY, OTHER_KEY).hex(), keys=(KEY, OTHER_KEY))
    assert hex_signed(digest(BODY).hex(), keys=(KEY, OTHER_KEY))


def test_without_keys_nothing_is_signed() -> None:
    assert not hex_signed(digest(BODY).hex(), keys=())


def timestamped(timestamps: list[str], signed_bytes: bytes) -> bool:
    headers = {"x-genesys-signature": [digest(signed_bytes).hex()], "x-genesys-timestamp": timestamps}
    return signer(TIMESTAMPED, headers, BODY, (KEY,), NOW) is not None


@pytest.mark.parametrize(
    "timestamp",
    ["1795428000", "1795428000000", "1795427700", "1795428300", "2026-11-23T10:00:00Z", "2026-11-23T11:04:00+01:00"],
)
def test_a_signed_timestamp_inside_the_window_is_accepted_as_seconds_milliseconds_or_iso(timestamp: str) -> None:
    assert timestamped([timestamp], timestamp.encode() + b"." + BODY)


@pytest.mark.parametrize(
    "timestamp",
    [
        "1795427699",
        "1795428301",
        "2026-11-23T09:54:59Z",
        "",
        "now",
        "-1",
        "1e9",
        "9" * 400,
        "\u0661\u0667\u0669\u0665\u0664\u0662\u0668\u0660\u0660\u0660",
        "9999-12-31T23:59:59-23:59",
    ],
)
def test_a_timestamp_outside_the_window_or_unreadable_is_refused_though_signed(timestamp: str) -> None:
    assert not timestamped([timestamp], timestamp.encode() + b"." + BODY)


def test_a_timestamp_that_is_not_what_was_signed_is_refused() -> None:
    assert not timestamped(["1795428000"], BODY)
    assert not timestamped(["1795428000"], b"1795427999." + BODY)
    # A time to Python's parser, though no bytes in UTF-8.
    assert not timestamped(["2026-11-23\ud80010:00:00Z"], BODY)


@pytest.mark.parametrize("timestamps", [[], ["1795428000", "1795428000"]])
def test_a_timestamp_that_is_missing_or_stands_twice_is_refused(timestamps: list[str]) -> None:
    assert not timestamped(timestamps, b"1795428000." + BODY)


def carries(scheme: SignatureScheme, *values: str, keys: tuple[bytes, ...] = (KEY, OTHER_KEY)) -> bool:
    return signer(scheme, {scheme.header.lower(): list(values)}, BODY, keys, NOW) is not None


def basic(pair: bytes) -> str:
    return f"Basic {base64.b64encode(pair).decode()}"


@pytest.mark.parametrize("key", [KEY, OTHER_KEY])
def test_the_key_itself_passes_where_the_scheme_is_a_shared_key(key: bytes) -> None:
    assert carries(SHARED, key.decode())
    assert carries(BEARER, f"Bearer:{key.decode()}")
    assert carries(BASIC, basic(b"anybody:" + key))
    assert carries(BASIC, basic(b":" + key))


@pytest.mark.parametrize(
    "given_key",
    ["", "the-ke", "the-key ", "the-keyy", "THE-KEY", "the-key\udc80", "the-key,the-key", digest(BODY).hex()],
)
def test_nothing_but_the_key_passes_as_one(given_key: str) -> None:
    assert not carries(SHARED, given_key)
    assert not carries(BEARER, f"Bearer:{given_key}")
    assert not carries(BASIC, basic(b"anybody:" + given_key.encode("utf-8", "surrogatepass")))


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic ",
        "the-key",
        "Basic the-key",
        basic(b"the-key"),
        basic(b"the-key:"),
        basic(b"anybody:the-key:"),
        basic(b"anybody:the-key").replace("Basic", "Bearer"),
        basic(b"anybody:the-key").replace(" ", "  "),
    ],
)
def test_nothing_but_basic_authentication_with_the_key_passes_as_such(header: str) -> None:
    assert not carries(BASIC, header)


def test_a_password_may_hold_colons_and_the_word_basic_stands_in_either_case() -> None:
    assert carries(BASIC, basic(b"anybody:a:b").replace("Basic", "bASIC"), keys=(b"a:b",))


@pytest.mark.parametrize("scheme", [SHARED, BASIC])
def test_a_key_that_is_given_twice_or_not_at_all_does_not_pass(scheme: SignatureScheme) -> None:
    value = KEY.decode() if scheme is SHARED else basic(b"x:" + KEY)
    assert carries(scheme, value)
    assert not carries(scheme, value, value)
    assert not carries(scheme)


def test_the_key_itself_is_no_signature() -> None:
    assert not carries(HEX, KEY.decode())


def test_a_rotated_key_passes_while_it_is_among_the_keys() -> None:
    assert carries(SHARED, OTHER_KEY.decode(), keys=(KEY, OTHER_KEY))
    assert not carries(SHARED, OTHER_KEY.decode(), keys=(KEY,))


@pytest.mark.parametrize(
    "scheme",
    [HEX, OPEN_MESSAGING, TIMESTAMPED, SHARED, BEARER, BASIC],
    ids=["hex", "base64", "timestamp", "shared key", "prefix", "basic"],
)
def test_the_proof_of_every_scheme_passes_with_the_right_key_alone(scheme: SignatureScheme) -> None:
    for key, passes in ((KEY, True), (OTHER_KEY, False)):
        received = {name.lower(): [value] for name, value in proof(scheme, key, BODY, NOW).items()}
        assert (signer(scheme, received, BODY, [KEY], NOW) is not None) == passes
