"""What an event says about itself: its type, time, topic and identity.

One place knows the shapes that senders use: the guide's webhook body, Genesys Cloud notifications (``topicName`` and
``eventBody``), the same inside an Amazon EventBridge event (``detail``), and Open Messaging.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

from shared.event_times import CHANGES, MOMENTS
from shared.event_types import CONVERSATION, EVENT_TYPES, MESSAGE, TYPES_BY_MEDIUM, TYPES_BY_TOPIC, UNKNOWN
from shared.json_text import field_at

# Genesys Cloud's topics stay far below; a longer one is cut, so that the envelope has a bounded size.
MAX_TOPIC_CHARACTERS = 256
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What was parsed holds no circles.
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), check_circular=False).encode
# 0001-01-01 to 9999-12-31, what datetime can hold, with a day's margin for time zones.
_MIN_EPOCH_MS, _MAX_EPOCH_MS = -62135500000000, 253402200000000
# The source of a partner's events begins so (Amazon EventBridge User Guide, "Receiving events from a SaaS partner").
_PARTNER = "aws.partner/genesys.com/"
_ANY_ID = "{id}"
_TYPE = ""  # no part of a listed topic


def _tree(types_by_topic: Mapping[str, str]) -> dict[str, Any]:
    """Arrange topics by their parts, each node with the type that holds from it on."""
    root: dict[str, Any] = {}
    for topic, name in types_by_topic.items():
        node = root
        for part in topic.split("."):
            node = node.setdefault(part, {})
        node[_TYPE] = name
    return root


_TOPICS = _tree(TYPES_BY_TOPIC)
_MOMENTS = tuple(tuple(path.split(".")) for path in MOMENTS)
_CHANGES = tuple(tuple(path.split(".")) for path in CHANGES)


KeyedBy = Literal["id", "content", "hour"]


class EventFacts(NamedTuple):
    """What the pipeline needs to know of an event.

    ``keyed_by`` says of what ``dedup_key`` is the digest: of an id, of the content, or of the content and the UTC hour
    of arrival.
    """

    event_type: str
    event_time: datetime | None
    topic: str | None
    dedup_key: str
    keyed_by: KeyedBy

    @property
    def has_identity(self) -> bool:
        """Whether the event carries an id or a time; without, two equal ones may be two happenings."""
        return self.keyed_by != "hour"


def genesys_payload(event: dict[str, Any]) -> dict[str, Any]:
    """Return the Genesys payload: the ``detail`` of an EventBridge event, else the event itself.

    An input transformer may leave of an EventBridge event what it likes: its ``detail`` is known by what stands beside
    it, the ``detail-type`` or the partner's ``source``, or by the topic in it.
    """
    detail = event.get("detail")
    if not isinstance(detail, dict):
        return event
    source = event.get("source")
    is_wrapped = (
        "detail-type" in event
        or (isinstance(source, str) and source.startswith(_PARTNER))
        or (isinstance(detail.get("topicName"), str) and "topicName" not in event)
    )
    return detail if is_wrapped else event


def event_type_of(payload: dict[str, Any]) -> str:
    """Name the event's type: one of ``EVENT_TYPES``, ``unknown`` when nothing fits."""
    topic = payload.get("topicName")
    if isinstance(topic, str) and topic.startswith("v2."):
        name = _type_of_topic(topic)
        return _type_of_medium(payload.get("eventBody")) if name == CONVERSATION else name
    for field in ("eventType", "type"):  # the guide's own shape: "call.event"
        named = payload.get(field)
        if isinstance(named, str):
            head = named.partition(".")[0].lower()
            if head in EVENT_TYPES:
                return head
    channel = payload.get("channel")
    if isinstance(channel, dict) and "platform" in channel:  # Open Messaging
        return MESSAGE
    body = _body_of(payload)
    if "conversationId" in body and "mediaType" in body:  # a detail's body, forwarded without its topic
        return _type_of_medium(body)
    return UNKNOWN


def _type_of_topic(topic: str) -> str:
    node: Any = _TOPICS
    name: str = UNKNOWN
    for part in topic.split("."):
        node = node.get(part) or node.get(_ANY_ID)
        if not isinstance(node, dict):  # an empty part finds a type
            break
        name = node.get(_TYPE, name)
    return name


