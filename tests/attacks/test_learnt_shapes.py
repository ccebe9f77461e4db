"""An example of an event that somebody else wrote is learnt from, and wants to replace a shape that is known."""

from typing import Any

import pytest

from genesys_firehose_cdk.events.event_shapes import EventShapes
from genesys_firehose_tools.operations.shapes import Shapes

KNOWN = EventShapes.default().schemas
BODY = {"ani": "x", "injected": 1}
HOSTILE: dict[str, dict[str, Any]] = {
    "words of a shape's name": {"topicName": "v2.detail", "eventBody": BODY},
    "the name of the frame": {"topicName": "v2.notification", "eventBody": BODY},
    "the name of a shape without topics": {"topicName": "v2.webhook", "eventBody": BODY},
    "a type of another topic": {
        "detail-type": "v2.users.{id}.presence",
        "detail": {"topicName": "v2.nobody.knows", "eventBody": BODY},
    },
    "no words at all": {"topicName": "v2.3", "eventBody": BODY},
    "a type that is wider than the topic": {
        "detail-type": "v2.{id}.{id}",
        "detail": {"topicName": "v2.nobody.knows", "eventBody": BODY},
    },
}


@pytest.mark.parametrize("events", [*([event] for event in HOSTILE.values()), list(HOSTILE.values())])
def test_no_example_replaces_a_shape_or_takes_over_a_topic(events: list[dict[str, Any]]) -> None:
    shapes = Shapes(KNOWN)
    for event in events:
        shapes.learn(event)
    learnt = EventShapes(schemas=shapes.schemas).schemas
    new = {name: schema for name, schema in learnt.items() if name not in KNOWN}
    assert new
    # What is around an event's body is the same for all of them, and may be widened.
    assert all(learnt[name] == schema for name, schema in KNOWN.items() if name != "notification")
    assert learnt["notification"].get("required") == KNOWN["notification"].get("required")
    known_topics = {topic for schema in KNOWN.values() for topic in schema.get("x-topics", ())}
    assert not known_topics & {topic for schema in new.values() for topic in schema["x-topics"]}


def test_two_topics_of_the_same_words_are_two_shapes() -> None:
    shapes = Shapes(KNOWN)
    topics = ["v2.nobody.knows", "v2.nobody.0a1b2c3d-0000-4000-8000-000000000001.knows"]
    for topic in topics:
        shapes.learn({"topicName": topic, "eventBody": BODY})
    found = {topic for name in ("nobody_knows", "nobody_knows_2") for topic in shapes.schemas[name]["x-topics"]}
    assert found == {"v2.nobody.knows", "v2.nobody.{id}.knows"}
