"""The types of events, and which topic is of which type: data, read by ``shared.event``.

``docs/event-types.md`` says the same in words, and a test holds the two against each other.
"""

from typing import Final

UNKNOWN = "unknown"
# The type of a conversation's event that names no medium; with a medium it is of the medium's type.
CONVERSATION = "conversation"
MESSAGE = "message"

# Genesys Cloud's media types (Platform API, "mediaType"), in upper case without underscores.
TYPES_BY_MEDIUM = {
    "CALL": "call",
    "CALLBACK": "callback",
    "CHAT": "chat",
    "COBROWSE": "screenshare",
    "EMAIL": "email",
    "INTERNALMESSAGE": MESSAGE,
    "MESSAGE": MESSAGE,
    "SCREENMONITORING": "screenshare",
    "SCREENSHARE": "screenshare",
    "SOCIAL": "social",
    "SOCIALEXPRESSION": "social",
    "VIDEO": "video",
    "VIDEOCOMM": "video",
    "VOICE": "call",
}

# Conversations of one medium have topics of their own in each of these families.
_CONVERSATIONS = ("v2.conversations", "v2.routing.queues.{id}.conversations", "v2.users.{id}.conversations")
_MEDIA_TOPICS = {
    "callbacks": "callback",
    "calls": "call",
    "chats": "chat",
    "cobrowseSessions": "screenshare",
    "emails": "email",
    "messages": MESSAGE,
    "screenshares": "screenshare",
    "socialexpressions": "social",
    "videos": "video",
}

# A row holds for every topic that begins with it; of several the longest holds. {id} is any one part of a topic.
TYPES_BY_TOPIC = {
    "v2.analytics": "analytics",
    "v2.architect": "flow",
    "v2.audits": "audit",
    "v2.bot": CONVERSATION,
    "v2.businessunits": "workforce",
    "v2.coaching": "workforce",
    "v2.contentmanagement": "content",
    "v2.conversations.{id}.transcription": "transcription",
    "v2.detail.events.agent": "agent_state",
    "v2.detail.events.collaboratechat": "content",
    "v2.detail.events.conversation": CONVERSATION,
    "v2.detail.events.conversation.{id}.wrapup": "disposition",
    "v2.employeeperformance": "workforce",
    "v2.externalcontacts": "contact",
    "v2.externalcontacts.contacts.{id}.journey": "journey",
    "v2.flows": "flow",
    "v2.gamification": "workforce",
    "v2.groups": "user",
    "v2.integrations": "integration",
    "v2.journey": "journey",
    "v2.managementunits": "workforce",
    "v2.operations": "operations",
    "v2.outbound": "outbound",
    "v2.quality": "quality",
    "v2.routing.queues": "queue",
    "v2.speechandtextanalytics": "speech_analytics",
    "v2.subscription": "operations",
    "v2.system": "operations",
    "v2.taskmanagement": "task",
    "v2.telephony": "telephony",
    "v2.users": "user",
    "v2.users.{id}.activity": "agent_state",
    "v2.users.{id}.alerting": "operations",
    "v2.users.{id}.analytics": "analytics",
    "v2.users.{id}.conversations.inbound": MESSAGE,
    "v2.users.{id}.conversations.{id}.recordings": "content",
    "v2.users.{id}.employeeengagement": "workforce",
    "v2.users.{id}.fax": "content",
    "v2.users.{id}.integrationpresence": "presence",
    "v2.users.{id}.integrations": "integration",
    "v2.users.{id}.outbound": "outbound",
    "v2.users.{id}.presence": "presence",
    "v2.users.{id}.recordings": "content",
    "v2.users.{id}.routingStatus": "routing_status",
    "v2.users.{id}.userrecordings": "content",
    "v2.users.{id}.voicemail": "content",
    "v2.users.{id}.wem": "workforce",
    "v2.users.{id}.workforcemanagement": "workforce",
    "v2.video": "video",
    "v2.webdeployments": "operations",
    "v2.webmessaging": MESSAGE,
    "v2.wem": "workforce",
    "v2.workflows": "flow",
    "v2.workflows.{id}.conversations": MESSAGE,
    "v2.workforcemanagement": "workforce",
    **dict.fromkeys(_CONVERSATIONS, CONVERSATION),
    **{f"{family}.{word}": name for family in _CONVERSATIONS for word, name in _MEDIA_TOPICS.items()},
}

# Low in number, because event_type is a partition key: nothing outside this set ever becomes one.
EVENT_TYPES = frozenset({*TYPES_BY_TOPIC.values(), *TYPES_BY_MEDIUM.values(), UNKNOWN})

# The ingress and the partition of names that the pipeline takes from Genesys Cloud. No event has this type.
NAMES: Final = "names"
# The ingress and the partition of what the backfill takes from there: conversations' details records.
BACKFILL: Final = "backfill"
