"""The function of names: what it asks, what it may do, and what it is watched for."""

import pytest
from aws_cdk import aws_kms as kms

from genesys_firehose_cdk import DeliveryProps, GenesysFirehosePipeline, GenesysNamesProps
from genesys_firehose_cdk.genesys.names import KINDS
from genesys_names import kinds as functions
from tests.library.synthesis import KEY_ARN, Template, flat, new_stack, statements, template_of
from tests.library.test_every_property import genesys, secret


@pytest.fixture(scope="module")
def template() -> Template:
    stack = new_stack()
    names = GenesysNamesProps(kinds=["queue", "user"], credentials=secret(stack, "Readers"))
    delivery = DeliveryProps(shards=2, stream_encryption_key=kms.Key.from_key_arn(stack, "Key", KEY_ARN))
    GenesysFirehosePipeline(stack, "Pipeline", genesys=genesys(stack, names=names), delivery=delivery)
    return template_of(stack)


def test_the_kinds_are_those_that_the_function_knows() -> None:
    assert set(KINDS) == functions.KINDS.keys()
    assert set(GenesysNamesProps().kinds) == set(KINDS) - {"user"}


def test_the_function_lists_these_kinds_with_the_client_of_its_own(template: Template) -> None:
    variables = template.properties("AWS::Lambda::Function", "Names/Function/Function")["Environment"]["Variables"]
    assert variables["KINDS"] == "queue,user"
    assert variables["GENESYS_HOST"] == "mypurecloud.ie"
    assert "readers" in flat(variables["CREDENTIALS_SECRET_ARN"])
    assert flat(variables["STREAM_NAMES"]).count("Delivery") == 2


def test_its_role_reads_one_secret_and_puts_to_the_streams_and_nothing_else(template: Template) -> None:
    policy = statements(template.properties("AWS::IAM::ManagedPolicy", "Names/Function/Policy")["PolicyDocument"])
    assert policy.keys() == {"Logs", "Tracing", "ReadGenesysCredentials", "PutNames", "StreamKey"}
    assert policy["PutNames"]["Action"] == "firehose:PutRecordBatch"
    assert len(policy["PutNames"]["Resource"]) == 2
    assert "readers" in flat(policy["ReadGenesysCredentials"]["Resource"])


def test_it_runs_once_a_day_and_has_the_time_for_a_large_organization(template: Template) -> None:
    assert template.properties("AWS::Events::Rule", "Names/Function/Schedule")["ScheduleExpression"] == "rate(1 day)"
    assert template.properties("AWS::Lambda::Function", "Names/Function/Function")["Timeout"] == 900


def test_a_missing_permission_and_names_that_are_not_taken_raise_alarms_of_their_own(template: Template) -> None:
    forbidden = template.properties("AWS::CloudWatch::Alarm", "Names/NamesForbidden")
    assert (forbidden["MetricName"], forbidden["Threshold"], forbidden["Period"]) == ("NamesForbidden", 1, 86400)
    missing = template.properties("AWS::CloudWatch::Alarm", "Names/NamesMissing")
    assert (missing["DatapointsToAlarm"], missing["EvaluationPeriods"]) == (2, 4)
    # Amazon CloudWatch API Reference, "PutMetricAlarm": a week at most for periods of an hour and more.
    assert missing["EvaluationPeriods"] * 86400 <= 7 * 86400
