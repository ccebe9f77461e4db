"""Generates the dictionary of events from the SDK's models: `python -m genesys_firehose_tools.operations.dictionary`.

A field's class is the one that `rules.json` gives its name, and follows from its type where the type tells: a
truth value is a flag, a date a time, a listed value a code, a map a map. A text that no rule knows is free text, so
that it is closed until somebody says what it is.
"""

import json
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from genesys_firehose_tools.operations.dictionary.sdk import Field, fields_of

_HERE = Path(__file__).parent
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TYPES = {
    "str": "string",
    "datetime": "string",
    "date": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
}
_CLASSES = {"datetime": "time", "date": "time", "int": "number", "float": "number", "bool": "flag"}
DETAILS_TOPIC = "v2.analytics.conversations.{id}.details"
"""The topic of a conversation's details record; it is the pipeline's own, no notification has it."""
_AUTHORS = ("Topic", "Notification", "ConfigChange", "ProgressEvent", "EventV3", "Event")

Schema = dict[str, Any]


class Rules:
    """What the project says of fields, in one file that people review.

    Args:
        rules: `names`: the names of texts by class. `kinds`: the fields whose object is a thing or an external contact,
            so that its name or id is that of one, and the topics that speak of a thing. `fields`: the class of
            a field of one model, which counts more than its name. `seen`: fields that events have and models lack.
    """

    def __init__(self, rules: Mapping[str, Any]) -> None:
        self._names: dict[str, str] = {name: word for word, names in rules["names"].items() for name in names.split()}
        if len(self._names) != sum(len(names.split()) for names in rules["names"].values()):
            raise ValueError("rules.json gives a name two classes")
        self._kinds: dict[str, str] = {
            field: kind for kind, fields in rules["kinds"].items() for field in fields.split()
        }
        self._things = tuple(rules["kinds"]["root"].split())
        self._fields: Mapping[str, str] = rules["fields"]
        self._when: Mapping[str, Mapping[str, str]] = rules["when"]
        self._seen: Mapping[str, Mapping[str, str]] = rules["seen"]

    def kind_of_topic(self, topic: str) -> str:
        """Tell whether a topic speaks of a thing, an external contact, or neither."""
        if topic.startswith("v2.externalcontacts.contacts."):
            return "contact"
        return "thing" if topic.startswith(self._things) else ""

    def kind_of_field(self, name: str) -> str:
        """Tell whether a field holds a thing, an external contact, or neither."""
        return self._kinds.get(name, "")

    def seen_in(self, family: str, model: str) -> Mapping[str, str]:
        """Return the classes of the fields that a model's objects have beside those the SDK knows."""
        return {**self._seen.get(f"{family}/*", {}), **self._seen.get(strip_author(model), {})}

    def when(self, model: str) -> Mapping[str, str]:
        """Return the field that tells whether another one is a thing, the values that do, and the other one."""
        return self._when.get(strip_author(model), {})

    def class_of(self, model: str, kind: str, name: str, field: Field) -> str:
        """Return the class of a field that is a plain value or a map."""
        stripped = strip_author(model)
        given = self._fields.get(f"{stripped}.{name}")
        if given:
            return given
        if field.type.startswith("dict(") or field.scalar == "object":
            return "map"
        if field.scalar != "str":
            return "time" if self._names.get(name) == "time" else _CLASSES[field.scalar]
        if field.is_enumeration:
            return "code"
        if kind == "thing" and name in ("name", "displayName"):
            return "name"
        if kind == "contact" and name == "id":
            return "person"
        return self._names.get(name, "text")


def strip_author(model: str) -> str:
    """Return a model's name without that of the topic it belongs to."""
    for author in _AUTHORS:
        head, _, tail = model.rpartition(author)
        if head and tail[:1].isupper():
            return tail
    return model


