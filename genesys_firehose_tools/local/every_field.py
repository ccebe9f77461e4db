"""Events with every field that the dictionary of events knows, filled after the field's class.

The dictionary is read as data, from the library's files: this module shares no code with what masks events.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from genesys_firehose_tools.library_files import resolve, shapes
from genesys_firehose_tools.local.values import GeneratedEvent, Values, iso, milliseconds_of

# Shapes refer to themselves: a conversation's participant has conversations.
_DEEPEST = 5
_FRAME = "notification"
# Where an event without a topic has an identifier of its own.
_MARKERS = {"webhook": "messageId", "open_message": "id", "detail_event": "participantId"}
_CODES = ("ACTIVE", "INBOUND", "STANDARD")
_THINGS = ("Billing EMEA", "Technical Support", "Sales Inbound")

Schema = Mapping[str, Any]


class EveryField:
    """Generates events of every shape of the dictionary, one shape after the other.

    Args:
        values: Makes the values.
    """

    def __init__(self, values: Values) -> None:
        self._values = values
        self._personal: tuple[Callable[[], str], ...] = (
            values.name,
            values.phone,
            values.email,
            values.word,
            values.ip_address,
            values.person_id,
        )

    def events(self) -> Iterator[GeneratedEvent]:
        """Generate events without end."""
        while True:
            for name, schema in shapes().items():
                for topic, part in schema.get("x-topics", {}).items():
                    yield self.notification(topic, part, schema)
                if "x-topics" not in schema and name != _FRAME:
                    yield self.event(name, schema)

    def notification(self, topic: str, part: Schema, root: Schema) -> GeneratedEvent:
        """Generate a notification of a topic."""
        body = self._object(part, root, 0)
        name = topic
        while "{id}" in name:
            name = name.replace("{id}", self._values.uuid(), 1)
        return self._values.notification(f"every field of {topic}", name, body, self._values.time())

    def event(self, name: str, schema: Schema) -> GeneratedEvent:
        """Generate an event without a topic, with an identifier of its own as marker."""
        body = self._object(schema, schema, 0)
        marker = self._values.uuid()
        body[_MARKERS[name]] = marker
        return self._values.event(f"every field of {name}", marker, body)

    def _object(self, part: Schema, root: Schema, depth: int) -> dict[str, Any]:
        part = resolve(part, root)
        properties = dict(part.get("properties", {}))
        filled: dict[str, Any] = {}
        when = part.get("x-when")
        if when and self._values.share() < 0.5:
            filled[when["field"]] = self._values.choice(when["values"])
            properties.update(when["properties"])
            properties.pop(when["field"], None)
        for name, inner in properties.items():
            filled[name] = self._value(inner, root, depth + 1)
        return filled

    def _value(self, part: Schema, root: Schema, depth: int) -> Any:
        part = resolve(part, root)
        kind = part.get("type", "string")
        kind = next((each for each in kind if each != "null"), "null") if isinstance(kind, list) else kind
        field_class = part.get("x-class")
        if field_class == "map" or (kind == "object" and "properties" not in part):
            # Both keys and values of a map can be personal.
            return {self._values.name(): self._person("string"), self._values.phone(): self._values.sentence()}
        if depth > _DEEPEST and kind in ("object", "array"):
            return None
        if kind == "object":
            return self._object(part, root, depth)
        if kind == "array":
            items = resolve(part.get("items", {}), root)
            return [self._value({"x-class": field_class, **items} if field_class else items, root, depth + 1)]
        return self._plain(field_class, kind)

    def _plain(self, field_class: str | None, kind: str) -> Any:
        values = self._values
        match field_class:
            case "id":
                return values.uuid() if kind == "string" else values.number(100_000)
            case "code":
                return values.choice(_CODES) if kind == "string" else values.number(100)
            case "number":
                return values.number(100_000) if kind != "number" else values.number(100_000) / 100
            case "flag":
                return True if kind == "boolean" else "true"
            case "time":
                moment = values.time()
                return iso(moment) if kind == "string" else milliseconds_of(moment)
            case "name":
                return values.choice(_THINGS)
            case "text":
                return values.sentence() if kind == "string" else self._person(kind)
            case "secret":
                return f"https://files.example.com/{values.word()}?to={values.email()}"
        # A person, or what nobody has classified.
        return self._person(kind)

    def _person(self, kind: str) -> Any:
        if kind in ("integer", "number"):
            return int(self._values.phone().removeprefix("+"))
        return True if kind == "boolean" else self._values.choice(self._personal)()
