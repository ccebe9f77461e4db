"""A deployed stream's description, completed from its stack's template.

The embedded AWS keeps a stream as CloudFormation created it, but its DescribeDeliveryStream answers without
S3BackupDescription, CustomTimeZone and FileExtension. AWS has them in the answer; here they come from the template
that the same endpoint holds. A description that has them, such as one from AWS, passes through unchanged.
"""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from genesys_firehose_tools.local.firehose.configuration import ConfigurationError

_STREAM_TYPE = "AWS::KinesisFirehose::DeliveryStream"


class StreamDescriptions:
    """Reads descriptions from one AWS endpoint."""

    def __init__(self, firehose: Any, cloudformation: Any, kms: Any) -> None:
        """Create a reader from three boto3 clients of the endpoint."""
        self._firehose = firehose
        self._cloudformation = cloudformation
        self._kms = kms

    def read(self, name: str) -> dict[str, Any]:
        """Return a stream's `DeliveryStreamDescription`.

        Raises:
            botocore.exceptions.ClientError: There is no such stream (ResourceNotFoundException).
            ConfigurationError: The template has a value that cannot be resolved.
        """
        answer = self._firehose.describe_delivery_stream(DeliveryStreamName=name)
        description: dict[str, Any] = answer["DeliveryStreamDescription"]
        for destination in description["Destinations"]:
            described = destination.get("ExtendedS3DestinationDescription")
            if described is None or "S3BackupDescription" in described:
                continue
            stack, configured = self._configured(name)
            resolve = _Resolver(configured, described, partial(self._look_up, stack))
            for key in ("CustomTimeZone", "FileExtension"):
                if key in configured:
                    described[key] = configured[key]
            if described.get("S3BackupMode") == "Enabled":
                if "S3BackupConfiguration" not in configured:
                    raise ConfigurationError(
                        f"Stream {name}: the source record backup's settings are nowhere to be read."
                    )
                described["S3BackupDescription"] = resolve(configured["S3BackupConfiguration"])
        return description

    def _configured(self, name: str) -> tuple[str, Mapping[str, Any]]:
        for stack in self._cloudformation.describe_stacks()["Stacks"]:
            resources = self._cloudformation.describe_stack_resources(StackName=stack["StackName"])["StackResources"]
            for resource in resources:
                if (resource["ResourceType"], resource["PhysicalResourceId"]) == (_STREAM_TYPE, name):
                    template = self._cloudformation.get_template(StackName=stack["StackName"])["TemplateBody"]
                    if isinstance(template, str):
                        template = json.loads(template)
                    properties = template["Resources"][resource["LogicalResourceId"]]["Properties"]
                    return stack["StackName"], properties["ExtendedS3DestinationConfiguration"]
        return "", {}

    def _look_up(self, stack: str, function: str, argument: Any) -> str:
        """Return the name of a resource for Ref, the ARN of a key for Fn::GetAtt."""
        logical_id = argument if function == "Ref" else argument[0]
        resource = self._cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId=logical_id)
        value: str = resource["StackResourceDetail"]["PhysicalResourceId"]
        if function == "Fn::GetAtt":
            value = self._kms.describe_key(KeyId=value)["KeyMetadata"]["Arn"]
        return value


class _Resolver:
    """Gives the template's intrinsic functions the values that the description has for the same functions.

    A backup's bucket and role are those of the destination; its own log stream and key have to be looked up.
    """

    def __init__(self, configured: Any, described: Any, look_up: Callable[[str, Any], str]) -> None:
        self._look_up = look_up
        self._values: dict[str, Any] = {}
        self._learn(configured, described)

    def _learn(self, configured: Any, described: Any) -> None:
        if _is_intrinsic(configured):
            self._values[json.dumps(configured, sort_keys=True)] = described
        elif isinstance(configured, dict) and isinstance(described, dict):
            for key in configured.keys() & described.keys():
                self._learn(configured[key], described[key])
        elif isinstance(configured, list) and isinstance(described, list):
            for one, other in zip(configured, described, strict=False):
                self._learn(one, other)

    def __call__(self, value: Any, key: str = "") -> Any:
        if _is_intrinsic(value):
            known = self._values.get(json.dumps(value, sort_keys=True))
            if known is not None:
                return known
            ((function, argument),) = value.items()
            if function == "Ref" or (function, key) == ("Fn::GetAtt", "AWSKMSKeyARN"):
                return self._look_up(function, argument)
            raise ConfigurationError(f"{key} of the source record backup, {json.dumps(value)}, cannot be resolved.")
        if isinstance(value, dict):
            return {name: self(inner, name) for name, inner in value.items()}
        return value


def _is_intrinsic(value: Any) -> bool:
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)).startswith(("Fn::", "Ref"))
