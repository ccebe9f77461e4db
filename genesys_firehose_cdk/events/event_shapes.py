"""The dictionary of events: the shapes they are known to have, and what each of their fields is."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from genesys_firehose_cdk.common.validation import InvalidPropertyError

DEFINITIONS = "#/$defs/"
FRAME = "notification"
"""The schema of what every notification has around its eventBody."""
CLASSES: Mapping[str, str] = {
    "id": "Who or what by number: a conversation, a queue, an agent. Passes if it is a UUID or one word with a digit.",
    "code": "One of a list of values, such as a media type. Passes if it is one word; new values pass too.",
    "number": "A count, a duration, a score. Passes as a number below 10^13.",
    "flag": "True or false. Passes.",
    "time": "A moment, a day or an interval. Passes as ISO 8601 or as epoch milliseconds.",
    "name": "The name of a thing: a queue, a skill, a division, a flow, a campaign. Passes.",
    "topic": "The topic of a notification. Passes, with identifiers of external contacts as tokens.",
    "person": "Who somebody is: a name, a number, an address, an identifier of an external contact. Becomes a token.",
    "text": "Free text. Removed, or scrubbed if the policy says so.",
    "secret": "A link, a file's name, a credential. Removed.",
    "map": "An object with arbitrary keys. Keeps the keys that the policy allows.",
    "unknown": "Nobody has said yet. Closed unless its value's form tells that it is not personal.",
}
"""What a field can be, and what happens to it unless a policy says otherwise."""

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TYPES = frozenset({"null", "boolean", "integer", "number", "string", "array", "object"})
# What the function can put into words; a keyword beyond would make misfits that have no name.
_KEYWORDS = frozenset(
    {"type", "properties", "additionalProperties", "items", "$ref", "title", "description", "x-class", "x-when"}
)
_ROOT_KEYWORDS = frozenset({"$schema", "$defs", "x-topics", "required"}) | _KEYWORDS
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TOPIC = re.compile(r"v2(\.(\{id\}|[A-Za-z0-9_]+))+")


@dataclass(frozen=True, kw_only=True)
class EventShapes:
    """The known shapes of events, as JSON Schemas (draft 2020-12).

    `EventShapes.default()` knows the documented shapes of Genesys Cloud's events. Where yours have more fields, let
    `genesys-firehose shapes` learn them from examples, and give the directory that it writes to
    `EventShapes.from_directory`.

    Attributes:
        schemas: The schemas by name, lower case letters, digits and `_`. Allowed are the keywords type, properties,
            additionalProperties (false alone), items, $ref to the schema's own $defs, title and description, and three
            more. `x-class` says what a plain value is, one of `CLASSES`; each needs it. `x-when` gives other schemas
            for some properties where another field has one of the values listed. `x-topics` has, for each notification
            topic, with `{id}` for what varies, a $ref to the schema of its eventBody. A schema without topics has
            `required` instead: it is the shape of events without a topic that have these fields. The schema named
            `notification` is that of what stands around every eventBody.

    Raises:
        InvalidPropertyError: A schema is not as described above, or two have the same topic.
    """

    schemas: Mapping[str, Mapping[str, Any]]

    def __post_init__(self) -> None:
        names_by_topic: dict[str, str] = {}
        for name, schema in self.schemas.items():
            _check_shape(name, schema)
            for topic in schema.get("x-topics", ()):
                other = names_by_topic.setdefault(topic, name)
                if other != name:
                    raise _invalid(name, f"lists the topic {topic} of {other}", "a topic of one schema is allowed")

    @classmethod
    def default(cls) -> "EventShapes":
        """Return the shapes that Genesys Cloud documents, and that of the webhook's own events."""
        return _default()

    @classmethod
    def from_directory(cls, directory: str | Path) -> "EventShapes":
        """Read the shapes in the `.json` files of a directory, which are named as they are.

        Raises:
            InvalidPropertyError: There are none, or one is invalid.
        """
        return cls(schemas=read_schemas(Path(directory)))


@cache
def _default() -> EventShapes:
    return EventShapes.from_directory(Path(__file__).with_name("shapes"))


def read_schemas(directory: Path) -> dict[str, dict[str, Any]]:
    """Read the schemas in the `.json` files of a directory, by name.

    Raises:
        InvalidPropertyError: There are none, or a file does not hold a JSON object.
    """
    schemas: dict[str, dict[str, Any]] = {}
    for path in sorted(directory.glob("*.json")):
        try:
            schema = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise _invalid(path.stem, f"is not JSON, {error}", "a JSON Schema is allowed") from None
        if not isinstance(schema, dict):
            raise _invalid(path.stem, "is not a JSON object", "a JSON Schema is allowed")
        schemas[path.stem] = schema
    if not schemas:
        raise InvalidPropertyError(
            "event_shapes", f"come from {directory}, which holds no .json files", "at least one schema is needed"
        )
    return schemas


