"""Learns the shapes of events from examples: what differs from the known shapes is added to them.

Only names and types are taken from an example, never a value. A known shape is only ever widened, so changes made
by hand stay. A learned field has the class `unknown`: it is no drift any more, and its value stays closed until
somebody writes its class into the file. Events as received, records of ``raw/`` and EventBridge events are all
accepted.
"""

import copy
import itertools
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DEFINITIONS = "#/$defs/"
_ANY_ID = "{id}"
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# An object with another key is a map, whose keys are no part of its shape.
_FIELD_NAME = re.compile(r"(?!.*\d{4})[A-Za-z_][A-Za-z0-9_]{0,63}")
_MAPS = frozenset(
    {"attributes", "context", "customAttributes", "customFields", "messageParams", "metadata", "participantData"}
)
_FRAME = "notification"
_BODY = "eventBody"
_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
# A schema, or a list of names, that fits on a line.
_SHORT = re.compile(r"[\[{]\s+((?:[^\[\]{}]|\[[^\[\]{}\n]*\])*?)\s+[\]}]")
_LINE = 100

Schema = dict[str, Any]


class Shapes:
    """Known shapes that learn.

    Args:
        schemas: The schemas, by name.

    Attributes:
        schemas: What they have become.
        learned: What was new, by the name of its shape: fields, and types that fields did not have before.
        without_shape: How many events have no topic and none of the known shapes; nothing is learnt from them.
    """

    def __init__(self, schemas: Mapping[str, Mapping[str, Any]]) -> None:
        self.schemas: dict[str, Schema] = {name: copy.deepcopy(dict(schema)) for name, schema in schemas.items()}
        self.learned: dict[str, list[str]] = {}
        self.without_shape = 0

    def learn(self, event: Mapping[str, Any]) -> None:
        """Add what is new in an event to the shape it has, or make one for its topic."""
        inner = event.get("event")
        if "ingest_id" in event and isinstance(inner, dict):
            event = inner
        detail = event.get("detail")
        detail_type = event.get("detail-type")
        payload = detail if isinstance(detail, dict) and detail_type is not None else event
        topic = payload.get("topicName")
        if isinstance(topic, str):
            # Whoever wrote the example wrote both: a type that is not its topic's would take over another topic.
            is_of_topic = isinstance(detail_type, str) and _is_template_of(detail_type, topic)
            template = str(detail_type) if is_of_topic else _template_of(topic)
            name: str | None = self._name_of_topic(topic) or self._add_shape(template)
        else:
            name = self._name_of_fields(payload)
        if name is None:
            self.without_shape += 1
            return
        news: dict[str, None] = {}
        schema = self.schemas[name]
        if "x-topics" in schema:
            body = schema["x-topics"][self._topic_in(schema, str(topic)) or ""]
            _Widening(schema, news).widen(body, payload.get(_BODY), _BODY)
            if _FRAME in self.schemas:
                around = {field: value for field, value in payload.items() if field != _BODY}
                _Widening(self.schemas[_FRAME], news).widen(self.schemas[_FRAME], around, "")
        else:
            _Widening(schema, news).widen(schema, payload, "")
        if news:
            self.learned.setdefault(name, []).extend(news)

    def write(self, directory: Path) -> None:
        """Write every shape into a directory, one file each."""
        directory.mkdir(parents=True, exist_ok=True)
        for name, schema in self.schemas.items():
            (directory / f"{name}.json").write_text(to_text(schema), encoding="utf-8")

    def _name_of_topic(self, topic: str) -> str | None:
        return next((name for name, schema in self.schemas.items() if self._topic_in(schema, topic)), None)

    @staticmethod
    def _topic_in(schema: Schema, topic: str) -> str | None:
        fitting = [template for template in schema.get("x-topics", ()) if _is_template_of(template, topic)]
        # The one with the fewest identifiers is meant.
        return min(fitting, key=lambda template: template.count(_ANY_ID), default=None)

    def _name_of_fields(self, payload: Mapping[str, Any]) -> str | None:
        for name, schema in self.schemas.items():
            if "x-topics" not in schema and name != _FRAME and payload.keys() >= set(schema["required"]):
                return name
        return None

    def _add_shape(self, template: str) -> str:
        words = [part for part in template.split(".")[1:] if part != _ANY_ID]
        stem = re.sub(r"[^a-z0-9]+", "_", "_".join(words).lower())
        stem = stem if stem[:1].isalpha() else f"topic_{stem}"
        # Two topics may have the same words, and a topic those of a shape's name: no shape is ever replaced.
        names = itertools.chain([stem], (f"{stem}_{number}" for number in itertools.count(2)))
        name = next(name for name in names if name not in self.schemas)
        self.schemas[name] = {
            "$schema": _DIALECT,
            "title": f"Notification {template}",
            "x-topics": {template: {"$ref": f"{_DEFINITIONS}EventBody"}},
            "$defs": {"EventBody": {"type": ["object", "null"], "properties": {}, "additionalProperties": False}},
        }
        return name


