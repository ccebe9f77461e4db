"""Turns raw records into clean ones: parse, follow an oversize event's pointer, mask, partition."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from shared.envelope import VERIFICATION, InvalidEnvelopeError, read
from shared.event import (
    content_of,
    event_type_of,
    format_time,
    genesys_payload,
    key_within_hour,
    parse_time,
    time_around,
    time_of,
    topic_of,
)
from shared.json_text import InvalidJsonError, RepeatNoticingParser
from shared.pointer import BrokenPointerError, Pointer, read_original
from transform import forms
from transform.masking import Findings, Masker
from transform.partitioning import DateWindow, partition_date, partition_type

# Of the code; the versions of policy and key follow it. Raised with every change of what a clean record looks like.
CODE_VERSION = 4
# Stands in a record only when it is true: a key of the event came twice, and the last value counts.
_REPEATED = "repeated_keys"
_LINE_END = b"}\n"
# What was parsed holds no circles.
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False).encode


Mark = Literal["conflict", "repeated"]


class CleanRecord(NamedTuple):
    """A transformed record, before anybody decided whether it is a duplicate.

    Attributes:
        key: what the event is known by, a keyed digest: its id; without one its content, whenever it arrived.
        identity: what makes another record a copy of it, a keyed digest: the envelope's ``dedup_key`` and the content.
        mark: what a record with another identity under the same key is.
    """

    ingest_id: str
    key: str
    identity: str
    mark: Mark
    event_type: str
    date: str
    date_is_own: bool
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
        return self._masker.token.cache_info().misses

    def transform(self, data: bytes, arrived_at: datetime) -> CleanRecord:
        """Transform one raw record.

        Raises:
            UnreadableRecordError: it is not an envelope, its original is gone, or its shape can't be masked.
        """
        try:
            self._json.has_repeats = False
            envelope = read(data, self._json.parse)
            event = self._whole_event(envelope)
            received_at = parse_time(envelope["received_at"]) or arrived_at
            # The type and the time are read anew, so that a rebuild profits from what was learnt since.
            payload = genesys_payload(event)
            # Marked events have a partition that no sender can name, and that no table reads.
            is_marked = envelope["ingress"] == VERIFICATION
            event_type = VERIFICATION if is_marked else partition_type(event_type_of(payload))
            own_time = time_of(payload)
            event_time = own_time or time_around(event, payload)
            dedup_key, content = envelope["dedup_key"], content_of(payload)  # before it is masked
            findings = self._masker.mask(payload, received_at.timestamp() * 1000)
            topic = topic_of(payload)
        except (InvalidEnvelopeError, InvalidJsonError, BrokenPointerError) as error:
            raise UnreadableRecordError(str(error)) from None
        except RecursionError:
            raise UnreadableRecordError("the event is nested too deeply") from None
        # Without id and time, the key of a repetition in another hour is another one.
        is_hourly = own_time is None and dedup_key == key_within_hour(content, envelope["received_at"])
        identity = self._identify(f"{dedup_key} {content}")
        date, date_is_own = partition_date(event_time, received_at, self._window)
        fields = {
            "ingest_id": envelope["ingest_id"],
            "received_at": envelope["received_at"],
            "ingress": envelope["ingress"],
            "dedup_key": identity,
            "event_type": event_type,
            "event_time": _clear_time(event_time),
            "topic": topic,
            "transform_version": self.version,
            "schema_drift": findings.schema_drift or [],
            "closed_fields": findings.closed_fields,
            "event": payload,
        }
        if self._json.has_repeats:
            fields[_REPEATED] = True
        try:
            line = _encode_whole(fields)[:-1].encode() + _LINE_END
        except (ValueError, RecursionError):
            # 1e999 is JSON and was infinity to us; its bytes stay as they are in errors/.
            raise UnreadableRecordError("the event holds a number that can't be written") from None
        return CleanRecord(
            ingest_id=envelope["ingest_id"],
            key=self._identify(content if is_hourly else dedup_key),
            identity=identity,
            mark="repeated" if is_hourly else "conflict",
            event_type=event_type,
            date=date,
            date_is_own=date_is_own,
            findings=findings,
            line=line,
        )

    def _whole_event(self, envelope: dict[str, Any]) -> dict[str, Any]:
        event: dict[str, Any] = envelope["event"]
        if "oversize" not in envelope:
            return event
        pointer = Pointer.of(envelope["oversize"], envelope["dedup_key"])
        original = self._json.parse(read_original(pointer, self._get_object))
        if not isinstance(original, dict):
            raise BrokenPointerError("the original is not an event")
        return original


def _encode_whole(fields: dict[str, Any]) -> str:
    r"""Encode a record, with ``?`` for half a character: JSON allows ``"\ud800"``, and many readers refuse the line."""
    text = _encode(fields)
    if "\\ud" not in text:
        return text
    return _encode(json.loads(json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace")))


def _clear_time(event_time: datetime | None) -> str | None:
    """Write an event's time, unless it is so absurd that it may be a telephone number in the place of a time."""
    if event_time is None or not forms.is_epoch(event_time.timestamp() * 1000):
        return None
    return format_time(event_time)


def arrival_of(record: dict[str, Any]) -> datetime:
    """Return when Firehose got a record, from the milliseconds it notes."""
    return parse_time(record.get("approximateArrivalTimestamp")) or datetime.now(UTC)