def _check_shape(name: str, schema: Mapping[str, Any]) -> None:
    if not _NAME.fullmatch(name):
        raise _invalid(name, "has that name", "lower case letters, digits and _ are allowed")
    if schema.get("$schema") != _DIALECT:
        raise _invalid(name, f"has the $schema {schema.get('$schema')!r}", f"{_DIALECT} is allowed")
    _check_use(name, schema)
    definitions = schema.get("$defs", {})
    for place, part in parts_of(schema, f"{name}#"):
        unknown = part.keys() - (_ROOT_KEYWORDS if part is schema else _KEYWORDS)
        if unknown:
            raise _invalid(place, f"has the keyword {min(unknown)}", f"{', '.join(sorted(_KEYWORDS))} are allowed")
        types = part.get("type", [])
        if not all(word in _TYPES for word in ([types] if isinstance(types, str) else types)):
            raise _invalid(place, f"has the type {types!r}", f"{', '.join(sorted(_TYPES))} are allowed")
        target = part.get("$ref")
        # What refers to what refers may end nowhere.
        if target is not None and "$ref" in definitions.get(str(target).removeprefix(DEFINITIONS), ("$ref",)):
            raise _invalid(place, f"refers to {target!r}", "a definition in $defs that is no reference is allowed")
        _check_class(place, part, is_root=part is schema)


def _check_use(name: str, schema: Mapping[str, Any]) -> None:
    topics = schema.get("x-topics")
    if topics is None:
        required = schema.get("required")
        if not isinstance(required, list) or not required or ("topicName" in required) != (name == FRAME):
            raise _invalid(name, "has neither x-topics nor required", "one must tell which events have the shape")
    elif not isinstance(topics, Mapping) or not topics or not all(is_topic(topic) for topic in topics):
        raise _invalid(name, f"has the x-topics {topics!r}", "topics such as v2.users.{id}.presence are allowed")
    elif "required" in schema:
        raise _invalid(name, "has both x-topics and required", "a notification's fields are all optional")


def _check_class(place: str, part: Mapping[str, Any], *, is_root: bool) -> None:
    word = part.get("x-class")
    if word is not None and word not in CLASSES:
        raise _invalid(place, f"has the x-class {word!r}", f"{', '.join(CLASSES)} are allowed")
    if part.get("additionalProperties", False) is not False:
        raise _invalid(place, "has additionalProperties", "false is allowed; an object with any keys is an x-class map")
    if word is None and not is_root and not part.keys() & {"properties", "items", "$ref"}:
        raise _invalid(place, "has no x-class", f"one of {', '.join(CLASSES)} must say what the field is")
    when = part.get("x-when")
    if when is not None and not (
        isinstance(when, Mapping)
        and when.keys() == {"field", "values", "properties"}
        and isinstance(when["values"], list)
        and isinstance(when["properties"], Mapping)
    ):
        raise _invalid(place, f"has the x-when {when!r}", "field, values and properties are allowed")


def is_topic(text: object) -> bool:
    """Tell whether this has the form of a topic: words of letters, digits and `_`, and literal `{id}`, after `v2`."""
    return isinstance(text, str) and _TOPIC.fullmatch(text) is not None


def parts_of(schema: Any, place: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield a schema and every schema in it, with their places."""
    if not isinstance(schema, Mapping):
        raise _invalid(place, "is not an object", "a schema is allowed")
    yield place, schema
    for keyword in ("properties", "$defs"):
        group = schema.get(keyword, {})
        if not isinstance(group, Mapping):
            raise _invalid(f"{place}/{keyword}", "is not an object", "schemas by name are allowed")
        for name, inner in group.items():
            yield from parts_of(inner, f"{place}/{keyword}/{name}")
    if "items" in schema:
        yield from parts_of(schema["items"], f"{place}/items")
    for keyword in ("x-topics", "x-when"):
        group = schema.get(keyword, {})
        for name, inner in (group.get("properties", {}) if keyword == "x-when" else group).items():
            yield from parts_of(inner, f"{place}/{keyword}/{name}")


def _invalid(name: str, problem: str, allowed: str) -> InvalidPropertyError:
    return InvalidPropertyError(f"event_shapes: {name}", problem, allowed)
