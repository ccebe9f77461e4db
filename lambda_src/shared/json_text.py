"""Strict JSON that keeps the text: parsed values together with the very characters they were read from."""

import binascii
import json
import math
import re
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

# Genesys Cloud's events are a dozen levels deep at most. How deep Python's parser goes depends on its version, and what
# walks an event later must go as deep as what accepted it.
MAX_DEPTH = 100
# A batch of Lambda's in a batch of Lambda's: each is two, the batch and its record.
MAX_WRAPPERS = 4

_NOT_OBJECTS = "the body is not a JSON object or an array of JSON objects"
_WHITESPACE = re.compile(r"[ \t\n\r]*").match
# A batch that AWS Lambda gives a function has this one key (AWS Lambda Developer Guide, "Example Amazon SQS event").
_BATCH = "Records"
_RECORDS = re.compile(r'\{[ \t\n\r]*"Records"[ \t\n\r]*:(.*)\}', re.DOTALL).fullmatch
_SEPARATOR = re.compile(r"[ \t\n\r]*([,\]])[ \t\n\r]*").match


class InvalidJsonError(ValueError):
    """The text is not the JSON we accept. The message repeats nothing of the text."""


class _TooManyWrappersError(InvalidJsonError):
    """A body is wrapped more often than any service does."""


class TooManyEventsError(Exception):
    """A body holds more events than it may."""


def field_at(value: Any, path: tuple[str, ...]) -> Any:
    """Return what stands at a path of keys, None where there is no such place."""
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def _text_of_base64(value: Any) -> str | None:
    try:
        return binascii.a2b_base64(value, strict_mode=True).decode("utf-8")
    except (TypeError, ValueError):
        return None


# Where a record holds what was sent, by its service (AWS Lambda Developer Guide, the example events of each).
_CARRIED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "aws:sqs": lambda record: record.get("body"),
    "aws:sns": lambda record: field_at(record, ("Sns", "Message")),
    "aws:kinesis": lambda record: _text_of_base64(field_at(record, ("kinesis", "data"))),
}
_CARRIERS = frozenset({_BATCH, "eventSource", "EventSource"})


def _refuse_constant(_name: str) -> NoReturn:
    # Python's parser takes NaN and Infinity; JSON (RFC 8259) does not know them.
    raise InvalidJsonError("NaN and Infinity are not JSON")


_Scan = Callable[[str, int], tuple[Any, int]]
_scan: _Scan = json.JSONDecoder(parse_constant=_refuse_constant).raw_decode


def _value_at(text: str, start: int, scan: _Scan = _scan) -> tuple[Any, int]:
    try:
        value, end = scan(text, start)
    except InvalidJsonError:
        raise
    # ValueError: malformed, or an integer of over 4,300 digits, which Python refuses.
    except (ValueError, RecursionError):
        raise InvalidJsonError("the text is not well-formed JSON") from None
    return value, end


def _skip_whitespace(text: str, start: int) -> int:
    match = _WHITESPACE(text, start)
    return match.end() if match else start


def parse_json(data: bytes | str, scan: _Scan = _scan) -> Any:
    """Parse one JSON value.

    Raises:
        InvalidJsonError: ``data`` is not UTF-8, not JSON, nested too deeply, or followed by something else.
    """
    text = _decode(data) if isinstance(data, bytes) else data
    value, end = _value_at(text, _skip_whitespace(text, 0), scan)
    if _skip_whitespace(text, end) != len(text):
        raise InvalidJsonError("the text goes on after the JSON value")
    return value


class RepeatNoticingParser:
    """Parses JSON and notices when an object has a key twice. The last value of a key counts, as everywhere.

    Attributes:
        has_repeats: whether the texts since it was last set to False have such an object.
    """

    def __init__(self) -> None:
        self.has_repeats = False
        self._scan = json.JSONDecoder(parse_constant=_refuse_constant, object_pairs_hook=self._object).raw_decode

    def parse(self, data: bytes | str) -> Any:
        """Parse one JSON value, as `parse_json` does."""
        return parse_json(data, self._scan)

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) < len(pairs):
            self.has_repeats = True
        return value


