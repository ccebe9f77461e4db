"""The whole template of three pipelines, so that no change goes unseen."""

import json
import re
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from tests.library.synthesis import Template

_ASSET_HASH = re.compile(r"\b[0-9a-f]{64}\b")


def _normalized(template: Template) -> Any:
    """The template without what changes with every change of the functions' code, and without the tree's paths."""
    text = _ASSET_HASH.sub("<asset>", json.dumps(template.content))
    content = json.loads(text)
    for resource in content["Resources"].values():
        resource.pop("Metadata", None)
    return content


@pytest.mark.parametrize("name", ["default", "unpartitioned", "maximal"])
def test_template_is_as_reviewed(name: str, request: pytest.FixtureRequest, snapshot: SnapshotAssertion) -> None:
    template: Template = request.getfixturevalue(name)
    assert _normalized(template) == snapshot(extension_class=JSONSnapshotExtension)
