"""Checks of the roles: who may take them on, and what they may do."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from genesys_firehose_tools.operations.deployed_resources import DeployedResources, Resource
from genesys_firehose_tools.operations.doctor.findings import Finding, fault, warning
from genesys_firehose_tools.operations.doctor.inspection import Inspection

FIREHOSE = "firehose.amazonaws.com"
Statement = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whom the role of a delivery stream trusts.

    Attributes:
        stream: The stream.
        role: The role's name.
        account: The account that the stream names the role in.
        own_account: The account of the stream.
        statements: The statements of the role's trust policy.
    """

    stream: str
    role: str
    account: str
    own_account: str
    statements: tuple[Statement, ...]


def look_at_trust(inspection: Inspection) -> list[Trust]:
    """Ask for the role that each stream delivers with."""
    found = []
    for stream in inspection.streams:
        described = inspection.described_stream(stream)
        [destination] = described["Destinations"]
        arn = destination["ExtendedS3DestinationDescription"]["RoleARN"]
        role = arn.rsplit("/", 1)[1]
        document = inspection.client("iam").get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
        found.append(
            Trust(
                stream=stream,
                role=role,
                account=arn.split(":")[4],
                own_account=described["DeliveryStreamARN"].split(":")[4],
                statements=tuple(_list(document["Statement"])),
            )
        )
    return found


def judge_trust(trusts: Iterable[Trust]) -> Iterator[Finding]:
    """Firehose must be allowed to take on the role, in the stream's own account."""
    for trust in trusts:
        if trust.account != trust.own_account:
            yield fault(
                f"The stream {trust.stream} delivers with a role of the account {trust.account}, not of its own.",
                means="Nothing is delivered: events wait in Firehose for 24 hours, then they are lost.",
                fix="Deploy the stack again, so that the stream gets its own role back.",
            )
        elif not any(_lets_firehose_in(statement, trust.own_account) for statement in trust.statements):
            yield fault(
                f"The role {trust.role} does not trust {FIREHOSE} with sts:AssumeRole.",
                means="Nothing is delivered: events wait in Firehose for 24 hours, then they are lost.",
                fix="aws iam update-assume-role-policy, with the trust policy of the template; or deploy again.",
            )


def _lets_firehose_in(statement: Statement, account: str) -> bool:
    principal = statement.get("Principal", {})
    services = _list(principal.get("Service", [])) if isinstance(principal, Mapping) else []
    # The only condition that the library writes; another one may hold or not.
    condition = statement.get("Condition", {})
    wanted = {"StringEquals": {"aws:SourceAccount": account}}
    return (
        statement.get("Effect") == "Allow"
        and "sts:AssumeRole" in _list(statement.get("Action", []))
        and FIREHOSE in services
        and condition in ({}, wanted)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """How the policies of a role differ from the template's.

    Attributes:
        role: The role's name.
        missing: The statements that it should have and has not, in words.
        added: What it has and should not have, in words.
    """

    role: str
    missing: tuple[str, ...]
    added: tuple[str, ...]


def look_at_grants(inspection: Inspection) -> list[Grants]:
    """Ask for the policies of every role."""
    return [
        _compare(inspection.resources, role, inspection.client("iam"))
        for role in inspection.resources.of_type("AWS::IAM::Role")
    ]


def judge_grants(grants: Iterable[Grants]) -> Iterator[Finding]:
    """No role may have less than the template, or more."""
    for each in grants:
        if each.missing:
            yield fault(
                f"The role {each.role} lacks {'; '.join(each.missing)}.",
                means="What needs the right fails.",
                fix="Deploy the stack again after `aws cloudformation detect-stack-drift` has shown what was changed.",
            )
        if each.added:
            yield warning(
                f"The role {each.role} has what the template does not give it: {'; '.join(each.added)}.",
                means="It may do more than the pipeline needs.",
                fix="Take it away, or grant it in the app.",
            )


def _compare(resources: DeployedResources, role: Resource, iam: Any) -> Grants:
    name = role.physical_id
    declared = {policy.physical_id: policy for policy in _policies_of(resources, role)}
    inline = {
        str(policy.properties["PolicyName"]): policy
        for policy in resources.of_type("AWS::IAM::Policy")
        if {"Ref": role.logical_id} in policy.properties.get("Roles", [])
    }
    of_aws = role.properties.get("ManagedPolicyArns", [])
    missing: list[str] = []
    added: list[str] = []
    attached = {
        each["PolicyArn"]
        for page in iam.get_paginator("list_attached_role_policies").paginate(RoleName=name)
        for each in page["AttachedPolicies"]
    }
    for arn in sorted(attached):
        if arn in declared:
            version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
            _compare_documents(resources, declared[arn], document, missing, added)
        elif all(list(resources.differences(each, arn)) for each in of_aws):
            added.append(f"the policy {arn.rsplit('/', 1)[1]}")
    missing += [f"the policy {arn.rsplit('/', 1)[1]}" for arn in sorted(declared.keys() - attached)]
    present = set(iam.list_role_policies(RoleName=name)["PolicyNames"])
    for policy in sorted(inline.keys() & present):
        document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        _compare_documents(resources, inline[policy], document, missing, added)
    missing += [f"the policy {policy}" for policy in sorted(inline.keys() - present)]
    added += [f"the policy {policy}" for policy in sorted(present - inline.keys() - _own_names(role))]
    return Grants(role=name, missing=tuple(missing), added=tuple(added))


def _policies_of(resources: DeployedResources, role: Resource) -> list[Resource]:
    policies = resources.of_type("AWS::IAM::ManagedPolicy")
    return [policy for policy in policies if {"Ref": role.logical_id} in policy.properties.get("Roles", [])]


def _own_names(role: Resource) -> set[str]:
    return {str(policy["PolicyName"]) for policy in role.properties.get("Policies", [])}


def _compare_documents(
    resources: DeployedResources, policy: Resource, document: Any, missing: list[str], added: list[str]
) -> None:
    actual = _list((json.loads(document) if isinstance(document, str) else document)["Statement"])
    left = list(actual)
    for statement in _list(policy.properties["PolicyDocument"]["Statement"]):
        found = next((each for each in left if _is_same(resources, statement, each)), None)
        changed = next((each for each in left if each.get("Sid", "") == statement.get("Sid")), None)
        if found is not None:
            left.remove(found)
        elif changed is not None:
            left.remove(changed)
            missing.append(_name(statement, " as the template has it"))
        else:
            missing.append(_name(statement))
    added += [_name(statement) for statement in left]


def _is_same(resources: DeployedResources, declared: Statement, actual: Statement) -> bool:
    return (
        declared["Effect"] == actual["Effect"]
        and sorted(_list(declared.get("Action", []))) == sorted(_list(actual.get("Action", [])))
        and all(
            _count(declared.get(part, [])) == _count(actual.get(part, []))
            and not list(resources.differences(_list(declared.get(part, [])), _list(actual.get(part, []))))
            for part in ("Resource", "Condition")
        )
    )


def _count(value: Any) -> int:
    """Count the values in a part of a statement; a reference of the template is one."""
    if isinstance(value, list):
        return sum(map(_count, value))
    if isinstance(value, Mapping) and not next(iter(value), "").startswith(("Ref", "Fn::")):
        return sum(map(_count, value.values()))
    return 1


def _name(statement: Statement, words: str = "") -> str:
    actions = ", ".join(sorted(_list(statement.get("Action", []))))
    return f"{statement['Sid']}{words} ({actions})" if "Sid" in statement else actions


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
