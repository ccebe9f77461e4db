"""The whole template of a few pipelines, so that no change goes unseen."""

import json
import re
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from tests.library.synthesis import Template
from tests.library.templates import template

_ASSET_HASH = re.compile(r"\b[0-9a-f]{64}\b")
# The verification's id ends with a hash of the pipeline's template, so it changes with the functions' code, too.
_PIPELINE_HASH = re.compile(r"(?<=\bVerificationBFE7ED42)[0-9a-f]{16}\b")


def _normalized(template: Template) -> Any:
    """The template without what changes with every change of the functions' code, and without the tree's paths."""
    text = _PIPELINE_HASH.sub("<pipeline>", _ASSET_HASH.sub("<asset>", json.dumps(template.content)))
    content = json.loads(text)
    for resource in content["Resources"].values():
        resource.pop("Metadata", None)
    return content


@pytest.mark.parametrize("name", ["default", "unpartitioned", "maximal"])
def test_template_is_as_reviewed(name: str, request: pytest.FixtureRequest, snapshot: SnapshotAssertion) -> None:
    reviewed: Template = request.getfixturevalue(name)
    assert _normalized(reviewed) == snapshot(extension_class=JSONSnapshotExtension)


# What the pipelines above do not have: the retention on arrival, watch and allow-list, the load balancer, the
# verification.
@pytest.mark.parametrize(
    "name",
    ["retention on arrival", "every wing of Genesys Cloud", "behind a load balancer", "Verification of prod"],
)
def test_template_of_this_kind_is_as_reviewed(name: str, snapshot: SnapshotAssertion) -> None:
    assert _normalized(template(name)) == snapshot(extension_class=JSONSnapshotExtension)
