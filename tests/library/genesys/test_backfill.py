"""The backfill: what it asks, what it may do, how it is bounded, and what it is watched for."""

import json
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms

from genesys_firehose_cdk import BackfillProps, BufferingProps, DeliveryProps, GenesysFirehosePipeline, LakeProps
from tests.library.synthesis import KEY_ARN, Template, flat, new_stack, statements, template_of
from tests.library.test_every_property import genesys, secret


@pytest.fixture(scope="module")
def template() -> Template:
    stack = new_stack()
    backfill = BackfillProps(credentials=secret(stack, "Readers"), settle_after_days=4)
    delivery = DeliveryProps(
        shards=2,
        stream_encryption_key=kms.Key.from_key_arn(stack, "Key", KEY_ARN),
        buffering=BufferingProps(interval=cdk.Duration.seconds(900)),
    )
    GenesysFirehosePipeline(stack, "Pipeline", genesys=genesys(stack, backfill=backfill), delivery=delivery)
    return template_of(stack)


def test_the_function_asks_with_the_client_of_its_own_and_leaves_partitions_to_events(template: Template) -> None:
    function = template.properties("AWS::Lambda::Function", "Backfill/Function/Function")
    variables = function["Environment"]["Variables"]
    assert variables["GENESYS_HOST"] == "mypurecloud.ie"
    assert "readers" in flat(variables["CREDENTIALS_SECRET_ARN"])
    assert flat(variables["STREAM_NAMES"]).count("Delivery") == 2
    # A day stays open for 1,350 s: 100 days at once at most, of 500.
    assert variables["PAUSE_SECONDS"] == "14"
    assert function["Timeout"] == 900


def test_its_role_reads_one_secret_puts_records_and_originals_and_nothing_else(template: Template) -> None:
    policy = statements(template.properties("AWS::IAM::ManagedPolicy", "Backfill/Function/Policy")["PolicyDocument"])
    assert policy.keys() == {
        "Logs",
        "Tracing",
        "ReadGenesysCredentials",
        "PutRecords",
        "StreamKey",
        "WriteOversize",
        "EncryptOversize",
    }
    assert policy["PutRecords"]["Action"] == "firehose:PutRecordBatch"
    assert len(policy["PutRecords"]["Resource"]) == 2
    assert "raw/oversize/*" in flat(policy["WriteOversize"]["Resource"])


def _machine(template: Template) -> dict[str, Any]:
    properties = template.properties("AWS::StepFunctions::StateMachine", "Backfill/StateMachine")
    definition: dict[str, Any] = json.loads(flat(properties["DefinitionString"]))
    return definition


def test_the_machine_calls_the_function_until_it_is_done_and_never_repeats_what_can_not_succeed(
    template: Template,
) -> None:
    states = _machine(template)["States"]
    assert states["Fetched?"]["Default"] == "Pause"
    assert states["Pause"] == {"Type": "Wait", "SecondsPath": "$.wait", "Next": "Fetch"}
    assert states["Fetch"]["Retry"][0] == {"ErrorEquals": ["BackfillError"], "MaxAttempts": 0}


def test_the_tables_take_the_days_once_their_records_have_landed(template: Template) -> None:
    states = _machine(template)["States"]
    assert states["Put?"]["Choices"][0]["Next"] == "Deliver"
    assert states["Deliver"]["Seconds"] >= 2.5 * 900
    assert states["Tables"]["Parameters"]["Input"] == {"from.$": "$.from", "to.$": "$.to", "optimize": True}
    policy = statements(template.properties("AWS::IAM::ManagedPolicy", "Backfill/Policy")["PolicyDocument"])
    assert policy["RefreshTables"]["Action"] == "states:StartExecution"
    assert policy.keys() == {"AskGenesys", "RefreshTables", "LogDelivery", "Tracing"}


def test_every_day_is_settled_where_it_is_asked_for_and_watched(template: Template) -> None:
    rule = template.properties("AWS::Events::Rule", "Backfill/Settle")
    assert rule["ScheduleExpression"] == "cron(7 3 * * ? *)"
    assert json.loads(rule["Targets"][0]["Input"]) == {"days_ago": 4}
    alarm = template.properties("AWS::CloudWatch::Alarm", "Backfill/DaysNotSettled")
    assert (alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"]) == (2, 4)


def test_by_default_nothing_starts_it_and_without_tables_none_are_refreshed() -> None:
    stack = new_stack()
    backfill = BackfillProps(credentials=secret(stack, "Readers"))
    pipeline = GenesysFirehosePipeline(
        stack, "Pipeline", genesys=genesys(stack, backfill=backfill), lake=LakeProps(tables=None)
    )
    assert pipeline.backfill is not None
    assert (pipeline.backfill.schedule, pipeline.backfill.alarms) == (None, {})
    states = _machine(template_of(stack))["States"]
    assert states.keys() == {"Fetch", "Fetched?", "Pause", "Done"}
