"""Every topic of Genesys Cloud has a type, and the page of types says which."""

import inspect
import re
from pathlib import Path

import PureCloudPlatformClientV2 as sdk  # noqa: N813
import pytest

from shared.event import event_type_of
from shared.event_types import CONVERSATION, EVENT_TYPES, TYPES_BY_MEDIUM, TYPES_BY_TOPIC, UNKNOWN
from tests.functions.shared.sdk_topics import MODELS_BY_TOPIC

PAGE = Path(__file__).parents[3] / "docs/event-types.md"
ID = "0c1f8f6e-5a0e-4f43-9f0e-6f8a6f3b2a10"
_MEDIA = re.compile(r"def media_type\(self, media_type:.*?allowed_values = \[(.*?)\]", re.DOTALL)


def test_there_are_at_most_32_types() -> None:
    assert len(EVENT_TYPES) <= 32
    assert all(re.fullmatch(r"[a-z_]+", name) for name in EVENT_TYPES)


def test_the_sdk_has_242_topics_and_a_model_for_each() -> None:
    assert len(MODELS_BY_TOPIC) == 242
    assert [model for model in MODELS_BY_TOPIC.values() if not hasattr(sdk, model)] == []


@pytest.mark.parametrize("topic", MODELS_BY_TOPIC)
def test_every_topic_of_the_sdk_has_a_type(topic: str) -> None:
    event_type = event_type_of({"topicName": topic.replace("{id}", ID), "eventBody": {}})
    assert event_type in EVENT_TYPES - {UNKNOWN}
    assert event_type_of({"topicName": topic, "eventBody": {}}) == event_type


def test_every_medium_of_the_detail_events_has_a_type_but_the_unknown_one() -> None:
    media: set[str] = set()
    for topic, model in MODELS_BY_TOPIC.items():
        if topic.startswith("v2.detail.events.conversation."):
            for values in _MEDIA.findall(inspect.getsource(getattr(sdk, model))):
                media.update(re.findall(r'"(\w+)"', values))
    assert len(media) > 10
    assert media - TYPES_BY_MEDIUM.keys() == {"UNKNOWN"}


@pytest.mark.parametrize(
    ("topic", "event_type"),
    [
        ("v2.routing.queues.q-7.conversations.calls", "call"),
        ("v2.users.u-7.conversations.calls", "call"),
        ("v2.users.u-7.conversations", "conversation"),
        ("v2.users.u-7.conversations.c-7.recordings.r-7", "content"),
        ("v2.users.u-7.activity", "agent_state"),
        ("v2.conversations.chats.c-7.messages", "chat"),
        ("v2.conversations.emails.c-7.messages", "email"),
        ("v2.conversations.c-7.transcription", "transcription"),
        ("v2.detail.events.conversation.c-7.wrapup", "disposition"),
        ("v2.detail.events.conversation.c-7.acw", "conversation"),
        ("v2.externalcontacts.somethingnew.x", "contact"),
        ("v2.externalcontacts.contacts.c-7.journey.sessions", "journey"),
        ("v2.neverheardof.x", "unknown"),
        ("v2.", "unknown"),
        ("v2..users", "unknown"),
        ("v2.users..presence", "user"),
        ("v2", "unknown"),
    ],
)
def test_the_longest_row_of_the_table_holds(topic: str, event_type: str) -> None:
    assert event_type_of({"topicName": topic}) == event_type


def test_a_conversations_event_is_of_its_mediums_type() -> None:
    for topic in (topic for topic, name in TYPES_BY_TOPIC.items() if name == CONVERSATION):
        for medium, event_type in TYPES_BY_MEDIUM.items():
            assert event_type_of({"topicName": topic, "eventBody": {"mediaType": medium.lower()}}) == event_type


def test_the_page_says_which_topics_go_into_each_type() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| .* \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    written = {name: set(re.findall(r"`(v2[^`]+)`", topics)) for name, topics in rows}
    assert len(rows) == len(written)
    assert written == {
        name: {topic for topic, of_topic in TYPES_BY_TOPIC.items() if of_topic == name} for name in EVENT_TYPES
    }
