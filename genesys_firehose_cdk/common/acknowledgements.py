"""Acknowledges single findings of policy checks such as cdk-nag, next to the resource they are about."""

import json
from typing import Any, Final

from aws_cdk import Acknowledgment, Stack, Validations
from constructs import IConstruct

AWS_SOLUTIONS: Final = "AwsSolutions"
HIPAA: Final = "HIPAA.Security"
NIST: Final = "NIST.800.53.R5"
PCI: Final = "PCI.DSS.321"
SERVERLESS: Final = "Serverless"


def acknowledge(resource: IConstruct, rule: str, *packs: str, reason: str) -> None:
    """Acknowledge what `rule` of each of the `packs` finds on `resource`, on its L1 alone."""
    target = resource.node.default_child or resource
    Validations.of(target).acknowledge(*(Acknowledgment(id=f"{pack}-{rule}", reason=reason) for pack in packs))


def acknowledge_wildcard(policy: IConstruct, resource_arn: str, reason: str) -> None:
    """Acknowledge the one wildcard resource `resource_arn` in `policy`."""
    flat = _flatten(Stack.of(policy).resolve(resource_arn))
    acknowledge(policy, f"IAM5[Resource::{flat}]", AWS_SOLUTIONS, reason=reason)


def _flatten(value: Any) -> str:
    """Write a resolved reference as cdk-nag does in the name of a finding."""
    match value:
        case str():
            return value
        case {"Fn::Join": [delimiter, items]}:
            return str(delimiter).join(_flatten(item) for item in items)
        case {"Fn::GetAtt": [resource, attribute]}:
            return f"<{_flatten(resource)}.{_flatten(attribute)}>"
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::ImportValue": name}:
            return _flatten(name)
        case _:
            return json.dumps(value, separators=(",", ":"))
