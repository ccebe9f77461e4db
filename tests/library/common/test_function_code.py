"""The functions' code is staged alone, the same on every machine, with the policy it masks by."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from genesys_firehose_cdk import Action, FieldRule, FreeText, GenesysFirehosePipeline, MaskingPolicy, TransformProps
from genesys_firehose_cdk.common.function_code import source_directory
from tests.library.synthesis import CONTEXT
from tests.wired_functions import masking_plan


def _staged(outdir: Path, **properties: Any) -> dict[str, Path]:
    """The directories of a pipeline's assets by the package they hold."""
    app = cdk.App(analytics_reporting=False, context=CONTEXT, outdir=str(outdir))
    GenesysFirehosePipeline(cdk.Stack(app, "Test"), "Pipeline", **properties)
    app.synth()
    return {
        name: directory
        for directory in outdir.glob("asset.*")
        for name in ("ingest", "transform")
        # The rebuild's package holds the transform's too.
        if (directory / name).is_dir() and not (directory / "rebuild").is_dir()
    }


@pytest.mark.parametrize(("function", "other"), [("ingest", "transform"), ("transform", "ingest")])
def test_each_function_has_its_own_package_and_the_shared_one(tmp_path: Path, function: str, other: str) -> None:
    directory = _staged(tmp_path)[function]
    assert {entry.name for entry in directory.iterdir()} == {function, "shared"}
    assert (directory / function / "handler.py").is_file()
    assert not (directory / other).exists()


def test_nothing_but_source_and_policies_is_staged(tmp_path: Path) -> None:
    suffixes = {path.suffix for directory in _staged(tmp_path).values() for path in directory.rglob("*.*")}
    assert suffixes == {".py", ".json"}


def test_the_same_source_gives_the_same_asset(tmp_path: Path) -> None:
    first, second = _staged(tmp_path / "first"), _staged(tmp_path / "second")
    assert {name: path.name for name, path in first.items()} == {name: path.name for name, path in second.items()}


def test_compiled_files_do_not_change_the_asset(tmp_path: Path) -> None:
    before = {path.name for path in _staged(tmp_path / "before").values()}
    cache = source_directory() / "shared" / "__pycache__"
    cache.mkdir(exist_ok=True)
    compiled = cache / "test_compiled.pyc"
    compiled.write_bytes(b"compiled")
    try:
        after = {path.name for path in _staged(tmp_path / "after").values()}
    finally:
        compiled.unlink()
    assert before == after


def test_another_masking_policy_gives_another_transform_and_the_same_ingest(tmp_path: Path) -> None:
    usual = _staged(tmp_path / "usual")
    policy = replace(MaskingPolicy.default(), allowed_attributes=("language",))
    special = _staged(tmp_path / "special", transform=TransformProps(masking_policy=policy))
    assert usual["ingest"].name == special["ingest"].name
    assert usual["transform"].name != special["transform"].name
    staged = json.loads((special["transform"] / "transform" / "plan" / "index.json").read_text())
    assert staged["allowed"] == ["language"]


def test_masking_policy_is_written_as_the_function_reads_it() -> None:
    from transform.masking import Masker

    policy = MaskingPolicy(
        fields={
            "ani": FieldRule(action=Action.TOKENIZE),
            "card": FieldRule(action=Action.MASK, keep_last=4),
            "secret": FieldRule(action=Action.DROP),
        },
        paths={"agent.agentName": FieldRule(action=Action.KEEP)},
        allowed_attributes=("language",),
        free_text=FreeText.DROP,
        free_text_fields=("note",),
    )
    payload: dict[str, Any] = {
        "ani": "tel:+15550100100",
        "card": "4000123412341234",
        "secret": "x",
        "agent": {"agentName": "7"},
        "attributes": {"language": "en", "name": "Ada"},
        "note": "call Ada",
    }
    Masker(masking_plan(policy), b"key").mask(payload, 0)
    assert payload["ani"].startswith("tok_")
    assert payload["card"].endswith("1234")
    assert "4000" not in payload["card"]
    assert "secret" not in payload
    assert payload["agent"] == {"agentName": "7"}
    assert payload["attributes"] == {"language": "en"}
    assert "note" not in payload
