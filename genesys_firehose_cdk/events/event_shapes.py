"""The shapes that events are known to have; what differs from them is schema drift."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import fastjsonschema

from genesys_firehose_cdk.common.function_code import source_directory
from genesys_firehose_cdk.common.validation import InvalidPropertyError

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DEFINITIONS = "#/$defs/"
_TYPES = frozenset({"null", "boolean", "integer", "number", "string", "array", "object"})
# What the function can put into words; a keyword beyond would make misfits that have no name.
_KEYWORDS = frozenset({"type", "properties", "additionalProperties", "items", "$ref", "title", "description"})
_ROOT_KEYWORDS = frozenset({"$schema", "$defs", "x-topics", "required"}) | _KEYWORDS
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TOPIC = re.compile(r"v2(\.(\{id\}|[A-Za-z0-9]+))+")
# The checks run without the library: all that they take from it is the exception.
_LIBRARY_IMPORT = re.compile(r"^from fastjsonschema import JsonSchemaValueException.*$", re.MULTILINE)
_OWN_IMPORT = "from transform.drift import MisfitError as JsonSchemaValueException"


@dataclass(frozen=True, kw_only=True)
class EventShapes:
    """The known shapes of events, as JSON Schemas (draft 2020-12).

    `EventShapes.default()` knows the documented shapes of Genesys Cloud's events. Where yours have more fields, let
    `genesys-firehose shapes` learn them from examples, and give the directory that it writes to
    `EventShapes.from_directory`.

    Attributes:
        schemas: The schemas by name, lower case letters, digits and `_`. Allowed are the keywords type, properties,
            additionalProperties, items, $ref to the schema's own $defs, title and description, and, for the whole,
            `x-topics`, the notification topics that have the shape, with `{id}` for what varies. A schema without
            topics has `required` instead: it is the shape of events without a topic that have these fields.

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

    def to_files(self) -> dict[str, str]:
        """Return the shapes as the transform function reads them, and the check of each as code, by path."""
        files = {
            f"transform/checks/{name}.py": _check_code(name, json.dumps(schema))
            for name, schema in self.schemas.items()
        }
        files["transform/shapes.json"] = json.dumps(self.schemas, separators=(",", ":"), sort_keys=True)
        return files


@cache
def _default() -> EventShapes:
    return EventShapes.from_directory(source_directory() / "transform" / "shapes")


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


@cache
def _check_code(name: str, schema: str) -> str:
    code = fastjsonschema.compile_to_code(
        json.loads(schema), use_default=False, use_formats=False, detailed_exceptions=False
    )
    own, found = _LIBRARY_IMPORT.subn(_OWN_IMPORT, code)
    if found != 1:
        raise RuntimeError(f"fastjsonschema {fastjsonschema.VERSION} writes code that this package does not know.")
    try:
        compile(own, f"{name}.py", "exec")
    except SyntaxError:
        # Python knows 100 levels of indentation.
        raise _invalid(name, "is nested too deeply for its check", "put inner schemas into $defs") from None
    return own


def _check_shape(name: str, schema: Mapping[str, Any]) -> None:
    if not _NAME.fullmatch(name):
        raise _invalid(name, "has that name", "lower case letters, digits and _ are allowed")
    if schema.get("$schema") != _DIALECT:
        raise _invalid(name, f"has the $schema {schema.get('$schema')!r}", f"{_DIALECT} is allowed")
    topics = schema.get("x-topics")
    if topics is None:
        required = schema.get("required")
        if not isinstance(required, list) or not required or "topicName" in required:
            raise _invalid(name, "has neither x-topics nor required", "one must tell which events have the shape")
    elif not isinstance(topics, list) or not topics or not all(_is_topic(topic) for topic in topics):
        raise _invalid(name, f"has the x-topics {topics!r}", "topics such as v2.users.{id}.presence are allowed")
    elif "required" in schema:
        raise _invalid(name, "has both x-topics and required", "a notification's fields are all optional")
    definitions = schema.get("$defs", {})
    for place, part in _parts(schema, f"{name}#"):
        unknown = part.keys() - (_ROOT_KEYWORDS if part is schema else _KEYWORDS)
        if unknown:
            raise _invalid(place, f"has the keyword {min(unknown)}", f"{', '.join(sorted(_KEYWORDS))} are allowed")
        types = part.get("type", [])
        if not all(word in _TYPES for word in ([types] if isinstance(types, str) else types)):
            raise _invalid(place, f"has the type {types!r}", f"{', '.join(sorted(_TYPES))} are allowed")
        target = part.get("$ref")
        # What refers to what refers may end nowhere.
        if target is not None and "$ref" in definitions.get(str(target).removeprefix(_DEFINITIONS), ("$ref",)):
            raise _invalid(place, f"refers to {target!r}", "a definition in $defs that is no reference is allowed")


def _is_topic(topic: object) -> bool:
    return isinstance(topic, str) and _TOPIC.fullmatch(topic) is not None


def _parts(schema: Any, place: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield a schema and every schema in it, with their places."""
    if not isinstance(schema, Mapping):
        raise _invalid(place, "is not an object", "a schema is allowed")
    yield place, schema
    for keyword in ("properties", "$defs"):
        group = schema.get(keyword, {})
        if not isinstance(group, Mapping):
            raise _invalid(f"{place}/{keyword}", "is not an object", "schemas by name are allowed")
        for name, inner in group.items():
            yield from _parts(inner, f"{place}/{keyword}/{name}")
    if "items" in schema:
        yield from _parts(schema["items"], f"{place}/items")
    if not isinstance(schema.get("additionalProperties", True), bool):
        yield from _parts(schema["additionalProperties"], f"{place}/additionalProperties")


def _invalid(name: str, problem: str, allowed: str) -> InvalidPropertyError:
    return InvalidPropertyError(f"event_shapes: {name}", problem, allowed)