def _type_of_medium(body: Any) -> str:
    medium = body.get("mediaType") if isinstance(body, dict) else None
    if not isinstance(medium, str):
        return CONVERSATION
    return TYPES_BY_MEDIUM.get(medium.upper().replace("_", ""), CONVERSATION)


def topic_of(payload: dict[str, Any]) -> str | None:
    """Return the topic of a Genesys Cloud notification, cut to ``MAX_TOPIC_CHARACTERS``."""
    topic = payload.get("topicName")
    return topic[:MAX_TOPIC_CHARACTERS] if isinstance(topic, str) else None


def time_in_body(payload: dict[str, Any]) -> datetime | None:
    """Return the moment an event's body speaks of: its own, else the newest change of a state that it tells of."""
    body = _body_of(payload)
    for path in _MOMENTS:
        # Looked up first, because few bodies have any of them.
        if path[0] in body and (moment := parse_time(field_at(body, path))):
            return moment
    changes = (parse_time(field_at(body, path)) for path in _CHANGES if path[0] in body)
    return max((change for change in changes if change is not None), default=None)


def time_sent(payload: dict[str, Any]) -> datetime | None:
    """Return the time of the notification around a body, if there is one."""
    return parse_time(payload.get("timestamp"))


def time_around(event: dict[str, Any], payload: dict[str, Any]) -> datetime | None:
    """Return the time of the EventBridge event around a payload, if there is one."""
    return None if payload is event else parse_time(event.get("time"))


def content_of(payload: dict[str, Any], in_body: datetime | None) -> str:
    """Return what an event says, its topic, its body and its time, as one text: two events with one text say the same.

    The time is the body's own; only where there is none it is the ``timestamp``. Numbers are compared as they are
    written. What traces the event's way is no part of it.

    Args:
        payload: the event.
        in_body: its ``time_in_body``, which its reader needs as well.
    """
    content = _timeless_content(payload)
    if in_body is not None or time_sent(payload) is None:
        return content
    return _with_part(content, payload["timestamp"])


def key_within_hour(content: str, received_at: str) -> str:
    """Return the ``dedup_key`` of an event with neither id nor time: it holds for the UTC hour of arrival.

    Args:
        content: the event's content.
        received_at: when it arrived, as the envelope says it.
    """
    return _digest(_with_part(content, received_at[:13]))


def is_key_of_content(dedup_key: str, payload: dict[str, Any]) -> bool:
    """Tell whether a ``dedup_key`` is the digest of the event's content, whatever time it was known to have."""
    content = _timeless_content(payload)
    return dedup_key in (_digest(content), _digest(_with_part(content, payload.get("timestamp"))))


def _timeless_content(payload: dict[str, Any]) -> str:
    body = _body_of(payload)
    return _canonical(["content", payload.get("topicName"), _without_trace(body) if body is payload else body])


def _with_part(content: str, part: Any) -> str:
    return f"{content[:-1]},{_canonical(part)}]"


def _digest(identity: str) -> str:
    return hashlib.sha256(identity.encode()).hexdigest()


def has_body(payload: dict[str, Any]) -> bool:
    """Tell whether an event has a body of its own, beside what the sender says of it."""
    return _body_of(payload) is not payload


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
    in_body = time_in_body(payload)
    time = in_body or time_sent(payload)
    keyed_by: KeyedBy = "content"

    event_id = field_at(payload, id_path)
    if not _is_id(event_id) and is_audit(topic):
        event_id = body.get("id")
    if _is_id(event_id):
        key = _digest(ascii(("id", topic, event_id)))
        keyed_by = "id"
    elif time is not None:
        key = _digest(content_of(payload, in_body))
    else:
        key = key_within_hour(content_of(payload, in_body), format_time(arrival))
        keyed_by = "hour"
    event_time = time or time_around(event, payload)
    return EventFacts(event_type_of(payload), event_time, topic_of(payload), key, keyed_by)


def is_audit(topic: Any) -> bool:
    """Tell whether a topic is one of audits."""
    return isinstance(topic, str) and topic.startswith("v2.audits.")


def _without_trace(payload: dict[str, Any]) -> dict[str, Any]:
    metadata = payload.get("metadata")
    if not isinstance(metadata, dict) or "CorrelationId" not in metadata:
        return payload
    untraced = {name: value for name, value in metadata.items() if name != "CorrelationId"}
    return {**payload, "metadata": untraced}


def _is_id(value: Any) -> bool:
    return (isinstance(value, str) and value != "") or (isinstance(value, int) and not isinstance(value, bool))
