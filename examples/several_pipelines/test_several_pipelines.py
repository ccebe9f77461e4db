"""Two pipelines in one stack share the alarm topic, and nothing that holds events."""

import runpy
from pathlib import Path

import pytest
from aws_cdk.assertions import Match, Template


@pytest.fixture(scope="module")
def template() -> Template:
    return Template.from_stack(runpy.run_path(str(Path(__file__).with_name("app.py")))["stack"])


def test_each_brand_has_a_lake_and_a_stream_of_its_own(template: Template) -> None:
    assert len(template.find_resources("AWS::S3::Bucket", {"Properties": {"ObjectLockEnabled": True}})) == 2
    template.resource_count_is("AWS::KinesisFirehose::DeliveryStream", 2)


def test_the_account_gets_one_logging_role(template: Template) -> None:
    template.resource_count_is("AWS::ApiGateway::Account", 1)


def test_all_alarms_report_to_one_topic(template: Template) -> None:
    template.resource_count_is("AWS::SNS::Topic", 1)
    alarms = template.find_resources("AWS::CloudWatch::Alarm", {"Properties": {"AlarmActions": Match.any_value()}})
    assert len({str(alarm["Properties"]["AlarmActions"]) for alarm in alarms.values()}) == 1


def test_the_brands_have_outputs_of_their_own(template: Template) -> None:
    for brand in ("North", "South"):
        assert [name for name in template.find_outputs("*") if name.startswith(brand) and "IngestUrl" in name]
