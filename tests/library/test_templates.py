"""CloudFormation and IAM take every template as it is meant: cfn-lint, and AWS's Service Authorization Reference."""

import copy
import json
from functools import cache
from typing import Any

import pytest
from cfnlint import lint
from cfnlint.config import ManualArgs
from ministack.services.cloudformation import provisioners

from genesys_firehose_cdk import GenesysRegion
from genesys_firehose_tools.local.adaptation import remove_unsupported
from tests.library import authorization
from tests.library.synthesis import Template, flat
from tests.library.templates import TEMPLATES, template

# Not every region has every resource type, or takes the same values.
REGIONS = sorted({region.aws_region for region in GenesysRegion})

ACCEPTED = {
    ("W3005", "AWS::Lambda::Function"): "The CDK's function waits for its role with all policies, and names it.",
    ("W3005", "AWS::StepFunctions::StateMachine"): "The CDK's state machine waits for its role as its functions do.",
    ("W3005", "AWS::CloudFormation::CustomResource"): "It waits for the whole API, whose address it gives away.",
}
"""What cfn-lint finds and we keep: the rule, the type of the resource, and why."""

Finding = tuple[str, str, str]


def _lint(content: Any) -> set[Finding]:
    """What cfn-lint finds, warnings included: the rule, what it is about, and the message."""
    resources = content["Resources"]

    def subject(path: list[Any]) -> str:
        return str(resources[path[1]]["Type"] if path[:1] == ["Resources"] and len(path) > 1 else path[0])

    # cfn-lint takes state machines as they are, without their DefinitionSubstitutions.
    text = json.dumps(content).replace("arn:${Partition}:states:::", "arn:aws:states:::")
    found = lint(text, config=ManualArgs(regions=REGIONS))
    return {(match.rule.id, subject(list(match.path)), f"{list(match.path)[1:]} {match.message}") for match in found}


@cache
def _found(name: str) -> set[Finding]:
    return _lint(template(name).content)


@pytest.mark.parametrize("name", TEMPLATES)
def test_cfn_lint_finds_nothing_but_what_is_accepted(name: str) -> None:
    assert {finding for finding in _found(name) if finding[:2] not in ACCEPTED} == set()


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_can_be_deployed_to_the_embedded_aws(name: str) -> None:
    content = copy.deepcopy(dict(template(name).content))
    remove_unsupported(content, provisioners._RESOURCE_HANDLERS)
    kinds = {resource["Type"] for resource in content["Resources"].values()}
    if not name.startswith("Verification"):
        assert kinds >= {"AWS::KinesisFirehose::DeliveryStream", "AWS::Lambda::Function", "AWS::SQS::Queue"}


def test_nothing_is_accepted_that_is_no_longer_found() -> None:
    found = {(rule, subject) for name in TEMPLATES for rule, subject, _message in _found(name)}
    assert found >= ACCEPTED.keys()


def test_cfn_lint_holds_every_value_against_the_limits_of_aws() -> None:
    content = copy.deepcopy(template("maximal").content)
    planted = {
        "AWS::Lambda::Function": ("E3034", {"MemorySize": 127}),
        "AWS::KinesisFirehose::DeliveryStream": ("E3030", {"DeliveryStreamType": "Push"}),
        "AWS::Logs::LogGroup": ("E1155", {"LogGroupName": "a name"}),
        "AWS::SQS::Queue": ("E3012", {"DelaySeconds": "soon"}),
        "AWS::KMS::Key": ("E3002", {"Rotation": True}),
    }
    for type_name, (_rule, change) in planted.items():
        next(iter(Template(content).resources(type_name).values()))["Properties"].update(change)
    found = {(subject, rule) for rule, subject, _message in _lint(content) if (rule, subject) not in ACCEPTED}
    assert found >= {(type_name, rule) for type_name, (rule, _change) in planted.items()}
    assert {subject for subject, _rule in found} == planted.keys()


@pytest.mark.parametrize("name", TEMPLATES)
def test_iam_does_what_every_policy_says(name: str) -> None:
    assert authorization.findings(template(name)) == []


