"""What the constructs of a pipeline share: the names of the metrics, and how alarms report."""

import re
from typing import Any, get_args

import pytest

from genesys_firehose_cdk import AlarmSeverity, GenesysFirehosePipeline, InvalidPropertyError, MetricName
from tests.library.synthesis import ROOT, new_context, new_stack, template_of

# Calls of the functions' telemetry, and the names that the watch and the ingest function compute.
_WRITTEN = re.compile(r"""(?:count|highest)\(\s*"([A-Z]\w+)\"""")
_COMPUTED = {
    "RequestsUnavailable",
    "RequestsRejected",
    "RequestsSignedWithOldKey",
    "RequestsSignedWithNewKey",
    "RequestsUndecided",
    "PartnerSourceActive",
    "IntegrationActive",
    "SubscriptionActive",
}

# State machines write these themselves.
_OF_STATE_MACHINES = {"TablesRefreshed", "ConversationsMissing", "ConversationsPartial", "DaysReconciled"}


def test_the_names_of_the_metrics_are_those_that_the_functions_write() -> None:
    sources = [path.read_text() for path in (ROOT / "lambda_src").rglob("*.py")]
    written = {name for text in sources for name in _WRITTEN.findall(text)}
    for name in _COMPUTED:
        assert any(f'"{name}"' in text for text in sources), name
    assert set(get_args(MetricName)) == written | _COMPUTED | _OF_STATE_MACHINES


@pytest.mark.parametrize("name", get_args(MetricName))
def test_the_runbook_says_what_each_metric_counts(name: str) -> None:
    assert f"`{name}`" in (ROOT / "docs" / "runbook.md").read_text()


def test_a_metric_has_the_pipelines_name_and_namespace() -> None:
    pipeline = GenesysFirehosePipeline(new_stack(), "Pipeline")
    found = pipeline.metric("EventAge", statistic="p99")
    assert (found.namespace, found.metric_name, found.statistic) == ("GenesysFirehose", "EventAge", "p99")
    assert found.dimensions == {"Pipeline": "Test/Pipeline"}


def test_drift_of_one_event_type_has_its_own_metric() -> None:
    found = GenesysFirehosePipeline(new_stack(), "Pipeline").metric("SchemaDrift", event_type="call")
    assert found.dimensions == {"Pipeline": "Test/Pipeline", "EventType": "call"}


def test_what_landed_by_one_way_in_has_its_own_metric() -> None:
    found = GenesysFirehosePipeline(new_stack(), "Pipeline").metric("RecordsTransformed", ingress="webhook")
    assert found.dimensions == {"Pipeline": "Test/Pipeline", "Ingress": "webhook"}


@pytest.mark.parametrize(
    ("of", "name"), [({"ingress": "webhook"}, "TokensMade"), ({"event_type": "call"}, "RecordsTransformed")]
)
def test_a_metric_by_what_nobody_writes_it_is_refused(of: dict[str, Any], name: MetricName) -> None:
    pipeline = GenesysFirehosePipeline(new_stack(), "Pipeline")
    with pytest.raises(InvalidPropertyError, match=f"^metric_name is '{name}'"):
        pipeline.metric(name, **of)


def test_a_way_in_that_does_not_exist_is_refused() -> None:
    pipeline = GenesysFirehosePipeline(new_stack(), "Pipeline")
    with pytest.raises(InvalidPropertyError, match=r"^ingress is 'webhok', did you mean 'webhook': allowed are "):
        pipeline.metric("EventAge", ingress="webhok")  # type: ignore[arg-type]


def test_a_metric_that_nobody_writes_is_refused() -> None:
    pipeline = GenesysFirehosePipeline(new_stack(), "Pipeline")
    with pytest.raises(
        InvalidPropertyError, match=r"^metric_name is 'EventsDuplicates', did you mean 'EventsDuplicate': allowed are "
    ):
        pipeline.metric("EventsDuplicates")  # type: ignore[arg-type]


def test_an_alarm_reports_to_the_topic_of_the_context() -> None:
    stack = new_stack()
    context = new_context(stack)
    context.alarm(
        stack,
        "Late",
        metric=context.metric("EventAge"),
        description="Events are late.",
        severity=AlarmSeverity.TICKET,
        threshold=5,
    )
    alarm = template_of(stack).properties("AWS::CloudWatch::Alarm")
    assert alarm["AlarmActions"] == alarm["OKActions"] == [stack.resolve(context.alarm_topic.topic_arn)]
    assert alarm["AlarmDescription"] == "Events are late."
    assert (alarm["ComparisonOperator"], alarm["TreatMissingData"]) == ("GreaterThanOrEqualToThreshold", "notBreaching")
