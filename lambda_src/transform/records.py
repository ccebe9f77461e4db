"""Turns raw records into clean ones: parse, follow an oversize event's pointer, mask, partition."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

from shared.envelope import RESERVED, InvalidEnvelopeError, read
from shared.event import (
    KeyedBy,
    content_of,
    event_type_of,
    format_time,
    genesys_payload,
    has_body,
    is_audit,
    is_key_of_content,
    key_within_hour,
    parse_time,
    time_around,
    time_in_body,
    time_sent,
    topic_of,
)
from shared.event_types import BACKFILL
from shared.json_text import InvalidJsonError, RepeatNoticingParser
from shared.pointer import BrokenPointerError, Pointer, read_original
from transform import forms
from transform.deduplication import Key
from transform.masking import MAX_NAMES, Findings, Masker
from transform.partitioning import DateWindow, partition_date, partition_type
from transform.shortening import shorten

# Of the code; the versions of policy and key follow it. Raised with every change of what a clean record looks like.
CODE_VERSION = 5
# Stands in a record only when it is true: a key of the event came twice, and the last value counts.
_REPEATED = "repeated_keys"
_LINE_END = b"}\n"
# In base64 5.3 MiB, so that Firehose takes it back, if alone (Amazon Data Firehose Developer Guide, "Transform source
# data").
MAX_LINE_BYTES = 4 * 1024 * 1024
# How far back a conversation of the backfill may have begun, longer ago than Genesys Cloud exists.
_HISTORY = timedelta(days=25 * 366)
# Of the names that are closed when a line is shortened, and its marks.
_LINE_RESERVE = 16_384
# What was parsed holds no circles.
_json_text = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False).encode


Mark = Literal["conflict", "repeated"]


class Received(NamedTuple):
    """A raw record as it was read.

    Attributes:
        envelope: the envelope with what stands in it of the event.
        pointer: where the original of an oversize event is.
        has_repeats: whether a key came twice.
    """

    envelope: dict[str, Any]
    pointer: Pointer | None
    has_repeats: bool

    @property
    def ingest_id(self) -> str:
        """Which copy it is."""
        ingest_id: str = self.envelope["ingest_id"]
        return ingest_id

    @property
    def ingress(self) -> str:
        """How it came."""
        ingress: str = self.envelope["ingress"]
        return ingress

    @property
    def original(self) -> tuple[str, str] | None:
        """What the copies of an oversize event have in common: the event's key and the SHA-256 of its bytes."""
        return (self.envelope["dedup_key"], self.pointer.sha256) if self.pointer else None


class CleanRecord(NamedTuple):
    """A transformed record, before anybody decided whether it is a duplicate.

    Attributes:
        key: what the event is known by: its id, within the second of a time in its ``eventBody``, but for an audit;
            without an id its content, whenever it arrived.
        identity: what makes another record a copy of it, a keyed digest: the envelope's ``dedup_key``, and the content
            where that is not what the ``dedup_key`` is made of.
        mark: what a record with another identity under the same key is.
        age_milliseconds: how old its event was when it was received; None for one without a time.
    """

    ingest_id: str
    ingress: str
    key: Key
    identity: str
    mark: Mark
    event_type: str
    date: str
    date_is_own: bool
    age_milliseconds: float | None
    findings: Findings
    line: bytes

    def marked(self, *, mark: Mark | None = None, is_checked: bool = True) -> bytes:
        """Return the line with its marks, which stand in a record only where they say something.

        Args:
            mark: what the record is, beside another one with the same key.
            is_checked: whether anybody could tell if it is a duplicate. If not, it says ``"deduplicated": false``.
        """
        marks = b"" if mark is None else b',"%b":true' % mark.encode()
        if not is_checked:
            marks += b',"deduplicated":false'
        return self.line[: -len(_LINE_END)] + marks + _LINE_END if marks else self.line


class UnreadableRecordError(Exception):
    """A record that can't be transformed; it belongs into ``errors/`` as it is. The message repeats nothing of it."""


