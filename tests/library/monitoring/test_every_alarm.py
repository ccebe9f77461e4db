"""Over every kind of template: each resource has the alarms of its kind, each alarm a name, its first data, and advice."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, get_args

import aws_cdk as cdk
import pytest
from aws_cdk import aws_sns as sns

from genesys_firehose_cdk import (
    AlarmSeverity,
    GenesysFirehosePipeline,
    MonitoringProps,
)
from genesys_firehose_cdk.common.alarm import RUNBOOK_URL, AlarmSection
from genesys_firehose_cdk.common.context import MetricName
from genesys_firehose_tools.local.drills.alarms import AlarmDefinition, AlarmState, Metric, Samples
from tests.library.ingress.test_partner_bus import bus_props
from tests.library.synthesis import ROOT, Template, flat, new_context, new_stack, template_of
from tests.library.templates import KINDS
from tests.library.templates import template as synthesized

# What every resource of a type is watched for, in its own dimension.
METRICS: dict[str, set[str]] = {
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
    "AWS::ElasticLoadBalancingV2::LoadBalancer": {"HTTPCode_ELB_4XX_Count", "HTTPCode_ELB_5XX_Count"},
}
_WITHIN_A_DEPLOYMENT = "It runs within a deployment alone, and CloudFormation reports its failure."
NOT_WATCHED = {
    "/Provider/framework-onEvent": _WITHIN_A_DEPLOYMENT,
    "/Provider/framework-isComplete": _WITHIN_A_DEPLOYMENT,
    "/Provider/framework-onTimeout": _WITHIN_A_DEPLOYMENT,
    "/Provider/waiter-state-machine": _WITHIN_A_DEPLOYMENT,
    "/Custom::S3AutoDeleteObjectsCustomResourceProvider/Handler": _WITHIN_A_DEPLOYMENT,
}


def alarms_of(template: Template) -> dict[str, dict[str, Any]]:
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
    for kind, names in METRICS.items():
        for logical_id, resource in template.resources(kind).items():
            own = f'"{resource["Properties"]["Name"]}"' if kind == "AWS::ApiGateway::RestApi" else f'"{logical_id}"'
            for name in names:
                if not any(metric == name and own in values for metric, values in watched):
                    yield resource["Metadata"]["aws:cdk:path"].removesuffix("/Resource"), name


@pytest.mark.parametrize("name", KINDS)
def test_every_resource_has_the_alarms_of_its_kind_or_a_reason(name: str) -> None:
    missing = [
        (path, metric) for path, metric in _missing(synthesized(name)) if not any(end in path for end in NOT_WATCHED)
    ]
    assert missing == []


def test_every_reason_is_about_a_resource_that_is_there() -> None:
    paths = [path for name in KINDS for path, _metric in _missing(synthesized(name))]
    for end in NOT_WATCHED:
        assert any(end in path for path in paths), end


def test_a_resource_without_an_alarm_would_be_noticed() -> None:
    stack = new_stack()
    GenesysFirehosePipeline(stack, "Pipeline")
    cdk.aws_sqs.Queue(stack, "Other")
    assert ("Test/Other", "ApproximateNumberOfMessagesVisible") in set(_missing(template_of(stack)))


def test_the_queue_that_is_consumed_has_an_alarm_on_its_age_too() -> None:
    template = synthesized("default")
    [age] = [values for metric, values in _metrics(template) if metric == "ApproximateAgeOfOldestMessage"]
    [(queue, _)] = [
        (logical_id, each)
        for logical_id, each in template.resources("AWS::SQS::Queue").items()
        if "RedrivePolicy" in each["Properties"]
    ]
    assert queue in age


def test_a_rule_with_a_dead_letter_queue_is_watched_for_what_goes_there_and_what_cannot() -> None:
    alarms = alarms_of(synthesized("bus alone"))
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


@pytest.mark.parametrize("name", KINDS)
def test_no_alarm_takes_data_that_are_not_there_yet_for_a_fault(name: str) -> None:
    treatments = {alarm: properties["TreatMissingData"] for alarm, properties in alarms_of(synthesized(name)).items()}
    assert set(treatments.values()) <= {"notBreaching", "ignore"}
    stays_on = {alarm for alarm, treatment in treatments.items() if treatment == "ignore"}
    assert stays_on <= {
        "DaysToExpiry",
        "PartnerSourceActive",
        "IntegrationActive",
        "ManifestMissing",
        "SubscriptionActive",
        "TablesLate",
        "WatchNotRunning",
        "IpRangesUnchecked",
        "NamesMissing",
        "DaysNotReconciled",
        "DaysNotSettled",
        "ProbeHealthy",
    }


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
    context.report_alarm(
        stack, "Alarm", metric=context.metric("IpRangesChecked"), description="", severity=AlarmSeverity.PAGE
    )
    alarm = AlarmDefinition.of(template_of(stack).properties("AWS::CloudWatch::Alarm"))
    data = _series(alarm, *reported)
    assert alarm.state(alarm.values(data, NOW), AlarmState.OK) == (AlarmState.ALARM if is_alarm else AlarmState.OK)


NOW = datetime(2026, 11, 30, 10, tzinfo=UTC)


def _series(alarm: AlarmDefinition, *values: float | Mapping[str, float] | None) -> Samples:
    """Data of periods of which the last one ends now: one value of all metrics, or of each by its id."""
    data = Samples()
    for number, value in enumerate(reversed(values)):
        by_id = value if isinstance(value, Mapping) else dict.fromkeys(alarm.metrics, value)
        # Statistics of one metric are of the same samples.
        sets: dict[Metric, dict[str, float]] = {}
        for name, wanted in alarm.metrics.items():
            if (given := by_id[name]) is not None:
                every = sets.setdefault(wanted.metric, {"SampleCount": 1.0} | dict.fromkeys(_ONE_VALUE, given))
                if wanted.statistic == "SampleCount":
                    every["SampleCount"], every["Sum"] = given, given * every["Maximum"]
        for metric, statistics in sets.items():
            data.add(metric, NOW - (number + 0.5) * alarm.period, **statistics)
    return data


_ONE_VALUE = ("Sum", "Minimum", "Maximum")

# What makes an alarm on a calculated metric go off, and what does not, by the metrics' ids.
CALCULATED: dict[str, tuple[dict[str, float], dict[str, float]]] = {
    "visible + hidden": ({"visible": 499, "hidden": 1}, {"visible": 498, "hidden": 1}),
    "IF(requests >= 10, share, 0)": ({"share": 1, "requests": 10}, {"share": 1, "requests": 9}),
    "MAX([bytesIn": (
        {"bytesIn": 240, "bytesLimit": 1, "recordsIn": 1, "recordsLimit": 1, "requestsIn": 1, "requestsLimit": 1},
        {"bytesIn": 239, "bytesLimit": 1, "recordsIn": 1, "recordsLimit": 1, "requestsIn": 1, "requestsLimit": 1},
    ),
    "FILL(key": (
        {"keyAccessDenied": 0, "keyDisabled": 1, "keyInvalidState": 0, "keyNotFound": 0},
        {"keyAccessDenied": 0, "keyDisabled": 0, "keyInvalidState": 0, "keyNotFound": 0},
    ),
    "errors - FILL(undecided": ({"errors": 1, "undecided": 0}, {"errors": 1, "undecided": 1}),
    "byBalancer + byFunction - FILL(undecided": (
        {"byBalancer": 0, "byFunction": 1, "undecided": 0},
        {"byBalancer": 0, "byFunction": 1, "undecided": 1},
    ),
    "byFunction + byBalancer": ({"byFunction": 1, "byBalancer": 99}, {"byFunction": 98, "byBalancer": 1}),
    "IF(requests >= 10, refused": ({"refused": 5, "requests": 10}, {"refused": 9, "requests": 9}),
    "IF(RUNNING_SUM": ({"reported": 0, "reports": 1}, {"reported": 1, "reports": 1}),
    # A Monday, 10:00.
    "IF(((DAY(runs)": (
        {"runs": 1, "posts": 0, "refused": 0, "failed": 0, "invocations": 0, "accepted": 0},
        {"runs": 1, "posts": 1, "refused": 0, "failed": 0, "invocations": 1, "accepted": 1},
    ),
}


def _breaching_and_not(alarm: AlarmDefinition) -> tuple[Any, Any]:
    calculated = [values for beginning, values in CALCULATED.items() if alarm.expression.startswith(beginning)]
    if calculated:
        return calculated[0]
    further = 1e-6 if alarm.comparison.startswith("Greater") else -1e-6
    if "OrEqual" in alarm.comparison:
        return alarm.threshold, alarm.threshold - further
    return alarm.threshold + further, alarm.threshold


@pytest.mark.parametrize("name", KINDS)
def test_every_alarm_goes_off_by_its_own_definition_and_is_over_again_and_not_before(name: str) -> None:
    for label, properties in alarms_of(synthesized(name)).items():
        alarm = AlarmDefinition.of(properties)
        breaching, within = _breaching_and_not(alarm)
        needed, looked_at = alarm.datapoints_to_alarm, alarm.evaluation_periods

        def state(*values: Any, alarm: AlarmDefinition = alarm, before: AlarmState = AlarmState.OK) -> AlarmState:
            return alarm.state(alarm.values(_series(alarm, *values), NOW), before)

        assert state(*[within] * looked_at, *[breaching] * needed) is AlarmState.ALARM, label
        assert state(*[within] * looked_at, *[breaching] * (needed - 1)) is AlarmState.OK, label
        assert state(*[breaching] * looked_at, *[within] * looked_at, before=AlarmState.ALARM) is AlarmState.OK, label
        assert state() is AlarmState.OK, label


# The metrics that AWS documents, each with its dimensions; where, and what one value of it is.
DOCUMENTED: dict[str, tuple[str, set[tuple[str, ...]], set[str]]] = {
    "AWS/Firehose": (
        "Amazon Data Firehose Developer Guide, Monitor Amazon Data Firehose with CloudWatch metrics",
        {("DeliveryStreamName",)},
        {
            "BackupToS3.DataFreshness",
            "BackupToS3.Success",
            "BytesPerSecondLimit",
            "DeliveryToS3.DataFreshness",
            "DeliveryToS3.Success",
            "ExecuteProcessing.Success",
            "IncomingBytes",
            "IncomingPutRequests",
            "IncomingRecords",
            "KMSKeyAccessDenied",
            "KMSKeyDisabled",
            "KMSKeyInvalidState",
            "KMSKeyNotFound",
            "PartitionCountExceeded",
            "PutRequestsPerSecondLimit",
            "RecordsPerSecondLimit",
            "ThrottledRecords",
        },
    ),
    "AWS/Lambda": (
        "AWS Lambda Developer Guide, Types of metrics for Lambda functions",
        {("FunctionName",)},
        {"Errors", "Invocations", "Throttles"},
    ),
    "AWS/States": (
        "AWS Step Functions Developer Guide, Monitoring Step Functions metrics using Amazon CloudWatch",
        {("StateMachineArn",)},
        {"ExecutionsAborted", "ExecutionsFailed", "ExecutionsTimedOut"},
    ),
    "AWS/ApiGateway": (
        "Amazon API Gateway Developer Guide, Amazon API Gateway dimensions and metrics",
        {("ApiName",), ("ApiName", "Method", "Resource", "Stage")},
        {"4XXError", "5XXError", "Count"},
    ),
    "AWS/ApplicationELB": (
        "Elastic Load Balancing User Guide, CloudWatch metrics for your Application Load Balancer",
        {("LoadBalancer",), ("LoadBalancer", "TargetGroup")},
        {
            "HTTPCode_ELB_4XX_Count",
            "HTTPCode_ELB_5XX_Count",
            "HTTPCode_Target_2XX_Count",
            "HTTPCode_Target_4XX_Count",
            "HTTPCode_Target_5XX_Count",
            "RequestCount",
        },
    ),
    "AWS/SQS": (
        "Amazon SQS Developer Guide, Available CloudWatch metrics for Amazon SQS",
        {("QueueName",)},
        {
            "ApproximateAgeOfOldestMessage",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesVisible",
        },
    ),
    "AWS/CertificateManager": (
        "AWS Certificate Manager User Guide, Supported CloudWatch metrics",
        {("CertificateArn",)},
        {"DaysToExpiry"},
    ),
    "AWS/Events": (
        "Amazon EventBridge User Guide, Monitoring Amazon EventBridge",
        {("RuleName",), ("EventBusName", "RuleName")},
        {"FailedInvocations", "Invocations", "InvocationsFailedToBeSentToDlq", "InvocationsSentToDlq"},
    ),
}
OWN = {("Pipeline",)}


@pytest.mark.parametrize("name", KINDS)
def test_every_alarm_watches_a_metric_that_is_documented_in_dimensions_that_are(name: str) -> None:
    for label, properties in alarms_of(synthesized(name)).items():
        for wanted in AlarmDefinition.of(properties).metrics.values():
            dimensions = tuple(each for each, _ in wanted.metric.dimensions)
            if wanted.metric.namespace == "GenesysFirehose":
                assert wanted.metric.name in get_args(MetricName), label
                assert dimensions in OWN, label
            else:
                _document, known_dimensions, known_metrics = DOCUMENTED[wanted.metric.namespace]
                assert wanted.metric.name in known_metrics, label
                assert dimensions in known_dimensions, label


def test_no_documented_metric_is_listed_that_no_alarm_watches() -> None:
    watched = {(metric.namespace, metric.name) for name in KINDS for metric in _watched_in(name)}
    listed = {(namespace, metric) for namespace, (_, _, metrics) in DOCUMENTED.items() for metric in metrics}
    assert listed <= watched


def _watched_in(name: str) -> Iterator[Metric]:
    for properties in alarms_of(synthesized(name)).values():
        yield from (wanted.metric for wanted in AlarmDefinition.of(properties).metrics.values())


@pytest.mark.parametrize("name", KINDS)
def test_an_alarms_name_is_the_stacks_and_the_path_in_it(name: str) -> None:
    for alarm in synthesized(name).resources("AWS::CloudWatch::Alarm").values():
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
        severity = AlarmSeverity.PAGE
        context.alarm(scope, "Late", metric=context.metric("EventAge"), description="", severity=severity, threshold=1)
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


# What can wait for the day: no event suffers from it by itself. All others page.
TICKETS = {
    "CertificateDaysLeft",
    "ClientErrors",
    "ConflictingRecords",
    "ConversationsMissing",
    "ConversationsPartial",
    "DaysNotReconciled",
    "DaysNotSettled",
    "DaysToExpiry",
    "DeduplicationUnavailable",
    "IpRangesRefused",
    "IpRangesUnchecked",
    "NamesForbidden",
    "NamesMissing",
    "QuotaUse",
    "SchemaDrift",
    "StreamThrottled",
    "TokenVolume",
    "WatchNotRunning",
}
TICKETS_OF_A_KIND = re.compile(
    r"(?<!Server)(?:Errors|Throttles)$|^(?:Backfill|Manifest|Rebuild|Reconciliation|Retention|Tables)|^(?!PartnerBus).*FailedInvocations$"
)
PAGES = {
    "BackupFreshness",
    "BackupSuccess",
    "CertificateChain",
    "CertificateName",
    "CertificateProtocol",
    "DeadLetters",
    "DeliveryFreshness",
    "DeliverySuccess",
    "EventBridgeSilent",
    "FailedRecords",
    "IntegrationActive",
    "PartitionCountExceeded",
    "PartnerBusRuleFailedInvocations",
    "PartnerBusRuleInvocationsFailedToBeSentToDlq",
    "PartnerBusRuleInvocationsSentToDlq",
    "PartnerSourceActive",
    "ProbeHealthy",
    "ProcessingSuccess",
    "QueueAge",
    "QueueDepth",
    "RefusedShare",
    "ServerErrors",
    "StreamKey",
    "SubscriptionActive",
    "WebhookSilent",
}
TICKET_TOPIC = "arn:aws:sns:eu-west-1:111122223333:tickets"
RUNBOOK = "https://example.com/alarms.html"


def _base(alarm: str) -> str:
    """The alarm's name without the number of a stream."""
    return alarm.rstrip("0123456789")


