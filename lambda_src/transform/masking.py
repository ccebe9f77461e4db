"""Masks an event by the plan, closes unknown fields, and names drift and closed fields, in one pass.

Names go into the record and are readable by everybody, so they are names of fields alone: never a value, and never a
key of an object whose keys are arbitrary.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from transform import forms
from transform.plan import Found, MaskingPlan
from transform.scrub import scrub
from transform.tokens import Tokenizer, text_of

# What one record may say about itself; a shape that changed beyond that is another shape.
MAX_NAMES: Final = 20
MAX_PATH_CHARACTERS: Final = 160
# A token is longer than most of what it stands for: a list of ones would grow to twenty times its size. An event of
# Genesys Cloud has a dozen persons, the details of a long conversation some hundred.
MAX_TOKENS: Final = 2000
_MASK = "*"
_ANY = "*"
_TOPIC = "topicName"

_GONE: Final = object()
_MISFIT: Final = object()
_SCALARS: Final = {"string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,)}
_TYPES: Final = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}
# A path: the name, and what it stands in.
_Path = tuple[Any, str] | None
_Scalar = Callable[[Any], Any]


class Findings(NamedTuple):
    """What was found in an event.

    Attributes:
        schema_drift: fields and types that its shape does not have; None when its shape is not a known one.
        closed_fields: fields that were closed because nobody knows them, or their value was not of their form.
        unknown_fields: how many fields nobody knows were closed.
    """

    schema_drift: list[str] | None
    closed_fields: list[str]
    unknown_fields: int


class _Field(dict[type, Any]):
    """What happens to a field's value, by its type: True when it passes, a function, or nothing for an unknown type."""

    __slots__ = ("inner", "item", "rule", "types")
    types: list[str] | None
    rule: Any
    inner: "_Object | None"
    item: "_Field | None"


class _Object:
    """The plan of an object."""

    __slots__ = ("fields", "is_known", "unknown", "when")
    fields: dict[str, _Field]
    is_known: bool
    unknown: "_Object"
    when: tuple[str, frozenset[str], dict[str, _Field]] | None


