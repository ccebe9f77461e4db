"""The smallest app has a public endpoint, and a bucket that nothing can be taken out of."""

import runpy
from pathlib import Path

import pytest
from aws_cdk.assertions import Template


@pytest.fixture(scope="module")
def template() -> Template:
    return Template.from_stack(runpy.run_path(str(Path(__file__).with_name("app.py")))["stack"])


def test_events_come_in_by_one_api(template: Template) -> None:
    template.resource_count_is("AWS::ApiGateway::RestApi", 1)
    template.resource_count_is("AWS::Events::EventBus", 0)


def test_every_object_of_the_lake_is_locked_for_thirty_days(template: Template) -> None:
    retention = {"Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 30}}}
    template.has_resource_properties("AWS::S3::Bucket", {"ObjectLockConfiguration": retention})


def test_the_lake_stays_when_the_stack_goes(template: Template) -> None:
    template.has_resource(
        "AWS::S3::Bucket",
        {"Properties": {"ObjectLockEnabled": True}, "DeletionPolicy": "RetainExceptOnCreate"},
    )
