"""A policy that can do nothing, or more than its author knows, is refused."""

from typing import Any

import pytest

from genesys_firehose_cdk import Action, EventShapes, FieldRule, InvalidPropertyError, MaskingPolicy, UnknownFields
from genesys_firehose_cdk.events.masking_plan import compile_plan

DROP = FieldRule(action=Action.DROP)


@pytest.mark.parametrize("path", ["participants[0].name", "a..b", "$.x", ".a", "a.", "a b.c", "a[]b", "[].a", "a[*].b"])
def test_a_path_that_is_none_is_refused(path: str) -> None:
    with pytest.raises(InvalidPropertyError, match="paths"):
        MaskingPolicy(paths={path: DROP})


@pytest.mark.parametrize("path", ["participants[].name", "participants.name", "eventBody.message", "queue.name", "ani"])
def test_a_path_that_a_known_event_has_is_taken(path: str) -> None:
    assert compile_plan(MaskingPolicy(paths={path: DROP}), EventShapes.default())


@pytest.mark.parametrize(
    ("path", "hint"), [("participants[].nmae", "did you mean name?"), ("name.participants", "a path that a shape has")]
)
def test_a_path_that_no_known_event_has_is_refused(path: str, hint: str) -> None:
    with pytest.raises(InvalidPropertyError) as refusal:
        compile_plan(MaskingPolicy(paths={path: DROP}), EventShapes.default())
    assert path in str(refusal.value)
    assert hint in str(refusal.value)


@pytest.mark.parametrize(
    "properties", [{"unknown": UnknownFields.KEEP}, {"acknowledge_unknown_kept": True}], ids=["kept", "acknowledged"]
)
def test_unknown_fields_are_kept_only_if_that_is_acknowledged(properties: dict[str, Any]) -> None:
    with pytest.raises(InvalidPropertyError, match="acknowledge_unknown_kept"):
        MaskingPolicy(**properties)