class Family:
    """The schemas of the topics that stand in one file; what is alike is there once."""

    def __init__(self, name: str, rules: Rules, topics: Mapping[str, str]) -> None:
        self._name = name
        self._rules = rules
        self._topics = topics
        self._parts: dict[tuple[str, str], dict[str, Any]] = {}
        self._alternatives: dict[tuple[str, str], tuple[Mapping[str, str], tuple[str, str]]] = {}
        self._roots = {topic: self._add(model, rules.kind_of_topic(topic)) for topic, model in topics.items()}

    def schema(self, title: str) -> Schema:
        """Return the file's content."""
        definitions: dict[str, Schema] = {}
        for key, properties in self._parts.items():
            name = self._names[key]
            if name not in definitions:
                definitions[name] = {
                    "type": ["object", "null"],
                    "properties": {field: self._resolved(part) for field, part in properties.items()},
                    "additionalProperties": False,
                    **self._alternative(key),
                }
        return {
            "$schema": _DIALECT,
            "title": title,
            "x-topics": {topic: {"$ref": f"#/$defs/{self._names[key]}"} for topic, key in self._roots.items()},
            "$defs": definitions,
        }

    def _add(self, model: str, kind: str) -> tuple[str, str]:
        fields = fields_of(model)
        if kind and not any(
            self._rules.class_of(model, kind, name, field) != self._rules.class_of(model, "", name, field)
            for name, field in fields.items()
            if not field.model
        ):
            kind = ""
        key = (model, kind)
        if key in self._parts:
            return key
        properties: dict[str, Any] = {}
        self._parts[key] = properties
        when = self._rules.when(model)
        for name, field in fields.items():
            if field.model:
                inner: Any = self._add(field.model, self._rules.kind_of_field(name))
                if name == when.get("things"):
                    self._alternatives[key] = (when, self._add(field.model, "thing"))
            else:
                inner = _leaf(self._rules.class_of(model, kind, name, field), field)
            for _ in range(field.list_depth):
                inner = {"type": ["array", "null"], "items": inner}
            properties[name] = inner
        for name, word in self._rules.seen_in(self._name, model).items():
            properties.setdefault(name, {"type": [_seen_type(word), "null"], "x-class": word})
        return key

    def _alternative(self, key: tuple[str, str]) -> Schema:
        if key not in self._alternatives:
            return {}
        when, thing = self._alternatives[key]
        return {
            "x-when": {
                "field": when["field"],
                "values": when["values"].split(),
                "properties": {when["things"]: self._resolved(thing)},
            }
        }

    def _resolved(self, part: Any) -> Schema:
        if isinstance(part, tuple):
            return {"$ref": f"#/$defs/{self._names[part]}"}
        return {**part, "items": self._resolved(part["items"])} if "items" in part else part

    @cached_property
    def _names(self) -> dict[tuple[str, str], str]:
        """Name the parts: those that are alike all the way down have one name."""
        group = dict.fromkeys(self._parts, 0)
        while True:
            signatures = {key: _signature(properties, group) for key, properties in self._parts.items()}
            numbers = {signature: number for number, signature in enumerate(sorted(set(signatures.values())))}
            regrouped = {key: numbers[signature] for key, signature in signatures.items()}
            if len(numbers) == len(set(group.values())):
                break
            group = regrouped
        taken: dict[str, int] = {}
        names: dict[int, str] = {}
        for key in self._parts:
            number = regrouped[key]
            if number not in names:
                model, kind = key
                short = strip_author(model) + {"contact": "OfContact", "thing": "OfThing"}.get(kind, "")
                name = (
                    short if short not in taken else model + {"contact": "OfContact", "thing": "OfThing"}.get(kind, "")
                )
                taken[name] = number
                names[number] = name
        return {key: names[number] for key, number in regrouped.items()}


def _signature(properties: Mapping[str, Any], group: Mapping[tuple[str, str], int]) -> str:
    def flat(part: Any) -> Any:
        if isinstance(part, tuple):
            return group[part]
        return {**part, "items": flat(part["items"])} if "items" in part else part

    return json.dumps({name: flat(part) for name, part in properties.items()}, sort_keys=True)


def _leaf(word: str, field: Field) -> Schema:
    if word == "map":
        return {"type": ["object", "null"], "x-class": word}
    return {"type": [_TYPES[field.scalar], "null"], "x-class": word}


def _seen_type(word: str) -> str:
    return {"map": "object", "number": "integer", "flag": "boolean"}.get(word, "string")


def family_of(topic: str) -> str:
    """Name the file that a topic stands in."""
    parts = topic.split(".")[1:]
    if "conversations" in parts and parts[0] in ("users", "routing", "conversations") and "recordings" not in parts:
        return "conversation"
    for word in ("workforcemanagement", "outbound", "detail", "externalcontacts", "wem"):
        if word in parts:
            return word
    return parts[0]


def generate(topics: Mapping[str, str], rules: Rules) -> dict[str, Schema]:
    """Return the schemas of the notifications by the name of their file."""
    families: dict[str, dict[str, str]] = {}
    for topic, model in sorted(topics.items()):
        families.setdefault(family_of(topic), {})[topic] = model
    schemas = {
        name: Family(name, rules, members).schema(f"Notifications: {name}") for name, members in families.items()
    }
    schemas["detail_event"] = _without_topic(schemas["detail"])
    return schemas


def generate_details(rules: Rules) -> Schema:
    """Return the schema of what the backfill puts in: no event's, so a sender's event never has it."""
    return Family("details", rules, {DETAILS_TOPIC: "AnalyticsConversation"}).schema("Conversations' details records")


def _without_topic(family: Schema) -> Schema:
    """Return the shape of a conversation's detail event that came without its notification: all that any has."""
    merged: dict[str, Schema] = {}
    for topic, target in family["x-topics"].items():
        if ".conversation." in topic:
            merged.update(family["$defs"][target["$ref"].removeprefix("#/$defs/")]["properties"])
    used = {}
    queue = [merged]
    while queue:
        for name in re.findall(r"#/\$defs/(\w+)", json.dumps(queue.pop())):
            if name not in used:
                used[name] = family["$defs"][name]
                queue.append(used[name])
    return {
        "$schema": _DIALECT,
        "title": "A conversation's detail event without its notification",
        "required": ["conversationId", "eventTime"],
        "type": "object",
        "properties": merged,
        "additionalProperties": False,
        "$defs": used,
    }


def read(name: str) -> Any:
    """Read a file that lies beside this one."""
    return json.loads((_HERE / name).read_text(encoding="utf-8"))


def topics_of(rules: Mapping[str, Any]) -> dict[str, str]:
    """Return the model of each topic: those that the SDK's repository lists, and others with the same models."""
    return {**read("topics.json"), **rules["topics"]}
