"""What happens to each personal field on the way from raw/ to clean/."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any

from genesys_firehose_cdk.common.function_code import source_directory
from genesys_firehose_cdk.common.validation import InvalidPropertyError

# What a record's transform_version holds of it: four digits.
_LARGEST_VERSION = 9999


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


@dataclass(frozen=True, kw_only=True)
class FieldRule:
    """The rule for one field or path.

    Attributes:
        action: What happens to the value.
        keep_last: With MASK alone: how many characters stay readable; 0 to 4. Default: 0.

    Raises:
        InvalidPropertyError: `keep_last` is out of range or given with another action.
    """

    action: Action
    keep_last: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.keep_last <= 4:
            raise InvalidPropertyError(
                "keep_last", f"is {self.keep_last}", "0 to 4 characters are allowed, more would identify"
            )
        if self.keep_last and self.action is not Action.MASK:
            raise InvalidPropertyError(
                "keep_last", f"is given with action {self.action.value}", "it is allowed with mask alone"
            )

    def to_dict(self) -> dict[str, Any]:
        """The rule as the transform function reads it."""
        rule: dict[str, Any] = {"action": self.action.value}
        if self.action is Action.MASK:
            rule["keep_last"] = self.keep_last
        return rule


def _no_rules() -> Mapping[str, FieldRule]:
    return MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class MaskingPolicy:
    """The personal fields of an event and what happens to each.

    `MaskingPolicy.default()` knows the personal fields of Genesys Cloud's events; take it and change it
    with `dataclasses.replace`.

    Attributes:
        fields: Rules by field name, case-sensitive as Genesys spells it, wherever it occurs.
        paths: Rules by path inside the Genesys payload, such as `participants[].name`, where `[]` is
            every element; a path beats a field.
        allowed_attributes: The keys that every `attributes` object keeps; all others are removed,
            because both keys and values are arbitrary. Default: none.
        free_text: What happens to free text. Default: DROP.
        free_text_fields: The names of the fields that hold free text.
        version: Raise it with every change: records carry it, a rebuild of `clean/` writes anew what an
            older version wrote, and queries take the newest; 1 to 9,999. Default: 1.

    Raises:
        InvalidPropertyError: A name or path is empty, or the version is out of range.
    """

    fields: Mapping[str, FieldRule] = field(default_factory=_no_rules)
    paths: Mapping[str, FieldRule] = field(default_factory=_no_rules)
    allowed_attributes: tuple[str, ...] = ()
    free_text: FreeText = FreeText.DROP
    free_text_fields: tuple[str, ...] = ()
    version: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.version <= _LARGEST_VERSION:
            raise InvalidPropertyError("version", f"is {self.version}", f"1 to {_LARGEST_VERSION:,} are allowed")
        for name in ("fields", "paths", "allowed_attributes", "free_text_fields"):
            if any(not key or key != key.strip() for key in getattr(self, name)):
                raise InvalidPropertyError(
                    name, "holds an empty or padded name", "a name as Genesys spells it is allowed"
                )

    @classmethod
    def default(cls) -> "MaskingPolicy":
        """The policy that a pipeline has unless told otherwise."""
        path = source_directory() / "transform" / "default_policy.json"
        policy = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            fields=_rules(policy["fields"]),
            paths=_rules(policy["paths"]),
            allowed_attributes=tuple(policy["attributes"]["allow"]),
            free_text=FreeText(policy["free_text"]),
            free_text_fields=tuple(policy["free_text_fields"]),
            version=policy["version"],
        )

    def to_json(self) -> str:
        """The policy as the transform function reads it; the same policy gives the same text."""
        policy = {
            "version": self.version,
            "fields": {name: rule.to_dict() for name, rule in self.fields.items()},
            "paths": {path: rule.to_dict() for path, rule in self.paths.items()},
            "attributes": {"allow": list(self.allowed_attributes)},
            "free_text": self.free_text.value,
            "free_text_fields": list(self.free_text_fields),
        }
        return json.dumps(policy, indent=2, sort_keys=True) + "\n"


def _rules(rules: Mapping[str, Mapping[str, Any]]) -> Mapping[str, FieldRule]:
    return MappingProxyType(
        {
            name: FieldRule(action=Action(rule["action"]), keep_last=rule.get("keep_last", 0))
            for name, rule in rules.items()
        }
    )
