"""Over every kind of template: each resource has the alarms of its kind, each alarm a name, its first data, and advice."""

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import aws_cdk as cdk
import pytest

from genesys_firehose_cdk import (
    DataLakeBucketProps,
    DeliveryProps,
    EventSubscriptionProps,
    GenesysFirehosePipeline,
    IpAllowListProps,
    LakeProps,
    RetentionMode,
    SignatureProps,
    WebhookProps,
)
from tests.library.genesys.test_ip_allow_list import genesys
from tests.library.genesys.test_watch import FULL
from tests.library.ingress.test_partner_bus import bus_props
from tests.library.synthesis import ROOT, Template, flat, new_context, new_stack, template_of
from tests.library.test_nag import PIPELINES


def _unpartitioned(stack: cdk.Stack) -> None:
    GenesysFirehosePipeline(stack, "Pipeline", delivery=DeliveryProps(dynamic_partitioning=False))


def _with_genesys(stack: cdk.Stack) -> None:
    organization = genesys(stack, subscription=EventSubscriptionProps(), ip_allow_list=IpAllowListProps())
    GenesysFirehosePipeline(
        stack,
        "Pipeline",
        webhook=WebhookProps(signature=SignatureProps.shared_key()),
        genesys=organization,
        partner_bus=bus_props(),
        watch=FULL,
    )


def _emptied(stack: cdk.Stack) -> None:
    GenesysFirehosePipeline(
        stack,
        "Pipeline",
        lake=LakeProps(bucket=DataLakeBucketProps(retention_mode=RetentionMode.NONE)),
        removal_policy=cdk.RemovalPolicy.DESTROY,
        auto_delete_objects=True,
    )


TEMPLATES: dict[str, Callable[[cdk.Stack], None]] = {
    **PIPELINES,
    "unpartitioned": _unpartitioned,
    "everything at Genesys Cloud": _with_genesys,
    "emptied with the stack": _emptied,
}
# What every resource of a type is watched for, in its own dimension.
KINDS: dict[str, set[str]] = {
    "AWS::Lambda::Function": {"Errors", "Throttles"},
    "AWS::Events::Rule": {"FailedInvocations"},
    "AWS::StepFunctions::StateMachine": {"ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"},
    "AWS::SQS::Queue": {"ApproximateNumberOfMessagesVisible"},
    "AWS::KinesisFirehose::DeliveryStream": {
        "DeliveryToS3.Success",
        "DeliveryToS3.DataFreshness",
        "BackupToS3.Success",
        "BackupToS3.DataFreshness",
        "ExecuteProcessing.Success",
        "ThrottledRecords",
    },
    "AWS::ApiGateway::RestApi": {"4XXError", "5XXError"},
}
_WITHIN_A_DEPLOYMENT = "It runs within a deployment alone, and CloudFormation reports its failure."
NOT_WATCHED = {
    "/Provider/framework-onEvent": _WITHIN_A_DEPLOYMENT,
    "/Provider/framework-isComplete": _WITHIN_A_DEPLOYMENT,
    "/Provider/framework-onTimeout": _WITHIN_A_DEPLOYMENT,
    "/Provider/waiter-state-machine": _WITHIN_A_DEPLOYMENT,
    "/Custom::S3AutoDeleteObjectsCustomResourceProvider/Handler": _WITHIN_A_DEPLOYMENT,
}


@cache
def _template(name: str) -> Template:
    stack = new_stack()
    TEMPLATES[name](stack)
    return template_of(stack)


def _alarms(template: Template) -> dict[str, dict[str, Any]]:
    """The alarms' properties, by the last part of their paths."""
    return {
        alarm["Metadata"]["aws:cdk:path"].split("/")[-2]: alarm["Properties"]
        for alarm in template.resources("AWS::CloudWatch::Alarm").values()
    }


def _metrics(template: Template) -> Iterator[tuple[str, str]]:
    """Every metric that an alarm watches, with its dimensions' values as one text."""
    for alarm in template.resources("AWS::CloudWatch::Alarm").values():
        properties = alarm["Properties"]
        metrics = [properties] if "MetricName" in properties else []
        metrics += [each["MetricStat"]["Metric"] for each in properties.get("Metrics", []) if "MetricStat" in each]
        for metric in metrics:
            yield metric["MetricName"], json.dumps([each["Value"] for each in metric["Dimensions"]])


