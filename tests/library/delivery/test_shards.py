"""A pipeline over several delivery streams is the pipeline over one, and more streams."""

import json
from typing import Any

import pytest

from genesys_firehose_cdk import DeliveryProps, GenesysFirehosePipeline, InvalidPropertyError
from tests.library.synthesis import Template, as_list, flat, new_stack, statements, synthesize

STREAM = "AWS::KinesisFirehose::DeliveryStream"


@pytest.fixture(scope="module")
def sharded() -> Template:
    return synthesize(delivery=DeliveryProps(shards=3))


def _key(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def test_more_streams_leave_everything_else_as_it_is(default: Template, sharded: Template) -> None:
    before, after = default.content["Resources"], sharded.content["Resources"]
    assert before.keys() <= after.keys()
    # The ingest function must know the streams, its role may use them, two parameters name them and their logs, and
    # dashboard and composite alarm have their alarms; nothing else changes.
    changed = {key: resource["Type"] for key, resource in before.items() if _key(resource) != _key(after[key])}
    assert sorted(changed.values()) == [
        "AWS::CloudWatch::CompositeAlarm",
        "AWS::CloudWatch::Dashboard",
        "AWS::IAM::ManagedPolicy",
        "AWS::Lambda::Function",
        *["AWS::SSM::Parameter"] * 2,
    ]
    assert all(any(part in key for part in ("Ingest", "Parameters", "Dashboard", "AtRisk")) for key in changed)


def test_what_is_new_is_streams_with_their_role_and_log_group_and_their_alarms(
    default: Template, sharded: Template
) -> None:
    new = {
        key: resource["Type"]
        for key, resource in sharded.content["Resources"].items()
        if key not in default.content["Resources"]
    }
    per_stream = sorted(
        [STREAM, "AWS::IAM::Role", "AWS::IAM::ManagedPolicy", "AWS::Logs::LogGroup"]
        + ["AWS::Logs::LogStream"] * 2
        + ["AWS::CloudWatch::Alarm"] * 8
    )
    assert sorted(new.values()) == sorted(per_stream * 2)


def test_streams_deliver_into_the_same_prefixes_alike(sharded: Template) -> None:
    destinations = [
        stream["Properties"]["ExtendedS3DestinationConfiguration"] for stream in sharded.resources(STREAM).values()
    ]
    for destination in (destinations, [destination["S3BackupConfiguration"] for destination in destinations]):
        for name in ("BucketARN", "Prefix", "ErrorOutputPrefix", "BufferingHints", "EncryptionConfiguration"):
            assert len({_key(configuration[name]) for configuration in destination}) == 1
        for own in ("RoleARN", "CloudWatchLoggingOptions"):
            assert len({_key(configuration[own]) for configuration in destination}) == 3


def test_each_stream_has_a_role_that_logs_to_its_own_streams_alone(sharded: Template) -> None:
    for number in ("", "2", "3"):
        path = f"Delivery{number}/Role/Policy"
        policy = statements(sharded.properties("AWS::IAM::ManagedPolicy", path)["PolicyDocument"])
        logs = [flat(arn) for arn in as_list(policy["Logs"]["Resource"])]
        assert len(logs) == 2
        assert all(f"<PipelineDelivery{number}LogGroup" in arn for arn in logs)


def test_the_ingest_function_knows_and_may_use_exactly_these_streams(sharded: Template) -> None:
    names = [f"<{key}>" for key in sharded.resources(STREAM)]
    variables = sharded.properties("AWS::Lambda::Function", "Ingest/Function")["Environment"]["Variables"]
    assert flat(variables["STREAM_NAMES"]).split(",") == names
    policy = statements(sharded.properties("AWS::IAM::ManagedPolicy", "Ingest/Policy")["PolicyDocument"])
    assert {flat(arn) for arn in policy["PutEvents"]["Resource"]} == {
        f"<{key}.Arn>" for key in sharded.resources(STREAM)
    }


def test_every_stream_has_its_own_alarms(sharded: Template) -> None:
    pipeline = GenesysFirehosePipeline(new_stack(), "Pipeline", delivery=DeliveryProps(shards=2))
    watched = [
        "DeliveryFreshness",
        "BackupFreshness",
        "DeliverySuccess",
        "BackupSuccess",
        "ProcessingSuccess",
        "StreamThrottled",
        "QuotaUse",
    ]
    assert {f"{name}{number}" for name in watched for number in ("", "2")} <= pipeline.alarms.alarms.keys()
    streams = [
        flat(dimension["Value"])
        for alarm in sharded.resources("AWS::CloudWatch::Alarm").values()
        for dimension in alarm["Properties"].get("Dimensions", [])
        if dimension["Name"] == "DeliveryStreamName"
    ]
    assert {streams.count(f"<{key}>") for key in sharded.resources(STREAM)} == {7}


@pytest.mark.parametrize("shards", [0, 21])
def test_no_stream_or_too_many_are_refused(shards: int) -> None:
    with pytest.raises(InvalidPropertyError) as refusal:
        GenesysFirehosePipeline(new_stack(), "Pipeline", delivery=DeliveryProps(shards=shards))
    assert str(refusal.value) == (
        f"delivery.shards is {shards} delivery streams: 1 to 20 delivery streams are allowed, "
        "because a higher quota is the better way."
    )
