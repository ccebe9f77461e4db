"""Of an event too large for Firehose nothing is lost: the original is stored whole, the record points to it."""

import gzip
import json
from datetime import UTC, datetime

import pytest

from ingest.oversize import OversizeStore, reduce_event
from shared.json_text import parse_json
from tests.in_memory_aws import InMemoryAws

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
FIELDS = frozenset({"transcripts", "text"})


@pytest.fixture
def store(aws: InMemoryAws) -> OversizeStore:
    return OversizeStore(lambda: aws.client("s3"), "lake", "arn:raw-key")


def test_the_original_is_stored_byte_for_byte_under_raw_oversize(aws: InMemoryAws, store: OversizeStore) -> None:
    original = b'{ "messageId":"a",\n "text":"\\u00e4" }'
    pointer = store.keep(original, NOW)
    assert pointer.key.startswith("raw/oversize/2026/11/23/")
    assert gzip.decompress(aws.objects[pointer.key]) == original


def test_the_original_is_encrypted_with_raws_own_key_and_carries_a_checksum(
    aws: InMemoryAws, store: OversizeStore
) -> None:
    store.keep(b"{}", NOW)
    [upload] = aws.uploads
    assert (upload["Bucket"], upload["ServerSideEncryption"], upload["SSEKMSKeyId"], upload["ChecksumAlgorithm"]) == (
        "lake",
        "aws:kms",
        "arn:raw-key",
        "SHA256",
    )


def test_the_same_event_again_is_another_object_whose_name_tells_nothing_of_it(
    aws: InMemoryAws, store: OversizeStore
) -> None:
    first, second = store.keep(b"{}", NOW), store.keep(b"{}", NOW)
    assert first.key != second.key
    assert (first.length, first.sha256) == (second.length, second.sha256)
    assert all(first.sha256[:16] not in name for name in aws.objects)


def test_only_the_large_optional_fields_move_out_wherever_they_stand() -> None:
    event = {
        "messageId": "a",
        "transcripts": ["x" * 100],
        "eventBody": {"items": [{"text": "y" * 100, "id": 7}], "kept": {"z": None}},
    }
    assert json.loads(reduce_event(event, FIELDS, 10_000)) == {
        "messageId": "a",
        "transcripts": None,
        "eventBody": {"items": [{"text": None, "id": 7}], "kept": {"z": None}},
    }


def test_an_event_still_too_large_moves_out_whole() -> None:
    event = {"messageId": "a", "unexpected": "x" * 1000}
    assert json.loads(reduce_event(event, FIELDS, 1000)) == {}
    assert json.loads(reduce_event(event, FIELDS, 1100)) == event


def test_an_event_that_cant_be_written_anew_moves_out_whole() -> None:
    nested: dict[str, object] = {}
    for _level in range(5000):
        nested = {"inner": nested}
    for event in ({"number": float("inf")}, nested):
        assert parse_json(reduce_event(event, FIELDS, 10_000_000)) == {}
