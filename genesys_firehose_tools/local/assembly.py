"""Reads what a CDK app synthesizes: its stacks, which of them hold a pipeline, and what a deployment uploads.

The layout is that of a cloud assembly (`aws_cdk.cloud_assembly_schema`): a `manifest.json` with the app's stacks, a
template and a list of assets for each. A stage's stacks are in an assembly of their own inside.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genesys_firehose_tools.local.errors import LocalError
from genesys_firehose_tools.operations.deployed_pipeline import choose_pipeline, pipelines_of

_TEMPLATE = ".template.json"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that a deployment uploads.

    Attributes:
        path: A file, or a directory that becomes a ZIP file.
        bucket: The bucket's name; it may hold `${AWS::AccountId}` and `${AWS::Region}`.
        key: The object's key.
    """

    path: Path
    bucket: str
    key: str

    @property
    def is_template(self) -> bool:
        """Whether it is the template of a nested stack."""
        return self.path.name.endswith(_TEMPLATE)


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """A stack of an app.

    Attributes:
        id: Its name in the assembly.
        name: Its name in AWS CloudFormation.
        template: Its template.
        assets: What its template needs, without the template itself.
        needs: The ids of the stacks that are deployed before it.
        tags: Its tags.
        environment: Account and region as the app gives them; `unknown-account` and `unknown-region` where it does not.
    """

    id: str
    name: str
    template: Mapping[str, Any]
    assets: Sequence[Asset]
    needs: frozenset[str]
    tags: Mapping[str, str]
    environment: tuple[str, str]


@dataclass(frozen=True, slots=True)
class App:
    """The stacks to deploy for one pipeline, in their order.

    Attributes:
        stacks: The pipeline's stack, the stacks that it needs, and those that need it.
        stack: The name of the pipeline's stack.
        pipeline: The pipeline's construct path.
    """

    stacks: Sequence[Stack]
    stack: str
    pipeline: str


def read_app(directory: Path, stack: str | None = None, pipeline: str | None = None) -> App:
    """Read the stacks of a synthesized app that belong to one pipeline.

    Args:
        directory: A synthesized directory, such as `cdk.out`.
        stack: The name of the pipeline's stack. Default: the only one with a pipeline.
        pipeline: The pipeline's construct path, or the end of it. Default: the only one.

    Raises:
        LocalError: It is no synthesized directory or not a complete one, or no stack of it is meant.
        PipelineError: No pipeline of it is meant, or several are.
    """
    stacks = list(_stacks(directory))
    holders = {each.name: each for each in stacks if pipelines_of(each.template)}
    if not holders:
        raise LocalError(
            f"No stack in {directory} holds a GenesysFirehosePipeline: give --app the directory of an app with one, "
            "synthesized with this version of genesys-firehose-cdk."
        )
    if stack is not None and stack not in holders:
        raise LocalError(f"{directory} has no stack {stack} with a pipeline; name one with --stack: {_list(holders)}.")
    found = [holders[stack]] if stack is not None else list(holders.values())
    if len(found) > 1 and pipeline is None:
        raise LocalError(
            f"{directory} has {len(found)} stacks with a pipeline; name one with --stack: {_list(holders)}."
        )
    place = f"The stack {found[0].name}" if len(found) == 1 else str(directory)
    path = choose_pipeline([path for each in found for path in pipelines_of(each.template)], pipeline, place)
    holder = next(each for each in found if path in pipelines_of(each.template))
    return App(list(_together(stacks, holder)), holder.name, path)


def _stacks(directory: Path) -> Iterator[Stack]:
    manifest = _manifest(directory)
    if missing := sorted({each["provider"] for each in manifest.get("missing", [])}):
        raise LocalError(
            f"The app in {directory} looks up what was not there when it was synthesized ({', '.join(missing)}): run "
            "`cdk synth` with the account's credentials, which notes it in cdk.context.json."
        )
    artifacts: Mapping[str, Mapping[str, Any]] = manifest["artifacts"]
    for id, artifact in artifacts.items():
        properties = artifact.get("properties", {})
        if artifact["type"] == "cdk:cloud-assembly":
            yield from _stacks(directory / properties["directoryName"])
        elif artifact["type"] == "aws:cloudformation:stack":
            dependencies = artifact.get("dependencies", [])
            lists = [artifacts[each] for each in dependencies if artifacts[each]["type"] == "cdk:asset-manifest"]
            _, _, account, region = artifact["environment"].split("/")
            name = properties.get("stackName", id)
            yield Stack(
                id,
                name,
                _checked(json.loads((directory / properties["templateFile"]).read_text()), name),
                [
                    asset
                    for each in lists
                    for asset in _assets(directory, each["properties"]["file"])
                    if asset.path.name != properties["templateFile"]
                ],
                frozenset(dependencies),
                properties.get("tags", {}),
                (account, region),
            )


def _manifest(directory: Path) -> Mapping[str, Any]:
    try:
        manifest: Mapping[str, Any] = json.loads((directory / "manifest.json").read_text())
    except (OSError, ValueError):
        manifest = {}
    if "artifacts" not in manifest:
        raise LocalError(
            f"{directory} is no synthesized directory: give --app the one that `cdk synth` writes, which has a "
            "manifest.json, such as cdk.out."
        )
    return manifest


def _checked(template: Mapping[str, Any], stack: str) -> Mapping[str, Any]:
    for name, parameter in template.get("Parameters", {}).items():
        if "Default" not in parameter:
            raise LocalError(f"The stack {stack} asks for a value of its parameter {name}: give it a default.")
    return template


def _assets(directory: Path, file: str) -> Iterator[Asset]:
    assets = json.loads((directory / file).read_text())
    if assets.get("dockerImages"):
        raise LocalError(f"{directory / file} has Docker images, which the embedded AWS can't run.")
    for asset in assets.get("files", {}).values():
        if "path" not in asset["source"]:
            raise LocalError(f"{directory / file} has an asset that a command makes; only files can be uploaded.")
        for destination in asset["destinations"].values():
            yield Asset(directory / asset["source"]["path"], destination["bucketName"], destination["objectKey"])


def _together(stacks: Sequence[Stack], holder: Stack) -> Iterator[Stack]:
    """Yield a stack, what it needs and what needs it, each after those that it needs."""
    by_id = {each.id: each for each in stacks}

    def needed(stack: Stack) -> Iterator[Stack]:
        for id in sorted(stack.needs & by_id.keys()):
            yield from needed(by_id[id])
        yield stack

    depending = [each for each in stacks if holder in needed(each)]
    for id in dict.fromkeys(each.id for stack in [holder, *depending] for each in needed(stack)):
        yield by_id[id]


def _list(names: Mapping[str, object]) -> str:
    return ", ".join(sorted(names))