def _missing(template: Template) -> Iterator[tuple[str, str]]:
    """Every resource's path with a metric of its kind that no alarm watches."""
    watched = list(_metrics(template))
    for kind, names in KINDS.items():
        for logical_id, resource in template.resources(kind).items():
            own = f'"{resource["Properties"]["Name"]}"' if kind == "AWS::ApiGateway::RestApi" else f'"{logical_id}"'
            for name in names:
                if not any(metric == name and own in values for metric, values in watched):
                    yield resource["Metadata"]["aws:cdk:path"].removesuffix("/Resource"), name


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_resource_has_the_alarms_of_its_kind_or_a_reason(name: str) -> None:
    missing = [
        (path, metric) for path, metric in _missing(_template(name)) if not any(end in path for end in NOT_WATCHED)
    ]
    assert missing == []


def test_every_reason_is_about_a_resource_that_is_there() -> None:
    paths = [path for name in TEMPLATES for path, _metric in _missing(_template(name))]
    for end in NOT_WATCHED:
        assert any(end in path for path in paths), end


def test_a_resource_without_an_alarm_would_be_noticed() -> None:
    stack = new_stack()
    GenesysFirehosePipeline(stack, "Pipeline")
    cdk.aws_sqs.Queue(stack, "Other")
    assert ("Test/Other", "ApproximateNumberOfMessagesVisible") in set(_missing(template_of(stack)))


def test_the_queue_that_is_consumed_has_an_alarm_on_its_age_too() -> None:
    template = _template("default")
    [age] = [values for metric, values in _metrics(template) if metric == "ApproximateAgeOfOldestMessage"]
    [(queue, _)] = [
        (logical_id, each)
        for logical_id, each in template.resources("AWS::SQS::Queue").items()
        if "RedrivePolicy" in each["Properties"]
    ]
    assert queue in age


def test_a_rule_with_a_dead_letter_queue_is_watched_for_what_goes_there_and_what_cannot() -> None:
    alarms = _alarms(_template("bus alone"))
    for metric in ("FailedInvocations", "InvocationsSentToDlq", "InvocationsFailedToBeSentToDlq"):
        alarm = alarms[f"PartnerBusRule{metric}"]
        bus, rule = alarm["Dimensions"]
        assert (alarm["MetricName"], bus["Name"], rule["Name"]) == (metric, "EventBusName", "RuleName")
        index, split = rule["Value"]["Fn::Select"]
        separator, joined = split["Fn::Split"]
        for reference in ("bus/of/partner|the-rule", "the-rule"):
            text = re.sub(r"<\w+>", reference, flat(joined))
            assert text.split(separator)[index] == "the-rule"
    assert "WatchScheduleInvocationsSentToDlq" not in alarms


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_alarm_takes_data_that_are_not_there_yet_for_a_fault(name: str) -> None:
    treatments = {alarm: properties["TreatMissingData"] for alarm, properties in _alarms(_template(name)).items()}
    assert set(treatments.values()) <= {"notBreaching", "ignore"}
    stays_on = {alarm for alarm, treatment in treatments.items() if treatment == "ignore"}
    assert stays_on <= {
        "DaysToExpiry",
        "PartnerSourceActive",
        "IntegrationActive",
        "SubscriptionActive",
        "WatchNotRunning",
        "IpRangesUnchecked",
    }


class _Series(list[float | None]):
    """A time series of metric math; None where it has no value."""

    def __gt__(self, other: object) -> "_Series":
        assert isinstance(other, int)
        return _Series(None if value is None else float(value > other) for value in self)


def _evaluate(expression: str, **metrics: list[float | None]) -> list[float | None]:
    """Evaluate metric math as the CloudWatch User Guide describes it: a metric without any value yields nothing."""

    def fill(series: _Series, value: float) -> _Series:
        if all(each is None for each in series):
            return series
        return _Series(value if each is None else each for each in series)

    def running_sum(series: _Series) -> _Series:
        return _Series(
            None if value is None else sum(each or 0 for each in series[: index + 1])
            for index, value in enumerate(series)
        )

    def choose(condition: _Series, yes: _Series, no: float) -> _Series:
        return _Series(
            None if chosen is None else (value if chosen else no) for chosen, value in zip(condition, yes, strict=True)
        )

    names = {"FILL": fill, "RUNNING_SUM": running_sum, "IF": choose}
    result = eval(expression, {"__builtins__": {}}, {**names, **{n: _Series(v) for n, v in metrics.items()}})  # noqa: S307
    return list(result)


