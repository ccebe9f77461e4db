"""Strict JSON that keeps the text: parsed values together with the very characters they were read from."""

import json
import re
from typing import Any, NoReturn

_NOT_OBJECTS = "the body is not a JSON object or an array of JSON objects"
_WHITESPACE = re.compile(r"[ \t\n\r]*").match
_SEPARATOR = re.compile(r"[ \t\n\r]*([,\]])[ \t\n\r]*").match


class InvalidJsonError(ValueError):
    """The text is not the JSON we accept. The message repeats nothing of the text."""


def _refuse_constant(_name: str) -> NoReturn:
    # Python's parser takes NaN and Infinity; JSON (RFC 8259) does not know them.
    raise InvalidJsonError("NaN and Infinity are not JSON")


_scan = json.JSONDecoder(parse_constant=_refuse_constant).raw_decode


def _value_at(text: str, start: int) -> tuple[Any, int]:
    try:
        value, end = _scan(text, start)
    except InvalidJsonError:
        raise
    # ValueError: malformed, or an integer of over 4,300 digits, which Python refuses.
    except (ValueError, RecursionError):
        raise InvalidJsonError("the text is not well-formed JSON") from None
    return value, end


def _skip_whitespace(text: str, start: int) -> int:
    match = _WHITESPACE(text, start)
    return match.end() if match else start


def parse_json(data: bytes | str) -> Any:
    """Parse one JSON value.

    Raises:
        InvalidJsonError: ``data`` is not UTF-8, not JSON, nested too deeply, or followed by something else.
    """
    text = _decode(data) if isinstance(data, bytes) else data
    value, end = _value_at(text, _skip_whitespace(text, 0))
    if _skip_whitespace(text, end) != len(text):
        raise InvalidJsonError("the text goes on after the JSON value")
    return value


def split_events(body: bytes) -> list[tuple[dict[str, Any], bytes]]:
    """Split a body, one JSON object or an array of them, into parsed events with their own bytes.

    The bytes of an event are the sender's, not a re-serialisation: numbers, key order, duplicate keys and escapes
    stay as they came.

    Raises:
        InvalidJsonError: the body is not a JSON object or a non-empty array of JSON objects.
    """
    text = _decode(body)
    start = _skip_whitespace(text, 0)
    if text[start : start + 1] != "[":
        event = parse_json(text)
        if not isinstance(event, dict):
            raise InvalidJsonError(_NOT_OBJECTS)
        return [(event, text.strip(" \t\n\r").encode())]
    events: list[tuple[dict[str, Any], bytes]] = []
    position = _skip_whitespace(text, start + 1)
    while True:
        event, end = _value_at(text, position)
        if not isinstance(event, dict):
            raise InvalidJsonError(_NOT_OBJECTS)
        events.append((event, text[position:end].encode()))
        separator = _SEPARATOR(text, end)
        if separator is None:
            raise InvalidJsonError("the text is not well-formed JSON")
        position = separator.end()
        if separator[1] == "]":
            break
    if position != len(text):
        raise InvalidJsonError("the text goes on after the JSON value")
    return events


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidJsonError("the text is not UTF-8") from None