class Transformer:
    """Transforms records by one policy.

    Args:
        masker: the policy at work.
        identify: makes the keyed digests of identities.
        policy_version: the policy's own version.
        key_version: the tokenization key's, as text that sorts by age.
        window: how far an event's day may lie from its arrival.
        get_object: reads an object of the bucket, for the originals of oversize events.

    Attributes:
        version: the ``transform_version`` of its records: the code's, the policy's and the key's.
    """

    def __init__(
        self,
        masker: Masker,
        identify: Callable[[str], str],
        policy_version: int,
        key_version: str,
        window: DateWindow,
        get_object: Callable[[str], bytes],
    ) -> None:
        self._masker = masker
        self._identify = identify
        # Sorts as text in the order of its numbers.
        self.version = f"{CODE_VERSION:04d}.{policy_version:04d}.{key_version}"
        self._window = window
        self._get_object = get_object
        self._json = RepeatNoticingParser()

    @property
    def tokens_made(self) -> int:
        """How many tokens it has made of values that it did not remember."""
        return self._masker.tokens_made

    def receive(self, data: bytes) -> Received:
        """Read a raw record, without the original of an oversize event.

        Raises:
            UnreadableRecordError: it is not an envelope, or its pointer is none.
        """
        self._json.has_repeats = False
        try:
            envelope = read(data, self._json.parse)
            pointer = Pointer.of(envelope["oversize"], envelope["dedup_key"]) if "oversize" in envelope else None
        except (InvalidEnvelopeError, BrokenPointerError) as error:
            raise UnreadableRecordError(str(error)) from None
        return Received(envelope, pointer, self._json.has_repeats)

    def transform(self, received: Received, arrived_at: datetime) -> CleanRecord:
        """Transform what was received; its event is masked in place.

        Raises:
            UnreadableRecordError: its original is gone, or its shape can't be masked.
        """
        envelope, pointer, has_repeats = received
        try:
            event = envelope["event"]
            if pointer is not None:
                self._json.has_repeats = False
                event = self._original(pointer)
                has_repeats = self._json.has_repeats
            received_at = parse_time(envelope["received_at"]) or arrived_at
            # The type and the time are read anew, so that a rebuild profits from what was learnt since.
            payload = genesys_payload(event)
            ingress = envelope["ingress"]
            # What the pipeline puts in itself has a partition that no sender can name.
            event_type = ingress if ingress in RESERVED else partition_type(event_type_of(payload))
            in_body = time_in_body(payload)
            own_time = in_body or time_sent(payload)
            event_time = own_time or time_around(event, payload)
            dedup_key, keyed_by, content = envelope["dedup_key"], envelope.get("keyed_by"), ""
            if keyed_by != "content":
                content = content_of(payload, in_body)  # before it is masked
                # Older records do not say what their key is made of.
                keyed_by = keyed_by or _keyed_by(envelope, payload, content)
            findings = self._masker.mask(payload, received_at.timestamp() * 1000, ingress)
            topic = topic_of(payload)
        except (InvalidJsonError, BrokenPointerError) as error:
            raise UnreadableRecordError(str(error)) from None
        except RecursionError:
            raise UnreadableRecordError("the event is nested too deeply") from None
        # Without id and time, the key of a repetition in another hour is another one.
        is_hourly = keyed_by == "hour"
        digest = self._identify(content if is_hourly else dedup_key)
        if keyed_by == "content":
            # The digest of the content stands for it, and the time is part of it.
            identity, fixed_time = digest, own_time
        else:
            # A retry may change the time beside the body. Of an audit any other content must be noticed.
            identity = self._identify(f"{dedup_key} {content}")
            fixed_time = in_body if has_body(payload) and not is_audit(topic) else None
        second = None if fixed_time is None else int(fixed_time.timestamp())
        if keyed_by == "id" and second is not None:
            digest = self._identify(f"{dedup_key} {second}")
        # No sender can write this ingress, so nobody but Genesys Cloud opens old days with it.
        window = self._window._replace(past=_HISTORY) if ingress == BACKFILL else self._window
        date, date_is_own = partition_date(event_time, received_at, window)
        fields = {
            "ingest_id": envelope["ingest_id"],
            "received_at": envelope["received_at"],
            "ingress": ingress,
            "dedup_key": identity,
            "event_type": event_type,
            "event_time": _clear_time(event_time),
            "topic": topic,
            "transform_version": self.version,
            "schema_drift": findings.schema_drift or [],
            "closed_fields": findings.closed_fields,
            "event": payload,
        }
        if has_repeats:
            fields[_REPEATED] = True
        try:
            line = _encode(fields)
            if len(line) > MAX_LINE_BYTES - _LINE_RESERVE:
                closed = shorten(payload, len(line) - MAX_LINE_BYTES + _LINE_RESERVE, _encode)
                fields["closed_fields"] = [*findings.closed_fields, *closed[:MAX_NAMES]]
                line = _encode(fields)
        except (ValueError, RecursionError):
            # 1e999 is JSON and was infinity to us; its bytes stay as they are in errors/.
            raise UnreadableRecordError("the event holds a number that can't be written") from None
        return CleanRecord(
            ingest_id=envelope["ingest_id"],
            ingress=ingress,
            key=Key(digest, second),
            identity=identity,
            mark="repeated" if is_hourly else "conflict",
            event_type=event_type,
            date=date,
            date_is_own=date_is_own,
            age_milliseconds=None if event_time is None else (received_at - event_time).total_seconds() * 1000,
            findings=findings,
            line=line[:-1] + _LINE_END,
        )

    def _original(self, pointer: Pointer) -> dict[str, Any]:
        original = self._json.parse(read_original(pointer, self._get_object))
        if not isinstance(original, dict):
            raise BrokenPointerError("the original is not an event")
        return original


def _encode(value: Any) -> bytes:
    r"""Encode as UTF-8, with ``?`` for half a character: JSON allows ``"\ud800"``, and many readers refuse the line."""
    return _json_text(value).encode("utf-8", "replace")


def _keyed_by(envelope: dict[str, Any], payload: dict[str, Any], content: str) -> KeyedBy:
    key: str = envelope["dedup_key"]
    if key == key_within_hour(content, envelope["received_at"]):
        return "hour"
    return "content" if is_key_of_content(key, payload) else "id"


def _clear_time(event_time: datetime | None) -> str | None:
    """Write an event's time, unless it is so absurd that it may be a telephone number in the place of a time."""
    if event_time is None or not forms.is_epoch(event_time.timestamp() * 1000):
        return None
    return format_time(event_time)


def arrival_of(record: dict[str, Any]) -> datetime:
    """Return when Firehose got a record, from the milliseconds it notes."""
    return parse_time(record.get("approximateArrivalTimestamp")) or datetime.now(UTC)
