"""Who operates a pipeline may look at its settings, change nothing, and open no secret and no event."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam

from genesys_firehose_cdk import (
    DeliveryProps,
    EventSubscriptionProps,
    GenesysFirehosePipeline,
    IpAllowListProps,
    SignatureProps,
    WebhookProps,
)
from tests.library.synthesis import as_list, new_stack, template_of
from tests.library.test_every_property import BUS, genesys


def _everything(stack: cdk.Stack) -> GenesysFirehosePipeline:
    """Make a pipeline with every function and rule that there is."""
    return GenesysFirehosePipeline(
        stack,
        "Pipeline",
        partner_bus=BUS,
        genesys=genesys(stack, subscription=EventSubscriptionProps(), ip_allow_list=IpAllowListProps()),
        webhook=WebhookProps(signature=SignatureProps.shared_key()),
        delivery=DeliveryProps(shards=3),
    )


PIPELINES: dict[str, Callable[[cdk.Stack], GenesysFirehosePipeline]] = {
    "default": lambda stack: GenesysFirehosePipeline(stack, "Pipeline"),
    "everything": _everything,
}
LOOKS = re.compile(r"[a-z0-9]+:(?:Get|List|Describe)[A-Za-z]+|apigateway:GET")
OPENS = {"secretsmanager:GetSecretValue", "kms:Decrypt", "sqs:ReceiveMessage", "logs:GetLogEvents"}


@cache
def _statements(name: str) -> list[dict[str, Any]]:
    stack = new_stack()
    PIPELINES[name](stack).grant_operate(iam.ManagedPolicy(stack, "Operators"))
    [policy] = [
        resource["Properties"]["PolicyDocument"]
        for logical_id, resource in template_of(stack).resources("AWS::IAM::ManagedPolicy").items()
        if logical_id.startswith("Operators")
    ]
    statements: list[dict[str, Any]] = policy["Statement"]
    return statements


def _actions(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for statement in _statements(name):
        for action in as_list(statement["Action"]):
            yield action, statement


@pytest.mark.parametrize("name", PIPELINES)
def test_every_right_looks_and_none_opens(name: str) -> None:
    actions = dict(_actions(name))
    assert len(actions) > 25
    for action in actions:
        assert LOOKS.fullmatch(action), action
    assert not actions.keys() & OPENS
    # Without a right to the keys, GetObject tells an object's encryption and not its content.
    assert not [
        action
        for action in actions
        if action.startswith("kms:") and "Describe" not in action and "Rotation" not in action
    ]


@pytest.mark.parametrize("name", PIPELINES)
def test_nothing_but_what_takes_no_resource_is_allowed_on_everything(name: str) -> None:
    everywhere = {action for action, statement in _actions(name) if statement["Resource"] == "*"}
    assert everywhere == {"cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData", "lambda:GetAccountSettings"}


def test_the_rights_follow_the_parts_of_the_pipeline() -> None:
    assert "events:DescribeEventSource" not in dict(_actions("default"))
    assert "apigateway:GET" in dict(_actions("default"))
    assert "events:DescribeEventSource" in dict(_actions("everything"))


@pytest.mark.parametrize("name", PIPELINES)
def test_a_role_takes_the_rights_of_any_pipeline(name: str) -> None:
    stack = new_stack()
    role = iam.Role(stack, "Operators", assumed_by=iam.AccountRootPrincipal())
    PIPELINES[name](stack).grant_operate(role)
    template = template_of(stack)

    def size(policy: Mapping[str, Any]) -> int:
        # The longest name that CloudFormation makes for a role or a function has 64 characters, and what stands before
        # it in an ARN fewer than 50.
        text = json.dumps(policy["Properties"]["PolicyDocument"]).replace(" ", "")
        return len(re.sub(r'\{"(?:Ref|Fn::GetAtt)":[^{}]*\}', f'"{"n" * 114}"', text))

    # AWS IAM User Guide, "IAM and AWS STS quotas". The CDK puts what is too much for the role into further policies.
    inline = [each for name, each in template.resources("AWS::IAM::Policy").items() if name.startswith("Operators")]
    further = [
        each for name, each in template.resources("AWS::IAM::ManagedPolicy").items() if name.startswith("Operators")
    ]
    assert sum(map(size, inline)) < 10_240
    assert all(size(policy) < 6_144 for policy in further)
