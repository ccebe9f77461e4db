"""The list of topics says of each its preset, the type of its events, and what is personal in them."""

import json
from typing import Any

from genesys_firehose_cdk.events.event_shapes import EventShapes
from genesys_firehose_cdk.events.masking_plan import compile_plan
from genesys_firehose_cdk.events.masking_policy import MaskingPolicy
from genesys_firehose_cdk.events.topics import PRESETS, known_topics
from genesys_firehose_tools.operations.topics import list_topics
from shared.event_types import EVENT_TYPES

TOPICS = {topic.name: topic for topic in list_topics(PRESETS)}


def test_every_topic_of_the_dictionary_is_listed_once() -> None:
    assert TOPICS.keys() == known_topics()
    assert len(list_topics(PRESETS)) == len(TOPICS)


def test_every_preset_is_named_at_its_topics() -> None:
    for preset, topics in PRESETS.items():
        assert {TOPICS[topic].preset for topic in topics} == {preset}


def test_the_type_is_one_that_the_lake_has() -> None:
    assert {topic.event_type for topic in TOPICS.values()} <= EVENT_TYPES - {"unknown"}
    assert TOPICS["v2.users.{id}.presence"].event_type == "presence"


def test_what_can_be_personal_is_named_by_its_kind() -> None:
    assert "free text" in TOPICS["v2.conversations.{id}.transcription"].personal
    assert TOPICS["v2.analytics.conversations.details.jobs.availability"].personal == ()
    assert "maps" in TOPICS["v2.detail.events.conversation.{id}.attributes"].personal
    assert "persons" in TOPICS["v2.audits.entitytype.{id}.entityid.{id}"].personal


def test_what_is_personal_of_every_topic_is_what_the_masking_plan_closes() -> None:
    words = {"person": "persons", "text": "free text", "map": "maps", "secret": "links and files"}
    files = {path: json.loads(text) for path, text in compile_plan(MaskingPolicy(), EventShapes.default()).items()}
    index = files["transform/plan/index.json"]
    for name, topic in TOPICS.items():
        file, number = index["topics"][name]
        nodes = files[f"transform/plan/{file}.json"]
        rules = _rules_of(nodes, nodes[number]["f"]["eventBody"])
        assert {words[rule] for rule in rules & words.keys()} == set(topic.personal), name


def _rules_of(nodes: list[dict[str, Any]], field: dict[str, Any]) -> set[Any]:
    """The rules of every known field that can be reached from one in a compiled plan."""
    found: set[Any] = set()
    seen: set[int] = set()
    waiting = [field]
    while waiting:
        field = waiting.pop()
        found |= {field["r"]} if isinstance(field.get("r"), str) else set()
        waiting += [field["i"]] if "i" in field else []
        inner = field.get("n")
        if inner is not None and inner not in seen:
            seen.add(inner)
            waiting += nodes[inner]["f"].values()
            waiting += nodes[inner]["w"][2].values() if "w" in nodes[inner] else []
    return found
