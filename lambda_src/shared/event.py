"""What an event says about itself: its type, time, topic and identity.

One place knows the shapes that senders use: the guide's webhook body, Genesys Cloud notifications (``topicName`` and
``eventBody``), the same inside an Amazon EventBridge event (``detail``), and Open Messaging.
"""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

UNKNOWN = "unknown"
# Low-cardinality by construction: event_type is a partition key, and nothing outside this set ever becomes one.
EVENT_TYPES = frozenset(
    {
        "call",
        "chat",
        "email",
        "message",
        "callback",
        "social",
        "screenshare",
        "conversation",
        "disposition",
        "presence",
        "routing_status",
        "transcription",
        "audit",
        "quality",
        "queue",
        "analytics",
        "user",
        UNKNOWN,
    }
)

# Genesys Cloud's mediaType values (Platform API, "MediaType"), upper case in detail events.
_MEDIA_TYPES = {
    "VOICE": "call",
    "CALL": "call",
    "CHAT": "chat",
    "EMAIL": "email",
    "MESSAGE": "message",
    "CALLBACK": "callback",
    "SOCIAL": "social",
    "SOCIALEXPRESSION": "social",
    "SCREENSHARE": "screenshare",
    "COBROWSE": "screenshare",
}
# Genesys Cloud's topics stay far below; a longer one is cut, so that the envelope has a bounded size.
MAX_TOPIC_CHARACTERS = 256
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What was parsed holds no circles.
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), check_circular=False).encode
# 0001-01-01 to 9999-12-31, what datetime can hold, with a day's margin for time zones.
_MIN_EPOCH_MS, _MAX_EPOCH_MS = -62135500000000, 253402200000000


class EventFacts(NamedTuple):
    """What the pipeline needs to know of an event.

    ``has_identity`` is false for an event that carries neither an id nor a time: two equal ones may be two
    happenings, so its ``dedup_key`` holds only within the UTC hour of arrival.
    """

    event_type: str
    event_time: datetime | None
    topic: str | None
    dedup_key: str
    has_identity: bool


def genesys_payload(event: dict[str, Any]) -> dict[str, Any]:
    """Return the Genesys payload: the ``detail`` of an EventBridge event, else the event itself."""
    detail = event.get("detail")
    if "detail-type" in event and isinstance(detail, dict):
        return detail
    return event


def event_type_of(payload: dict[str, Any]) -> str:
    """Name the event's type: one of ``EVENT_TYPES``, ``unknown`` when nothing fits."""
    topic = payload.get("topicName")
    if isinstance(topic, str) and topic.startswith("v2."):
        return _type_of_topic(topic, payload.get("eventBody"))
    for field in ("eventType", "type"):  # the guide's own shape: "call.event"
        name = payload.get(field)
        if isinstance(name, str):
            head = name.partition(".")[0].lower()
            if head in EVENT_TYPES:
                return head
    channel = payload.get("channel")
    if isinstance(channel, dict) and "platform" in channel:  # Open Messaging
        return "message"
    return UNKNOWN


def _type_of_topic(topic: str, body: Any) -> str:
    parts = topic.split(".")
    family = parts[1] if len(parts) > 1 else ""
    last = parts[-1]
    if family == "detail" and parts[2:4] == ["events", "conversation"]:
        return "disposition" if last == "wrapup" else _type_of_media(body)
    if family == "conversations":
        return "transcription" if last == "transcription" else _type_of_media(body)
    if family == "users":
        if last == "presence":
            return "presence"
        if last == "routingStatus":
            return "routing_status"
        return _type_of_media(body) if "conversations" in parts else "user"
    if family == "audits":
        return "audit"
    if family in ("quality", "analytics"):
        return family
    if family == "routing" and parts[2:3] == ["queues"]:
        return "queue"
    return UNKNOWN


def _type_of_media(body: Any) -> str:
    media = body.get("mediaType") if isinstance(body, dict) else None
    return _MEDIA_TYPES.get(media.upper(), "conversation") if isinstance(media, str) else "conversation"


