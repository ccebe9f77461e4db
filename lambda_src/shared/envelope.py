"""The envelope: one JSON line per event, what ``raw/`` holds.

``{"ingest_id","received_at","ingress","dedup_key","keyed_by","event_type","event_time","topic","event"}``, with the
event's own bytes spliced in. Only line breaks between its tokens become spaces (inside a JSON string they can't stand),
so that the record is one line.

Before the ``event`` of a record that was too large for Firehose stands ``oversize``, the pointer to its original. All
that a sender writes is inside ``event``, so no sender can write a pointer.
"""

import json
import os
import re
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import Any, Final, Literal, get_args

from shared.event import EventFacts, format_time
from shared.event_types import BACKFILL, NAMES
from shared.json_text import InvalidJsonError, parse_json
from shared.pointer import Pointer

Ingress = Literal["webhook", "eventbridge", "verification", "backfill", "names"]
VERIFICATION: Final = "verification"
"""The ingress of the pipeline's own marked events, which are no events of Genesys Cloud's, and their partition."""
RESERVED: Final = frozenset({VERIFICATION, NAMES, BACKFILL})
"""The ingresses whose records have a partition of their own, named like them, whatever their event says."""

_INGRESSES = frozenset(get_args(Ingress))
_HEAD = b'{"ingest_id":"'
_ID_LENGTH = 32
# Ids stand beside digests in the de-duplication table, with a space between them.
_is_ingest_id = re.compile(f"[0-9a-f]{{{_ID_LENGTH}}}").fullmatch
_ID_END = len(_HEAD) + _ID_LENGTH
_DEDUP_KEY = b'","dedup_key":"'
_SHARD_DIGITS = 8


# All events of a request arrive at one moment.
_format_arrival = lru_cache(maxsize=1)(format_time)


def new_ingest_id() -> str:
    """Make the id of one received copy of an event: 128 random bits in hex."""
    return os.urandom(_ID_LENGTH // 2).hex()


def wrap(
    event: bytes, facts: EventFacts, ingress: Ingress, received_at: datetime, original: Pointer | None = None
) -> bytes:
    """Wrap an event's bytes, or what is left of an oversize event's, into its record, newline at the end."""
    if b"\n" in event or b"\r" in event:
        event = event.replace(b"\r", b" ").replace(b"\n", b" ")
    event_time = f'"{format_time(facts.event_time)}"' if facts.event_time else "null"
    topic = "null" if facts.topic is None else encode_basestring_ascii(facts.topic)
    oversize = f',"oversize":{json.dumps(original._asdict(), separators=(",", ":"))}' if original else ""
    head = (
        f'{{"ingest_id":"{new_ingest_id()}","received_at":"{_format_arrival(received_at)}","ingress":"{ingress}"'
        f',"dedup_key":"{facts.dedup_key}","keyed_by":"{facts.keyed_by}","event_type":"{facts.event_type}","event_time":{event_time}'
        f',"topic":{topic}{oversize},"event":'
    )
    return head.encode() + event + b"}\n"


def is_envelope(record: bytes) -> bool:
    """Tell whether these bytes begin as a record that ``wrap`` made."""
    return record.startswith(_HEAD) and record[_ID_END : _ID_END + 1] == b'"'


def with_new_ingest_id(record: bytes) -> bytes:
    """Return the same record as another copy.

    Every attempt to put a record is a copy of its own: when an answer is lost, Firehose may hold both, and the
    transform function tells them apart by their ``ingest_id``.
    """
    return _HEAD + new_ingest_id().encode() + record[_ID_END:]


def shard_of(record: bytes, shards: int) -> int:
    """Choose one of so many shards for a record that ``wrap`` made: copies of an event get the same one."""
    start = record.index(_DEDUP_KEY) + len(_DEDUP_KEY)
    return int(record[start : start + _SHARD_DIGITS], 16) % shards


class InvalidEnvelopeError(ValueError):
    """A record is not an envelope. The message repeats nothing of the record."""


def read(record: bytes, parse: Callable[[bytes], Any] = parse_json) -> dict[str, Any]:
    """Parse a record.

    Raises:
        InvalidEnvelopeError: the record is not JSON, or a field is missing or not what it may be.
    """
    try:
        envelope = parse(record)
    except InvalidJsonError as error:
        raise InvalidEnvelopeError(str(error)) from None
    if not isinstance(envelope, dict):
        raise InvalidEnvelopeError("the record is not a JSON object")
    for field in ("ingest_id", "received_at", "ingress", "dedup_key"):
        if not isinstance(envelope.get(field), str):
            raise InvalidEnvelopeError(f"the envelope's {field} is not a string")
    if not _is_ingest_id(envelope["ingest_id"]):
        raise InvalidEnvelopeError("the envelope's ingest_id is not 32 hex digits")
    if envelope["ingress"] not in _INGRESSES:
        raise InvalidEnvelopeError("the envelope's ingress is not a known one")
    if not isinstance(envelope.get("event"), dict):
        raise InvalidEnvelopeError("the envelope's event is not an object")
    return envelope
