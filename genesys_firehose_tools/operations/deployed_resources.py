"""What a template declares of a pipeline, each resource with its physical id, and how to hold AWS's answers against it.

Reading it takes ``cloudformation:GetTemplate`` and ``cloudformation:ListStackResources`` on the stack.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from genesys_firehose_tools.operations.deployed_pipeline import DeployedPipeline, PipelineError, pipelines_of

_ANYTHING = ".*"


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of a deployed pipeline.

    Attributes:
        logical_id: Its name in the template.
        type: Its type, such as ``AWS::S3::Bucket``.
        properties: What the template declares of it.
        physical_id: How AWS names it.
    """

    logical_id: str
    type: str
    properties: Mapping[str, Any]
    physical_id: str


class DeployedResources:
    """The resources of one pipeline.

    Args:
        resources: The resources.
        partition: Their partition, such as ``aws``.
        region: Their region.
        account: Their account.
    """

    def __init__(self, resources: list[Resource], partition: str, region: str, account: str) -> None:
        self._resources = resources
        self._physical_ids = {resource.logical_id: resource.physical_id for resource in resources}
        self.partition = partition
        self.region = region
        self._account = account

    def of_type(self, name: str) -> list[Resource]:
        """Return the resources of a type."""
        return [resource for resource in self._resources if resource.type == name]

    def function(self, package: str) -> Resource | None:
        """Return the function whose code is in a package of ``lambda_src``; None where the pipeline has none."""
        handler = f"{package}.handler.handle"
        functions = self.of_type("AWS::Lambda::Function")
        return next((each for each in functions if each.properties.get("Handler") == handler), None)

    def physical_id(self, reference: Any) -> str:
        """Return how AWS names what a template refers to; a text is the name itself."""
        return self._physical_ids[reference["Ref"]] if isinstance(reference, Mapping) else str(reference)

    @property
    def locked_bucket(self) -> Resource | None:
        """The lake's bucket; None where it is an existing one, which is in no template."""
        buckets = self.of_type("AWS::S3::Bucket")
        return next((bucket for bucket in buckets if bucket.properties.get("ObjectLockEnabled")), None)

    @property
    def retention_mode(self) -> str:
        """The retention that every new object must have; empty for none, and for an existing bucket's."""
        retention = self.function("retention")
        if retention is not None:
            return str(retention.properties["Environment"]["Variables"]["RETENTION_MODE"])
        bucket = self.locked_bucket
        configuration = {} if bucket is None else bucket.properties.get("ObjectLockConfiguration", {})
        return str(configuration.get("Rule", {}).get("DefaultRetention", {}).get("Mode", ""))

    def differences(self, declared: Any, actual: Any, name: str = "") -> Iterator[str]:
        """Say where AWS's answer is not what the template declares; what it declares nothing of is not looked at.

        Args:
            declared: A part of the template.
            actual: What AWS answered in its place.
            name: The part's name, for the words.
        """
        if isinstance(declared, Mapping) and not _is_intrinsic(declared):
            for key, value in declared.items():
                answered = actual.get(key) if isinstance(actual, Mapping) else None
                yield from self.differences(value, answered, f"{name}.{key}".lstrip("."))
        elif isinstance(declared, list):
            answers = actual if isinstance(actual, list) else [actual]
            # An answer may have more: Firehose adds defaults to a processor's parameters.
            if not all(any(not list(self.differences(each, answer)) for answer in answers) for each in declared):
                yield f"{name} is not as in the template"
        elif not self._is_declared(declared, actual):
            wanted = "not the template's" if _is_intrinsic(declared) else f"not {_text(declared)}"
            yield f"{name} is missing" if actual is None else f"{name} is {_text(actual)}, {wanted}"

    def _is_declared(self, declared: Any, actual: Any) -> bool:
        if actual is None:
            return False
        if _is_intrinsic(declared):
            return re.fullmatch(self._pattern(declared), str(actual), re.DOTALL) is not None
        return _text(declared) == _text(actual)

    def _pattern(self, declared: Any) -> str:
        """Return a regular expression of what CloudFormation makes of a value; the same holds for whatever is open."""
        match declared:
            case str():
                return re.escape(declared)
            case {"Ref": "AWS::Region"}:
                return re.escape(self.region)
            case {"Ref": "AWS::Partition"}:
                return re.escape(self.partition)
            case {"Ref": "AWS::AccountId"}:
                return re.escape(self._account)
            case {"Ref": name} if name in self._physical_ids:
                return re.escape(self._physical_ids[name])
            case {"Fn::GetAtt": [name, "Arn"]} if name in self._physical_ids:
                # The end of an ARN names the resource as its physical id does. A queue's physical id is its URL.
                return f"arn:.*{re.escape(re.split('[/:]', self._physical_ids[name])[-1])}.*"
            case {"Fn::Join": [str() as separator, list() as parts]}:
                return re.escape(separator).join(self._pattern(part) for part in parts)
        return _ANYTHING


def find_resources(cloudformation: Any, pipeline: DeployedPipeline) -> DeployedResources:
    """Read the template's and AWS's side of a deployed pipeline.

    Raises:
        PipelineError: The resources may not be listed; or the stack holds several pipelines, and its template no
            construct paths to tell them by.
    """
    template = cloudformation.get_template(StackName=pipeline.stack, TemplateStage="Original")["TemplateBody"]
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=pipeline.stack)
    try:
        physical_ids = {
            each["LogicalResourceId"]: each.get("PhysicalResourceId", "")
            for page in pages
            for each in page["StackResourceSummaries"]
        }
    except ClientError as error:
        raise PipelineError(
            f"The resources of the stack {pipeline.stack} can't be listed ({error.response['Error']['Code']}): allow "
            "cloudformation:ListStackResources on it, as pipeline.grant_operate does, or name another AWS profile with "
            "--profile."
        ) from error
    declared: dict[str, Any] = template["Resources"]
    if len(pipelines_of(template)) > 1:
        declared = {name: each for name, each in declared.items() if _path(each).startswith(f"{pipeline.path}/")}
        if not declared:
            raise PipelineError(
                f"The template of the stack {pipeline.stack} has no construct paths, so the resources of its pipelines "
                "can't be told apart: deploy it with path metadata, the default of the CDK command line."
            )
    [stack] = cloudformation.describe_stacks(StackName=pipeline.stack)["Stacks"]
    _, partition, _, region, account, _ = stack["StackId"].split(":", 5)
    resources = [
        Resource(name, each["Type"], each.get("Properties", {}), physical_ids.get(name, ""))
        for name, each in declared.items()
    ]
    return DeployedResources(resources, partition, region, account)


def _path(resource: Mapping[str, Any]) -> str:
    path: str = resource.get("Metadata", {}).get("aws:cdk:path", "")
    return path


def _is_intrinsic(value: Any) -> bool:
    return isinstance(value, Mapping) and len(value) == 1 and next(iter(value)).startswith(("Fn::", "Ref"))


def _text(value: Any) -> str:
    """Write a value as AWS's answers and templates both may: true and "true" are the same, and so are 5 and 5.0."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value, sort_keys=True) if isinstance(value, Mapping) else str(value)
