"""Compiles the dictionary and a masking policy into the plan that the transform function works by.

The plan says of each field of each known shape which types it has and what happens to it. A path's rule beats a name's,
a longer path's a shorter's, and any rule of the policy beats the dictionary. Where shapes share a part, so do their
plans, unless a path of the policy tells them apart. Each file of shapes becomes a file of the plan, which the function
reads when an event needs it.
"""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from genesys_firehose_cdk.common.validation import InvalidPropertyError, closest
from genesys_firehose_cdk.events.event_shapes import DEFINITIONS, FRAME, EventShapes, parts_of
from genesys_firehose_cdk.events.masking_policy import MaskingPolicy

# What a name says by itself where the dictionary does not know the field: that it is to be closed.
CLOSED_CLASSES = frozenset({"person", "text", "secret", "map"})
_BODY = "eventBody"
_PERSONAL_TOPICS = "v2.externalcontacts.contacts."
# The ingresses whose records have a shape of their own; no schema can be named like their files.
_NAMES = "names"
_BACKFILL = "backfill"
_ANY_ID = "{id}"
_USER = "user"

Schema = Mapping[str, Any]
# Paths of the policy that an object is in the middle of: which, and how far.
_Open = tuple[tuple[int, int], ...]


def compile_plan(policy: MaskingPolicy, shapes: EventShapes) -> dict[str, str]:
    """Return the plan's files by their path in the function's code.

    Raises:
        InvalidPropertyError: A path of the policy is in no known shape.
    """
    rules = _Rules(policy)
    words = {name: {"r": word} for name, word in closed_names(shapes).items()}
    frame = shapes.schemas[FRAME] if FRAME in shapes.schemas else EventShapes.default().schemas[FRAME]
    topics: dict[str, tuple[str, int]] = {}
    without_topic = []
    files: dict[str, Any] = {}
    for name, schema in shapes.schemas.items():
        plan = _File(schema, rules, words)
        if name == FRAME:
            unknown = plan.add(frame, (), is_known=False, body={})
        elif "x-topics" in schema:
            for topic, target in schema["x-topics"].items():
                topics[topic] = (name, plan.add(frame, (), is_known=True, body=target))
        else:
            without_topic.append((sorted(schema["required"]), name, plan.add(schema, (), is_known=True)))
        files[name] = plan.nodes
    if FRAME not in files:
        plan = _File(frame, rules, words)
        unknown = plan.add(frame, (), is_known=False, body={})
        files[FRAME] = plan.nodes
    of_ingress: dict[str, tuple[str, int, list[int]]] = {}
    names = _names(policy)
    plan = _File(names, rules, words)
    of_ingress[_NAMES] = (f"ingress-{_NAMES}", plan.add(names, (), is_known=True), [])
    files[f"ingress-{_NAMES}"] = plan.nodes
    details = _own_shape("conversation_details")
    [(topic, target)] = details["x-topics"].items()
    plan = _File(details, rules, words)
    ids = [place for place, part in enumerate(topic.split(".")) if part == _ANY_ID]
    of_ingress[_BACKFILL] = (f"ingress-{_BACKFILL}", plan.add(frame, (), is_known=True, body=target), ids)
    files[f"ingress-{_BACKFILL}"] = plan.nodes
    rules.refuse_unused(shapes)
    index = {
        "version": policy.version,
        "free_text": policy.free_text.value,
        "unknown": policy.unknown.value,
        "allowed": sorted(policy.allowed_attributes),
        "topics": topics,
        "personal_topics": sorted(topic for topic in topics if topic.startswith(_PERSONAL_TOPICS)),
        "without_topic": sorted(without_topic, key=lambda entry: (-len(entry[0]), entry[1])),
        "of_ingress": of_ingress,
        "unknown_topic": (FRAME, unknown),
        "unknown_shape": (FRAME, _unknown_of(files[FRAME], unknown)),
    }
    return {
        "transform/plan/index.json": _text(index),
        **{f"transform/plan/{name}.json": _text(nodes) for name, nodes in files.items()},
    }


def closed_names(shapes: EventShapes) -> dict[str, str]:
    """Return the names that tell wherever they stand that a value is to be closed, with their class.

    They are those that the dictionary closes in every place, and those of `words.json`.
    """
    classes: dict[str, set[str]] = {}
    for schema in shapes.schemas.values():
        for name, part in _properties(schema):
            classes.setdefault(name, set()).add(part.get("x-class", "object"))
    closed = {
        name: "text" if "text" in found else max(found)
        for name, found in ((name, found - {"object"}) for name, found in classes.items())
        if found and found <= CLOSED_CLASSES
    }
    return {**closed, **{name: word for word, names in _words().items() for name in names}}


def _field_names(shapes: EventShapes) -> set[str]:
    return {name for schema in shapes.schemas.values() for name, _ in _properties(schema)}


