"""The list of topics says of each its preset, the type of its events, and what is personal in them."""

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
