"""A pipeline of a deployed stack, found by its construct path, and its outputs.

The template says in its `Metadata` which outputs belong to which pipeline. Reading it takes
`cloudformation:GetTemplate` on the stack, and the outputs' values `cloudformation:DescribeStacks`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from genesys_firehose_tools.errors import ToolError

METADATA_KEY = "GenesysFirehosePipelines"
"""The name in the template's `Metadata`: construct paths, each with logical ids by the outputs' names."""


class PipelineError(ToolError):
    """A stack can't be read, or the pipeline in it can't be told."""


@dataclass(frozen=True, slots=True)
class DeployedPipeline:
    """A pipeline of a deployed stack.

    Attributes:
        stack: The stack's name.
        path: The pipeline's construct path.
        outputs: The outputs' values by their names, such as `BucketName`.
    """

    stack: str
    path: str
    outputs: Mapping[str, str]

    def output(self, name: str) -> str:
        """Return the value of an output.

        Raises:
            PipelineError: The pipeline has no such output.
        """
        if name not in self.outputs:
            raise PipelineError(
                f"The pipeline {self.path} of the stack {self.stack} has no output {name}; it has "
                f"{', '.join(sorted(self.outputs)) or 'none'}: deploy the stack again with this version of "
                "genesys-firehose-cdk and what the command needs, or name another with --stack."
            )
        return self.outputs[name]


def find_pipeline(cloudformation: Any, stack: str, pipeline: str | None = None) -> DeployedPipeline:
    """Find a pipeline in a deployed stack.

    Args:
        cloudformation: The client of AWS CloudFormation.
        stack: The stack's name or ARN.
        pipeline: The pipeline's construct path, or the end of it. Default: the stack's only pipeline.

    Raises:
        PipelineError: The stack can't be read, or the pipeline can't be told.
    """
    try:
        template = cloudformation.get_template(StackName=stack, TemplateStage="Original")["TemplateBody"]
        [described] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        raise PipelineError(_explain(error, stack, cloudformation.meta.region_name)) from error
    pipelines = pipelines_of(template)
    if not pipelines:
        raise PipelineError(
            f"The template of the stack {stack} has no Metadata {METADATA_KEY}, which names its pipelines: deploy it "
            "again with this version of genesys-firehose-cdk, or name another stack with --stack."
        )
    path = choose_pipeline(list(pipelines), pipeline, f"The stack {stack}")
    values = {entry["OutputKey"]: str(entry["OutputValue"]) for entry in described.get("Outputs", [])}
    return DeployedPipeline(stack, path, {name: values[key] for name, key in pipelines[path].items() if key in values})


def pipelines_of(template: Any) -> Mapping[str, Mapping[str, str]]:
    """Return the pipelines that a template names: construct paths, each with logical ids by the outputs' names."""
    # boto3 gives a JSON template parsed. One in YAML is a text; the AWS CDK writes none.
    metadata = template.get("Metadata", {}) if isinstance(template, Mapping) else {}
    pipelines: Mapping[str, Mapping[str, str]] = metadata.get(METADATA_KEY, {})
    return pipelines


def choose_pipeline(paths: list[str], asked: str | None, place: str) -> str:
    """Return the construct path that is meant.

    Args:
        paths: The construct paths there are.
        asked: One of them, or the end of one; None for the only one.
        place: What holds the pipelines, as a sentence begins.

    Raises:
        PipelineError: None of them is meant, or more than one.
    """
    if not paths:
        raise PipelineError(
            f"{place} names no pipelines, for it has no Metadata {METADATA_KEY}: synthesize it again with this version "
            "of genesys-firehose-cdk."
        )
    if asked is None:
        found = paths
    elif asked in paths:
        found = [asked]
    else:
        found = [path for path in paths if path.endswith(f"/{asked.strip('/')}")]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(sorted(found or paths))
    if asked is None:
        raise PipelineError(f"{place} holds {len(paths)} pipelines; name one with --pipeline: {listed}.")
    if found:
        raise PipelineError(f"--pipeline {asked} is the end of {len(found)} paths; name one of them: {listed}.")
    raise PipelineError(f"{place} holds no pipeline {asked}; name one with --pipeline: {listed}.")


def _explain(error: ClientError, stack: str, region: str) -> str:
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    if code == "ValidationError" and "does not exist" in message:
        return f"There is no stack {stack} in {region}: name another with --stack, or its region with --region."
    if code in ("AccessDenied", "AccessDeniedException"):
        return (
            f"The stack {stack} may not be read: allow cloudformation:GetTemplate and cloudformation:DescribeStacks "
            "on it, or name another AWS profile with --profile."
        )
    return f"The stack {stack} in {region} can't be read: {error}."
