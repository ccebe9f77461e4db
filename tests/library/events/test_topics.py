"""Topics and presets are those that Genesys Cloud publishes, and a wrong one is answered with the right one."""

import pytest

from genesys_firehose_cdk import InvalidPropertyError
from genesys_firehose_cdk.events.topics import PRESETS, UnlistedTopic, is_topic, known_topics, resolve_topics
from genesys_integration.topics import TOPIC
from tests.functions.shared.sdk_topics import MODELS_BY_TOPIC

# Topics that Splunk's published Terraform module for Genesys Cloud asks for over EventBridge: a list of other hands.
TOPICS_OF_OTHERS = (
    "v2.analytics.conversation.{id}.metrics",
    "v2.conversations.{id}.transcription",
    "v2.detail.events.conversation.{id}.acd.end",
    "v2.detail.events.conversation.{id}.acw",
    "v2.operations.events.{id}",
    "v2.users.{id}.activity",
    "v2.users.{id}.routingStatus",
)


def test_every_topic_of_the_sdk_is_known() -> None:
    assert known_topics() >= MODELS_BY_TOPIC.keys()
    assert len(MODELS_BY_TOPIC) >= 242


def test_every_listed_topic_has_the_form_of_one() -> None:
    assert [topic for topic in known_topics() if not is_topic(topic)] == []


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_holds_topics_that_genesys_publishes(preset: str) -> None:
    assert [topic for topic in PRESETS[preset] if topic not in known_topics()] == []


def test_no_topic_is_in_two_presets() -> None:
    topics = [topic for preset in PRESETS.values() for topic in preset]
    assert sorted(topics) == sorted(set(topics))


def test_the_presets_hold_what_others_take_over_eventbridge() -> None:
    assert set(TOPICS_OF_OTHERS) <= {topic for preset in PRESETS.values() for topic in preset}


def test_a_topic_named_twice_counts_once() -> None:
    assert resolve_topics("topics", ["quality", "v2.quality.evaluations", "quality"]) == ("v2.quality.evaluations",)


@pytest.mark.parametrize(
    ("topic", "meant"),
    [
        ("v2.users.{userId}.presence", "v2.users.{id}.presence"),
        ("v2.users.9ed7d9f6-0c59-4360-ac54-40dd35eb9c2f.presence", "v2.users.{id}.presence"),
        ("v2.users.{id}.presense", "v2.users.{id}.presence"),
        ("v2.users.{id}.presence ", "v2.users.{id}.presence"),
        ("v2.users.{id}.routingstatus", "v2.users.{id}.routingStatus"),
        ("v2.detail.events.conversation.{id}.acd.stop", "v2.detail.events.conversation.{id}.acd.start"),
        ("conversation_detail", "conversation_details"),
        ("presence", "agent_presence"),
    ],
)
def test_a_wrong_topic_is_refused_with_the_one_that_was_meant(topic: str, meant: str) -> None:
    with pytest.raises(InvalidPropertyError) as refusal:
        resolve_topics("topics", [topic])
    assert str(refusal.value).startswith(f"topics holds {topic!r} (did you mean {meant!r}?): the ")


@pytest.mark.parametrize("topic", ["v2", "", "calls"])
def test_a_topic_like_no_other_is_refused_with_all_that_is_allowed(topic: str) -> None:
    with pytest.raises(InvalidPropertyError) as refusal:
        resolve_topics("topics", [topic])
    assert str(refusal.value) == (
        f"topics holds {topic!r}: the {len(known_topics())} topics that Genesys Cloud publishes, with a literal {{id}}, "
        "such as v2.detail.events.conversation.{id}.acd.end, UnlistedTopic(...) for one that is newer, and the "
        f"presets {', '.join(PRESETS)} are allowed."
    )


def test_a_topic_newer_than_the_list_is_allowed_when_it_is_called_so() -> None:
    newer = "v2.users.{id}.holidays"
    assert resolve_topics("topics", [UnlistedTopic(newer), "quality"]) == (newer, "v2.quality.evaluations")
    with pytest.raises(InvalidPropertyError):
        resolve_topics("topics", [newer])


@pytest.mark.parametrize("topic", ["v2.users.{userId}.holidays", "v2.users.*", "v3.users.{id}.holidays", "v2."])
def test_a_newer_topic_must_have_the_form_of_one(topic: str) -> None:
    with pytest.raises(InvalidPropertyError):
        resolve_topics("topics", [UnlistedTopic(topic)])


def test_the_integrations_function_takes_the_same_form() -> None:
    assert [topic for topic in known_topics() if not TOPIC.fullmatch(topic)] == []
    for wrong in ("v2.users.{userId}.presence", "v2.users.*", "v2.users.{id}.presence ", "v2", "quality"):
        assert not is_topic(wrong)
        assert not TOPIC.fullmatch(wrong)
