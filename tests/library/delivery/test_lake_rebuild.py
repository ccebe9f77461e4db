"""The rebuild reads raw/, writes clean/ and its own errors, and stops at the first object that fails for good."""

import json
from typing import Any

import pytest
from aws_cdk import aws_iam as iam

from genesys_firehose_cdk import (
    DataLakeBucket,
    DeliveryProps,
    GenesysFirehosePipeline,
    InvalidPropertyError,
    LakeRebuildProps,
)
from genesys_firehose_cdk.common.hmac_key import HmacKey
from genesys_firehose_cdk.delivery.lake_rebuild import LakeRebuild
from tests.library.synthesis import Template, as_list, flat, new_context, new_stack, statements, synthesize, template_of


def _rebuild(**properties: Any) -> Template:
    stack = new_stack()
    LakeRebuild(
        stack,
        "Rebuild",
        bucket=DataLakeBucket(stack, "Lake"),
        tokenization_key=HmacKey(stack, "Tokens", description="tokens"),
        context=new_context(stack),
        props=LakeRebuildProps(**properties),
    )
    return template_of(stack)


def _hours(template: Template) -> dict[str, Any]:
    definition = json.loads(
        template.properties("AWS::StepFunctions::StateMachine", "Rebuild/StateMachine")["DefinitionString"]
    )
    hours: dict[str, Any] = definition["States"]["Hours"]
    return hours


def _objects(template: Template) -> dict[str, Any]:
    objects: dict[str, Any] = _hours(template)["ItemProcessor"]["States"]["Objects"]
    return objects


def test_hours_are_worked_on_one_after_the_other_and_their_objects_at_once(default: Template) -> None:
    assert _hours(default)["MaxConcurrency"] == 1
    assert _objects(default)["MaxConcurrency"] == 50
    assert _objects(default)["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}


def test_the_pipeline_says_how_many_objects_are_worked_on_at_once() -> None:
    assert (
        _objects(synthesize(delivery=DeliveryProps(rebuild=LakeRebuildProps(max_concurrency=7))))["MaxConcurrency"] == 7
    )


def test_no_output_is_kept_that_could_outgrow_a_state(default: Template) -> None:
    assert _hours(default)["ResultPath"] is None
    assert _objects(default)["ResultPath"] is None


def test_an_object_is_worked_on_part_after_part_until_nothing_is_left(default: Template) -> None:
    states = _objects(default)["ItemProcessor"]["States"]
    assert states["RebuildObject"]["Next"] == "Done?"
    assert states["Done?"]["Choices"] == [{"Variable": "$", "IsNull": True, "Next": "Done"}]
    assert states["Done?"]["Default"] == "RebuildObject"
    assert states["Done"] == {"Type": "Succeed"}


def test_one_failed_object_stops_the_rebuild_unless_told_otherwise(default: Template) -> None:
    assert _objects(default)["ToleratedFailurePercentage"] == 0
    assert _objects(_rebuild(tolerated_failure_percentage=5))["ToleratedFailurePercentage"] == 5


def test_the_function_has_the_pipelines_settings_and_masking_code(default: Template) -> None:
    rebuild = default.properties("AWS::Lambda::Function", "Worker/Function")
    transform = default.properties("AWS::Lambda::Function", "Transform/Function")
    shared = {
        name: value
        for name, value in transform["Environment"]["Variables"].items()
        if not name.startswith("DEDUPLICATION_")
    }
    own = dict(rebuild["Environment"]["Variables"])
    assert "RawKey" in flat(own.pop("RAW_KEY_ARN"))
    assert own == shared
    assert rebuild["Handler"] == "rebuild.handler.handle"
    assert rebuild["Timeout"] == 900


def test_the_function_may_do_exactly_this(default: Template) -> None:
    policy = statements(default.properties("AWS::IAM::ManagedPolicy", "Worker/Policy")["PolicyDocument"])
    assert {sid: set(as_list(statement["Action"])) for sid, statement in policy.items()} == {
        "Logs": {"logs:CreateLogStream", "logs:PutLogEvents"},
        "Tracing": {"xray:PutTraceSegments", "xray:PutTelemetryRecords"},
        "ReadHmacKey": {"secretsmanager:GetSecretValue"},
        "DecryptHmacKey": {"kms:Decrypt"},
        "ReadRaw": {"s3:GetObject"},
        "TellGone": {"s3:ListBucket"},
        "Write": {"s3:PutObject"},
        "DecryptRaw": {"kms:Decrypt"},
        "EncryptClean": {"kms:GenerateDataKey"},
        "EncryptErrors": {"kms:GenerateDataKey"},
    }
    ends = {
        sid: {flat(resource).rpartition(">")[2] for resource in as_list(policy[sid]["Resource"])}
        for sid in ("ReadRaw", "Write")
    }
    assert ends == {"ReadRaw": {"/raw/*"}, "Write": {"/clean/*", "/errors/rebuild/*"}}
    assert "RawKey" in flat(policy["DecryptRaw"]["Resource"])
    assert "CleanKey" in flat(policy["EncryptClean"]["Resource"])
    assert "RawKey" in flat(policy["EncryptErrors"]["Resource"])
    assert "Condition" not in policy["TellGone"]


def test_the_state_machine_may_do_exactly_this(default: Template) -> None:
    work = statements(default.properties("AWS::IAM::ManagedPolicy", "Rebuild/Policy")["PolicyDocument"])
    runs = statements(default.properties("AWS::IAM::ManagedPolicy", "Rebuild/MapRunPolicy")["PolicyDocument"])
    assert set(work) == {"Invoke", "ListRaw", "RefreshTables", "LogDelivery", "Tracing"}
    assert as_list(work["Invoke"]["Action"]) == ["lambda:InvokeFunction"]
    assert work["ListRaw"]["Condition"] == {"StringLike": {"s3:prefix": "raw/*"}}
    assert {sid: set(as_list(statement["Action"])) for sid, statement in runs.items()} == {
        "StartChildren": {"states:StartExecution"},
        "StopChildren": {"states:DescribeExecution", "states:StopExecution"},
    }


def test_the_state_machine_logs_everything_but_data_and_is_traced(default: Template) -> None:
    properties = default.properties("AWS::StepFunctions::StateMachine", "Rebuild/StateMachine")
    assert properties["LoggingConfiguration"]["Level"] == "ALL"
    assert properties["LoggingConfiguration"]["IncludeExecutionData"] is False
    assert properties["TracingConfiguration"] == {"Enabled": True}


def test_who_may_start_a_rebuild_reads_nothing_of_the_lake() -> None:
    stack = new_stack()
    pipeline = GenesysFirehosePipeline(stack, "Pipeline")
    assert pipeline.rebuild is not None
    pipeline.rebuild.grant_start(iam.Role(stack, "Operator", assumed_by=iam.AccountRootPrincipal()))
    policy = template_of(stack).properties("AWS::IAM::Policy", "Operator/DefaultPolicy")["PolicyDocument"]
    actions = {action for statement in policy["Statement"] for action in as_list(statement["Action"])}
    assert "states:StartExecution" in actions
    assert {action.partition(":")[0] for action in actions} == {"states"}


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"max_concurrency": 0}, "max_concurrency is 0 objects: 1 to 1,000 objects"),
        ({"tolerated_failure_percentage": 101}, "tolerated_failure_percentage is 101 percent: 0 to 100 percent"),
    ],
)
def test_a_number_out_of_range_is_refused_at_synthesis(properties: dict[str, int], message: str) -> None:
    with pytest.raises(InvalidPropertyError, match=message):
        LakeRebuildProps(**properties)
