"""What happens to each personal field on the way from raw/ to clean/."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any

from genesys_firehose_cdk.common.props import Props
from genesys_firehose_cdk.common.validation import InvalidPropertyError

# What a record's transform_version holds of it: four digits.
_LARGEST_VERSION = 9999
_PATH = re.compile(r"[^\s.\[\]$]+(\[\])*(\.[^\s.\[\]$]+(\[\])*)*")


class Action(Enum):
    """What happens to a field's value."""

    TOKENIZE = "tokenize"
    """A keyed hash takes its place: equal values stay equal, and joins work."""
    DROP = "drop"
    """The field is removed."""
    KEEP = "keep"
    """The value stays as it is; for a path that a field rule would catch."""
    MASK = "mask"
    """All but the last characters become `*`."""


class FreeText(Enum):
    """What happens to free text: message bodies, transcripts, notes."""

    DROP = "drop"
    """The field is removed."""
    SCRUB = "scrub"
    """Numbers, addresses and the like inside the text are replaced; names may remain."""


class UnknownFields(Enum):
    """What happens to fields that the dictionary of events does not know."""

    CLOSE = "close"
    """A value passes only if its form tells that it cannot be personal: a UUID, an ISO 8601 time, true, false, null, a
    number of at most six digits. Another word becomes a token, anything else null."""
    KEEP = "keep"
    """The value stays as it is. Whatever Genesys Cloud adds to an event tomorrow, names, numbers and texts of persons
    among it, is then readable in clean/ from its first event on, and stays there for as long as the retention."""


@dataclass(frozen=True, kw_only=True)
class FieldRule(Props, at="transform.masking_policy.rule"):
    """The rule for one field or path.

    Attributes:
        action: What happens to the value.
        keep_last: With MASK alone: how many characters stay readable; 0 to 4. Default: 0.

    Raises:
        InvalidPropertyError: `keep_last` is out of range or given with another action.
    """

    action: Action
    keep_last: int = 0

    def validate(self) -> None:
        """Check the number of characters."""
        if not 0 <= self.keep_last <= 4:
            raise InvalidPropertyError(
                self.name_of("keep_last"), f"is {self.keep_last}", "0 to 4 characters are allowed, more would identify"
            )
        if self.keep_last and self.action is not Action.MASK:
            raise InvalidPropertyError(
                self.name_of("keep_last"), f"is given with action {self.action.value}", "it is allowed with mask alone"
            )

    def to_plan(self) -> str | list[Any]:
        """The rule as the transform function reads it."""
        if self.action is Action.MASK:
            return ["mask", self.keep_last]
        return {Action.TOKENIZE: "person", Action.DROP: "drop", Action.KEEP: "keep"}[self.action]


def _no_rules() -> Mapping[str, FieldRule]:
    return MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class MaskingPolicy(Props, at="transform.masking_policy"):
    """What happens to the fields of an event on its way to `clean/`, where it is not what the dictionary says.

    The dictionary (`EventShapes`, docs/events.md) says of each field what it is, and so whether it passes, becomes a
    token or is removed. What the dictionary does not know is closed. A policy changes that for single fields.

    Attributes:
        fields: Rules by field name, case-sensitive as Genesys spells it, wherever it occurs. They count more
            than the dictionary. Default: none.
        paths: Rules by path inside the Genesys payload, such as `participants[].name`, where `[]` is
            every element; a path beats a field, a longer path a shorter one. A known event must have it. Default: none.
        allowed_attributes: The keys that every object with arbitrary keys keeps (`attributes`, `customFields`,
            `messageParams` and the like); all others are removed with their values.
            Default: none.
        free_text: What happens to free text. Default: DROP.
        free_text_fields: Names of further fields that hold free text. Default: none.
        unknown: What happens to fields that the dictionary does not know. Default: CLOSE.
        acknowledge_unknown_kept: With `unknown=UnknownFields.KEEP` alone, and needed there: that you know that
            personal data in new fields will be readable in `clean/`. Default: False.
        keep_user_names: With `user` among `genesys.names.kinds` alone: whether the names of users, who are the
            organization's agents, stay readable in the snapshots of names. Wherever else they stand, they are tokens.
            Default: False, tokens there too.
        version: Raise it with every change: records carry it, a rebuild of `clean/` writes anew what an
            older version wrote, and queries take the newest; 1 to 9,999. Default: 1.

    Raises:
        InvalidPropertyError: A name is empty, a path can match nothing, the version is out of range, or unknown
            fields are kept without the acknowledgement.
    """

    fields: Mapping[str, FieldRule] = field(default_factory=_no_rules)
    paths: Mapping[str, FieldRule] = field(default_factory=_no_rules)
    allowed_attributes: tuple[str, ...] = ()
    free_text: FreeText = FreeText.DROP
    free_text_fields: tuple[str, ...] = ()
    unknown: UnknownFields = UnknownFields.CLOSE
    acknowledge_unknown_kept: bool = False
    keep_user_names: bool = False
    version: int = 1

    def validate(self) -> None:
        """Check version, names, paths and acknowledgement."""
        if not 1 <= self.version <= _LARGEST_VERSION:
            raise InvalidPropertyError(
                self.name_of("version"), f"is {self.version}", f"1 to {_LARGEST_VERSION:,} are allowed"
            )
        for name in ("fields", "paths", "allowed_attributes", "free_text_fields"):
            if any(not key or key != key.strip() for key in getattr(self, name)):
                raise InvalidPropertyError(
                    self.name_of(name), "holds an empty or padded name", "a name as Genesys spells it is allowed"
                )
        for path in self.paths:
            if not _PATH.fullmatch(path):
                raise InvalidPropertyError(
                    self.name_of("paths"),
                    f"holds {path!r}",
                    "names with dots between them, [] after a list, are allowed",
                )
        if self.acknowledge_unknown_kept is not (self.unknown is UnknownFields.KEEP):
            raise InvalidPropertyError(
                self.name_of("acknowledge_unknown_kept"),
                f"is {self.acknowledge_unknown_kept} with unknown={self.unknown}",
                "True is needed with UnknownFields.KEEP, because personal data in new fields becomes readable, and is "
                "allowed there alone",
            )

    @classmethod
    def default(cls) -> "MaskingPolicy":
        """The policy that a pipeline has unless told otherwise: what the dictionary says."""
        return cls()
