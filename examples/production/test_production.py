"""The production app has its own domain, nobody floods it from one address, and its changes are tried."""

import runpy
from pathlib import Path
from typing import Any

import pytest
from aws_cdk.assertions import Match, Template


@pytest.fixture(scope="module")
def app() -> dict[str, Any]:
    return runpy.run_path(str(Path(__file__).with_name("app.py")))


@pytest.fixture(scope="module")
def template(app: dict[str, Any]) -> Template:
    return Template.from_stack(app["stack"])


def test_the_webhook_has_its_own_domain_and_no_other(template: Template) -> None:
    template.has_resource_properties("AWS::ApiGateway::DomainName", {"DomainName": "events.example.com"})
    template.has_resource_properties("AWS::ApiGateway::RestApi", {"DisableExecuteApiEndpoint": True})


def test_one_address_cannot_take_the_webhook_for_itself(template: Template) -> None:
    limit = Match.object_like({"Statement": {"RateBasedStatement": Match.object_like({"Limit": 6_000})}})
    template.has_resource_properties("AWS::WAFv2::WebACL", {"Rules": Match.array_with([limit])})


def test_what_came_in_stays_for_a_year(template: Template) -> None:
    retention = {"Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 365}}}
    template.has_resource_properties("AWS::S3::Bucket", {"ObjectLockConfiguration": retention})


def test_somebody_hears_of_alarms(template: Template) -> None:
    template.has_resource_properties(
        "AWS::SNS::Subscription", {"Protocol": "email", "Endpoint": "contact-centre-oncall@example.com"}
    )


def test_the_stack_is_not_deleted_by_mistake(app: dict[str, Any]) -> None:
    assert app["stack"].termination_protection


def test_the_delivery_is_tried_by_a_stack_of_its_own(app: dict[str, Any]) -> None:
    assert app["stack"] in app["verification"].dependencies
