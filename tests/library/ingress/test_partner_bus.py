"""Genesys Cloud's events come over its own event bus into the queue, those asked for and no others."""

import json
from typing import Any

import aws_cdk as cdk
import pytest

from genesys_firehose_cdk import GenesysFirehosePipeline, InvalidPropertyError, PartnerBusProps
from genesys_firehose_cdk.events.topics import PRESETS, known_topics
from tests.library.synthesis import ROOT, Template, flat, new_stack, statements, synthesize

ORG_ID = "3b1f3c1e-0000-4000-8000-000000000000"
SOURCE = f"aws.partner/genesys.com/cloud/{ORG_ID}/lake"
TOPICS = ["conversation_details", "v2.users.{id}.presence"]


def bus_props(**properties: Any) -> PartnerBusProps:
    return PartnerBusProps(**{"org_id": ORG_ID, "event_source_suffix": "lake", "topics": TOPICS, **properties})


@pytest.fixture(scope="module")
def both() -> Template:
    """A pipeline with both ingresses."""
    return synthesize(partner_bus=bus_props())


@pytest.fixture(scope="module")
def alone() -> Template:
    """A pipeline with the bus alone."""
    return synthesize(webhook=None, partner_bus=bus_props())


def _rule(template: Template) -> dict[str, Any]:
    [rule] = [
        resource["Properties"]
        for resource in template.resources("AWS::Events::Rule").values()
        if "EventPattern" in resource["Properties"]
    ]
    return dict(rule)


def test_bus_has_exactly_the_name_of_the_partner_source(both: Template) -> None:
    bus = both.properties("AWS::Events::EventBus")
    assert (bus["Name"], bus["EventSourceName"]) == (SOURCE, SOURCE)


def test_rule_matches_literal_topics_of_this_source_and_nothing_else(both: Template) -> None:
    rule = _rule(both)
    assert rule["EventPattern"] == {
        "source": [SOURCE],
        "detail-type": [*PRESETS["conversation_details"], "v2.users.{id}.presence"],
    }
    assert "v2.detail.events.conversation.{id}.acd.end" in rule["EventPattern"]["detail-type"]


def test_rule_leads_into_the_buffer_queue_with_its_dead_letter_queue_behind(both: Template) -> None:
    [target] = _rule(both)["Targets"]
    assert "BufferQueue" in flat(target["Arn"])
    assert "BufferDeadLetterQueue" in flat(target["DeadLetterConfig"]["Arn"])
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185}
    assert "RoleArn" not in target


@pytest.mark.parametrize("queue", ["Buffer/Queue", "Buffer/DeadLetterQueue"])
def test_both_queues_take_events_from_this_rule_alone(both: Template, queue: str) -> None:
    policy = statements(both.properties("AWS::SQS::QueuePolicy", f"{queue}/Policy")["PolicyDocument"])
    assert {sid: statement["Effect"] for sid, statement in policy.items()} == {"": "Deny", "PartnerEvents": "Allow"}
    allowed = policy["PartnerEvents"]
    assert (allowed["Principal"], allowed["Action"]) == ({"Service": "events.amazonaws.com"}, "sqs:SendMessage")
    assert "PartnerBusRule" in flat(allowed["Condition"]["ArnEquals"]["aws:SourceArn"])


