"""Whatever Firehose hands over, each record is answered once and in order, and nobody's data gets through."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesys_firehose_cdk.events.event_shapes import EventShapes
from genesys_firehose_cdk.events.masking_plan import closed_names
from genesys_firehose_tools.local.events import EventGenerator
from genesys_firehose_tools.local.values import find_personal_values
from shared.envelope import wrap
from shared.event import describe
from shared.json_text import split_events
from tests import json_values
from tests.fuzz.mutation import Mutator
from tests.fuzz.strictness import parse_line
from tests.in_memory_aws import InMemoryAws
from tests.wired_functions import firehose_batch, transform_function
from transform.function import TransformHandler

MUTATIONS = 1200
PERSON = "zq-Jane Doe"
ARRIVAL = datetime(2026, 11, 23, 10, tzinfo=UTC)
GENERATED = EventGenerator(seed=11, until=ARRIVAL).take(300)


def raw_record(event: bytes) -> bytes:
    [(parsed, raw)] = split_events(event)
    return wrap(raw, describe(parsed, ("messageId",), ARRIVAL), "webhook", ARRIVAL)


RECORDS = [raw_record(json.dumps(event.body).encode()) for event in GENERATED[:40]]


def clean_lines(function: TransformHandler, batch: dict[str, Any]) -> dict[str, bytes]:
    """Transform a batch, check what must hold of every answer, and return the lines that go to clean/ by record."""
    answers = function.handle(batch)["records"]
    assert [answer["recordId"] for answer in answers] == [record["recordId"] for record in batch["records"]]
    lines: dict[str, bytes] = {}
    for answer in answers:
        if answer["result"] == "Ok":
            lines[answer["recordId"]] = base64.b64decode(answer["data"], validate=True)
            parse_line(lines[answer["recordId"]])
            assert all(answer["metadata"]["partitionKeys"].values())
        else:
            assert answer["result"] in {"Dropped", "ProcessingFailed"}
            assert answer.keys() == {"recordId", "result"}
    return lines


@pytest.fixture
def function() -> TransformHandler:
    return transform_function(InMemoryAws())


@pytest.mark.parametrize("seed", range(4))
def test_mutated_records_are_each_answered_once(function: TransformHandler, seed: int) -> None:
    mutator = Mutator(seed, RECORDS)
    passed = 0
    for _batch in range(MUTATIONS // 50):
        passed += len(clean_lines(function, firehose_batch(list(mutator.take(50)))))
    assert passed


def test_mutated_base64_is_answered_once(function: TransformHandler) -> None:
    mutator = Mutator(21, [base64.b64encode(record) for record in RECORDS])
    for _batch in range(MUTATIONS // 50):
        batch = firehose_batch([b""] * 50)
        for record, data in zip(batch["records"], mutator.take(50), strict=True):
            record["data"] = data.decode("latin-1")
        clean_lines(function, batch)


@pytest.mark.parametrize("field", ["ingest_id", "received_at", "ingress", "dedup_key", "keyed_by"])
@pytest.mark.parametrize("character", [" ", "\\n", "\\u0000", "\\ud800", "/", "é"])
def test_a_character_at_any_place_of_the_envelope_s_fields_is_answered(
    function: TransformHandler, field: str, character: str
) -> None:
    """Twice, so that what the first batch wrote to the de-duplication table is read."""
    record = next(record for record in RECORDS if b'"keyed_by":"id"' in record)
    head, _quote, rest = record.partition(f'"{field}":"'.encode())
    value, _quote, tail = rest.partition(b'"')
    records = [
        b"".join([head, f'"{field}":"'.encode(), value[:place], character.encode(), value[place + 1 :], b'"', tail])
        for place in range(len(value))
    ]
    for _again in range(2):
        clean_lines(function, firehose_batch(records))


@given(records=st.lists(st.binary(max_size=60), max_size=10))
def test_any_bytes_fail_and_claim_no_key(records: list[bytes]) -> None:
    aws = InMemoryAws()
    assert clean_lines(transform_function(aws), firehose_batch(records)) == {}
    assert aws.owners == {}


@settings(max_examples=60)
@given(written=st.lists(json_values.written_objects(), min_size=1, max_size=6))
def test_whatever_was_accepted_is_transformed(written: list[tuple[dict[str, Any], bytes]]) -> None:
    records = [
        raw_record(b'{"messageId":%d,' % number + raw[1:]) for number, (_event, raw) in enumerate(written) if _event
    ]
    aws = InMemoryAws()
    assert len(clean_lines(transform_function(aws), firehose_batch(records))) == len(aws.owners)


@pytest.mark.parametrize("depth", [*range(100, 1100, 50), 10_000, 100_000])
def test_nesting_of_any_depth_is_answered(function: TransformHandler, depth: int) -> None:
    sound = raw_record(b'{"messageId":"a","b":0}')
    deep = sound.replace(b'"b":0', b'"b":' + b"[" * depth + b"]" * depth)
    assert "record-1" in clean_lines(function, firehose_batch([deep, RECORDS[0]]))


def test_nothing_personal_of_generated_events_gets_through(function: TransformHandler) -> None:
    records = [raw_record(json.dumps(event.body).encode()) for event in GENERATED]
    lines = clean_lines(function, firehose_batch(records))
    assert len(lines) == len(GENERATED)
    assert sum(map(bool, (event.personal for event in GENERATED))) > len(GENERATED) / 2
    for event, line in zip(GENERATED, lines.values(), strict=True):
        assert not find_personal_values(line.decode()) & event.personal, event.family


def planted(name: str, shape: int) -> bytes:
    """A personal field in one of the ways to write it."""
    key, value = json.dumps(name), json.dumps(PERSON)
    escaped = "".join(f"\\u{ord(character):04x}" for character in name)
    return [
        f"{key}:{value}",
        f'"{escaped}":{value}',
        f"{key}:[{value},[{value}]]",
        f"{key}:1,{key}:{value}",
        f"{key}:{value},{key}:{value}",
        f' {key}\t:\r\n"{"".join(f"{chr(92)}u{ord(character):04x}" for character in PERSON)}"',
    ][shape].encode()


@pytest.mark.parametrize("seed", range(30, 34))
def test_no_planted_person_gets_through_whatever_is_mutated_around_it(function: TransformHandler, seed: int) -> None:
    """The field itself stays whole: one whose name has changed is no longer a field that the policy knows."""
    closed = closed_names(EventShapes.default())
    names = sorted(name for name in closed if closed[name] != "secret")[seed - 30 :: 4]
    bodies = [json.dumps(event.body)[1:-1].encode() for event in GENERATED[:20]]
    before, after = Mutator(seed, bodies), Mutator(seed + 100, bodies)
    head, tail = raw_record(b'{"a":1}').split(b'"a":1')
    passed = 0
    for name in names:
        for shape in range(6):
            field = planted(name, shape)
            records = [
                head + b",".join([start, field, end]) + tail
                for start, end in zip(before.take(8), after.take(8), strict=True)
            ]
            records.append(head + field + tail)
            for number, record in enumerate(records):
                # Each its own event, or all but one would be duplicates.
                key = f"{len(name)}{shape}{number}{passed}".encode()
                records[number] = record.replace(b'"dedup_key":"', b'"dedup_key":"' + key, 1)
            for line in clean_lines(function, firehose_batch(records)).values():
                passed += 1
                assert PERSON not in line.decode()
                assert PERSON not in json.dumps(parse_line(line), ensure_ascii=False)
    assert passed > len(names) * 6
