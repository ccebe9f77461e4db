"""The dashboard: its first row is the answer, and each alarm's metric is shown once, with its unit and its threshold."""

import json
from typing import Any, get_args

import aws_cdk as cdk
import pytest

from genesys_firehose_cdk import DeliveryProps, GenesysFirehosePipeline, MonitoringProps
from genesys_firehose_cdk.common.alarm import AlarmSection
from genesys_firehose_cdk.monitoring.dashboard import PLACES
from tests.library.monitoring.test_every_alarm import alarms_of
from tests.library.synthesis import Template, new_stack, synthesize, template_of
from tests.library.templates import KINDS
from tests.library.templates import template as synthesized

of_one_pipeline = pytest.mark.parametrize("name", [name for name in KINDS if name != "two in one stack"])


def body_of(template: Template) -> dict[str, Any]:
    """The dashboard's body, its references as text."""
    [dashboard] = template.resources("AWS::CloudWatch::Dashboard").values()
    text = dashboard["Properties"]["DashboardBody"]["Fn::Join"][1]
    parts = [part if isinstance(part, str) else json.dumps(json.dumps(part))[1:-1] for part in text]
    body: dict[str, Any] = json.loads("".join(parts))
    return body


def widgets_of(template: Template, kind: str) -> list[dict[str, Any]]:
    return [each["properties"] for each in body_of(template)["widgets"] if each["type"] == kind]


def _lines(widget: dict[str, Any]) -> list[str]:
    """The labels of a widget's visible lines."""
    last = [metric[-1] for metric in widget["metrics"]]
    assert all(isinstance(each, dict) for each in last)
    return [each["label"] for each in last if each.get("visible", True)]


@of_one_pipeline
def test_each_alarm_is_shown_once_with_the_line_of_its_threshold(name: str) -> None:
    template = synthesized(name)
    graphs = [each for each in widgets_of(template, "metric") if each["view"] == "timeSeries"]
    for alarm, properties in alarms_of(template).items():
        [graph] = [each for each in graphs if alarm in _lines(each)]
        thresholds = [each["value"] for each in graph["annotations"]["horizontal"]]
        assert properties["Threshold"] in thresholds, alarm


@of_one_pipeline
def test_every_number_has_a_name_and_a_unit(name: str) -> None:
    for widget in widgets_of(synthesized(name), "metric"):
        lines = _lines(widget)
        assert len(set(lines)) == len(lines)
        if widget["view"] == "timeSeries":
            assert widget["yAxis"]["left"]["label"]
        else:
            assert all(line.endswith(")") for line in lines)


@of_one_pipeline
def test_the_alarms_widgets_have_every_alarm_and_the_one_over_those_that_page(name: str) -> None:
    template = synthesized(name)
    shown = "".join(arn for widget in widgets_of(template, "alarm") for arn in widget["alarms"])
    for kind in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"):
        for logical_id in template.resources(kind):
            assert f'"{logical_id}"' in shown


def test_the_first_row_is_accepted_landed_refused_waiting_freshness_and_alarms() -> None:
    widgets = body_of(synthesized("every wing of Genesys Cloud"))["widgets"]
    [_, second] = [index for index, each in enumerate(widgets) if each["properties"].get("markdown")][:2]
    assert [each["properties"]["title"] for each in widgets[1:second]] == [
        "In the time shown",
        "Alarms",
        "Refused",
        "Waiting in the buffer queue",
        "Freshness: age of the oldest event on its way",
        "Accepted and landed",
    ]
    assert _lines(widgets[1]["properties"]) == [
        "Accepted by the webhook (requests)",
        "Accepted by EventBridge's rule (events)",
        "Landed in clean/ (records)",
        "Copies dropped (records)",
    ]
    namespaces = [metric[0] for metric in widgets[1]["properties"]["metrics"]]
    assert "AWS/ApiGateway" in namespaces
    assert "AWS/Events" in namespaces


def test_what_is_counted_once_in_hours_or_days_is_shown_over_many_of_them() -> None:
    graphs = widgets_of(synthesized("maximal"), "metric") + widgets_of(
        synthesized("every wing of Genesys Cloud"), "metric"
    )
    starts = {each["title"]: each.get("start") for each in graphs}
    assert starts["Certificate"] == starts["Stored"] == "-PT336H"
    assert starts["Lists of networks checked"] == "-PT14H"
    assert starts["Refused"] is starts["Refused share"] is None


def test_each_kind_of_alarm_has_its_place() -> None:
    assert set(PLACES) == set(get_args(AlarmSection)) - {"events-at-risk"}


@of_one_pipeline
def test_no_widgets_overlap(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for each in body_of(synthesized(name))["widgets"]:
        cells = {
            (x, y)
            for x in range(each["x"], each["x"] + each["width"])
            for y in range(each["y"], each["y"] + each["height"])
        }
        assert not taken & cells
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_many_shards_are_within_the_limits_of_a_dashboard_and_of_a_rule() -> None:
    template = synthesize(delivery=DeliveryProps(shards=20))
    widgets = body_of(template)["widgets"]
    # Amazon CloudWatch API Reference, "Dashboard body structure and syntax"; CloudWatch User Guide, "Quotas".
    assert len(widgets) <= 500
    assert all(len(each["properties"].get("metrics", [])) <= 500 for each in widgets)
    assert max(len(each) for each in (widget["alarms"] for widget in widgets_of(template, "alarm"))) == 100
    rules = [each["Properties"] for each in template.resources("AWS::CloudWatch::CompositeAlarm").values()]
    assert len(rules) > 2
    for rule in rules:
        text = "".join(part if isinstance(part, str) else "n" * 255 for part in rule["AlarmRule"]["Fn::Join"][1])
        # Amazon CloudWatch API Reference, "PutCompositeAlarm".
        assert len(text) <= 10_240
    assert [bool(rule.get("AlarmActions")) for rule in rules].count(True) == 1


def test_the_dashboards_name_is_the_stacks_the_path_in_it_and_the_regions() -> None:
    app = cdk.App()
    names = set()
    for region in ("eu-west-1", "us-east-1"):
        stack = cdk.Stack(cdk.Stage(app, region), "Stack", stack_name="events", env=cdk.Environment(region=region))
        GenesysFirehosePipeline(stack, "My.Pipeline")
        template = Template(cdk.assertions.Template.from_stack(stack).to_json())
        [dashboard] = template.resources("AWS::CloudWatch::Dashboard").values()
        names.add(dashboard["Properties"]["DashboardName"])
    assert names == {"events-My-Pipeline-Dashboard-eu-west-1", "events-My-Pipeline-Dashboard-us-east-1"}


def test_the_dashboard_can_be_left_out() -> None:
    stack = new_stack()
    pipeline = GenesysFirehosePipeline(stack, "Pipeline", monitoring=MonitoringProps(dashboard=False))
    assert pipeline.dashboard is None
    assert template_of(stack).resources("AWS::CloudWatch::Dashboard") == {}
