"""Prefix expressions and object names.

After the Amazon Data Firehose Developer Guide, "Understand custom prefixes for Amazon S3 objects" and "Configure
Amazon S3 object name format".
"""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from genesys_firehose_tools.local.firehose import limits

DEFAULT_TIME_PREFIX = "!{timestamp:yyyy/MM/dd/HH/}"

_EXPRESSION = re.compile(r"!\{(?P<namespace>[^:{}]*):(?P<value>[^{}]*)\}")
_JAVA_TOKEN = re.compile(r"'(?P<quoted>(?:[^']|'')*)'|(?P<letters>([A-Za-z])\3*)|(?P<literal>[^A-Za-z'])")
_JAVA_LETTERS = {
    "yyyy": "%Y", "yy": "%y", "uuuu": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "hh": "%I", "mm": "%M",
    "ss": "%S", "DDD": "%j", "MMM": "%b", "MMMM": "%B", "EEE": "%a", "EEEE": "%A", "a": "%p",
}  # fmt: skip
_UNPADDED = {"y": "%Y", "u": "%Y", "M": "%m", "d": "%d", "H": "%H", "h": "%I", "m": "%M", "s": "%S", "D": "%j"}


class PrefixError(ValueError):
    """A prefix that Firehose would refuse, or that has no value for a record."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """A prefix expression such as `raw/!{timestamp:yyyy/MM/dd/HH}/`, checked when created.

    Attributes:
        expression: The prefix as configured.

    Raises:
        PrefixError: An unknown namespace or value, `!{` outside an expression, or a time pattern with a letter that
            is not modelled.
    """

    expression: str

    def __post_init__(self) -> None:
        if "!{" in _EXPRESSION.sub("", self.expression):
            raise PrefixError(f"'!{{' may only appear in '!{{namespace:value}}', not as in {self.expression!r}.")
        for namespace, value in self._terms():
            if namespace == "timestamp":
                format_time(value, datetime(2000, 1, 1))
            elif namespace == "firehose" and value in ("error-output-type", "random-string"):
                pass
            elif namespace != "partitionKeyFromLambda" or not value:
                raise PrefixError(
                    f"'!{{{namespace}:{value}}}' is not known; known are timestamp:<pattern>, "
                    "firehose:error-output-type, firehose:random-string and partitionKeyFromLambda:<key>."
                )

    def _terms(self) -> list[tuple[str, str]]:
        return [(match["namespace"], match["value"]) for match in _EXPRESSION.finditer(self.expression)]

    @property
    def has_expressions(self) -> bool:
        """Whether anything is evaluated at all."""
        return bool(self._terms())

    @property
    def has_timestamp(self) -> bool:
        """Whether a `timestamp` expression is in it."""
        return any(namespace == "timestamp" for namespace, _ in self._terms())

    @property
    def names_error_type(self) -> bool:
        """Whether `!{firehose:error-output-type}` is in it."""
        return ("firehose", "error-output-type") in self._terms()

    @property
    def partition_keys(self) -> tuple[str, ...]:
        """The names of the partition keys in it, in order of appearance."""
        return tuple(value for namespace, value in self._terms() if namespace == "partitionKeyFromLambda")

    def evaluate(
        self, moment: datetime, *, partition_keys: Mapping[str, str] | None = None, error_type: str = ""
    ) -> str:
        """Return the prefix of one object.

        Args:
            moment: Arrival of the oldest record in the object, in the destination's time zone.
            partition_keys: A value for each key in `partition_keys`.
            error_type: The value of `!{firehose:error-output-type}`.

        Raises:
            PrefixError: The result is longer than 512 characters.
        """

        def value_of(match: re.Match[str]) -> str:
            namespace, value = match["namespace"], match["value"]
            if namespace == "timestamp":
                return format_time(value, moment)
            if namespace == "partitionKeyFromLambda":
                return (partition_keys or {})[value]
            return error_type if value == "error-output-type" else str(uuid.uuid4())[:11]

        evaluated = _EXPRESSION.sub(value_of, self.expression)
        if len(evaluated) > limits.MAX_EVALUATED_PREFIX_CHARACTERS:
            raise PrefixError(
                f"The evaluated prefix has {len(evaluated)} characters; "
                f"{limits.MAX_EVALUATED_PREFIX_CHARACTERS} are allowed."
            )
        return evaluated


def format_time(pattern: str, moment: datetime) -> str:
    """Format a moment by a pattern of Java's DateTimeFormatter: numeric fields, names, quoted text, literals.

    Raises:
        PrefixError: The pattern has a letter that is not modelled, or an open quote.
    """
    parts = []
    position = 0
    while position < len(pattern):
        token = _JAVA_TOKEN.match(pattern, position)
        if token is None:
            raise PrefixError(f"The time pattern {pattern!r} has an open quote.")
        position = token.end()
        letters = token["letters"]
        if letters is None:
            parts.append(token["literal"] or token["quoted"].replace("''", "'") or "'")
        elif letters in _JAVA_LETTERS:
            parts.append(moment.strftime(_JAVA_LETTERS[letters]))
        elif letters in _UNPADDED:
            parts.append(str(int(moment.strftime(_UNPADDED[letters]))))
        else:
            raise PrefixError(f"The time pattern {pattern!r} has {letters!r}, which is not modelled.")
    return "".join(parts)


def object_name(stream_name: str, stream_version: str, moment: datetime, file_extension: str) -> str:
    """Return the part of an object's key after its prefix; every call gives another name."""
    return f"{stream_name}-{stream_version}-{moment:%Y-%m-%d-%H-%M-%S}-{uuid.uuid4()}{file_extension}"
