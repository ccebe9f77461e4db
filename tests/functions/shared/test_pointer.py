"""A pointer leads to its own event's original and to nothing else, and what it leads to is checked."""

import gzip
import hashlib
import json
import re
import tracemalloc
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from shared.pointer import MAX_ORIGINAL_BYTES, BrokenPointerError, Pointer, new_object_key, read_original

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
KEY = "d" * 64
ORIGINAL = b'{"messageId":"a"}'
DIGEST = hashlib.sha256(ORIGINAL).hexdigest()
POINTER = Pointer(new_object_key(NOW), len(ORIGINAL), DIGEST)
# As older records have it.
OLD_POINTER = Pointer(f"raw/oversize/2026/11/23/{KEY}-{DIGEST[:16]}.json.gz", len(ORIGINAL), DIGEST)


def test_an_original_is_filed_by_its_day_of_arrival_under_a_random_name() -> None:
    names = {new_object_key(NOW) for _ in range(100)}
    assert len(names) == 100
    assert all(re.fullmatch(r"raw/oversize/2026/11/23/[0-9a-f]{32}\.json\.gz", name) for name in names)


@pytest.mark.parametrize("pointer", [POINTER, OLD_POINTER])
def test_the_pointer_in_an_envelope_is_read(pointer: Pointer) -> None:
    assert Pointer.of(json.loads(json.dumps(pointer._asdict())), KEY) == pointer


@pytest.mark.parametrize("pointer", [POINTER, OLD_POINTER])
@pytest.mark.parametrize(
    "changes",
    [
        {"key": "raw/2026/11/23/10/records.gz"},
        {"key": POINTER.key.replace("raw/", "clean/")},
        {"key": OLD_POINTER.key.replace("d" * 64, "e" * 64)},
        {"key": OLD_POINTER.key.replace(DIGEST[:16], "0" * 16)},
        {"key": POINTER.key.replace(".json", "0.json")},
        {"key": POINTER.key + "/other.json.gz"},
        {"key": "x/" + POINTER.key},
        {"key": POINTER.key + "\n"},
        {"key": POINTER.key.replace("/23/", "/../")},
        {"key": POINTER.key.replace("/23/", "/\ud800/")},
        {"key": POINTER.key.replace("2026", "\u0662026")},
        {"key": None},
        {"sha256": DIGEST[:16]},
        {"sha256": 7},
        {"length": 0},
        {"length": -1},
        {"length": True},
        {"length": 17.0},
        {"length": MAX_ORIGINAL_BYTES + 1},
        {"length": "17"},
        {"more": 1},
    ],
)
def test_a_pointer_of_another_form_or_to_another_event_is_broken(pointer: Pointer, changes: dict[str, Any]) -> None:
    with pytest.raises(BrokenPointerError):
        Pointer.of({**pointer._asdict(), **changes}, KEY)


@pytest.mark.parametrize("value", [None, [], "text", {}, {"key": POINTER.key}])
def test_what_is_no_pointer_at_all_is_broken(value: object) -> None:
    with pytest.raises(BrokenPointerError):
        Pointer.of(value, KEY)


def test_another_events_pointer_is_broken() -> None:
    with pytest.raises(BrokenPointerError):
        Pointer.of(OLD_POINTER._asdict(), "e" * 64)
    with pytest.raises(BrokenPointerError):
        Pointer.of({**OLD_POINTER._asdict(), "sha256": "0" * 64}, KEY)


@pytest.mark.parametrize("code", ["NoSuchKey", "InvalidObjectState"])
def test_an_original_that_no_further_attempt_can_read_is_broken(code: str) -> None:
    def get_object(_key: str) -> bytes:
        raise ClientError({"Error": {"Code": code, "Message": "zq"}}, "GetObject")

    with pytest.raises(BrokenPointerError):
        read_original(POINTER, get_object)


def test_an_original_that_another_attempt_may_read_is_not_broken() -> None:
    def get_object(_key: str) -> bytes:
        raise ClientError({"Error": {"Code": "SlowDown", "Message": "zq"}}, "GetObject")

    with pytest.raises(ClientError):
        read_original(POINTER, get_object)


def test_an_original_is_read_and_unpacked() -> None:
    objects = {POINTER.key: gzip.compress(ORIGINAL)}
    assert read_original(POINTER, objects.__getitem__) == ORIGINAL


@pytest.mark.parametrize(
    "content",
    [
        b"",
        ORIGINAL,
        gzip.compress(ORIGINAL)[:-12],
        gzip.compress(ORIGINAL + b" "),
        gzip.compress(ORIGINAL.replace(b"a", b"b")),
    ],
    ids=["empty", "not packed", "cut", "longer", "changed"],
)
def test_an_original_that_is_not_what_the_pointer_names_is_refused(content: bytes) -> None:
    with pytest.raises(BrokenPointerError):
        read_original(POINTER, lambda _key: content)


def test_an_original_that_would_unpack_to_more_than_it_should_is_not_unpacked() -> None:
    bomb = gzip.compress(b"x" * 50_000_000)
    tracemalloc.start()
    with pytest.raises(BrokenPointerError):
        read_original(POINTER, lambda _key: bomb)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
