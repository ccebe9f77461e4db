"""Whether acknowledged findings and found ones are the same, for constructs that stand alone."""

from collections.abc import Callable
from typing import Any

import aws_cdk as cdk
import pytest

from tests.library.synthesis import new_stack
from tests.library.test_nag import PACKS, _acknowledgements, _findings

Build = Callable[[cdk.Stack], Any]


def unacknowledged(build: Build) -> list[str]:
    """All findings of all packs that are not acknowledged."""
    stack = new_stack()
    build(stack)
    return [finding for pack in PACKS for finding in _findings(stack, pack)]


def unneeded(build: Build) -> set[Any]:
    """All acknowledgements of what no pack finds."""
    stack = new_stack()
    build(stack)
    acknowledged = {(construct.node.path, rule) for construct, rule, _ in _acknowledgements(stack)}
    bare = new_stack()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cdk.Validations, "acknowledge", lambda *_: None)
        build(bare)
    found = {tuple(reversed(finding.split(" ", 1))) for pack in PACKS for finding in _findings(bare, pack)}
    return acknowledged - found
