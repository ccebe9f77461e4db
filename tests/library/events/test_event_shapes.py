"""Known shapes are checked at synthesis and staged, each with its check, so that the function needs no library."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from genesys_firehose_cdk import EventShapes, GenesysFirehosePipeline, InvalidPropertyError, TransformProps
from genesys_firehose_cdk.events.event_shapes import CLASSES, parts_of
from tests.library.synthesis import CONTEXT

PRESENCE: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "x-topics": {"v2.users.{id}.presence": {"$ref": "#/$defs/Presence"}},
    "$defs": {
        "Presence": {"type": ["object", "null"], "properties": {"mood": {"$ref": "#/$defs/Mood"}}},
        "Mood": {"type": ["object", "null"], "properties": {"level": {"type": "integer", "x-class": "number"}}},
    },
}
_ASK = (
    "from transform.plan import staged_plan; from transform.masking import Masker; import json, sys; "
    "print(json.dumps([Masker(staged_plan(), b'key').mask(event, 0).schema_drift for event in json.load(sys.stdin)]))"
)


def _drift_of(events: list[dict[str, Any]], outdir: Path, **properties: Any) -> Any:
    """Ask the staged transform function, with nothing but the standard library."""
    app = cdk.App(analytics_reporting=False, context=CONTEXT, outdir=str(outdir))
    GenesysFirehosePipeline(cdk.Stack(app, "Test"), "Pipeline", **properties)
    app.synth()
    [asset] = [path.parents[1] for path in outdir.glob("asset.*/transform/handler.py") if _is_alone(path.parents[1])]
    ask = [sys.executable, "-S", "-c", _ASK]
    answer = subprocess.run(ask, cwd=asset, input=json.dumps(events).encode(), capture_output=True, check=True)
    return json.loads(answer.stdout)


def _is_alone(asset: Path) -> bool:
    return {entry.name for entry in asset.iterdir()} == {"transform", "shared"}


def test_the_staged_function_names_drift_without_any_library(tmp_path: Path) -> None:
    event = {"topicName": "v2.users.7f3e.presence", "eventBody": {"source": "PURECLOUD"}}
    drifted = {"topicName": "v2.users.7f3e.presence", "eventBody": {"source": 1}}
    assert _drift_of([event, drifted], tmp_path) == [[], ["eventBody.source: integer, known as string"]]


def test_a_pipeline_may_know_other_shapes_instead(tmp_path: Path) -> None:
    directory = tmp_path / "shapes"
    directory.mkdir()
    (directory / "presence.json").write_text(json.dumps(PRESENCE))
    events = [
        {"topicName": "v2.users.7f3e.presence", "eventBody": {"mood": {"level": 1}}},
        {"topicName": "v2.users.7f3e.presence", "eventBody": {"mood": {"level": "high"}}},
        {"topicName": "v2.users.7f3e.routingStatus", "eventBody": {}},
    ]
    shapes = EventShapes.from_directory(directory)
    assert _drift_of(events, tmp_path / "out", transform=TransformProps(event_shapes=shapes)) == [
        [],
        ["eventBody.mood.level: string, known as integer"],
        None,
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "has the $schema"),
        ({"x-topics": {}}, "has the x-topics {}"),
        ({"x-topics": {"users.{id}": {}}}, "has the x-topics {'users.{id}'"),
        ({"x-topics": None}, "has neither x-topics nor required"),
        ({"required": ["mood"]}, "has both x-topics and required"),
        ({"oneOf": []}, "has the keyword oneOf"),
        ({"properties": {"mood": {"pattern": "x"}}}, "#/properties/mood has the keyword pattern"),
        ({"properties": {"mood": {"items": {"enum": []}}}}, "#/properties/mood/items has the keyword enum"),
        ({"properties": {"mood": {"type": "text"}}}, "#/properties/mood has the type 'text'"),
        ({"properties": {"mood": {"$ref": "#/$defs/Other"}}}, "#/properties/mood refers to '#/$defs/Other'"),
        ({"properties": {"mood": []}}, "#/properties/mood is not an object"),
        ({"properties": {"mood": {"items": True}}}, "#/properties/mood/items is not an object"),
        ({"properties": []}, "#/properties is not an object"),
        ({"properties": {"mood": {"type": "string"}}}, "#/properties/mood has no x-class"),
        ({"properties": {"mood": {"type": "string", "x-class": "name of it"}}}, "has the x-class 'name of it'"),
        ({"properties": {"mood": {"items": {"type": "string"}}}}, "#/properties/mood/items has no x-class"),
        ({"properties": {"mood": {"x-class": "map", "additionalProperties": {}}}}, "has additionalProperties"),
        ({"properties": {"mood": {"x-class": "id", "x-when": {"field": "a"}}}}, "has the x-when"),
        ({"$defs": {"Mood": {"$ref": "#/$defs/Mood"}}}, "refers to '#/$defs/Mood'"),
    ],
)
def test_an_invalid_schema_is_refused_with_its_place(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidPropertyError, match=r"^event_shapes: presence") as refusal:
        EventShapes(schemas={"presence": {**PRESENCE, **change}})
    assert message in str(refusal.value)


def test_a_topic_has_one_shape() -> None:
    with pytest.raises(InvalidPropertyError, match=r"v2\.users\.\{id\}\.presence of first"):
        EventShapes(schemas={"first": PRESENCE, "second": PRESENCE})


@pytest.mark.parametrize("name", ["", "Presence", "user-presence", "../presence", "1st"])
def test_a_shape_has_a_plain_name(name: str) -> None:
    with pytest.raises(InvalidPropertyError, match="has that name"):
        EventShapes(schemas={name: PRESENCE})


def test_no_field_of_the_dictionary_is_without_a_class() -> None:
    for name, schema in EventShapes.default().schemas.items():
        for place, part in parts_of(schema, name):
            if not part.keys() & {"properties", "items", "$ref", "x-topics"}:
                assert part["x-class"] in set(CLASSES) - {"unknown"}, place


@pytest.mark.parametrize(("text", "problem"), [("{", "is not JSON"), ("[]", "is not a JSON object")])
def test_a_file_that_holds_no_schema_is_refused_by_its_name(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "presence.json").write_text(text)
    with pytest.raises(InvalidPropertyError, match=f"presence {problem}"):
        EventShapes.from_directory(tmp_path)


def test_a_directory_without_schemas_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidPropertyError, match=r"which holds no \.json files"):
        EventShapes.from_directory(tmp_path)
