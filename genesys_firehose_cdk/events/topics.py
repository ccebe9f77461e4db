"""The notification topics that Genesys Cloud sends over Amazon EventBridge, and named lists of them.

A topic is a template such as `v2.detail.events.conversation.{id}.acd.end`, with `{id}` standing there literally: it
is what the integration's topic filter takes, and what an event has as its `detail-type`; the real id is in the
event's `detail.topicName`. The names are those of the Genesys Cloud Developer Center, "Available Topics". Each preset
holds topics whose shape the pipeline knows, so that their drift is noticed.
"""

import re
from collections.abc import Mapping, Sequence

from genesys_firehose_cdk.common.validation import InvalidPropertyError

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
    # Available, away, on a break: what a person says of themselves.
    "agent_presence": ("v2.users.{id}.presence",),
    # Idle, interacting, not responding: what routing makes of it.
    "routing_status": ("v2.users.{id}.routingStatus",),
    # Presence and routing status together, with the time they hold since.
    "agent_activity": ("v2.users.{id}.activity",),
    # What is said, as it is said; personal throughout.
    "transcription": ("v2.conversations.{id}.transcription",),
    # Who changed what in the organization.
    "audits": ("v2.audits.entitytype.{id}.entityid.{id}",),
    # Evaluations of conversations.
    "quality": ("v2.quality.evaluations",),
    # Who is a member of a queue, and how many wait in it.
    "queues": ("v2.routing.queues.{id}.users", "v2.analytics.queues.{id}.observations"),
}
"""Topics by the name of their preset."""

_TOPIC = re.compile(r"v2(?:\.(?:[A-Za-z][A-Za-z0-9]*|\{id\}))+")


def resolve_topics(name: str, topics: Sequence[str]) -> tuple[str, ...]:
    """Return the topics with every preset replaced by what it holds, each topic once.

    Args:
        name: The property they come from.
        topics: Topic templates and names of presets.

    Raises:
        InvalidPropertyError: There is none, or one is neither a template nor a preset.
    """
    if not topics:
        raise InvalidPropertyError(name, "is empty", f"{_allowed()} are allowed")
    resolved: dict[str, None] = {}
    for topic in topics:
        if topic not in PRESETS and not _TOPIC.fullmatch(topic):
            raise InvalidPropertyError(name, f"holds {topic!r}", f"{_allowed()} are allowed")
        resolved.update(dict.fromkeys(PRESETS.get(topic, (topic,))))
    return tuple(resolved)


def _allowed() -> str:
    return (
        "topic templates with a literal {id}, such as v2.detail.events.conversation.{id}.acd.end, and the presets "
        f"{', '.join(PRESETS)}"
    )
