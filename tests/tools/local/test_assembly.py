"""A synthesized directory is read; what can't be deployed is refused in a sentence."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from genesys_firehose_tools.errors import ToolError
from genesys_firehose_tools.local.assembly import read_app

PIPELINE = {"GenesysFirehosePipelines": {"Lake/Events": {}}}
TWO = {"GenesysFirehosePipelines": {"Lake/Sales": {}, "Lake/Care": {}}}


def stack(directory: Path, name: str, *needs: str, metadata: Mapping[str, Any] = {}, **template: Any) -> dict[str, Any]:
    (directory / f"{name}.template.json").write_text(json.dumps({"Metadata": metadata, "Resources": {}, **template}))
    return {
        "type": "aws:cloudformation:stack",
        "environment": "aws://111122223333/eu-west-1",
        "properties": {"templateFile": f"{name}.template.json", "tags": {"Team": "care"}},
        "dependencies": [*needs],
    }


def write(directory: Path, artifacts: Mapping[str, Any], **manifest: Any) -> Path:
    (directory / "manifest.json").write_text(json.dumps({"artifacts": artifacts, **manifest}))
    return directory


def refused(directory: Path, stack_name: str | None = None, pipeline: str | None = None) -> str:
    with pytest.raises(ToolError) as raised:
        read_app(directory, stack_name, pipeline)
    return str(raised.value)


def test_the_pipelines_stack_is_deployed_with_what_it_needs_and_what_needs_it(tmp_path: Path) -> None:
    artifacts = {
        "Tries": stack(tmp_path, "Tries", "Lake"),
        "Lake": stack(tmp_path, "Lake", "Network", metadata=PIPELINE),
        "Network": stack(tmp_path, "Network"),
        "Shop": stack(tmp_path, "Shop"),
    }
    found = read_app(write(tmp_path, artifacts))
    assert [each.name for each in found.stacks] == ["Network", "Lake", "Tries"]
    assert (found.stack, found.pipeline) == ("Lake", "Lake/Events")
    assert found.stacks[1].environment == ("111122223333", "eu-west-1")
    assert found.stacks[1].tags == {"Team": "care"}


def test_a_stage_holds_stacks_as_well(tmp_path: Path) -> None:
    (tmp_path / "assembly-Prod").mkdir()
    inner = stack(tmp_path / "assembly-Prod", "ProdLake", metadata=PIPELINE)
    inner["properties"]["stackName"] = "Prod-Lake"
    write(tmp_path / "assembly-Prod", {"ProdLake": inner})
    stage = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-Prod"}}
    assert read_app(write(tmp_path, {"assembly-Prod": stage})).stack == "Prod-Lake"


def test_what_is_uploaded_is_what_the_stack_lists_but_its_own_template(tmp_path: Path) -> None:
    listed = {
        "files": {
            path: {
                "source": {"path": path, "packaging": "file"},
                "destinations": {"current": {"bucketName": "assets-${AWS::AccountId}", "objectKey": f"key of {path}"}},
            }
            for path in ("Lake.template.json", "asset.1a2b", "LakeInner.nested.template.json")
        }
    }
    (tmp_path / "Lake.assets.json").write_text(json.dumps(listed))
    artifacts = {
        "Lake.assets": {"type": "cdk:asset-manifest", "properties": {"file": "Lake.assets.json"}},
        "Lake": stack(tmp_path, "Lake", "Lake.assets", metadata=PIPELINE),
    }
    [lake] = read_app(write(tmp_path, artifacts)).stacks
    assert [(asset.path.name, asset.key, asset.is_template) for asset in lake.assets] == [
        ("asset.1a2b", "key of asset.1a2b", False),
        ("LakeInner.nested.template.json", "key of LakeInner.nested.template.json", True),
    ]


def test_of_several_one_is_named_by_its_stack_or_its_path(tmp_path: Path) -> None:
    other = {"GenesysFirehosePipelines": {"Pond/Events": {}}}
    write(
        tmp_path,
        {"Lake": stack(tmp_path, "Lake", metadata=TWO), "Pond": stack(tmp_path, "Pond", metadata=other)},
    )
    assert read_app(tmp_path, "Pond").pipeline == "Pond/Events"
    assert read_app(tmp_path, None, "Care").stack == "Lake"
    assert refused(tmp_path) == f"{tmp_path} has 2 stacks with a pipeline; name one with --stack: Lake, Pond."
    assert (
        refused(tmp_path, "Sea") == f"{tmp_path} has no stack Sea with a pipeline; name one with --stack: Lake, Pond."
    )
    assert "name one with --pipeline: Lake/Care, Lake/Sales." in refused(tmp_path, "Lake")
    assert "holds no pipeline Sea; name one with --pipeline" in refused(tmp_path, None, "Sea")


@pytest.mark.parametrize("text", [None, "no JSON", "{}"])
def test_another_directory_is_refused(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "manifest.json").write_text(text)
    assert f"{tmp_path} is no synthesized directory: give --app the one that `cdk synth` writes" in refused(tmp_path)


def test_an_app_without_a_pipeline_is_refused(tmp_path: Path) -> None:
    write(tmp_path, {"Shop": stack(tmp_path, "Shop")})
    assert f"No stack in {tmp_path} holds a GenesysFirehosePipeline: give --app" in refused(tmp_path)


def test_an_app_that_needs_lookups_is_refused_with_what_to_do(tmp_path: Path) -> None:
    lake = {"Lake": stack(tmp_path, "Lake", metadata=PIPELINE)}
    write(tmp_path, lake, missing=[{"provider": "vpc-provider", "key": "vpc", "props": {}}])
    told = refused(tmp_path)
    assert "looks up what was not there when it was synthesized (vpc-provider)" in told
    assert "run `cdk synth` with the account's credentials" in told


def test_a_parameter_without_a_value_is_refused(tmp_path: Path) -> None:
    parameters = {"Parameters": {"Team": {"Type": "String"}}}
    write(tmp_path, {"Lake": stack(tmp_path, "Lake", metadata=PIPELINE, **parameters)})
    assert refused(tmp_path) == "The stack Lake asks for a value of its parameter Team: give it a default."


@pytest.mark.parametrize(
    ("assets", "complaint"),
    [
        ({"dockerImages": {"1a2b": {}}}, "has Docker images, which the embedded AWS can't run."),
        ({"files": {"1a2b": {"source": {"executable": ["zip"]}}}}, "has an asset that a command makes"),
    ],
)
def test_an_asset_that_cannot_be_uploaded_is_refused(tmp_path: Path, assets: Any, complaint: str) -> None:
    (tmp_path / "Lake.assets.json").write_text(json.dumps(assets))
    artifacts = {
        "Lake.assets": {"type": "cdk:asset-manifest", "properties": {"file": "Lake.assets.json"}},
        "Lake": stack(tmp_path, "Lake", "Lake.assets", metadata=PIPELINE),
    }
    assert complaint in refused(write(tmp_path, artifacts))