def test_eventbridge_may_use_the_key_of_the_queues(both: Template) -> None:
    [key] = [
        resource["Properties"]["KeyPolicy"]
        for name, resource in both.resources("AWS::KMS::Key").items()
        if "OperationsKey" in name
    ]
    allowed = statements(key)["EventBridge"]
    assert set(allowed["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey"}
    assert "Condition" not in allowed


def test_archive_keeps_what_the_rule_takes_for_as_long_as_the_queue(both: Template) -> None:
    archive = both.properties("AWS::Events::Archive")
    assert archive["RetentionDays"] == 14
    assert archive["EventPattern"] == _rule(both)["EventPattern"]


def test_bus_goes_with_the_stack_because_its_name_exists_once(both: Template) -> None:
    assert both.one("AWS::Events::EventBus").get("DeletionPolicy", "Delete") == "Delete"


def test_nothing_of_the_webhook_changes_when_the_bus_comes(both: Template, default: Template) -> None:
    for name, resource in default.content["Resources"].items():
        # Dashboard and composite alarm have the bus's alarms as well.
        if resource["Type"] not in {
            "AWS::SQS::QueuePolicy",
            "AWS::CloudWatch::CompositeAlarm",
            "AWS::CloudWatch::Dashboard",
        }:
            assert both.content["Resources"][name] == resource


PUBLIC = (
    "AWS::ApiGateway::RestApi",
    "AWS::ApiGateway::DomainName",
    "AWS::CertificateManager::Certificate",
    "AWS::Lambda::Url",
)


@pytest.mark.parametrize("type_name", PUBLIC)
def test_with_the_bus_alone_there_is_no_public_endpoint(alone: Template, type_name: str) -> None:
    assert alone.resources(type_name) == {}


def test_with_the_bus_alone_nobody_but_a_schedule_may_invoke_a_function(alone: Template) -> None:
    [permission] = alone.resources("AWS::Lambda::Permission").values()
    assert permission["Properties"]["Principal"] == "events.amazonaws.com"
    assert "Watch" in flat(permission["Properties"]["SourceArn"])


def test_with_the_bus_alone_there_is_no_signing_key_and_no_way_to_read_one(alone: Template) -> None:
    assert [name for name in alone.content["Resources"] if "SigningKey" in name] == []
    function = alone.properties("AWS::Lambda::Function", "Ingest/Function")
    assert function["Environment"]["Variables"]["SIGNING_SECRET_ARN"] == ""
    policy = json.dumps(alone.properties("AWS::IAM::ManagedPolicy", "Ingest/Policy"))
    assert "secretsmanager" not in policy


def test_outputs_name_what_there_is() -> None:
    stack = new_stack()
    pipeline = GenesysFirehosePipeline(stack, "Pipeline", webhook=None, partner_bus=bus_props())
    assert "PartnerBusName" in pipeline.outputs
    assert not {"IngestUrl", "HealthUrl", "SigningSecretArn"} & pipeline.outputs.keys()
    assert (pipeline.api, pipeline.signing_key, pipeline.certificate_alarms) == (None, None, None)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "organization that is no UUID": (
        {"org_id": "acme"},
        "partner_bus.org_id is 'acme': the organization's id is allowed, a UUID in lower case such as "
        "3b1f3c1e-0000-4000-8000-000000000000.",
    ),
    "organization in upper case": (
        {"org_id": ORG_ID.upper()},
        f"partner_bus.org_id is '{ORG_ID.upper()}': the organization's id is allowed, a UUID in lower case such as "
        "3b1f3c1e-0000-4000-8000-000000000000.",
    ),
    "suffix with a slash": (
        {"event_source_suffix": "a/b"},
        "partner_bus.event_source_suffix is 'a/b': 1 to 64 letters, digits and ._- are allowed.",
    ),
    "suffix that is too long": (
        {"event_source_suffix": "a" * 65},
        f"partner_bus.event_source_suffix is '{'a' * 65}': 1 to 64 letters, digits and ._- are allowed.",
    ),
    "too many topics": (
        {"topics": list(known_topics())},
        f"partner_bus.topics are {len(known_topics())}: as many are allowed as fit an event pattern of 2,048 characters.",
    ),
    "archive without end": (
        {"archive_retention": cdk.Duration.days(366)},
        "partner_bus.archive_retention is 366 days: 1 to 365 days are allowed, because raw/ keeps events for longer.",
    ),
    "event age of a second": (
        {"max_event_age": cdk.Duration.seconds(1)},
        "partner_bus.max_event_age is 1 seconds: 60 to 86,400 seconds are allowed, EventBridge's limit.",
    ),
    "too many attempts": (
        {"retry_attempts": 186},
        "partner_bus.retry_attempts is 186 attempts: 0 to 185 attempts are allowed, EventBridge's limit.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_property_that_genesys_or_eventbridge_would_refuse_is_refused_at_synthesis(case: str) -> None:
    properties, message = REFUSED[case]
    with pytest.raises(InvalidPropertyError) as refusal:
        bus_props(**properties)
    assert str(refusal.value) == message


def test_a_topic_that_genesys_does_not_publish_is_refused_under_the_name_of_the_property() -> None:
    with pytest.raises(InvalidPropertyError, match=r"^partner_bus\.topics holds 'v2\.users\.\{userId\}\.presence' "):
        bus_props(topics=["v2.users.{userId}.presence"])


def test_all_presets_together_fit_one_rule() -> None:
    assert len(bus_props(topics=list(PRESETS)).pattern_topics) == sum(map(len, PRESETS.values()))


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_in_the_docs(preset: str) -> None:
    assert f"| `{preset}` |" in (ROOT / "docs" / "ingress.md").read_text()


def test_a_pipeline_without_any_ingress_is_refused() -> None:
    with pytest.raises(InvalidPropertyError) as refusal:
        synthesize(webhook=None)
    assert str(refusal.value) == "webhook is None without a partner_bus: one of the two is needed."