def _severity(alarm: str) -> AlarmSeverity:
    """What the tables above say; none says both."""
    is_ticket = _base(alarm) in TICKETS or bool(TICKETS_OF_A_KIND.search(alarm))
    assert is_ticket != (_base(alarm) in PAGES), alarm
    return AlarmSeverity.TICKET if is_ticket else AlarmSeverity.PAGE


@cache
def _sections() -> dict[str, str]:
    """The page's sections by their anchors, as GitHub makes them of headings."""
    _, *sections = re.split(r"^## ", (ROOT / RUNBOOK_URL).read_text(), flags=re.MULTILINE)
    return {section.splitlines()[0].lower().replace(" ", "-"): section for section in sections}


def _head(section: str) -> str:
    """The severity, and the names of the alarms."""
    return section.split("\n\n")[1]


def _names_in(section: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", _head(section)))


@pytest.mark.parametrize("name", KINDS)
def test_every_description_ends_with_the_address_of_the_section_that_names_the_alarm(name: str) -> None:
    for alarm, properties in alarms_of(synthesized(name)).items():
        _, _, anchor = properties["AlarmDescription"].rpartition(f" Runbook: {RUNBOOK_URL}#")
        section = _sections()[anchor]
        assert _base(alarm) in _names_in(section), alarm
        assert _head(section).lower().startswith(f"{_severity(alarm).value}: "), alarm


def test_the_page_has_a_section_for_each_kind_of_alarm_and_names_no_alarm_that_there_is_not() -> None:
    assert set(_sections()) == set(get_args(AlarmSection))
    there = {_base(alarm) for name in KINDS for alarm in alarms_of(synthesized(name))}
    assert {alarm for section in _sections().values() for alarm in _names_in(section)} == there | {"EventsAtRisk"}


@pytest.mark.parametrize("section", get_args(AlarmSection))
def test_each_section_says_what_it_means_how_bad_it_is_and_how_to_see_and_mend_it(section: str) -> None:
    parts = re.split(r"^\*\*(.+?)\*\*", _sections()[section], flags=re.MULTILINE)
    said = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert list(said) == ["It means.", "How bad.", "See it.", "Mend it.", "It is mended when"]
    for part, text in said.items():
        assert text.strip(), part
        assert ("```sh" in text) == (part in ("See it.", "Mend it.")), part


@pytest.mark.parametrize("name", KINDS)
def test_every_alarm_is_heard_when_it_goes_off_and_when_it_is_over_and_says_what_to_do(name: str) -> None:
    for alarm in alarms_of(synthesized(name)).values():
        [action] = alarm["AlarmActions"]
        assert alarm["OKActions"] == [action]
        assert "AlarmTopic" in flat(action)
        # CloudWatch takes 1,024 characters, of which an address may have 300.
        assert 40 < len(alarm["AlarmDescription"].partition(" Runbook: ")[0]) < 600


@cache
def _with_two_topics() -> Template:
    stack = new_stack()
    topic = sns.Topic.from_topic_arn(stack, "Tickets", TICKET_TOPIC)
    monitoring = MonitoringProps(existing_ticket_topic=topic, runbook_url=RUNBOOK)
    GenesysFirehosePipeline(stack, "Pipeline", partner_bus=bus_props(), monitoring=monitoring)
    return template_of(stack)


def test_a_topic_of_its_own_takes_the_tickets_and_no_page() -> None:
    for alarm, properties in alarms_of(_with_two_topics()).items():
        is_ticket = _severity(alarm) is AlarmSeverity.TICKET
        assert (properties["AlarmActions"] == [TICKET_TOPIC]) is is_ticket, alarm
        assert properties["AlarmActions"] == properties["OKActions"]
        assert f" Runbook: {RUNBOOK}#" in properties["AlarmDescription"]


@pytest.mark.parametrize("name", KINDS)
def test_one_alarm_is_on_while_any_alarm_that_pages_is(name: str) -> None:
    template = synthesized(name)
    composite = template.resources("AWS::CloudWatch::CompositeAlarm").values()
    rules = [flat(each["Properties"]["AlarmRule"]) for each in composite]
    for logical_id, alarm in template.resources("AWS::CloudWatch::Alarm").items():
        pages = _severity(alarm["Metadata"]["aws:cdk:path"].split("/")[-2]) is AlarmSeverity.PAGE
        assert (f'ALARM("<{logical_id}>")' in "".join(rules)) is pages
    for rule in rules:
        assert re.fullmatch(r'\(ALARM\("<\w+>"\)(?: OR ALARM\("<\w+>"\))*\)', rule)


def test_the_alarm_over_those_that_page_reports_to_the_alarm_topic() -> None:
    alarm = _with_two_topics().properties("AWS::CloudWatch::CompositeAlarm", "EventsAtRisk/Alarm")
    [action] = alarm["AlarmActions"]
    assert alarm["OKActions"] == [action]
    assert "AlarmTopic" in flat(action)
    assert alarm["AlarmName"] == "Test/Pipeline/EventsAtRisk"
    assert alarm["AlarmDescription"].endswith(f" Runbook: {RUNBOOK}#events-at-risk")
