"""The notification topics of Genesys Cloud, and named lists of those that arrive over Amazon EventBridge.

A topic is a template such as `v2.detail.events.conversation.{id}.acd.end`, with `{id}` standing there literally: it
is what the integration's topic filter takes, and what an event has as its `detail-type`; the real id is in the
event's `detail.topicName`.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache

from genesys_firehose_cdk.common.validation import InvalidPropertyError, closest
from genesys_firehose_cdk.events.event_shapes import EventShapes, is_topic

PRESETS: Mapping[str, tuple[str, ...]] = {
    # What happens in a conversation, one event for each start and end: what reports are made of.
    "conversation_details": (
        "v2.detail.events.conversation.{id}.acd.end",
        "v2.detail.events.conversation.{id}.acd.start",
        "v2.detail.events.conversation.{id}.acw",
        "v2.detail.events.conversation.{id}.attributes",
        "v2.detail.events.conversation.{id}.contact",
        "v2.detail.events.conversation.{id}.customer.end",
        "v2.detail.events.conversation.{id}.customer.start",
        "v2.detail.events.conversation.{id}.flow.end",
        "v2.detail.events.conversation.{id}.flow.outcome",
        "v2.detail.events.conversation.{id}.flow.start",
        "v2.detail.events.conversation.{id}.outbound",
        "v2.detail.events.conversation.{id}.user.end",
        "v2.detail.events.conversation.{id}.user.start",
        "v2.detail.events.conversation.{id}.voicemail.end",
        "v2.detail.events.conversation.{id}.voicemail.start",
        "v2.detail.events.conversation.{id}.wrapup",
    ),
    # The metrics of a conversation as Genesys Cloud itself counts them.
    "conversation_metrics": ("v2.analytics.conversation.{id}.metrics",),
    # Available, away, on a break: what a person says of themselves.
    "agent_presence": ("v2.users.{id}.presence",),
    # Idle, interacting, not responding: what routing makes of it.
    "routing_status": ("v2.users.{id}.routingStatus",),
    # Presence and routing status together, with the time they hold since.
    "agent_activity": ("v2.users.{id}.activity",),
    # The states of an agent, one event for each change.
    "agent_state": ("v2.detail.events.agent.{id}.state",),
    # What is said, as it is said; personal throughout.
    "transcription": ("v2.conversations.{id}.transcription",),
    # What Genesys Cloud makes of what was said: sentiment, empathy, topics, categories.
    "speech_analytics": (
        "v2.speechandtextanalytics.conversation.{id}.empathy",
        "v2.speechandtextanalytics.conversation.{id}.sentiment",
        "v2.speechandtextanalytics.conversation.{id}.topics",
        "v2.speechandtextanalytics.conversations.{id}.categories",
    ),
    # The contacts of a campaign, before and after each attempt.
    "outbound_contacts": (
        "v2.outbound.email.campaigns.contact.postContact",
        "v2.outbound.email.campaigns.contact.preContact",
        "v2.outbound.messaging.campaigns.contact.postContact",
        "v2.outbound.messaging.campaigns.contact.preContact",
        "v2.outbound.preview.campaigns.contact.postContact",
        "v2.outbound.preview.campaigns.contact.preContact",
        "v2.outbound.voice.campaigns.contact.postContact",
        "v2.outbound.voice.campaigns.contact.preContact",
        "v2.outbound.whatsapp.campaigns.contact.postContact",
        "v2.outbound.whatsapp.campaigns.contact.preContact",
    ),
    # The metrics of a flow's runs; its starts, ends and outcomes in a conversation are conversation_details.
    "flows": ("v2.analytics.flow.{id}.metrics",),
    # Work items. The topics of a queue's and a user's work items repeat the same events.
    "tasks": ("v2.taskmanagement.workitems.{id}",),
    # What the services of Genesys Cloud report of themselves, such as limits and failures.
    "operations": ("v2.operations.events.{id}",),
    # Who changed what in the organization.
    "audits": ("v2.audits.entitytype.{id}.entityid.{id}",),
    # Evaluations of conversations.
    "quality": ("v2.quality.evaluations",),
    # Who is a member of a queue, and how many wait in it.
    "queues": ("v2.routing.queues.{id}.users", "v2.analytics.queues.{id}.observations"),
}
"""Topics by the name of their preset."""

# A real id or a placeholder of another name, where a topic has {id}.
_ID = re.compile(r"\{\w*\}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@cache
def known_topics() -> frozenset[str]:
    """Return every topic of the dictionary of events: those that Genesys Cloud's own SDK knows.

    The SDK does not say which of them arrive over EventBridge: the organization alone does
    (`GET /api/v2/notifications/availabletopics`).
    """
    schemas = EventShapes.default().schemas.values()
    return frozenset(topic for schema in schemas for topic in schema.get("x-topics", ()))


class UnlistedTopic(str):
    """A topic that Genesys Cloud has and the dictionary does not, because it is newer or a preview.

    The pipeline knows nothing of its events. They land closed: only values that cannot be personal by their form pass.
    """

    __slots__ = ()


def resolve_topics(name: str, topics: Sequence[str]) -> tuple[str, ...]:
    """Return the topics with every preset replaced by what it holds, each topic once.

    Args:
        name: The property they come from.
        topics: Topics of `known_topics()`, names of presets, and `UnlistedTopic`.

    Raises:
        InvalidPropertyError: There is none, or one is none of these; the message names the topic that comes closest.
    """
    if not topics:
        raise InvalidPropertyError(name, "is empty", f"{_allowed()} are allowed")
    resolved: dict[str, None] = {}
    for topic in topics:
        if topic not in PRESETS and topic not in known_topics() and not _is_unlisted(topic):
            raise InvalidPropertyError(name, f"holds {topic!r}{_suggestion(topic)}", f"{_allowed()} are allowed")
        resolved.update(dict.fromkeys(PRESETS.get(topic, (str(topic),))))
    return tuple(resolved)


def _is_unlisted(topic: str) -> bool:
    return isinstance(topic, UnlistedTopic) and is_topic(topic)


def _suggestion(topic: str) -> str:
    close = closest(_ID.sub("{id}", topic), [*PRESETS, *sorted(known_topics())])
    return f" (did you mean {close!r}?)" if close else ""


def _allowed() -> str:
    return (
        f"the {len(known_topics())} topics that Genesys Cloud publishes, with a literal {{id}}, such as "
        "v2.detail.events.conversation.{id}.acd.end, UnlistedTopic(...) for one that is newer, and the presets "
        f"{', '.join(PRESETS)}"
    )
