"""Alarms when events stop coming: source, integration, subscription, and silence in business hours."""

import re
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions
from aws_cdk import aws_secretsmanager as secretsmanager

from genesys_firehose_cdk import (
    BusinessHoursProps,
    GenesysFirehosePipeline,
    GenesysRegion,
    GenesysWatchProps,
    InvalidPropertyError,
)
from tests.library.acknowledgement_checks import unacknowledged, unneeded
from tests.library.genesys.test_ip_allow_list import SECRET_ARN, genesys
from tests.library.ingress.test_partner_bus import SOURCE, bus_props
from tests.library.synthesis import Template, flat, new_stack, statements, synthesize, template_of

OFFICE = BusinessHoursProps(start_hour=8, end_hour=18)
SUBSCRIPTIONS = "/api/v2/notifications/eventSubscriptions"
FULL = GenesysWatchProps(
    business_hours=BusinessHoursProps(start_hour=7, end_hour=18),
    silence=cdk.Duration.minutes(30),
    subscription_path=SUBSCRIPTIONS,
)


def _pipeline(
    stack: cdk.Stack, region: GenesysRegion = GenesysRegion.EU_CENTRAL_1, **organization: Any
) -> GenesysFirehosePipeline:
    return GenesysFirehosePipeline(
        stack, "Pipeline", genesys=genesys(stack, region, **organization), partner_bus=bus_props(), watch=FULL
    )


@pytest.fixture(scope="module")
def watched() -> Template:
    stack = new_stack()
    _pipeline(stack)
    return template_of(stack)


@pytest.fixture(scope="module")
def bus_alone() -> Template:
    """A bus of which nobody said that it is to be watched, and whose organization cannot be asked."""
    return synthesize(webhook=None, partner_bus=bus_props())


def _alarms(template: Template) -> set[str]:
    paths = [alarm["Metadata"]["aws:cdk:path"] for alarm in template.resources("AWS::CloudWatch::Alarm").values()]
    return {path.split("/")[-2] for path in paths if "/Watch/" in path}


def test_every_question_and_every_ingress_has_its_alarm(watched: Template) -> None:
    assert _alarms(watched) == {
        "PartnerSourceActive",
        "IntegrationActive",
        "SubscriptionActive",
        "WebhookSilent",
        "EventBridgeSilent",
        "WatchNotRunning",
    }


def test_a_bus_is_watched_even_where_nobody_asks_for_it(bus_alone: Template) -> None:
    assert _alarms(bus_alone) == {"PartnerSourceActive", "WatchNotRunning"}
    policy = statements(bus_alone.properties("AWS::IAM::ManagedPolicy", "Watch/Function/Policy")["PolicyDocument"])
    assert policy.keys() == {"Logs", "Tracing", "DescribeSource"}


def test_a_pipeline_with_the_webhook_alone_is_watched_only_when_asked_for(default: Template) -> None:
    assert _alarms(default) == set()
    hours = GenesysWatchProps(business_hours=BusinessHoursProps(start_hour=7, end_hour=18))
    assert _alarms(synthesize(watch=hours)) == {"WebhookSilent", "WatchNotRunning"}


