"""A conversation's details record, as it stands in the lake."""

import hashlib
import json
from datetime import datetime
from typing import Any

from genesys.conversation_jobs import Conversation
from ingest.delivery import MAX_RECORD_BYTES
from ingest.oversize import OversizeStore
from shared.envelope import wrap
from shared.event import MAX_TOPIC_CHARACTERS, EventFacts, format_time, parse_time
from shared.event_types import BACKFILL

TOPIC = "v2.analytics.conversations.{id}.details"
"""The topic that the records have. No notification of Genesys Cloud has it."""


def record_of(
    conversation: Conversation, known: datetime, arrival: datetime, originals: OversizeStore | None = None
) -> bytes | None:
    """Wrap a conversation's details record; None for one that has no id or no start, which is none.

    Its identity is the conversation and all that the record says of it: an unchanged record is a copy, and one that was
    corrected is another event. Up to when Genesys Cloud knew the conversation is no part of that.

    Args:
        conversation: as Genesys Cloud's job found it.
        known: the availability date of Genesys Cloud's data, which tells the newest of a conversation's records.
        arrival: now, UTC.
        originals: takes a record that is too large for Firehose.
    """
    conversation_id, start = conversation.get("conversationId"), parse_time(conversation.get("conversationStart"))
    if not isinstance(conversation_id, str) or not conversation_id or start is None:
        return None
    topic = TOPIC.replace("{id}", conversation_id)[:MAX_TOPIC_CHARACTERS]
    event = {"topicName": topic, "timestamp": format_time(known), "eventBody": conversation}
    text = _encode(event).encode()
    facts = EventFacts(
        event_type=BACKFILL,
        event_time=start,
        topic=topic,
        # No sender can make this key and so claim it first.
        dedup_key=hashlib.sha256(_canonical([BACKFILL, topic, conversation]).encode()).hexdigest(),
        keyed_by="content",
    )
    record = wrap(text, facts, BACKFILL, arrival)
    if len(record) <= MAX_RECORD_BYTES or originals is None:
        return record
    return wrap(b"{}", facts, BACKFILL, arrival, originals.keep(text, arrival))


def _encode(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _canonical(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)
