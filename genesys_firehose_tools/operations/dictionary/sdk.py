"""Reads the notification topics' models of Genesys Cloud's own SDK, which only a developer has installed."""

import importlib
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

_WORD = re.compile(r"\w+")
_ALLOWED_VALUES = re.compile(r"allowed_values = (\[.*\])")


@dataclass(frozen=True)
class Field:
    """A field of a model.

    Attributes:
        type: The SDK's word for its type: `str`, `list[str]`, `dict(str, object)`, or a model's name.
        is_enumeration: Whether the SDK lists the values.
    """

    type: str
    is_enumeration: bool

    @property
    def model(self) -> str | None:
        """The model that the field holds, or holds a list of; None for a plain value and for a map."""
        if self.type.startswith("dict("):
            return None
        [inner] = re.fullmatch(r"(?:list\[)*(\w+)\]*", self.type).groups()  # type: ignore[union-attr]
        return inner if inner in _models() else None

    @property
    def list_depth(self) -> int:
        """How many lists stand around the value."""
        return self.type.count("list[") if not self.type.startswith("dict(") else 0

    @property
    def scalar(self) -> str:
        """The type of the plain value."""
        return str(_WORD.findall(self.type)[-1])


def fields_of(model: str) -> dict[str, Field]:
    """Return the fields of a model by their names in JSON."""
    kind = _models()[model]
    instance = kind()
    return {
        name: Field(instance.swagger_types[attribute], _is_enumeration(kind, attribute))
        for attribute, name in instance.attribute_map.items()
    }


def leaf_models(model: str, seen: set[str] | None = None) -> Iterator[str]:
    """Yield a model and all that it is made of, each once."""
    seen = set() if seen is None else seen
    if model in seen:
        return
    seen.add(model)
    yield model
    for field in fields_of(model).values():
        if field.model:
            yield from leaf_models(field.model, seen)


def _is_enumeration(kind: Any, attribute: str) -> bool:
    return _ALLOWED_VALUES.search(inspect.getsource(getattr(kind, attribute).fset)) is not None


@cache
def _models() -> dict[str, Any]:
    module = importlib.import_module("PureCloudPlatformClientV2.models")
    return {name: kind for name, kind in vars(module).items() if inspect.isclass(kind)}