class _Rules:
    """A policy's rules, and which of its paths were of use."""

    def __init__(self, policy: MaskingPolicy) -> None:
        self._names: dict[str, Any] = dict.fromkeys(policy.free_text_fields, "text")
        self._names.update({name: rule.to_plan() for name, rule in policy.fields.items()})
        self._texts = list(policy.paths)
        self._paths = [path.replace("[]", "").split(".") for path in policy.paths]
        self._path_rules = [rule.to_plan() for rule in policy.paths.values()]
        self._used: set[int] = set()

    @property
    def names(self) -> Iterable[str]:
        """The names that have a rule."""
        return self._names

    def follow(self, open_paths: _Open, name: str, *, is_known: bool) -> tuple[Any, _Open]:
        """Return the rule for a field, None for none, and the paths that go on inside it."""
        reached = [(path, place + 1) for path, place in open_paths if self._paths[path][place] == name]
        reached += [(path, 1) for path, names in enumerate(self._paths) if names[0] == name]
        ended = [path for path, place in reached if place == len(self._paths[path])]
        if is_known:
            self._used.update(ended)
        rule = self._names.get(name)
        if ended:
            rule = self._path_rules[max(ended, key=lambda path: len(self._paths[path]))]
        return rule, tuple(sorted({entry for entry in reached if entry[1] < len(self._paths[entry[0]])}))

    def next_names(self, open_paths: _Open) -> set[str]:
        """Return the names by which a path begins or goes on."""
        return {names[0] for names in self._paths} | {self._paths[path][place] for path, place in open_paths}

    def refuse_unused(self, shapes: EventShapes) -> None:
        """Refuse the paths that no shape has."""
        for number, path in enumerate(self._texts):
            if number not in self._used:
                last = self._paths[number][-1]
                near = closest(last, _field_names(shapes))
                hint = f"did you mean {near}?" if near not in (None, last) else "a path that a shape has is allowed"
                problem = f"holds {path!r}, which no known event has"
                raise InvalidPropertyError("transform.masking_policy.paths", problem, hint)


class _File:
    """The plan of one file of shapes: a list of objects that refer to each other by number."""

    def __init__(self, root: Schema, rules: _Rules, words: Mapping[str, Any]) -> None:
        self._definitions: Mapping[str, Schema] = root.get("$defs", {})
        self._rules = rules
        self._words = words
        self._numbers: dict[Any, int] = {}
        self.nodes: list[Any] = []

    def add(self, schema: Schema, open_paths: _Open, *, is_known: bool, body: Schema | None = None) -> int:
        """Add an object, and return its number."""
        key = (id(schema), open_paths, is_known, json.dumps(body))
        if key in self._numbers:
            return self._numbers[key]
        node, number = self._new(key)
        properties = dict(schema.get("properties", {}))
        if body is not None:
            properties[_BODY] = body
        node["f"] = {name: self._field(part, name, open_paths, is_known) for name, part in properties.items()}
        node["u"] = self._unknown(open_paths)
        node["k"] = is_known
        when = schema.get("x-when")
        if when:
            alternatives = {
                name: self._field(part, name, open_paths, is_known) for name, part in when["properties"].items()
            }
            node["w"] = [when["field"], when["values"], alternatives]
        return number

    def _new(self, key: Any) -> tuple[dict[str, Any], int]:
        number = self._numbers[key] = len(self.nodes)
        node: dict[str, Any] = {}
        self.nodes.append(node)
        return node, number

    def _unknown(self, open_paths: _Open) -> int:
        """Add an object that no shape knows: rules of the policy and names that tell by themselves are all it has."""
        key = ("unknown", open_paths)
        if key in self._numbers:
            return self._numbers[key]
        node, number = self._new(key)
        fields = dict(self._words)
        for name in {*self._rules.names, *self._rules.next_names(open_paths)}:
            rule, inner = self._rules.follow(open_paths, name, is_known=False)
            if rule is not None:
                fields[name] = {"r": rule}
            elif inner:
                fields[name] = {"n": self._unknown(inner), **fields.get(name, {})}
        node["f"] = fields
        node["u"] = self._unknown(())
        node["k"] = False
        return number

    def _field(self, part: Schema, name: str, open_paths: _Open, is_known: bool) -> dict[str, Any]:
        rule, inner = self._rules.follow(open_paths, name, is_known=is_known)
        if not part:
            return {"r": rule} if rule is not None else {"n": self._unknown(inner)}
        return self._value(part, inner, rule)

    def _value(self, part: Schema, open_paths: _Open, rule: Any) -> dict[str, Any]:
        if "$ref" in part:
            part = self._definitions[part["$ref"].removeprefix(DEFINITIONS)]
        types = part.get("type", [])
        field: dict[str, Any] = {
            "t": [word for word in ([types] if isinstance(types, str) else types) if word != "null"]
        }
        word = rule if rule is not None else part.get("x-class")
        if word is not None:
            field["r"] = word
        if rule is None and "properties" in part:
            field["n"] = self.add(part, open_paths, is_known=True)
        if "items" in part:
            field["i"] = self._value(part["items"], open_paths, rule)
        return field


def _unknown_of(nodes: list[Any], number: int) -> int:
    found: int = nodes[number]["u"]
    return found


def _properties(schema: Schema) -> Iterable[tuple[str, Schema]]:
    for _place, part in parts_of(schema, ""):
        for name, inner in part.get("properties", {}).items():
            while "items" in inner:
                inner = inner["items"]
            yield name, inner


def _names(policy: MaskingPolicy) -> Schema:
    """Return the shape of the records of names. It is no event's, so a sender's event never has it."""
    schema = _own_shape("names")
    if policy.keep_user_names:
        schema["x-when"]["values"].append(_USER)
    return schema


def _own_shape(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(Path(__file__).with_name(f"{name}.json").read_text(encoding="utf-8"))
    return schema


@cache
def _words() -> Mapping[str, list[str]]:
    words: Mapping[str, list[str]] = json.loads(Path(__file__).with_name("words.json").read_text(encoding="utf-8"))
    return words


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)
