"""Nothing that CloudFormation owns is also written by a function: an update of the stack would undo the one or the other.

Every action that a template's policies allow reads, writes data, or is in a reviewed list of actions that write
configuration. Of these none may reach what the template itself creates.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.library.synthesis import Template, as_list
from tests.library.templates import TEMPLATES, template

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
        "kms:Sign",
        "lambda:InvokeFunction",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "s3:AbortMultipartUpload",
        "s3:DeleteObject",
        "s3:DeleteObject*",
        "s3:PutObject",
        "s3:PutObjectRetention",
        # CloudFormation generates a secret's first value alone.
        "secretsmanager:PutSecretValue",
        "secretsmanager:UpdateSecretVersionStage",
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
    # The tables' state machine makes them; those of the catalog are CloudFormation's, and their names are not among its.
    "glue:CreateTable": "AWS::Glue::Table",
    "glue:UpdateTable": "AWS::Glue::Table",
    # Step Functions asks for these of a state machine that writes a log (AWS Step Functions Developer Guide, "Using
    # CloudWatch Logs to log execution history"): deliveries and the account's own policy of CloudWatch Logs.
    "logs:CreateLogDelivery": "AWS::Logs::Delivery",
    "logs:UpdateLogDelivery": "AWS::Logs::Delivery",
    "logs:DeleteLogDelivery": "AWS::Logs::Delivery",
    "logs:PutResourcePolicy": "AWS::Logs::ResourcePolicy",
}
# AWS CDK's own function, which empties a bucket when it goes: it denies further uploads before.
_AT_THE_END = ("s3:PutBucketPolicy", "AWS::S3::BucketPolicy")


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


# Grants are for people.
@pytest.mark.parametrize("name", [name for name in TEMPLATES if name != "every grant"])
def test_nothing_that_cloudformation_owns_is_written_by_a_function(name: str) -> None:
    assert problems(template(name)) == []


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
        "secretsmanager:UpdateSecret",
        "s3:*",
        "*",
    ],
)
def test_an_action_that_nobody_has_reviewed_is_found(action: str) -> None:
    assert problems(_with(action, "*")) == [f"{action} is not reviewed"]