@pytest.mark.parametrize("name", ["PartnerSourceActive", "IntegrationActive", "SubscriptionActive"])
def test_three_of_six_answers_that_are_no_or_missing_are_an_alarm(watched: Template, name: str) -> None:
    alarm = watched.properties("AWS::CloudWatch::Alarm", f"Watch/{name}")
    [reported, reports] = sorted(
        (each["MetricStat"] for each in alarm["Metrics"] if "MetricStat" in each), key=lambda each: each["Stat"]
    )
    assert (reported["Stat"], reports["Stat"]) == ("Minimum", "SampleCount")
    for each in (reported, reports):
        assert (each["Metric"]["MetricName"], each["Period"]) == (name, 300)
        assert each["Metric"]["Dimensions"] == [{"Name": "Pipeline", "Value": "Test/Pipeline"}]
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)
    assert (alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"]) == (3, 6)
    assert "AlarmTopic" in flat(alarm["AlarmActions"][0])


@pytest.mark.parametrize("ingress", ["Webhook", "EventBridge"])
def test_silence_of_an_ingress_for_so_long_in_business_hours_is_an_alarm(watched: Template, ingress: str) -> None:
    alarm = watched.properties("AWS::CloudWatch::Alarm", f"Watch/{ingress}Silent")
    [metric] = [each["MetricStat"] for each in alarm["Metrics"] if "MetricStat" in each]
    [expression] = [each["Expression"] for each in alarm["Metrics"] if "Expression" in each]
    assert metric["Metric"]["MetricName"] == f"EventsAccepted{ingress}"
    assert (metric["Stat"], metric["Period"]) == ("Sum", 300)
    # Out of hours it is 1; within them a missing value stays missing.
    assert expression.endswith(") == 0, 1, accepted)")
    assert (alarm["EvaluationPeriods"], alarm["Threshold"]) == (6, 1)
    assert alarm["TreatMissingData"] == "notBreaching"


def test_the_function_counts_a_zero_for_every_ingress_the_alarms_look_at(watched: Template) -> None:
    function = watched.properties("AWS::Lambda::Function", "Watch/Function/Function")
    variables = function["Environment"]["Variables"]
    assert variables["ACCEPTED_METRICS"] == "EventsAcceptedWebhook EventsAcceptedEventBridge"
    assert (variables["METRICS_NAMESPACE"], variables["PIPELINE_NAME"]) == ("GenesysFirehose", "Test/Pipeline")
    schedule = watched.properties("AWS::Events::Rule", "Watch/Function/Schedule")
    assert schedule["ScheduleExpression"] == "rate(5 minutes)"


def test_the_function_asks_for_this_source_integration_and_subscription(watched: Template) -> None:
    variables = watched.properties("AWS::Lambda::Function", "Watch/Function/Function")["Environment"]["Variables"]
    assert (variables["EVENT_SOURCE_NAME"], variables["INTEGRATION_SUFFIX"]) == (SOURCE, "lake")
    assert variables["SUBSCRIPTION_PATH"] == SUBSCRIPTIONS
    assert flat(variables["SUBSCRIPTION_URL"]).endswith("/v1/ingest/genesys-events")
    policy = statements(watched.properties("AWS::IAM::ManagedPolicy", "Watch/Function/Policy")["PolicyDocument"])
    assert policy["DescribeSource"]["Action"] == "events:DescribeEventSource"
    assert flat(policy["DescribeSource"]["Resource"]).endswith(f"::event-source/{SOURCE}")
    assert "ReadGenesysCredentials" in policy


def test_the_function_asks_with_a_client_of_its_own_where_there_is_one() -> None:
    stack = new_stack()
    arn = f"{SECRET_ARN[:-6]}reader"
    own = secretsmanager.Secret.from_secret_complete_arn(stack, "Readers", arn)
    GenesysFirehosePipeline(
        stack,
        "Pipeline",
        webhook=None,
        genesys=genesys(stack),
        partner_bus=bus_props(),
        watch=GenesysWatchProps(credentials=own),
    )
    template = template_of(stack)
    variables = template.properties("AWS::Lambda::Function", "Watch/Function/Function")["Environment"]["Variables"]
    assert variables["CREDENTIALS_SECRET_ARN"] == arn
    policy = statements(template.properties("AWS::IAM::ManagedPolicy", "Watch/Function/Policy")["PolicyDocument"])
    assert policy["ReadGenesysCredentials"]["Resource"] == arn
    assert "DecryptGenesysCredentials" not in policy
    others = template.properties("AWS::Lambda::Function", "Integration/Handler/Function")["Environment"]["Variables"]
    assert others["CREDENTIALS_SECRET_ARN"] == SECRET_ARN


HOURS = {
    "office": BusinessHoursProps(start_hour=8, end_hour=18),
    "around the clock": BusinessHoursProps(start_hour=0, end_hour=24, days=range(1, 8)),
    "over midnight": BusinessHoursProps(start_hour=15, end_hour=1),
    "over midnight on sunday": BusinessHoursProps(start_hour=22, end_hour=6, days=[7, 3]),
    "a whole day from noon": BusinessHoursProps(start_hour=12, end_hour=12, days=[2]),
    "one hour": BusinessHoursProps(start_hour=23, end_hour=24, days=[6]),
}


def _says(condition: str, day: int, hour: int) -> bool:
    """Evaluate a condition in metric math, whose operators Python has in lower case."""
    python = condition.replace("DAY(m)", str(day)).replace("HOUR(m)", str(hour))
    assert re.fullmatch(r"[0-9()<>= ANDOR]+", python)
    return bool(eval(python.replace("AND", "and").replace("OR", "or")))  # noqa: S307 - checked above


@pytest.mark.parametrize("name", HOURS)
def test_the_condition_holds_in_exactly_the_hours_of_the_week_it_should(name: str) -> None:
    hours = HOURS[name]
    length = (
        (hours.end_hour - hours.start_hour)
        if hours.end_hour > hours.start_hour
        else (24 - hours.start_hour + hours.end_hour)
    )
    expected = {
        ((day - 1) * 24 + hours.start_hour + offset) % (7 * 24) for day in hours.days for offset in range(length)
    }
    found = {
        (day - 1) * 24 + hour for day in range(1, 8) for hour in range(24) if _says(hours.condition("m"), day, hour)
    }
    assert found == expected


REFUSED: dict[str, tuple[Any, str]] = {
    "hour 24 as the first": (
        lambda: BusinessHoursProps(start_hour=24, end_hour=6),
        "watch.business_hours.start_hour is 24 o'clock: 0 to 23 o'clock are allowed, in UTC.",
    ),
    "hour 0 as the end": (
        lambda: BusinessHoursProps(start_hour=8, end_hour=0),
        "watch.business_hours.end_hour is 0 o'clock: 1 to 24 o'clock are allowed, in UTC.",
    ),
    "no days": (
        lambda: BusinessHoursProps(start_hour=8, end_hour=18, days=[]),
        "watch.business_hours.days is empty: 1, Monday, to 7, Sunday, are allowed.",
    ),
    "day 0": (
        lambda: BusinessHoursProps(start_hour=8, end_hour=18, days=[0]),
        "watch.business_hours.days holds 0: 1, Monday, to 7, Sunday, are allowed.",
    ),
    "silence of five minutes": (
        lambda: GenesysWatchProps(business_hours=OFFICE, silence=cdk.Duration.minutes(5)),
        "watch.silence is 5 minutes: 10 to 720 minutes are allowed, because CloudWatch evaluates a day at most.",
    ),
    "silence of 32 minutes": (
        lambda: GenesysWatchProps(business_hours=OFFICE, silence=cdk.Duration.minutes(32)),
        "watch.silence is 32 minutes: whole steps of 5 minutes are allowed.",
    ),
    "subscription nobody can be asked for": (
        lambda: synthesize(watch=GenesysWatchProps(subscription_path=SUBSCRIPTIONS)),
        "watch.subscription_path is given without genesys or webhook: it is allowed with both.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_watch_that_cannot_work_is_refused(case: str) -> None:
    build, message = REFUSED[case]
    with pytest.raises(InvalidPropertyError) as refusal:
        build()
    assert str(refusal.value) == message


def test_every_finding_is_acknowledged_and_no_acknowledgement_is_left_over() -> None:
    assert unacknowledged(_pipeline) == []
    assert unneeded(_pipeline) == set()


def test_the_bus_waits_for_the_integration_that_makes_its_source(watched: Template) -> None:
    bus = watched.one("AWS::Events::EventBus")
    assert any("Integration" in name for name in bus["DependsOn"])


def test_an_integration_made_by_hand_is_asked_for_but_not_touched() -> None:
    stack = new_stack()
    pipeline = _pipeline(stack, manage_integration=False)
    assert pipeline.integration is None
    template = template_of(stack)
    assert "IntegrationActive" in _alarms(template)
    assert template.resources("AWS::CloudFormation::CustomResource") == {}


def test_a_genesys_region_far_from_the_stack_is_a_warning() -> None:
    stack = new_stack(environment=cdk.Environment(account="111122223333", region="us-east-1"))
    _pipeline(stack)
    warnings = assertions.Annotations.from_stack(stack).find_warning("*", assertions.Match.any_value())
    assert any(
        "EU_CENTRAL_1 is in eu-central-1 and the stack in us-east-1" in str(each.entry.data) for each in warnings
    )


def test_a_government_region_outside_the_united_states_is_refused() -> None:
    stack = new_stack(environment=cdk.Environment(account="111122223333", region="eu-west-1"))
    with pytest.raises(InvalidPropertyError, match="US_EAST_2_GOVERNMENT with a stack in eu-west-1"):
        _pipeline(stack, GenesysRegion.US_EAST_2_GOVERNMENT)
