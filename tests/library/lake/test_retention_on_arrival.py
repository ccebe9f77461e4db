"""Versions that get their retention after they have landed: the bucket, its policy, the function, the alarms."""

import json
from functools import cache
from typing import Any

import pytest
from aws_cdk import aws_iam as iam

from genesys_firehose_cdk import (
    DataLakeBucketProps,
    GenesysFirehosePipeline,
    LakeProps,
    RetentionApplied,
    RetentionMode,
)
from tests.library.synthesis import Template, as_list, flat, new_stack, statements, synthesize, template_of

LOCKED = "BucketWithoutDefaultRetention"


@cache
def _template(**properties: Any) -> Template:
    return synthesize(lake=LakeProps(bucket=DataLakeBucketProps(**properties)))


@pytest.fixture
def on_arrival() -> Template:
    return _template(retention_applied=RetentionApplied.ON_ARRIVAL, retention_days=90)


def _bucket_ids(template: Template) -> set[str]:
    return {name for name in template.resources("AWS::S3::Bucket") if "DataLakeBucket" in name}


def test_the_bucket_has_object_lock_and_no_default_retention(on_arrival: Template) -> None:
    bucket = on_arrival.properties("AWS::S3::Bucket", LOCKED)
    assert bucket["ObjectLockEnabled"] is True
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert "ObjectLockConfiguration" not in bucket
    assert bucket["NotificationConfiguration"] == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}


def test_only_the_bucket_writes_its_notifications(on_arrival: Template) -> None:
    assert "BucketNotifications" not in json.dumps(on_arrival.content)


def test_a_bucket_with_a_default_retention_and_one_without_are_never_the_same() -> None:
    by_default, compliance, on_arrival, none = (
        _bucket_ids(_template(**properties))
        for properties in (
            {},
            {"retention_mode": RetentionMode.COMPLIANCE, "acknowledge_compliance": True},
            {"retention_applied": RetentionApplied.ON_ARRIVAL},
            {"retention_mode": RetentionMode.NONE},
        )
    )
    # CloudFormation adds and changes a default retention in place, and never takes it away.
    assert by_default == compliance == {"PipelineDataLakeBucket15F711FC"}
    assert on_arrival == none
    assert by_default.isdisjoint(on_arrival)


@pytest.mark.parametrize("applied", RetentionApplied)
def test_the_bucket_that_is_left_behind_is_kept(applied: RetentionApplied) -> None:
    template = _template(retention_applied=applied)
    [bucket] = _bucket_ids(template)
    resource = template.content["Resources"][bucket]
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


def test_everything_that_names_the_bucket_names_the_new_one(on_arrival: Template) -> None:
    assert "PipelineDataLakeBucket15F711FC" not in json.dumps(on_arrival.content)


def _denial(template: Template) -> dict[str, Any]:
    policy = template.properties("AWS::S3::BucketPolicy", f"{LOCKED}/Policy")
    return statements(policy["PolicyDocument"])["DenyDeletionOfVersions"]


def test_nobody_deletes_a_version_of_an_event(on_arrival: Template) -> None:
    denial = _denial(on_arrival)
    assert (denial["Effect"], denial["Principal"], denial["Action"]) == ("Deny", {"AWS": "*"}, "s3:DeleteObjectVersion")
    assert {flat(resource).partition(">")[2] for resource in denial["Resource"]} == {
        "/raw/*",
        "/clean/*",
        "/manifests/*",
    }
    assert "Condition" not in denial


def test_cloudformation_may_delete_the_bucket_once_it_is_empty(on_arrival: Template) -> None:
    policy = on_arrival.properties("AWS::S3::BucketPolicy", f"{LOCKED}/Policy")["PolicyDocument"]
    denied = {
        action
        for statement in policy["Statement"]
        if statement["Effect"] == "Deny" and statement.get("Sid")
        for action in as_list(statement["Action"])
    }
    assert denied == {"s3:PutObject", "s3:DeleteObjectVersion"}


def test_the_break_glass_role_alone_is_excepted() -> None:
    stack = new_stack()
    role = iam.Role(stack, "BreakGlass", assumed_by=iam.AccountRootPrincipal())
    bucket = DataLakeBucketProps(retention_applied=RetentionApplied.ON_ARRIVAL, break_glass_role=role)
    GenesysFirehosePipeline(stack, "Pipeline", lake=LakeProps(bucket=bucket))
    template = template_of(stack)
    [role_id] = [name for name in template.resources("AWS::IAM::Role") if name.startswith("BreakGlass")]
    assert _denial(template)["Condition"] == {"ArnNotEquals": {"aws:PrincipalArn": {"Fn::GetAtt": [role_id, "Arn"]}}}


