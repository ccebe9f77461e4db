"""Nothing that CloudFormation owns is also written by a function: an update of the stack would undo the one or the other.

Every action that a template's policies allow reads, writes data, or is in a reviewed list of actions that write
configuration. Of these none may reach what the template itself creates.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import aws_cdk as cdk
import pytest

from genesys_firehose_cdk import (
    DataLakeBucketProps,
    DeliveryProps,
    EventSubscriptionProps,
    GenesysFirehosePipeline,
    GenesysWatchProps,
    IpAllowListProps,
    LakeProps,
    RetentionMode,
    SignatureProps,
    WebhookProps,
)
from tests.library.synthesis import Template, as_list, maximal_pipeline, new_stack, template_of
from tests.library.test_every_property import BUS, HOURS, genesys

# A new action belongs into one of these lists, after a look at what it changes.
READS = re.compile(r"[a-z0-9-]+:(?:Batch)?(?:Get|List|Describe|Filter|Query|Scan|Select|Receive)[A-Za-z]*\*?")
DATA = frozenset(
    {
        "athena:StartQueryExecution",
        "athena:StopQueryExecution",
        "cloudwatch:PutMetricData",
        "dynamodb:BatchWriteItem",
        "dynamodb:DeleteItem",
        "dynamodb:PartiQLInsert",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "events:PutEvents",
        "firehose:PutRecord",
        "firehose:PutRecordBatch",
        "kms:Decrypt",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        "lambda:InvokeFunction",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "s3:AbortMultipartUpload",
        "s3:DeleteObject",
        "s3:DeleteObject*",
        "s3:PutObject",
        "s3:PutObjectRetention",
        "sns:Publish",
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:SendMessage",
        "states:StartExecution",
        "states:StopExecution",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
)
# Each with the type of resource that it changes.
CONFIGURATION = {
    "wafv2:CreateIPSet": "AWS::WAFv2::IPSet",
    "wafv2:UpdateIPSet": "AWS::WAFv2::IPSet",
    "wafv2:DeleteIPSet": "AWS::WAFv2::IPSet",
    # Step Functions asks for these of a state machine that writes a log (AWS Step Functions Developer Guide, "Using
    # CloudWatch Logs to log execution history"): deliveries and the account's own policy of CloudWatch Logs.
    "logs:CreateLogDelivery": "AWS::Logs::Delivery",
    "logs:UpdateLogDelivery": "AWS::Logs::Delivery",
    "logs:DeleteLogDelivery": "AWS::Logs::Delivery",
    "logs:PutResourcePolicy": "AWS::Logs::ResourcePolicy",
}
# AWS CDK's own function, which empties a bucket when it goes: it denies further uploads before.
_AT_THE_END = ("s3:PutBucketPolicy", "AWS::S3::BucketPolicy")


def _default(stack: cdk.Stack) -> None:
    GenesysFirehosePipeline(stack, "Pipeline")


def _maximal(stack: cdk.Stack) -> None:
    maximal_pipeline(stack)


def _managed(stack: cdk.Stack) -> None:
    """Everything that functions change outside the stack."""
    GenesysFirehosePipeline(
        stack,
        "Pipeline",
        webhook=WebhookProps(signature=SignatureProps.shared_key()),
        partner_bus=BUS,
        genesys=genesys(
            stack,
            subscription=EventSubscriptionProps(),
            ip_allow_list=IpAllowListProps(additional_cidrs=["198.51.100.0/24", "2001:db8::/32"]),
        ),
        watch=GenesysWatchProps(business_hours=HOURS, subscription_path="/api/v2/notifications/eventSubscriptions"),
    )


def _bus_only(stack: cdk.Stack) -> None:
    GenesysFirehosePipeline(stack, "Pipeline", webhook=None, partner_bus=BUS, genesys=genesys(stack))


def _unpartitioned(stack: cdk.Stack) -> None:
    GenesysFirehosePipeline(stack, "Pipeline", delivery=DeliveryProps(dynamic_partitioning=False, shards=2))


def _destroyed(stack: cdk.Stack) -> None:
    GenesysFirehosePipeline(
        stack,
        "Pipeline",
        lake=LakeProps(bucket=DataLakeBucketProps(retention_mode=RetentionMode.NONE)),
        removal_policy=cdk.RemovalPolicy.DESTROY,
        auto_delete_objects=True,
    )


BUILDS: dict[str, Callable[[cdk.Stack], None]] = {
    "default": _default,
    "maximal": _maximal,
    "managed": _managed,
    "bus only": _bus_only,
    "unpartitioned": _unpartitioned,
    "destroyed": _destroyed,
}


def allowed(template: Template) -> Iterator[tuple[str, str, Any]]:
    """Every action that a policy allows, with the type of the policy's resource and the action's resources."""
    for resource in template.content["Resources"].values():
        properties = resource.get("Properties", {})
        # A key's policy has the account as its owner, and says what services may do with it.
        if resource["Type"] == "AWS::KMS::Key":
            continue
        for document in (properties.get("PolicyDocument"), *_inline(properties)):
            for statement in (document or {}).get("Statement", []):
                if statement["Effect"] == "Allow":
                    for action in as_list(statement["Action"]):
                        yield action, resource["Type"], statement.get("Resource", "*")


def _inline(properties: Mapping[str, Any]) -> Iterator[Any]:
    for policy in properties.get("Policies") or []:
        if isinstance(policy, Mapping):
            yield policy["PolicyDocument"]


def problems(template: Template) -> list[str]:
    """What a role may write although CloudFormation owns it, and every action that nobody has reviewed."""
    found = []
    for action, policy_type, resources in allowed(template):
        if READS.fullmatch(action) or action in DATA or (action, policy_type) == _AT_THE_END:
            continue
        if action not in CONFIGURATION:
            found.append(f"{action} is not reviewed")
            continue
        owned = template.resources(CONFIGURATION[action])
        for each in as_list(resources):
            # A name that CloudFormation gives begins with the stack's name and the logical id.
            if owned and (each == "*" or any("Name" in resource["Properties"] for resource in owned.values())):
                found.append(f"{action} reaches {sorted(owned)}")
            text = json.dumps(each)
            found += [f"{action} reaches {name}" for name in template.content["Resources"] if f'"{name}"' in text]
    return sorted(set(found))


@pytest.mark.parametrize("build", BUILDS)
def test_nothing_that_cloudformation_owns_is_written_by_a_function(build: str) -> None:
    stack = new_stack()
    BUILDS[build](stack)
    assert problems(template_of(stack)) == []


def _with(action: str, resource: Any) -> Template:
    """A template with an IP set and a role that may do something to it."""
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return Template(
        {
            "Resources": {
                "Set": {"Type": "AWS::WAFv2::IPSet", "Properties": {"Addresses": []}},
                "Policy": {
                    "Type": "AWS::IAM::ManagedPolicy",
                    "Properties": {"PolicyDocument": {"Statement": [statement]}},
                },
            }
        }
    )


def test_a_function_that_writes_a_set_of_cloudformation_is_found() -> None:
    own = {"Fn::GetAtt": ["Set", "Arn"]}
    assert problems(_with("wafv2:UpdateIPSet", own)) == ["wafv2:UpdateIPSet reaches Set"]
    assert problems(_with("wafv2:UpdateIPSet", "*")) == ["wafv2:UpdateIPSet reaches ['Set']"]
    assert problems(_with("wafv2:UpdateIPSet", "arn:aws:wafv2:eu-west-1:1:regional/ipset/theirs/*")) == []
    assert problems(_with("wafv2:GetIPSet", own)) == []


@pytest.mark.parametrize(
    "action",
    [
        "lambda:UpdateFunctionConfiguration",
        "s3:PutLifecycleConfiguration",
        "ssm:PutParameter",
        "events:PutRule",
        "secretsmanager:PutSecretValue",
        "s3:*",
        "*",
    ],
)
def test_an_action_that_nobody_has_reviewed_is_found(action: str) -> None:
    assert problems(_with(action, "*")) == [f"{action} is not reviewed"]