class _Widening:
    """Widens one shape by one event."""

    def __init__(self, shape: Schema, news: dict[str, None]) -> None:
        self._definitions = shape.get("$defs", {})
        self._news = news

    def widen(self, schema: Schema, value: Any, path: str) -> None:
        if "$ref" in schema:
            schema = self._definitions[schema["$ref"].removeprefix(_DEFINITIONS)]
        if "type" not in schema:
            return
        types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        type_name = _type_of(value)
        if type_name not in types and not (type_name == "integer" and "number" in types):
            # A number is every integer too; null stands at the end.
            others = [name for name in types if name != "null" and (name, type_name) != ("integer", "number")]
            schema["type"] = [*others, type_name, "null"]
            _say_what_it_is(schema, type_name, is_map=type_name == "object" and _is_map(path, value))
            if others or type_name == "number":
                self._news[f"{path}: {type_name}"] = None
        if isinstance(value, dict):
            self._widen_object(schema, value, f"{path}." if path else "")
        elif isinstance(value, list):
            for inner in value:
                self.widen(schema.setdefault("items", {"type": ["null"], "x-class": "unknown"}), inner, f"{path}[]")

    def _widen_object(self, schema: Schema, value: Mapping[str, Any], prefix: str) -> None:
        if schema.get("x-class") == "map":
            return
        properties = schema.setdefault("properties", {})
        for name, inner in value.items():
            if name not in properties:
                if not _FIELD_NAME.fullmatch(name):
                    continue
                properties[name] = {"type": ["null"], "x-class": "unknown"}
                self._news[prefix + name] = None
            self.widen(properties[name], inner, prefix + name)


def _say_what_it_is(schema: Schema, type_name: str, *, is_map: bool) -> None:
    if is_map:
        schema["x-class"] = "map"
    elif type_name == "object":
        schema.setdefault("properties", {})
        schema["additionalProperties"] = False
    elif type_name == "array":
        schema.setdefault("items", {"type": ["null"], "x-class": "unknown"})


def _type_of(value: Any) -> str:
    if value is None:
        return "null"
    # To JSON Schema, 1.0 is an integer.
    return "integer" if isinstance(value, float) and value.is_integer() else _TYPES[type(value)]


def _is_map(path: str, value: Mapping[str, Any]) -> bool:
    return path.rpartition(".")[2] in _MAPS or not all(map(_FIELD_NAME.fullmatch, value))


def _is_template_of(template: str, topic: str) -> bool:
    names, parts = template.split("."), topic.split(".")
    return len(names) == len(parts) and all(name in (part, _ANY_ID) for name, part in zip(names, parts, strict=True))


def _template_of(topic: str) -> str:
    return ".".join(_ANY_ID if _UUID.fullmatch(part) else part for part in topic.split("."))


def to_text(schema: Schema) -> str:
    """Write a schema with its fields in order, and what is short in one line."""

    def shorten(match: re.Match[str]) -> str:
        line = " ".join(match.group().split())
        line = re.sub(r"(?<=[\[{]) | (?=[\]}])", "", line)
        return line if len(line) <= _LINE else match.group()

    text = json.dumps(_sorted(schema), indent=2)
    # From the inside out: the lists of types, then the schemas that have nothing but one.
    return _SHORT.sub(shorten, _SHORT.sub(shorten, text)) + "\n"


def _sorted(node: Any) -> Any:
    if isinstance(node, dict):
        return {
            key: {name: _sorted(value[name]) for name in sorted(value)}
            if key in ("properties", "$defs")
            else _sorted(value)
            for key, value in node.items()
        }
    return [_sorted(value) for value in node] if isinstance(node, list) else node
