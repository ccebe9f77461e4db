"""What the construct adds to the code: the masking policy, the known shapes of events, and a check of each."""

import importlib
import json
from pathlib import Path
from typing import Any

from transform.drift import Check, KnownShapes


def masking_policy() -> dict[str, Any]:
    """Read the masking policy."""
    policy: dict[str, Any] = _read("policy.json")
    return policy


def known_shapes() -> KnownShapes:
    """Read the known shapes. A check is loaded when an event has its shape: they are many, and large."""
    return KnownShapes(_read("shapes.json"), _check_of)


def _check_of(shape: str) -> Check:
    check: Check = importlib.import_module(f"transform.checks.{shape}").validate
    return check


def _read(name: str) -> Any:
    return json.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))
