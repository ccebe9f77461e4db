"""The bus-only app has no door to the internet, and notices when Genesys Cloud falls silent."""

import runpy
from pathlib import Path

import pytest
from aws_cdk.assertions import Match, Template


@pytest.fixture(scope="module")
def template() -> Template:
    return Template.from_stack(runpy.run_path(str(Path(__file__).with_name("app.py")))["stack"])


def test_nothing_is_reachable_from_the_internet(template: Template) -> None:
    template.resource_count_is("AWS::ApiGateway::RestApi", 0)


def test_the_bus_has_the_name_of_the_partners_source(template: Template) -> None:
    source = "aws.partner/genesys.com/cloud/3b1f3c1e-0000-4000-8000-000000000000/lake"
    template.has_resource_properties("AWS::Events::EventBus", {"Name": source, "EventSourceName": source})


def test_silence_in_business_hours_is_an_alarm(template: Template) -> None:
    expressions = {"Metrics": Match.array_with([Match.object_like({"Expression": Match.string_like_regexp("HOUR")})])}
    template.has_resource_properties("AWS::CloudWatch::Alarm", expressions)


def test_no_template_holds_the_oauth_client(template: Template) -> None:
    assert "client_secret" not in str(template.to_json())
