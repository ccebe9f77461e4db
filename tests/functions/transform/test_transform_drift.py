"""Schema drift: what is new in an event is named, and nothing else ever happens to it because of that."""

import base64
import copy
import itertools
import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesys_firehose_cdk.events.event_shapes import EventShapes
from genesys_firehose_tools.local.events import FAMILIES, EventGenerator
from tests.in_memory_aws import InMemoryAws
from tests.wired_functions import (
    METRICS_ENVIRONMENT,
    PLAN,
    drift_of,
    firehose_batch,
    ingest_function,
    masking_plan,
    post,
    transform_function,
    transformed,
)
from transform.masking import MAX_NAMES, MAX_PATH_CHARACTERS

Event = dict[str, Any]
Place = tuple[Any, Any]

SECRET = "Ada Lovelace +15550100100"
FAMILY_EVENTS = {family: EventGenerator(seed=7).generate(family).body for family in FAMILIES}
families = st.sampled_from(sorted(FAMILIES)).map(lambda family: copy.deepcopy(FAMILY_EVENTS[family]))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(autouse=True)
def _metrics_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in METRICS_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def places(value: Any) -> Iterator[Place]:
    """Every field and element inside a value."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(entries):
        yield value, key
        yield from places(inner)


def presence(**fields: Any) -> Event:
    event = copy.deepcopy(FAMILY_EVENTS["presence"])
    event["eventBody"].update(fields)
    return event


def clean_records(events: list[Any]) -> list[dict[str, Any]]:
    """What becomes of events that are posted and delivered."""
    aws = InMemoryAws()
    assert post(ingest_function(aws), events) == 200
    return transformed(transform_function(aws).handle(firehose_batch(aws.in_stream)))


def metric_lines(output: str) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, output.splitlines()) if "_aws" in line]


# What is not drift.


@pytest.mark.parametrize("family", FAMILIES)
def test_an_event_of_a_known_family_has_no_drift(family: str) -> None:
    generator = EventGenerator(seed=11)
    for _ in range(100):
        assert drift_of(generator.generate(family).body) == []


@pytest.mark.parametrize("family", FAMILIES)
def test_null_is_of_every_type(family: str) -> None:
    for number in itertools.count():
        event = copy.deepcopy(FAMILY_EVENTS[family])
        every_place = list(places(event))
        if number == len(every_place):
            return
        container, key = every_place[number]
        if key != "topicName":
            container[key] = None
            assert drift_of(event) in ([], None), (family, key)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_field_may_be_missing(family: str) -> None:
    event = FAMILY_EVENTS[family]
    if "topicName" in event:
        assert drift_of({"topicName": event["topicName"], "eventBody": {}}) == []
        assert drift_of({"topicName": event["topicName"]}) == []


def test_an_integer_is_a_number_too() -> None:
    event = copy.deepcopy(FAMILY_EVENTS["transcription"])
    event["eventBody"]["transcripts"][0]["alternatives"][0]["confidence"] = 1
    assert drift_of(event) == []


@pytest.mark.parametrize(
    "event",
    [
        {"topicName": "v2.users.7f3e.weather", "eventBody": {"any": "thing"}},
        {"topicName": "v2.users", "eventBody": {}},
        {"topicName": "v2.users.7f3e.presence.more", "eventBody": {}},
        {"topicName": "", "eventBody": {}},
        {"any": "thing"},
        {},
    ],
)
def test_an_event_of_no_known_shape_has_none_to_drift_from(event: Event) -> None:
    assert drift_of(event) is None


# What is named, and how.


def test_an_unknown_field_is_named_by_its_path() -> None:
    assert drift_of(presence(mood=SECRET)) == ["eventBody.mood: unknown"]


def test_an_unknown_object_is_named_once_and_not_looked_into() -> None:
    assert drift_of(presence(mood={"level": {SECRET: SECRET}})) == ["eventBody.mood: unknown"]


def test_a_changed_type_is_named_with_the_type_that_was_known() -> None:
    event = copy.deepcopy(FAMILY_EVENTS["acd.end"])
    event["eventBody"]["eventTime"] = "2026-11-23T10:00:00Z"
    event["eventBody"]["ani"] = {"address": SECRET}
    assert sorted(drift_of(event) or []) == [
        "eventBody.ani: object, known as string",
        "eventBody.eventTime: string, known as integer",
    ]


def test_what_is_new_in_many_elements_is_named_once() -> None:
    event = copy.deepcopy(FAMILY_EVENTS["transcription"])
    alternative = event["eventBody"]["transcripts"][0]["alternatives"][0]
    del alternative["decoratedWords"]
    for word in alternative["words"]:
        word["speaker"] = SECRET
        word["confidence"] = "high"
    assert drift_of(event) == [
        "eventBody.transcripts[].alternatives[].words[].confidence: string, known as number",
        "eventBody.transcripts[].alternatives[].words[].speaker: unknown",
    ]


def test_an_event_body_that_is_no_object_is_a_changed_type() -> None:
    assert drift_of({**presence(), "eventBody": [SECRET]}) == ["eventBody: array, known as object"]


def test_truth_is_no_number() -> None:
    assert drift_of({**FAMILY_EVENTS["acd.end"], "eventBody": {"routingPriority": True}}) == [
        "eventBody.routingPriority: boolean, known as integer"
    ]


def test_keys_of_attributes_are_never_named() -> None:
    event = copy.deepcopy(FAMILY_EVENTS["attributes"])
    event["eventBody"]["attributes"] = {SECRET: 1, "plain": 2, "nested": {SECRET: SECRET}}
    names = drift_of(event)
    assert names == []


@pytest.mark.parametrize("key", ["+15550100100", "ada@example.com", "Ada Lovelace", "n15550100100", "", "x" * 65, "é"])
def test_a_key_that_does_not_look_like_a_field_is_not_repeated(key: str) -> None:
    assert drift_of(presence(**{key: 1})) == ["eventBody.*: unknown"]


def test_at_most_twenty_names_are_given() -> None:
    event = presence(**{f"field{number}": number for number in range(500)})
    assert len(drift_of(event) or []) == MAX_NAMES == 20


# Whatever comes.


@given(event=families, data=st.data())
def test_no_value_is_ever_named(event: Event, data: st.DataObject) -> None:
    container, key = data.draw(st.sampled_from(list(places(event))))
    container[key] = data.draw(st.sampled_from([SECRET, [SECRET], {SECRET: SECRET}, {"a": SECRET}]))
    assert SECRET not in json.dumps(drift_of(event))


@given(event=families, value=json_values, data=st.data())
def test_an_event_that_does_not_fit_has_a_bounded_number_of_short_names(
    event: Event, value: Any, data: st.DataObject
) -> None:
    container, key = data.draw(st.sampled_from([place for place in places(event) if place[1] != "topicName"]))
    container[key] = value
    names = drift_of(event) or []
    assert len(names) == len(set(names)) <= MAX_NAMES
    assert all(len(name) < MAX_PATH_CHARACTERS + 60 for name in names)


def schema_of(event: Event) -> dict[str, Any]:
    """The JSON Schema of a whole event: what stands around every notification, and the shape of its topic."""
    schemas = EventShapes.default().schemas
    schema = schemas[PLAN.find(event).file]
    if "x-topics" not in schema:
        return dict(schema)
    [target] = [target for topic, target in schema["x-topics"].items() if _is_of(event["topicName"], topic)]
    frame = schemas["notification"]
    return {**frame, "$defs": schema["$defs"], "properties": {**frame["properties"], "eventBody": target}}


def _is_of(name: str, topic: str) -> bool:
    names, parts = name.split("."), topic.split(".")
    return len(names) == len(parts) and all(b in (a, "{id}") for a, b in zip(names, parts, strict=True))


@given(event=families, value=json_values, data=st.data())
def test_what_does_not_fit_by_another_validator_has_a_name_and_only_that(
    event: Event, value: Any, data: st.DataObject
) -> None:
    container, key = data.draw(st.sampled_from([place for place in places(event) if place[1] != "topicName"]))
    container[key] = value
    names = drift_of(event)
    if names is not None:
        assert (names == []) == jsonschema.Draft202012Validator(schema_of(event)).is_valid(event)


@given(body=st.dictionaries(st.text(max_size=10), json_values, max_size=4), event=families)
def test_drift_never_keeps_an_event_from_clean(body: dict[str, Any], event: Event) -> None:
    if "topicName" in event:
        event["eventBody"] = {**event["eventBody"], **body}
    event.update({f"new{key}": value for key, value in body.items()})
    [record] = clean_records([event])
    assert isinstance(record["schema_drift"], list)


# In the record and in the metrics.


def test_a_clean_record_says_what_is_new_and_closes_it() -> None:
    [record] = clean_records([presence(mood="calm", level=3)])
    assert record["schema_drift"] == ["eventBody.mood: unknown", "eventBody.level: unknown"]
    assert record["closed_fields"] == ["eventBody.mood"]
    assert record["event"]["eventBody"]["mood"].startswith("tok_")
    assert record["event"]["eventBody"]["level"] == 3
    assert list(record)[-4:] == ["transform_version", "schema_drift", "closed_fields", "event"]


def test_a_clean_record_without_drift_or_known_shape_says_nothing() -> None:
    records = clean_records([presence(), {"messageId": "1", "some": "event"}])
    assert [record["schema_drift"] for record in records] == [[], []]


def test_drift_is_named_as_received_before_masking_changes_types() -> None:
    event = copy.deepcopy(FAMILY_EVENTS["acd.end"])
    event["eventBody"]["callbackNumbers"] = 15550100100
    [record] = clean_records([event])
    assert record["schema_drift"] == ["eventBody.callbackNumbers: integer, known as array"]


def test_drift_inside_an_eventbridge_event_is_named_by_the_path_in_its_detail() -> None:
    event = {"detail-type": "v2.users.{id}.presence", "detail": presence(mood=1)}
    [record] = clean_records([event])
    assert record["schema_drift"] == ["eventBody.mood: unknown"]


def test_drift_is_counted_per_event_type_and_per_pipeline(capsys: pytest.CaptureFixture[str]) -> None:
    conversation = copy.deepcopy(FAMILY_EVENTS["conversation"])
    conversation["eventBody"].update(one=1, two=2)
    events = [presence(mood=1), presence(mood=2), presence(), conversation]
    clean_records(events)
    lines = [line for line in metric_lines(capsys.readouterr().out) if "SchemaDrift" in line]
    assert {line["EventType"]: line["SchemaDrift"] for line in lines} == {"presence": 2, "call": 2}
    for line in lines:
        [directive] = line["_aws"]["CloudWatchMetrics"]
        assert directive["Dimensions"] == [["Pipeline"], ["Pipeline", "EventType"]]
        assert line["Pipeline"] == "test"


def test_a_dropped_duplicate_is_not_counted(capsys: pytest.CaptureFixture[str]) -> None:
    aws = InMemoryAws()
    ingest = ingest_function(aws)
    event = presence(mood=1)
    post(ingest, [event])
    batch = firehose_batch(aws.in_stream * 2)
    second = json.loads(base64.b64decode(batch["records"][1]["data"]))
    second["ingest_id"] = "f" * 32
    batch["records"][1]["data"] = base64.b64encode(json.dumps(second).encode()).decode()
    capsys.readouterr()
    transform_function(aws).handle(batch)
    [line] = [line for line in metric_lines(capsys.readouterr().out) if "SchemaDrift" in line]
    assert line["SchemaDrift"] == 1


def test_events_of_no_known_shape_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    clean_records([{"topicName": "v2.users.7f3e.weather", "eventBody": {"country": "DE"}}])
    [line] = [line for line in metric_lines(capsys.readouterr().out) if "UnknownShape" in line]
    assert (line["EventType"], line["UnknownShape"]) == ("user", 1)


# A shape without topics.


def test_of_the_shapes_without_topics_the_one_with_all_its_required_fields_is_meant() -> None:
    def shape(*required: str) -> dict[str, Any]:
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "required": list(required),
            "type": "object",
            "properties": {name: {"type": ["string", "null"], "x-class": "id"} for name in required},
            "additionalProperties": False,
        }

    plan = masking_plan(shapes=EventShapes(schemas={"first": shape("a", "b"), "second": shape("b", "c")}))
    assert drift_of({"a": "1", "b": "2"}, plan) == []
    assert drift_of({"b": "1", "c": 2}, plan) == ["c: integer, known as string"]
    assert drift_of({"a": "1", "c": "2"}, plan) is None