def split_events(body: bytes, most: float = math.inf) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Split a body, one JSON object or an array of them, into parsed events with their own bytes.

    The bytes of an event are the sender's, not a re-serialisation: numbers, key order, duplicate keys and escapes
    stay as they came. A batch of AWS, ``{"Records": [...]}``, is its events, and a record of Amazon SQS, SNS or Kinesis
    in it is the events that it carries; either is a wrapper.

    One event is read after the other, so that of a large array no more than one need be kept parsed: that is a third
    of the time an event takes. Whoever acts on the first ones must reckon with an error in a later one.

    Args:
        body: the body.
        most: how many events it may hold.

    Raises:
        TooManyEventsError: the body holds more; those beyond are not read.
        InvalidJsonError: the body is not a JSON object or a non-empty array of JSON objects, or one of them is nested
            more than ``MAX_DEPTH`` levels deep, or inside more than ``MAX_WRAPPERS`` wrappers.
    """
    for count, event in enumerate(_split(_decode(body), most)):
        if count >= most:
            raise TooManyEventsError
        yield event


def _split(text: str, most: float, wrappers: int = 0) -> Iterator[tuple[dict[str, Any], bytes]]:
    position = _skip_whitespace(text, 0)
    is_array = text.startswith("[", position)
    if is_array:
        position = _skip_whitespace(text, position + 1)
    while True:
        event, end = _value_at(text, position)
        if not isinstance(event, dict):
            raise InvalidJsonError(_NOT_OBJECTS)
        raw = text[position:end]
        carried = None
        if not _CARRIERS.isdisjoint(event) and (inside := _text_inside(event, raw)):
            event = None  # what is inside is parsed again; of a large body there is memory for one alone
            carried = _unpack(inside, most, wrappers + 1)
        if carried is not None:
            yield from carried
        else:
            own = raw.encode()
            event = _value_at(text, position)[0] if event is None else event
            _refuse_deep(event, own)
            yield event, own
        if not is_array:
            position = _skip_whitespace(text, end)
            break
        separator = _SEPARATOR(text, end)
        if separator is None:
            raise InvalidJsonError("the text is not well-formed JSON")
        position = separator.end()
        if separator[1] == "]":
            break
    if position != len(text):
        raise InvalidJsonError("the text goes on after the JSON value")


def _text_inside(event: dict[str, Any], raw: str) -> str:
    """Return the text in a batch of AWS, or in a record of one; nothing when it is neither."""
    if event.keys() == {_BATCH} and isinstance(event[_BATCH], list):
        records = _RECORDS(raw)
        return records[1] if records else ""
    source = event.get("eventSource", event.get("EventSource"))
    carried = _CARRIED[source](event) if isinstance(source, str) and source in _CARRIED else None
    return carried if isinstance(carried, str) else ""


def _unpack(text: str, most: float, wrappers: int) -> list[tuple[dict[str, Any], bytes]] | None:
    """Return the events in the text of so many wrappers; None when there are none that can be told apart."""
    if wrappers > MAX_WRAPPERS:
        raise _TooManyWrappersError(f"the events are inside more than {MAX_WRAPPERS} wrappers")
    events: list[tuple[dict[str, Any], bytes]] = []
    try:
        for event_of_batch in _split(text, most, wrappers):
            if len(events) >= most:
                raise TooManyEventsError
            events.append(event_of_batch)
    except _TooManyWrappersError:
        raise
    except ValueError:
        return None
    return events


def _refuse_deep(event: dict[str, Any], raw: bytes) -> None:
    if raw.count(b"{") + raw.count(b"[") <= MAX_DEPTH:
        return  # it can't be deeper than it has brackets, and most events have few
    level: list[Any] = [event]
    for _depth in range(MAX_DEPTH):
        inner = (value for node in level for value in (node.values() if isinstance(node, dict) else node))
        level = [value for value in inner if isinstance(value, (dict, list))]
        if not level:
            return
    raise InvalidJsonError(f"the JSON is nested more than {MAX_DEPTH} levels deep")


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidJsonError("the text is not UTF-8") from None
