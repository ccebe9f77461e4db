"""The base of all classes of properties: it checks the type of every field in one place."""

import math
import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields
from datetime import date, datetime
from enum import Enum
from functools import cache
from typing import Any, ClassVar, Union, get_args, get_origin

from aws_cdk import Token

from genesys_firehose_cdk.common.validation import InvalidPropertyError

_LONGEST_TEXT = 80
_WORDS = {
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    str: "a text",
    date: "a datetime.date",
}


class _WrongTypeError(Exception):
    """A value is not of the type of its field."""


@dataclass(frozen=True, kw_only=True)
class Props:
    """What a user hands over to a construct; frozen, with keywords alone.

    A subclass names the place of its fields in the pipeline's properties, such as `at="transform"`, so that an error
    names `transform.memory_size`. It checks values, of which the types are right by then, in `validate`.

    An enum's field also takes the enum's own names and values as text. A list becomes a tuple, a mapping a new one.
    """

    _at: ClassVar[str] = ""

    def __init_subclass__(cls, *, at: str) -> None:
        super().__init_subclass__()
        cls._at = at

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            try:
                accepted = _accept(value, field.type)
            except _WrongTypeError:
                raise InvalidPropertyError(
                    self.name_of(field.name), f"is {_describe(value)}", f"{_allowed(field.type)} is allowed"
                ) from None
            if accepted is not value:
                object.__setattr__(self, field.name, accepted)
        self.validate()

    def validate(self) -> None:
        """Check the values.

        Raises:
            InvalidPropertyError: A value or combination cannot work.
        """

    @classmethod
    def name_of(cls, field: str) -> str:
        """Return a field's name as errors write it."""
        return f"{cls._at}.{field}" if cls._at else field

    def given(self) -> list[str]:
        """Return the names of the fields that are not as they are by default."""
        return [field.name for field in fields(self) if getattr(self, field.name) != _default_of(field)]

    def refuse_given(self, names: Sequence[str], problem: str, allowed: str) -> None:
        """Refuse the first of the fields `names` that is not as it is by default."""
        for name in self.given():
            if name in names:
                raise InvalidPropertyError(self.name_of(name), problem, allowed)


def _default_of(field: "Field[Any]") -> Any:
    if field.default is not MISSING:
        return field.default
    return MISSING if field.default_factory is MISSING else field.default_factory()


def _accept(value: Any, annotation: Any) -> Any:
    """Return the value as the field keeps it.

    Raises:
        _WrongTypeError: It is of another type.
    """
    if annotation is Any:
        return value
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        return _accept_one_of(value, get_args(annotation))
    if origin in (Sequence, tuple):
        return _accept_items(value, get_args(annotation)[0])
    if origin is Mapping:
        return _accept_entries(value, *get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _accept_member(value, annotation)
    if annotation is None or annotation is types.NoneType:
        is_right = value is None
    elif annotation in (int, float):
        # In Python a bool is an int. The CDK writes a number that only CloudFormation knows as a float.
        numbers = (int,) if annotation is int else (int, float)
        is_right = (
            isinstance(value, numbers) and not isinstance(value, bool) and math.isfinite(value) and not _is_token(value)
        )
    elif annotation is date:
        is_right = isinstance(value, date) and not isinstance(value, datetime)
    elif getattr(annotation, "_is_protocol", False):
        is_right = _implements(value, annotation)
    else:
        is_right = isinstance(value, annotation)
    if not is_right:
        raise _WrongTypeError
    return value


def _accept_one_of(value: Any, annotations: Sequence[Any]) -> Any:
    for annotation in annotations:
        try:
            return _accept(value, annotation)
        except _WrongTypeError:
            continue
    raise _WrongTypeError


def _accept_items(value: Any, annotation: Any) -> tuple[Any, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise _WrongTypeError
    return tuple(_accept(item, annotation) for item in value)


def _accept_entries(value: Any, key_annotation: Any, value_annotation: Any) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise _WrongTypeError
    return {_accept(key, key_annotation): _accept(entry, value_annotation) for key, entry in value.items()}


def _accept_member(value: Any, enum: type[Enum]) -> Enum:
    if isinstance(value, enum):
        return value
    for member in enum:
        if isinstance(value, str) and value in (member.name, member.value):
            return member
    raise _WrongTypeError


def _implements(value: Any, interface: type) -> bool:
    # jsii hands an object of several interfaces over as one proxy, with a delegate for each interface.
    delegates = getattr(value, "_delegates", None)
    kinds = [type(each) for each in delegates] if isinstance(delegates, list) else [type(value)]
    return all(any(hasattr(kind, name) for kind in kinds) for name in _members(interface))


@cache
def _members(interface: type) -> frozenset[str]:
    """Return what an object has that implements an interface of the CDK."""
    return frozenset(name for each in interface.__mro__ for name in vars(each) if not name.startswith("_"))


def _is_token(value: Any) -> bool:
    """Tell whether a value stands for a number that only CloudFormation knows."""
    return isinstance(value, float) and math.isfinite(value) and Token.is_unresolved(value)


def _describe(value: Any) -> str:
    if isinstance(value, str):
        return repr(value if len(value) <= _LONGEST_TEXT else f"{value[:_LONGEST_TEXT]}...")
    if _is_token(value):
        return "known at deployment only"
    if isinstance(value, bool | int | float | None | Enum):
        return str(value)
    if isinstance(value, list | tuple):
        inner = ", ".join(_describe(item) for item in value)
        return f"[{inner}]" if len(inner) <= _LONGEST_TEXT else f"a {type(value).__name__} of {len(value)}"
    return f"a {type(value).__name__}"


def _allowed(annotation: Any) -> str:
    """Say in words what a field takes."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        words = [_allowed(each) for each in get_args(annotation) if each is not types.NoneType]
        return " or ".join([*words, *(["None"] if types.NoneType in get_args(annotation) else [])])
    if origin in (Sequence, tuple):
        return f"a list ({_allowed(get_args(annotation)[0])} each)"
    if origin is Mapping:
        key, value = get_args(annotation)
        return f"a dict ({_allowed(key)} to {_allowed(value)} each)"
    if annotation is Any:
        return "any value"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return f"one of {_join([member.name for member in annotation])} ({annotation.__name__})"
    return _WORDS.get(annotation) or _with_article(annotation)


def _with_article(kind: type) -> str:
    """Name a class as it is imported: those of the CDK with their module."""
    is_of_the_cdk = kind.__module__.startswith("aws_cdk")
    name = f"{kind.__module__.removeprefix('aws_cdk.')}.{kind.__name__}" if is_of_the_cdk else kind.__name__
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"


def _join(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) <= 20 else f"{', '.join(names[:6])} and more"
