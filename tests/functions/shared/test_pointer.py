"""A pointer leads to its own event's original and to nothing else, and what it leads to is checked."""

import gzip
import hashlib
import json
import tracemalloc
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.pointer import MAX_ORIGINAL_BYTES, BrokenPointerError, Pointer, find_pointer, object_key, read_original

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
KEY = "d" * 64
ORIGINAL = b'{"messageId":"a"}'
DIGEST = hashlib.sha256(ORIGINAL).hexdigest()
POINTER = Pointer(object_key(KEY, DIGEST, NOW), len(ORIGINAL), DIGEST)


def marker(**changes: Any) -> dict[str, Any]:
    return {"$oversize": {**POINTER.to_json(), **changes}}


def test_an_original_is_filed_by_its_day_of_arrival_under_a_name_of_its_own() -> None:
    assert object_key(KEY, DIGEST, NOW) == f"raw/oversize/2026/11/23/{KEY}-{DIGEST[:16]}.json.gz"


@pytest.mark.parametrize(
    "event",
    [
        marker(),
        {"messageId": "a", "transcripts": marker()},
        {"eventBody": {"items": [1, "text", [{"text": marker()}]]}},
        {"$oversize": "text", "text": marker()},
        {"$oversize": {"key": 7}, "text": marker()},
    ],
)
def test_a_pointer_is_found_wherever_it_stands(event: dict[str, Any]) -> None:
    assert find_pointer(json.loads(json.dumps(event)), KEY) == POINTER


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"text": "$oversize"},
        marker(key="raw/2026/11/23/10/records.gz"),
        marker(key=POINTER.key.replace("raw/", "clean/")),
        marker(key=POINTER.key.replace("d" * 64, "e" * 64)),
        marker(key=POINTER.key + "/other.json.gz"),
        marker(key=None),
        marker(sha256="0" * 64),
        marker(sha256=7),
        marker(length=0),
        marker(length=-1),
        marker(length=MAX_ORIGINAL_BYTES + 1),
        marker(length="17"),
    ],
)
def test_a_pointer_to_anything_but_this_events_original_is_none(event: dict[str, Any]) -> None:
    assert find_pointer(event, KEY) is None


def test_another_events_pointer_is_not_followed() -> None:
    assert find_pointer(marker(), "e" * 64) is None


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
