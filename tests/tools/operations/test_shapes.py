"""Shapes learn from examples: learnt differences are no longer drift, and all others still are."""

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from genesys_firehose_cdk import EventShapes
from genesys_firehose_tools.cli import app
from genesys_firehose_tools.local.events import FAMILIES, EventGenerator
from genesys_firehose_tools.operations.shapes import Shapes, to_text
from tests.wired_functions import drift_of, masking_plan

BUILT_IN = EventShapes.default().schemas
PRESENCE = EventGenerator(seed=5, until=datetime(2026, 11, 23, tzinfo=UTC)).generate("presence").body
SECRET = "Ada Lovelace +15550100100"


def presence(**fields: Any) -> dict[str, Any]:
    event = copy.deepcopy(PRESENCE)
    event["eventBody"].update(fields)
    return event


def learned_from(*events: dict[str, Any]) -> Shapes:
    shapes = Shapes(BUILT_IN)
    for event in events:
        shapes.learn(event)
    return shapes


def drift_after(shapes: Shapes, event: dict[str, Any]) -> list[str] | None:
    return drift_of(event, masking_plan(shapes=EventShapes(schemas=shapes.schemas)))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_built_in_shapes_have_nothing_to_learn_from_generated_events(family: str) -> None:
    generator = EventGenerator(seed=23)
    shapes = learned_from(*(generator.generate(family).body for _ in range(50)))
    assert shapes.learned == {}
    assert shapes.without_shape == 0
    assert shapes.schemas == BUILT_IN


def test_the_built_in_shapes_are_written_as_the_command_writes_them(tmp_path: Path) -> None:
    Shapes(BUILT_IN).write(tmp_path)
    source = Path(__file__).parents[3] / "genesys_firehose_cdk/events/shapes"
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        path.name: path.read_text() for path in source.iterdir()
    }


def test_a_new_field_and_a_new_type_are_learnt_and_named() -> None:
    event = presence(mood={"level": 3}, primary="yes")
    shapes = learned_from(event)
    assert sorted(shapes.learned) == ["users"]
    assert sorted(shapes.learned["users"]) == ["eventBody.mood", "eventBody.mood.level", "eventBody.primary: string"]
    assert drift_after(shapes, event) == []
    assert drift_after(shapes, presence(mood={"level": "high"})) == ["eventBody.mood.level: string, known as integer"]
    assert drift_after(shapes, presence(primary=True)) == []


def test_elements_of_an_array_are_learnt_together() -> None:
    event = presence(moods=[{"level": 3}, {"level": 0.5, "since": None}, None])
    shapes = learned_from(event)
    assert drift_after(shapes, event) == []
    assert drift_after(shapes, presence(moods=[{"until": 1}])) == ["eventBody.moods[].until: unknown"]


def test_a_field_seen_as_null_alone_has_no_type_yet() -> None:
    shapes = learned_from(presence(mood=None))
    assert drift_after(shapes, presence(mood=None)) == []
    assert drift_after(shapes, presence(mood=1)) == ["eventBody.mood: integer, known as null"]


@pytest.mark.parametrize(
    "new",
    [{"attributes": {"plain": "x"}}, {"scores": {"7f3e-1": 1, "plain": 2}}],
    ids=["by its name", "by its keys"],
)
def test_the_keys_of_a_map_are_not_learnt(new: dict[str, Any]) -> None:
    shapes = learned_from(presence(**new))
    [(name, value)] = new.items()
    assert drift_after(shapes, presence(**{name: {**value, "other": 1}})) == []
    assert "plain" not in json.dumps(shapes.schemas["users"])


def test_an_event_of_another_topic_makes_a_shape_of_its_own() -> None:
    user = "0a1b2c3d-0000-4000-8000-000000000000"
    event = {"topicName": f"v2.users.{user}.weather", "version": "2", "eventBody": {"country": "DE"}}
    shapes = learned_from(event)
    assert shapes.schemas["users_weather"]["x-topics"] == {"v2.users.{id}.weather": {"$ref": "#/$defs/EventBody"}}
    assert drift_after(shapes, event) == []
    assert drift_after(shapes, {**event, "eventBody": {"country": 49}}) == [
        "eventBody.country: integer, known as string"
    ]


def test_an_eventbridge_event_tells_its_topics_template_itself() -> None:
    detail = {"topicName": "v2.flows.results.main", "eventBody": {"name": "x"}}
    shapes = learned_from({"detail-type": "v2.flows.results.{id}", "detail": detail})
    assert list(shapes.schemas["flows_results"]["x-topics"]) == ["v2.flows.results.{id}"]
    assert drift_after(shapes, detail) == []


def test_a_record_of_raw_is_learnt_from_as_its_event() -> None:
    shapes = learned_from({"ingest_id": "0" * 32, "received_at": "", "event": presence(mood=1)})
    assert shapes.learned == {"users": ["eventBody.mood"]}


def test_an_event_without_topic_and_known_fields_is_only_counted() -> None:
    shapes = learned_from({"some": "thing"})
    assert (shapes.learned, shapes.without_shape) == ({}, 1)
    assert shapes.schemas == BUILT_IN


names = st.from_regex(r"[a-z]{1,8}", fullmatch=True) | st.just(SECRET)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.just(SECRET),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=10,
)


@given(fields=st.lists(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), values, max_size=3), max_size=3))
def test_what_is_learnt_is_no_drift_any_more_and_holds_no_value(fields: list[dict[str, Any]]) -> None:
    events = [presence(**new) for new in fields]
    shapes = learned_from(*events)
    assert SECRET not in json.dumps(shapes.schemas)
    plan = masking_plan(shapes=EventShapes(schemas={"users": shapes.schemas["users"]}))
    for event in events:
        drift = drift_of(event, plan)
        assert drift is not None
        # Keys that are no field names are never learnt, so they stay drift where an object has fields too.
        assert all(name.endswith("*: unknown") for name in drift)


def test_a_schema_is_written_with_its_fields_in_order_and_short_parts_in_a_line() -> None:
    schema = {"type": "object", "properties": {"b": {"type": ["string", "null"]}, "a": {"type": ["array", "null"]}}}
    assert to_text(schema) == (
        '{\n  "type": "object",\n  "properties": {\n'
        '    "a": {"type": ["array", "null"]},\n    "b": {"type": ["string", "null"]}\n  }\n}\n'
    )


def test_the_command_starts_from_the_built_in_shapes_and_goes_on_from_its_own(tmp_path: Path) -> None:
    directory = tmp_path / "shapes"
    for number, field in enumerate(("mood", "weather")):
        examples = tmp_path / f"{number}.jsonl"
        examples.write_text(json.dumps(presence(**{field: 1})) + "\n")
        result = CliRunner().invoke(app, ["shapes", str(examples), "--write", str(directory)])
        assert result.exit_code == 0
        assert f"eventBody.{field}" in result.output
    plan = masking_plan(shapes=EventShapes.from_directory(directory))
    assert drift_of(presence(mood=1, weather=1), plan) == []


def test_the_command_refuses_a_directory_whose_shapes_are_invalid_and_leaves_it(tmp_path: Path) -> None:
    shape = tmp_path / "presence.json"
    shape.write_text('{"x-topics": ["v2.users.{id}.presence"]}')
    examples = tmp_path / "events.jsonl"
    examples.write_text(json.dumps(presence()) + "\n")
    assert CliRunner().invoke(app, ["shapes", str(examples), "--write", str(tmp_path)]).exit_code == 1
    assert shape.read_text() == '{"x-topics": ["v2.users.{id}.presence"]}'