def _policy(**statement: Any) -> Template:
    bucket = {"Fn::GetAtt": ["Bucket", "Arn"]}
    document = {"Statement": [{"Effect": "Allow", "Sid": "Planted", "Resource": bucket, **statement}]}
    return Template(
        {
            "Resources": {
                "Bucket": {"Type": "AWS::S3::Bucket"},
                "Policy": {
                    "Type": "AWS::IAM::Policy",
                    "Properties": {"PolicyDocument": document, "Roles": ["Analyst"]},
                },
            }
        }
    )


def _of_prefix(*actions: str) -> dict[str, Any]:
    return {"Action": list(actions), "Condition": {"StringLike": {"s3:prefix": "clean/*"}}}


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        pytest.param({"Action": "s3:ListBuckets"}, "Planted: no action is s3:ListBuckets", id="no such action"),
        pytest.param({"Action": "s4:ListBucket"}, "Planted: no action is s4:ListBucket", id="no such service"),
        pytest.param(
            {"Action": ["s3:ListBucket", "s3:GetObject"]},
            "Planted: s3:GetObject takes none of arn:aws:s3:::Bucket",
            id="an action on another type of resource",
        ),
        pytest.param(
            {"Action": "s3:ListBucket", "Resource": ["arn:aws:s3:::events", "arn:aws:s3:::events/clean/*"]},
            "Planted: arn:aws:s3:::events/clean/* is taken by none of s3:ListBucket",
            id="a resource that no action takes",
        ),
        pytest.param(
            {"Action": "s3:ListAllMyBuckets"},
            "Planted: s3:ListAllMyBuckets takes none of arn:aws:s3:::Bucket",
            id="a resource of an action that takes none",
        ),
        pytest.param(
            _of_prefix("s3:ListBucket", "s3:ListBucketMultipartUploads"),
            "Planted: s3:prefix is no condition key of s3:ListBucketMultipartUploads",
            id="a condition that the action does not know",
        ),
        pytest.param(
            {"Effect": "Deny", **_of_prefix("s3:ListBucketMultipartUploads")},
            "Planted: s3:prefix is no condition key of s3:ListBucketMultipartUploads",
            id="a denial that never holds",
        ),
        pytest.param(
            {"Action": "athena:StartQueryExecution", "Resource": "*"},
            "Analyst: athena:StartQueryExecution needs glue:GetDatabase on "
            "arn:aws:glue:eu-west-1:111122223333:database/default",
            id="an action without what it needs beside it",
        ),
    ],
)
def test_what_iam_would_not_do_is_found(statement: dict[str, Any], finding: str) -> None:
    found, *_same_statement = authorization.findings(_policy(**statement))
    assert found.removeprefix("Policy: ").startswith(finding)


@pytest.mark.parametrize(
    "statement",
    [
        {
            "Action": ["s3:ListBucket", "s3:GetObject*"],
            "Resource": ["arn:aws:s3:::events", "arn:aws:s3:::events/raw/*"],
        },
        {"Action": "s3:*", "Resource": "*"},
        _of_prefix("s3:ListBucket"),
        {"Effect": "Deny", **_of_prefix("s3:ListBucket", "s3:ListBucketMultipartUploads")},
        {"Action": "kms:Decrypt", "Resource": "*", "Condition": {"StringLike": {"kms:EncryptionContext:app": "a"}}},
    ],
)
def test_what_iam_does_is_not_found(statement: dict[str, Any]) -> None:
    assert authorization.findings(_policy(**statement)) == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_logs_of_state_machines_leave_the_accounts_resource_policy_alone(name: str) -> None:
    # AWS Step Functions Developer Guide, "Avoiding Amazon CloudWatch Logs resource policy size restrictions".
    resources = template(name).content["Resources"]
    for machine in template(name).resources("AWS::StepFunctions::StateMachine").values():
        for destination in machine["Properties"].get("LoggingConfiguration", {}).get("Destinations", []):
            group = resources[destination["CloudWatchLogsLogGroup"]["LogGroupArn"]["Fn::GetAtt"][0]]
            name_of_group = group["Properties"]["LogGroupName"]
            assert flat(name_of_group["Fn::Join"][1][0]).startswith("/aws/vendedlogs/")