def topic_of(payload: dict[str, Any]) -> str | None:
    """Return the topic of a Genesys Cloud notification, cut to ``MAX_TOPIC_CHARACTERS``."""
    topic = payload.get("topicName")
    return topic[:MAX_TOPIC_CHARACTERS] if isinstance(topic, str) else None


def event_time_of(payload: dict[str, Any]) -> datetime | None:
    """Return the moment the event speaks of, else the moment it was sent; None when it names neither."""
    return _time_in_body(_body_of(payload)) or parse_time(payload.get("timestamp"))


def _body_of(payload: dict[str, Any]) -> dict[str, Any]:
    inner = payload.get("eventBody")
    return inner if isinstance(inner, dict) else payload


def parse_time(value: Any) -> datetime | None:
    """Read a time as Genesys writes it: epoch milliseconds (detail events) or ISO 8601 (audits, transcription)."""
    if value is None:
        return None
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        # The comparison also turns NaN and the infinities away.
        if _MIN_EPOCH_MS < value < _MAX_EPOCH_MS:
            return _EPOCH + timedelta(milliseconds=value)
        return None
    return None


def format_time(moment: datetime) -> str:
    """Write a UTC time in the envelope's one form, ``2026-11-23T10:00:00.123Z``."""
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"


def _time_in_body(body: dict[str, Any]) -> datetime | None:
    """Find the moment the event speaks of, where the families keep it."""
    return (
        parse_time(body.get("eventTime"))
        or parse_time(body.get("modifiedDate"))  # presence
        or parse_time(_field_of(body.get("routingStatus"), "startTime"))
        or parse_time(_field_of(body.get("channel"), "time"))  # Open Messaging
        or parse_time(body.get("timestamp"))
        or parse_time(body.get("callStartTime"))  # the guide's own shape
    )


def _field_of(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _field_at(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        value = _field_of(value, name)
    return value


def describe(event: dict[str, Any], id_path: tuple[str, ...], arrival: datetime) -> EventFacts:
    """Describe an event.

    Args:
        event: the event as received, parsed.
        id_path: where the sender puts an id of its own for each event (the guide's ``messageId``).
        arrival: when we received it, UTC.

    Identity, the first that exists:

    1. the field at ``id_path``;
    2. the id of an audit (``eventBody.id`` of ``v2.audits`` topics). No other ``eventBody.id`` is used: in the
       conversation topics it is the conversation's, the same for every change of it;
    3. SHA-256 of the topic and the canonical body, with ``timestamp`` where the body has no time of its own.

    ``CorrelationId`` never takes part: it names a trace, not an event.
    """
    payload = genesys_payload(event)
    topic = payload.get("topicName")
    body = _body_of(payload)
    time = _time_in_body(body)
    has_identity = True

    event_id = _field_at(payload, id_path)
    if not _is_id(event_id) and isinstance(topic, str) and topic.startswith("v2.audits."):
        event_id = body.get("id")
    if _is_id(event_id):
        identity = ascii(("id", topic, event_id))
    else:
        parts = ["content", topic, _without_trace(body) if body is payload else body]
        if time is None:
            time = parse_time(payload.get("timestamp"))
            has_identity = time is not None
            parts.append(payload["timestamp"] if has_identity else f"{arrival:%Y-%m-%dT%H}")
        identity = _canonical(parts)
    key = hashlib.sha256(identity.encode()).hexdigest()
    time = time or parse_time(payload.get("timestamp"))
    return EventFacts(event_type_of(payload), time, topic_of(payload), key, has_identity)


def _without_trace(payload: dict[str, Any]) -> dict[str, Any]:
    metadata = payload.get("metadata")
    if not isinstance(metadata, dict) or "CorrelationId" not in metadata:
        return payload
    untraced = {name: value for name, value in metadata.items() if name != "CorrelationId"}
    return {**payload, "metadata": untraced}


def _is_id(value: Any) -> bool:
    return (isinstance(value, str) and value != "") or (isinstance(value, int) and not isinstance(value, bool))