@pytest.mark.parametrize(
    ("reported", "is_alarm"),
    [
        pytest.param([None] * 6, False, id="nothing yet"),
        pytest.param([None, None, None, None, None, 1], False, id="the first report"),
        pytest.param([None, None, 1, 1, None, 1], False, id="a gap soon after the first report"),
        pytest.param([1] * 6, False, id="all well"),
        pytest.param([1, 1, 1, 1, None, None], False, id="two are missing"),
        pytest.param([1, 1, 1, None, None, None], True, id="it has stopped"),
        pytest.param([1, 0, 1, 0, 0, 1], True, id="three say no"),
        pytest.param([None, None, None, 0, 0, 0], True, id="the first three say no"),
        pytest.param([None, None, None, None, 0, 0], False, id="the first two say no"),
    ],
)
def test_an_alarm_on_reports_is_quiet_until_the_first_and_goes_off_when_they_stop(
    reported: list[float | None], is_alarm: bool
) -> None:
    stack = new_stack()
    context = new_context(stack)
    context.report_alarm(stack, "Alarm", metric=context.metric("IpRangesChecked"), description="")
    alarm = template_of(stack).properties("AWS::CloudWatch::Alarm")
    [expression] = [each["Expression"] for each in alarm["Metrics"] if "Expression" in each]
    statistics = {each["Id"]: each["MetricStat"]["Stat"] for each in alarm["Metrics"] if "MetricStat" in each}
    assert statistics == {"reported": "Sum", "reports": "SampleCount"}
    values = _evaluate(expression, reported=reported, reports=[None if each is None else 1 for each in reported])
    assert len(values) == alarm["EvaluationPeriods"]
    assert (sum(value is not None and value < 1 for value in values) >= alarm["DatapointsToAlarm"]) is is_alarm


@pytest.mark.parametrize("name", TEMPLATES)
def test_an_alarms_name_is_the_stacks_and_the_path_in_it(name: str) -> None:
    for alarm in _template(name).resources("AWS::CloudWatch::Alarm").values():
        path = alarm["Metadata"]["aws:cdk:path"].removesuffix("/Resource")
        assert alarm["Properties"]["AlarmName"] == path
        assert path.isascii()
        assert len(path) <= 255


def test_the_same_pipeline_in_another_stack_has_alarms_of_other_names() -> None:
    app = cdk.App()
    names = []
    for stage in ("one", "two"):
        stack = cdk.Stack(cdk.Stage(app, f"Stage{stage}"), "Stack", stack_name=f"events-{stage}")
        GenesysFirehosePipeline(stack, "Pipeline")
        template = cdk.assertions.Template.from_stack(stack).to_json()
        names.append({each["Properties"].get("AlarmName") for each in template["Resources"].values()} - {None})
    assert not names[0] & names[1]
    assert "events-one/Pipeline/Alarms/QueueAge" in names[0]


@pytest.mark.parametrize("nested", [False, True])
def test_a_name_that_would_be_too_long_keeps_its_end_and_stays_unique(nested: bool) -> None:
    stack = new_stack()
    parent = cdk.NestedStack(stack, "Nested") if nested else stack
    context = new_context(stack)
    for letter in "ab":
        scope = cdk.aws_sns.Topic(parent, letter * 250)
        context.alarm(scope, "Late", metric=context.metric("EventAge"), description="", threshold=1)
    template = cdk.assertions.Template.from_stack(parent).to_json()
    alarms = [each for each in template["Resources"].values() if each["Type"] == "AWS::CloudWatch::Alarm"]
    names = [alarm["Properties"]["AlarmName"] for alarm in alarms]
    assert names[0] != names[1]
    for name in names:
        # CloudFormation's longest name of a stack, where it is not known yet.
        text = name if isinstance(name, str) else re.sub(r"<.*>", "s" * 128, _flat_selection(name))
        assert len(text) == 255
        assert text.endswith("/Late")


def _flat_selection(name: dict[str, Any]) -> str:
    """An alarm's name with the nested stack's, a selection of its id, as <stack>."""
    [separator, parts] = name["Fn::Join"]
    return str(separator).join(part if isinstance(part, str) else "<stack>" for part in parts)


def _in_the_runbook() -> set[str]:
    text = (ROOT / "docs" / "runbook.md").read_text()
    table = text.split("| Alarm |", 1)[1].split("\n\n", 1)[0]
    return {
        name
        for row in table.splitlines()
        if row.startswith("| `")
        for name in re.findall(r"`(\w+)`", row.split("|")[1])
    }


def test_the_runbooks_table_has_every_alarm_there_is_and_no_other() -> None:
    found = {alarm for name in TEMPLATES for alarm in _alarms(_template(name))}
    # The second stream and on have alarms with a number at the end.
    found = {alarm for alarm in found if alarm.rstrip("0123456789") == alarm or alarm.rstrip("0123456789") not in found}
    assert found == _in_the_runbook()


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_alarm_is_heard_and_says_what_to_do(name: str) -> None:
    for alarm in _alarms(_template(name)).values():
        [action] = alarm["AlarmActions"]
        assert "AlarmTopic" in flat(action)
        assert len(alarm["AlarmDescription"]) > 40