class Masker:
    """Applies one plan with one key.

    Args:
        plan: the plan.
        key: the tokenization key.
    """

    def __init__(self, plan: MaskingPlan, key: bytes) -> None:
        self._plan = plan
        self._make_token = Tokenizer(key)
        self._tokens_left = MAX_TOKENS
        self._scrubs = plan.index["free_text"] == "scrub"
        self.keeps_unknown = plan.index["unknown"] == "keep"
        self.allowed = frozenset(plan.index["allowed"])
        self._objects: dict[tuple[str, int], _Object] = {}
        self._checks: dict[str, dict[type, Any]] = {
            "id": {str: _passing(forms.is_id, self.token), int: _passing(forms.is_number)},
            "code": {str: _passing_seen(forms.is_code), int: _passing(forms.is_number)},
            "number": {int: _passing(forms.is_number), float: _passing(forms.is_number)},
            "flag": {},
            "time": {str: _passing(forms.is_time), int: _passing(forms.is_epoch), float: _passing(forms.is_epoch)},
            "name": {str: True},
            "topic": {str: True},
            "unknown": {str: _misfit, int: _misfit, float: _misfit},
        }

    def mask(self, payload: dict[str, Any], arrived_ms: float, ingress: str = "") -> Findings:
        """Mask a payload in place.

        Args:
            payload: the event.
            arrived_ms: when it arrived, in epoch milliseconds.
            ingress: the envelope's, which tells the pipeline's own records from what a sender wrote.
        """
        self._tokens_left = MAX_TOKENS
        found = self._plan.find(payload, ingress)
        plan = self._object(found.file, found.number)
        look = _Pass(self, plan.unknown.unknown, arrived_ms)
        topic = payload.get(_TOPIC)
        if isinstance(topic, str):
            payload[_TOPIC] = self._clear_topic(topic, found)
        look.close_object(payload, plan, None)
        drift = list(look.drift)[:MAX_NAMES] if found.is_known else None
        return Findings(drift, list(look.closed)[:MAX_NAMES], look.unknown_fields)

    def token(self, value: str) -> str | None:
        """Make a token; None when the event has as many as it may have."""
        self._tokens_left -= 1
        return self._make_token(value) if self._tokens_left >= 0 else None

    @property
    def tokens_made(self) -> int:
        """How many tokens it has made of values that it did not remember."""
        return self._make_token.made

    @property
    def has_no_token_left(self) -> bool:
        """Whether a value of the event was closed for want of a token."""
        return self._tokens_left < 0

    def _clear_topic(self, topic: str, found: Found) -> str:
        parts = topic.split(".")
        if found.ids is None:
            clear = [p if forms.is_topic_word(p) or forms.is_id(p) else self.token(p) or _ANY for p in parts]
            return ".".join(clear)
        for place in found.ids:
            part = parts[place]
            # An audit's topic has the type of a thing where others have an identifier.
            is_type = parts[place - 1] == "entitytype" or part == "{id}"
            if found.is_personal or not (forms.is_id(part) or (is_type and forms.is_topic_word(part))):
                parts[place] = self.token(part) or _ANY
        return ".".join(parts)

    def _object(self, file: str, number: int) -> _Object:
        """Make the plan of an object ready; it may refer to itself."""
        made = self._objects.get((file, number))
        if made is not None:
            return made
        made = self._objects[file, number] = _Object()
        node = self._plan.nodes(file)[number]
        made.fields = {name: self._field(file, field) for name, field in node["f"].items()}
        made.is_known = node["k"]
        made.unknown = self._object(file, node["u"])
        made.when = None
        if "w" in node:
            field, values, alternatives = node["w"]
            others = {name: self._field(file, other) for name, other in alternatives.items()}
            made.when = (field, frozenset(values), {**made.fields, **others})
        return made

    def _field(self, file: str, plan: dict[str, Any]) -> _Field:
        field = _Field()
        field.types = plan.get("t")
        field.rule = rule = plan.get("r")
        field.inner = self._object(file, plan["n"]) if "n" in plan else None
        field.item = self._field(file, plan["i"]) if "i" in plan else None
        if rule == "drop":
            field.update(dict.fromkeys(_TYPES, _drop))
            return field
        field[type(None)] = True
        if field.types is None or "boolean" in field.types:
            field[bool] = True
        for word in field.types if field.types is not None else _SCALARS:
            for kind in _SCALARS.get(word, ()):
                if kind is not bool:
                    field[kind] = self._scalar(rule, kind)
        if field.types is not None and "integer" in field.types and "number" not in field.types:
            field[float] = _whole(field[int])
        if field.types is None or "object" in field.types:
            field[dict] = True
        if field.types is None or "array" in field.types:
            field[list] = True
        return field

    def _scalar(self, rule: Any, kind: type) -> Any:
        if rule is None:
            return _misfit
        if isinstance(rule, str) and rule in self._checks:
            return self._checks[rule].get(kind, _misfit)
        return self.closing(rule)

    def closing(self, rule: Any) -> Any:
        """Return what closes a text or a number by a rule that closes, or keeps, whatever stands there."""
        if rule == "person":
            return self._token_of
        if rule == "text":
            return _scrubbed if self._scrubs else _drop
        if rule == "keep":
            return True
        if rule == "map":
            return _nothing
        if isinstance(rule, list):
            keep_last = rule[1]
            return lambda value: _keep_last(str(value), keep_last)
        return _drop

    def _token_of(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.token(value) if value else value
        return self.token(text_of(value))


class _Pass:
    """One pass over one event."""

    __slots__ = ("_arrived_ms", "_masker", "_unknown", "closed", "drift", "unknown_fields")

    def __init__(self, masker: Masker, unknown: _Object, arrived_ms: float) -> None:
        self._masker = masker
        self._unknown = unknown
        self._arrived_ms = arrived_ms
        self.drift: dict[str, None] = {}
        self.closed: dict[str, None] = {}
        self.unknown_fields = 0

    def close_object(self, node: dict[str, Any], plan: _Object, path: _Path) -> None:
        """Close an object in place."""
        fields = plan.fields
        if plan.when is not None:
            value = node.get(plan.when[0])
            if isinstance(value, str) and value in plan.when[1]:
                fields = plan.when[2]
        gone: list[str] = []
        for name, value in node.items():
            field = fields.get(name)
            kind = type(value)
            if field is None:
                new = self._unknown_field(name, value, plan, path)
            elif kind is dict or kind is list:
                new = self._nested(value, field, (path, name), name)
            else:
                handler = field.get(kind)
                if handler is True:
                    continue
                new = _MISFIT if handler is None else handler(value)
                if new is value:
                    continue
                if new is _MISFIT:
                    new = self._misfit(value, field, (path, name), name)
            if new is _GONE:
                gone.append(name)
            elif new is not value:
                node[name] = new
                if new is None:
                    self._note_closed((path, name))
        for name in gone:
            del node[name]

    def _unknown_field(self, name: str, value: Any, plan: _Object, path: _Path) -> Any:
        is_name = forms.is_field_name(name)
        place = (path, name if is_name else "*")
        if plan.is_known:
            self._note_drift(place, "unknown")
        field = plan.unknown.fields.get(name)
        if field is not None:
            new = self._by_field(value, field, place, name)
        elif is_name or self._masker.keeps_unknown:
            return self._close(value, place, name)
        else:
            # A key that is no name may be a value.
            new = _GONE
        if new is not value and not (field is not None and field.rule == "map"):
            self._note_closed(place)
        return new

    def _by_field(self, value: Any, field: _Field, path: _Path, name: str) -> Any:
        kind = type(value)
        if kind is dict or kind is list:
            return self._nested(value, field, path, name)
        handler = field.get(kind)
        if handler is True:
            return value
        new = _MISFIT if handler is None else handler(value)
        if new is _MISFIT:
            return self._misfit(value, field, path, name)
        if new is None:
            self._note_closed(path)
        return new

    def _nested(self, value: Any, field: _Field, path: _Path, name: str) -> Any:
        rule = field.rule
        kind = type(value)
        if kind not in field:
            self._note_type(value, field, path)
        if rule == "keep":
            return value
        if rule == "drop" or rule == "secret":
            return _GONE
        if rule == "map":
            return self._map(value, path)
        if rule == "text":
            return self._text(value)
        if rule == "person" or type(rule) is list:
            closed = self._each(value, self._masker.closing(rule), keeps_names=field.types is None)
            if self._masker.has_no_token_left:
                self._note_closed(path)
            return closed
        if kind is dict and field.inner is not None:
            self.close_object(value, field.inner, path)
            return value
        if kind is list and field.item is not None:
            return self._list(value, field.item, path, name)
        if kind is list and field.types is None and field.inner is not None:
            return self._list(value, field, path, name)
        return self._close(value, path, name)

    def _list(self, values: list[Any], item: _Field, path: _Path, name: str) -> list[Any]:
        path = (path, "[]")
        has_gone = False
        for index, value in enumerate(values):
            if type(value) is list and item.types is None:
                new: Any = self._list(value, item, path, name)
            else:
                new = self._by_field(value, item, path, name)
            if new is not value:
                values[index] = new
                has_gone = has_gone or new is _GONE
        if has_gone:
            values[:] = [value for value in values if value is not _GONE]
        return values

    def _misfit(self, value: Any, field: _Field, path: _Path, name: str) -> Any:
        """Close a value that is not of its field's types or form."""
        rule = field.rule
        if type(value) not in field or (type(value) is float and _is_part(value, field)):
            self._note_type(value, field, path)
            if type(rule) is list or rule in ("person", "text", "secret", "map", "keep"):
                handler = self._masker.closing(rule)
                return value if handler is True or type(value) is bool else handler(value)
        return self._close(value, path, name, is_unknown=rule is None or rule == "unknown")

    # Unknown fields.

    def _close(self, value: Any, path: _Path, name: str, *, is_unknown: bool = True) -> Any:
        """Close what nobody knows, unless it cannot be personal by its form."""
        masker = self._masker
        kind = type(value)
        if kind is dict:
            self.close_object(value, self._unknown, path)
            return value
        if kind is list:
            for index, inner in enumerate(value):
                value[index] = self._close(inner, (path, "[]"), name, is_unknown=is_unknown)
            return value
        if value is None or kind is bool or (masker.keeps_unknown and is_unknown):
            return value
        if kind is str:
            if forms.is_impersonal_text(value):
                return value
            new = None if any(map(str.isspace, value)) else masker.token(value)
        elif forms.is_impersonal_number(value, name, self._arrived_ms):
            return value
        else:
            new = None
        if is_unknown:
            self.unknown_fields += 1
        self._note_closed(path)
        return new

    def _map(self, value: Any, path: _Path) -> Any:
        if type(value) is dict:
            allowed = self._masker.allowed
            kept = {key: self._allowed(key, inner, path) for key, inner in value.items() if key in allowed}
            if len(kept) < len(value):
                self._note_closed((path, "*"))
            return kept
        # Whatever else stands there has no keys to allow.
        return [self._map(inner, path) for inner in value] if type(value) is list else None

    def _allowed(self, key: str, value: Any, path: _Path) -> Any:
        if type(value) is dict:
            return self._map(value, (path, key))
        if type(value) is list:
            return [self._allowed(key, inner, path) for inner in value]
        return value

    def _text(self, value: Any) -> Any:
        handler = self._masker.closing("text")
        if handler is _drop or type(value) is dict:
            # What is free text in an object has any keys.
            return _GONE
        if type(value) is list:
            kept = [self._text(inner) for inner in value]
            return [inner for inner in kept if inner is not _GONE]
        return value if value is None or type(value) is bool else handler(value)

    def _each(self, value: Any, change: _Scalar, *, keeps_names: bool) -> Any:
        """Change every text and number inside a value, and keys: where a plain value was known, they are no names."""
        if type(value) is dict:
            token = self._masker.token
            return {
                key if not key or (keeps_names and key in self._unknown.fields) else token(key) or _ANY: self._each(
                    inner, change, keeps_names=keeps_names
                )
                for key, inner in value.items()
            }
        if type(value) is list:
            return [self._each(inner, change, keeps_names=keeps_names) for inner in value]
        return value if value is None or type(value) is bool else change(value)

    # Names.

    def _note_type(self, value: Any, field: _Field, path: _Path) -> None:
        known = " or ".join(field.types or ()) or "null"
        # To JSON Schema, 1.0 is an integer.
        is_whole = isinstance(value, float) and value.is_integer()
        self._note_drift(path, f"{'integer' if is_whole else _TYPES[type(value)]}, known as {known}")

    def _note_drift(self, path: _Path, what: str) -> None:
        if len(self.drift) < MAX_NAMES:
            self.drift[f"{_text_of_path(path)}: {what}"] = None

    def _note_closed(self, path: _Path) -> None:
        if len(self.closed) < MAX_NAMES:
            self.closed[_text_of_path(path)] = None


def _text_of_path(path: _Path) -> str:
    names: list[str] = []
    while path is not None:
        path, name = path
        names.append(name)
    return ".".join(reversed(names)).replace(".[]", "[]")[:MAX_PATH_CHARACTERS]


def _passing(is_form: Callable[[Any], Any], otherwise: Callable[[str], str | None] | None = None) -> _Scalar:
    """Return what lets a value of a form pass; another is closed, or made a token at once."""

    def check(value: Any) -> Any:
        if is_form(value):
            return value
        return otherwise(value) if otherwise and value else value if value == "" else _MISFIT

    return check


def _passing_seen(is_form: Callable[[Any], Any], limit: int = 4096) -> _Scalar:
    """Return the same for values that come again and again."""
    seen: set[Any] = {""}

    def check(value: Any) -> Any:
        if value in seen:
            return value
        if not is_form(value):
            return _MISFIT
        if len(seen) < limit:
            seen.add(value)
        return value

    return check


def _is_part(value: float, field: _Field) -> bool:
    """Tell whether a number is not whole though the field's are."""
    return field.types is not None and "number" not in field.types and not value.is_integer()


def _whole(check: Any) -> _Scalar:
    def whole(value: float) -> Any:
        if not value.is_integer():
            return _MISFIT
        return value if check is True else check(value)

    return whole


def _keep_last(text: str, keep: int) -> str:
    hidden = max(len(text) - keep, 0)
    # The last characters of a text that is hardly longer would be the text.
    return _MASK * len(text) if hidden < keep else _MASK * hidden + text[hidden:]


def _scrubbed(value: Any) -> Any:
    if isinstance(value, str):
        return scrub(value)
    text = str(value)
    scrubbed = scrub(text)
    return value if scrubbed == text else scrubbed


def _drop(_value: Any) -> Any:
    return _GONE


def _nothing(_value: Any) -> Any:
    return None


def _misfit(_value: Any) -> Any:
    return _MISFIT