def test_a_bucket_that_stays_keeps_the_policy_that_protects_its_versions(on_arrival: Template) -> None:
    policy = on_arrival.one("AWS::S3::BucketPolicy", f"{LOCKED}/Policy")
    assert policy["DeletionPolicy"] == "RetainExceptOnCreate"


def test_the_function_puts_retentions_and_neither_reads_nor_deletes_nor_bypasses(on_arrival: Template) -> None:
    policy = on_arrival.properties("AWS::IAM::ManagedPolicy", "Retention/Function/Policy")["PolicyDocument"]
    s3 = {
        (action, flat(resource).partition(">")[2])
        for statement in policy["Statement"]
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
        if action.startswith("s3:")
    }
    assert s3 == {
        ("s3:PutObjectRetention", "/raw/*"),
        ("s3:PutObjectRetention", "/clean/*"),
        ("s3:PutObjectRetention", "/manifests/*"),
        ("s3:GetObjectRetention", "/raw/*"),
        ("s3:GetObjectRetention", "/clean/*"),
        ("s3:GetObjectRetention", "/manifests/*"),
        ("s3:ListBucketVersions", ""),
        ("s3:ListBucket", ""),
    }


def test_the_function_is_told_mode_and_days(on_arrival: Template) -> None:
    variables = on_arrival.properties("AWS::Lambda::Function", "Retention/Function/Function")["Environment"][
        "Variables"
    ]
    assert (variables["RETENTION_MODE"], variables["RETENTION_DAYS"]) == ("GOVERNANCE", "90")


def test_new_objects_of_the_layers_and_a_daily_sweep_lead_into_the_queue(on_arrival: Template) -> None:
    rules = on_arrival.resources("AWS::Events::Rule")
    [arrivals] = [rule["Properties"] for name, rule in rules.items() if "Arrivals" in name]
    [sweep] = [rule["Properties"] for name, rule in rules.items() if "Sweep" in name]
    detail = arrivals["EventPattern"]["detail"]
    assert detail["object"] == {"key": [{"prefix": "raw/"}, {"prefix": "clean/"}, {"prefix": "manifests/"}]}
    assert [flat(name) for name in detail["bucket"]["name"]] == [f"<{next(iter(_bucket_ids(on_arrival)))}>"]
    assert sweep["ScheduleExpression"] == "rate(1 day)"
    assert [target["Input"] for target in sweep["Targets"]] == [
        f'{{"sweep":["{prefix}/"]}}' for prefix in ("raw", "clean", "manifests")
    ]
    for target in (*arrivals["Targets"], *sweep["Targets"]):
        assert "RetentionQueue" in flat(target["Arn"])
        assert "RetentionDeadLetterQueue" in flat(target["DeadLetterConfig"]["Arn"])


def test_only_its_own_rules_may_send_to_its_queues(on_arrival: Template) -> None:
    rules = {f"<{name}.Arn>" for name in on_arrival.resources("AWS::Events::Rule") if "Retention" in name}
    for queue in ("Retention/Queue", "Retention/DeadLetterQueue"):
        policy = on_arrival.properties("AWS::SQS::QueuePolicy", f"{queue}/Policy")["PolicyDocument"]
        statement = statements(policy)["Rules"]
        assert statement["Action"] == "sqs:SendMessage"
        assert {flat(arn) for arn in statement["Condition"]["ArnEquals"]["aws:SourceArn"]} == rules


def test_a_message_is_hidden_six_times_as_long_as_the_function_runs(on_arrival: Template) -> None:
    queue = on_arrival.properties("AWS::SQS::Queue", "Retention/Queue")
    function = on_arrival.properties("AWS::Lambda::Function", "Retention/Function/Function")
    assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]


def test_lag_failures_and_what_escaped_raise_alarms(on_arrival: Template) -> None:
    metrics = {
        (alarm["Properties"].get("Namespace"), alarm["Properties"].get("MetricName"))
        for name, alarm in on_arrival.resources("AWS::CloudWatch::Alarm").items()
        if "PipelineRetention" in name
    }
    assert metrics == {
        ("GenesysFirehose", "RetentionLag"),
        ("GenesysFirehose", "RetentionsFailed"),
        ("GenesysFirehose", "RetentionsEscaped"),
        ("AWS/SQS", "ApproximateAgeOfOldestMessage"),
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
    }


def test_a_retention_by_default_needs_none_of_it(default: Template) -> None:
    assert not [name for name in default.content["Resources"] if name.startswith("PipelineRetention")]
    assert "DenyDeletionOfVersions" not in json.dumps(default.content)


def test_lambda_does_not_stop_a_sweep_that_goes_on_by_its_own_queue(on_arrival: Template) -> None:
    function = on_arrival.properties("AWS::Lambda::Function", "Retention/Function/Function")
    assert function["RecursiveLoop"] == "Allow"
