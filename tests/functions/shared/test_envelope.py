"""A record is one line around the event's own bytes."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.envelope import (
    Ingress,
    InvalidEnvelopeError,
    is_envelope,
    new_ingest_id,
    read,
    shard_of,
    with_new_ingest_id,
    wrap,
)
from shared.event import describe
from shared.json_text import split_events
from shared.pointer import Pointer
from tests import json_values

ARRIVAL = datetime(2026, 11, 23, 10, 0, 0, 123000, UTC)

written_events = st.tuples(json_values.objects, json_values.texts).flatmap(
    lambda drawn: st.sampled_from([drawn[0], {**drawn[0], "topicName": drawn[1] * 100}]).flatmap(
        lambda event: st.tuples(st.just(event), json_values.writings(event))
    )
)


def record_of(event: dict[str, Any], raw: bytes, ingress: Ingress = "webhook") -> bytes:
    return wrap(raw, describe(event, ("messageId",), ARRIVAL), ingress, ARRIVAL)


RECORD = record_of({"messageId": "a"}, b'{"messageId":"a"}')


@given(written=written_events)
def test_the_event_in_the_record_is_the_sent_one_and_its_bytes_are_the_senders(
    written: tuple[dict[str, Any], bytes],
) -> None:
    event, raw = written
    record = record_of(event, raw)
    assert read(record)["event"] == event
    _head, _field, spliced = record.partition(b'"event":')
    # A line break stands between tokens only; a blank there means the same.
    assert spliced == raw.replace(b"\n", b" ").replace(b"\r", b" ") + b"}\n"


@given(written=written_events)
def test_a_record_is_one_line_and_what_stands_around_the_event_has_a_bounded_size(
    written: tuple[dict[str, Any], bytes],
) -> None:
    event, raw = written
    record = record_of(event, raw)
    assert record.endswith(b"\n")
    assert record.count(b"\n") + record.count(b"\r") == 1
    assert len(record) - len(raw) <= 4096


def test_the_envelope_has_the_documented_fields_in_their_order() -> None:
    event = {"topicName": "v2.users.u-1.presence", "eventBody": {"modifiedDate": "2026-11-23T09:00:00Z"}}
    record = json.loads(record_of(event, json.dumps(event).encode(), "eventbridge"))
    facts = describe(event, ("messageId",), ARRIVAL)
    assert list(record.items())[1:] == [
        ("received_at", "2026-11-23T10:00:00.123Z"),
        ("ingress", "eventbridge"),
        ("dedup_key", facts.dedup_key),
        ("keyed_by", "content"),
        ("event_type", "presence"),
        ("event_time", "2026-11-23T09:00:00.000Z"),
        ("topic", "v2.users.u-1.presence"),
        ("event", event),
    ]


def test_an_event_that_names_no_topic_and_no_time_has_nulls_there() -> None:
    record = json.loads(RECORD)
    assert (record["topic"], record["event_time"]) == (None, None)


def test_ingest_ids_are_32_hex_digits_and_never_the_same() -> None:
    ids = {new_ingest_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(ingest_id) == 32 and set(ingest_id) <= set("0123456789abcdef") for ingest_id in ids)


def test_another_copy_differs_in_its_ingest_id_alone() -> None:
    first, second = json.loads(RECORD), json.loads(with_new_ingest_id(RECORD))
    assert first.pop("ingest_id") != second.pop("ingest_id")
    assert first == second


@pytest.mark.parametrize(
    ("record", "is_one"),
    [
        (RECORD, True),
        (with_new_ingest_id(RECORD), True),
        (b"", False),
        (b'{"version":"0","detail":{}}', False),
        (b'{"ingest_id":"short","event":{}}', False),
        (b'{"ingest_id":"' + b"f" * 33 + b'"}', False),
        (b" " + RECORD, False),
    ],
)
def test_a_record_is_known_by_how_it_begins(record: bytes, is_one: bool) -> None:
    assert is_envelope(record) == is_one


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ingest_id", None),
        ("ingest_id", ""),
        ("ingest_id", "f" * 31),
        ("ingest_id", "f" * 32 + "\n"),
        ("ingest_id", "f" * 15 + " " + "f" * 16),
        ("ingest_id", "F" * 32),
        ("ingest_id", "zq-planted"),
        ("received_at", 7),
        ("ingress", []),
        ("ingress", "zq-planted"),
        ("dedup_key", {}),
        ("event", None),
        ("event", []),
        ("event", "zq-planted"),
    ],
)
def test_a_record_with_a_field_missing_or_of_another_type_is_no_envelope(field: str, value: object) -> None:
    whole = json.loads(RECORD)
    missing = {name: inner for name, inner in whole.items() if name != field}
    for broken in (missing, {**whole, field: value}):
        with pytest.raises(InvalidEnvelopeError) as error:
            read(json.dumps(broken).encode())
        assert field in str(error.value)
        assert "planted" not in str(error.value)


@pytest.mark.parametrize("record", [b"", b"[]", b"null", b'"text"', b"\xff", RECORD[:-3], RECORD + RECORD])
def test_bytes_that_are_no_json_object_are_no_envelope(record: bytes) -> None:
    with pytest.raises(InvalidEnvelopeError):
        read(record)


@given(written=written_events, shards=st.integers(1, 20))
def test_every_copy_of_an_event_has_the_same_shard(written: tuple[dict[str, Any], bytes], shards: int) -> None:
    record = record_of(*written)
    chosen = shard_of(record, shards)
    assert 0 <= chosen < shards
    assert shard_of(with_new_ingest_id(record), shards) == chosen


def test_a_key_has_its_shard_for_good() -> None:
    # Written out, because another choice in a new release would spread the copies of an event over two streams.
    key = "c0ffee00" + "0" * 56
    record = RECORD.replace(json.loads(RECORD)["dedup_key"].encode(), key.encode())
    assert [shard_of(record, shards) for shards in (1, 2, 3, 7, 20)] == [
        int("c0ffee00", 16) % n for n in (1, 2, 3, 7, 20)
    ]


def test_a_key_inside_the_event_chooses_no_shard() -> None:
    [(event, raw)] = split_events(b'{"messageId":"1","note":"x","dedup_key":"zzzzzzzz"}')
    assert shard_of(record_of(event, raw), 20) in range(20)


POINTER = Pointer(f"raw/oversize/2026/11/23/{'d' * 64}-{'e' * 16}.json.gz", 2_000_000, "e" * 64)


def test_the_pointer_to_an_original_stands_before_the_event_and_what_is_around_it_stays_bounded() -> None:
    event = {"topicName": "v2." + "\U0001f600" * 300, "oversize": "the sender's"}
    raw = json.dumps(event).encode()
    record = wrap(raw, describe(event, ("messageId",), ARRIVAL), "webhook", ARRIVAL, POINTER)
    envelope = read(record)
    assert list(envelope)[-2:] == ["oversize", "event"]
    assert Pointer.of(envelope["oversize"], "d" * 64) == POINTER
    assert envelope["event"] == event
    assert len(record) - len(raw) <= 4096


@given(written=written_events)
def test_no_sender_writes_a_pointer(written: tuple[dict[str, Any], bytes]) -> None:
    event, raw = written
    hostile = raw[:-1] + (b"," if event else b"") + b'"oversize":{"key":"x"},"topicName":"\\",\\"oversize\\":{}"}'
    [(parsed, own)] = split_events(hostile)
    assert "oversize" not in read(record_of(parsed, own))


@pytest.mark.parametrize("ingress", ["webhook", "eventbridge", "verification", "backfill", "names"])
def test_there_are_five_ways_in(ingress: Ingress) -> None:
    assert read(record_of({}, b"{}", ingress))["ingress"] == ingress
