"""Notices schema drift: fields that nobody knew and types that changed.

The known shapes of events are JSON Schemas. A check that fastjsonschema generated from each, when the pipeline was
synthesized, tells in microseconds whether an event fits; only one that doesn't is compared with its schema field by
field, to name what is new. Names go into the record and are readable by everybody, so they are names of fields alone:
never a value, and never a key of a map whose keys are arbitrary.
"""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from typing import Any, Final

# What one record may say about its drift; a shape that changed beyond that is another shape.
MAX_NAMES: Final = 20
MAX_PATH_CHARACTERS: Final = 160

_ANY_ID: Final = "{id}"
# No part of a topic: a sender's topic may well have an empty one.
_TOPIC_END: Final = "."
_DEFINITIONS: Final = "#/$defs/"
# What a field is called. Anything else, a number or an identifier among it, may be a value that stands as a key.
_FIELD_NAME = re.compile(r"(?!.*\d{4})[A-Za-z_][A-Za-z0-9_]{0,63}")
_TYPES: Final = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}
_NESTED: Final = frozenset({list, dict})

Schema = Mapping[str, Any]
Check = Callable[[Any], object]


class MisfitError(Exception):
    """An event does not fit a shape. Raised by the generated checks; its message is of no use and never read."""


class KnownShapes:
    """The shapes that events are known to have.

    Args:
        shapes: the schemas, by name. ``x-topics`` lists the notification topics of a shape; a shape without them is
            that of the events without a topic that have all of its ``required`` fields.
        load_check: loads the check of a shape, which raises ``MisfitError``; called once for each, when it is first
            needed.
    """

    def __init__(self, shapes: Mapping[str, Schema], load_check: Callable[[str], Check]) -> None:
        self._shapes = shapes
        self._check_of = cache(load_check)
        self._topics: dict[str, Any] = {}
        self._without_topic: list[tuple[frozenset[str], str]] = []
        for name, schema in shapes.items():
            for topic in schema.get("x-topics", ()):
                node = self._topics
                for part in topic.split("."):
                    node = node.setdefault(part, {})
                node[_TOPIC_END] = name
            if "x-topics" not in schema:
                self._without_topic.append((frozenset(schema["required"]), name))

    def drift_of(self, payload: dict[str, Any]) -> list[str] | None:
        """Name what is new in an event, each once; None when its shape is not a known one.

        A name is a path and what is new there: ``eventBody.newField: unknown`` or
        ``eventBody.eventTime: string, known as integer``. Null is of every type. There are at most ``MAX_NAMES``.
        """
        name = self._name_of(payload)
        if name is None:
            return None
        try:
            self._check_of(name)(payload)
        except (MisfitError, RecursionError):
            names = _Names(self._shapes[name])
            # Drift is never fatal: what is nested too deeply to be looked at is not looked at.
            with suppress(_EnoughError, RecursionError):
                names.compare(payload, self._shapes[name], "")
            return list(names.found)
        return []

    def _name_of(self, payload: dict[str, Any]) -> str | None:
        topic = payload.get("topicName")
        if not isinstance(topic, str):
            return next((name for required, name in self._without_topic if required <= payload.keys()), None)
        node: dict[str, Any] | None = self._topics
        for part in topic.split("."):
            if node is None:
                return None
            node = node.get(part) or node.get(_ANY_ID)
        return node.get(_TOPIC_END) if node else None


class _EnoughError(Exception):
    """``MAX_NAMES`` are found."""


class _Names:
    """Collects the names of what is new in one event."""

    def __init__(self, shape: Schema) -> None:
        self._definitions: Mapping[str, Schema] = shape.get("$defs", {})
        self.found: dict[str, None] = {}

    def compare(self, value: Any, schema: Schema, path: str) -> None:
        if value is None:
            return
        if "$ref" in schema:
            schema = self._definitions[schema["$ref"].removeprefix(_DEFINITIONS)]
        types = schema.get("type")
        if types is not None and not _is_one_of(value, types):
            known = [name for name in types if name != "null"] if isinstance(types, list) else [types]
            self._add(path, f"{_type_of(value)}, known as {' or '.join(known) or 'null'}")
        elif isinstance(value, dict):
            self._compare_object(value, schema, path)
        elif isinstance(value, list) and "items" in schema:
            for inner in value:
                self.compare(inner, schema["items"], f"{path}[]")

    def _compare_object(self, value: dict[str, Any], schema: Schema, path: str) -> None:
        prefix = f"{path}." if path else ""
        properties = schema.get("properties", {})
        others = schema.get("additionalProperties", True)
        for name, inner in value.items():
            known = properties.get(name)
            if known is not None:
                # Most values are plain and of the known type: that is told here, without a further call.
                kind = type(inner)
                if kind in _NESTED or _TYPES[kind] not in known.get("type", ()):
                    self.compare(inner, known, prefix + name)
            elif others is False:
                self._add(prefix + (name if _FIELD_NAME.fullmatch(name) else "*"), "unknown")
            elif others is not True:
                self.compare(inner, others, f"{prefix}*")

    def _add(self, path: str, what: str) -> None:
        self.found[f"{path[:MAX_PATH_CHARACTERS]}: {what}"] = None
        if len(self.found) == MAX_NAMES:
            raise _EnoughError


def _type_of(value: Any) -> str:
    # To JSON Schema, 1.0 is an integer.
    return "integer" if isinstance(value, float) and value.is_integer() else _TYPES[type(value)]


def _is_one_of(value: Any, types: str | list[str]) -> bool:
    name = _type_of(value)
    return name in types or (name == "integer" and "number" in types)
