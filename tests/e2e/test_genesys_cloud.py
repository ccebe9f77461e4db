"""A deployment creates the integration at Genesys Cloud, whose events then land, and takes it back when it goes."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import urllib3

from genesys_firehose_cdk.events.topics import resolve_topics
from genesys_firehose_tools.local.deployment import Deployment
from genesys_firehose_tools.local.values import GeneratedEvent, find_personal_values
from tests.e2e.conftest import (
    LOCAL_SETTINGS,
    Sender,
    eventually,
    output_of,
    pipeline_with,
    queue_length,
    topic_template,
)

Generate = Callable[[str], GeneratedEvent]


def integrations(deployment: Deployment) -> list[dict[str, Any]]:
    """The integrations that Genesys Cloud has."""
    state = urllib3.request("GET", f"{deployment.genesys_url}/_local/state").json()
    return list(state["integrations"])


def source_state(deployment: Deployment, source: str) -> str:
    """What AWS says of a partner event source."""
    events = deployment.client("events")
    try:
        return str(events.describe_event_source(Name=source)["State"])
    except events.exceptions.ResourceNotFoundException:
        return "gone"


@pytest.fixture
def source(deployment: Deployment) -> str:
    return output_of(deployment, "PartnerBusName")


def test_the_deployment_creates_and_enables_the_integration_with_exactly_the_topics(
    deployment: Deployment, source: str
) -> None:
    [integration] = integrations(deployment)
    assert (integration["type"], integration["intended_state"]) == ("amazon-eventbridge-source", "ENABLED")
    assert (integration["source"], integration["error"]) == (source, "")
    assert integration["properties"] == {
        "eventSourceSuffix": LOCAL_SETTINGS["event_source_suffix"],
        "awsAccountId": deployment.account,
        "awsAccountRegion": deployment.region,
        "eventFilter": sorted(resolve_topics("topics", LOCAL_SETTINGS["topics"])),
    }
    assert source_state(deployment, source) == "ACTIVE"


def test_events_that_genesys_cloud_sends_land_masked_in_clean_and_whole_in_raw(
    deployment: Deployment, source: str, sender: Sender, generate: Generate
) -> None:
    events = [generate("acd.end"), generate("presence"), generate("transcription")]
    body = [{"detail-type": topic_template(event), "detail": event.body} for event in events]
    answer = urllib3.request("POST", f"{deployment.genesys_url}/_local/events", json=body)
    assert answer.json() == {"sent": len(events)}
    assert eventually(lambda: queue_length(deployment, deployment.queue) == 0)

    for event in events:
        [raw] = sender.landings(event, "raw/")
        assert (raw["ingress"], raw["event"]["source"]) == ("eventbridge", source)
        assert raw["event"]["detail"] == event.body
        [clean] = sender.landings(event)
        assert (clean["ingress"], clean["ingest_id"]) == ("eventbridge", raw["ingest_id"])
        assert event.personal
        assert not find_personal_values(json.dumps(clean)) & event.personal


def test_the_deletion_of_the_stack_leaves_nothing_at_genesys_cloud() -> None:
    # The verification has left its marked event, and CloudFormation deletes no bucket that holds something.
    with pipeline_with(retention_mode="NONE", auto_delete_objects=True) as pipeline:
        deployment = pipeline.deployment
        cloudformation = deployment.client("cloudformation")
        source = output_of(deployment, "PartnerBusName")
        assert len(integrations(deployment)) == 1

        cloudformation.delete_stack(StackName=deployment.stack)
        cloudformation.get_waiter("stack_delete_complete").wait(
            StackName=deployment.stack, WaiterConfig={"Delay": 1, "MaxAttempts": 120}
        )

        assert integrations(deployment) == []
        assert source_state(deployment, source) == "gone"
        assert deployment.client("events").list_event_buses(NamePrefix=source)["EventBuses"] == []
