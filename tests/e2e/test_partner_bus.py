"""Events that Genesys Cloud puts on its partner bus land like the webhook's, told apart by their ingress."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from genesys_firehose_tools.local.deployment import Deployment
from genesys_firehose_tools.local.values import GeneratedEvent, find_personal_values
from tests.e2e.conftest import Sender, eventually, output_of, queue_length, topic_template

Generate = Callable[[str], GeneratedEvent]

# The families whose topics the local environment asks for; the others have no topic, or not one of them.
FAMILIES = [
    "acd.end",
    "customer.start",
    "after-call work",
    "callback",
    "attributes",
    "presence",
    "routing status",
    "transcription",
    "audit",
]


class Partner:
    """Genesys Cloud on its side of the bus."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self.source = output_of(deployment, "PartnerBusName")

    def put(self, *events: GeneratedEvent) -> None:
        """Put events on the bus and wait until the queue behind it is empty."""
        entries = [
            {
                "Source": self.source,
                "DetailType": topic_template(event),
                "Detail": json.dumps(event.body),
            }
            for event in events
        ]
        answer = self._deployment.client("events").put_partner_events(Entries=entries)
        assert answer["FailedEntryCount"] == 0, answer
        assert eventually(lambda: queue_length(self._deployment, self._deployment.queue) == 0)


@pytest.fixture
def partner(deployment: Deployment) -> Partner:
    return Partner(deployment)


def _only(records: list[dict[str, Any]]) -> dict[str, Any]:
    [record] = records
    return record


def test_every_family_on_the_bus_lands_masked_in_clean_and_whole_in_raw(
    partner: Partner, sender: Sender, generate: Generate
) -> None:
    events = [generate(family) for family in FAMILIES]
    partner.put(*events)

    for event in events:
        raw = _only(sender.landings(event, "raw/"))
        assert raw["ingress"] == "eventbridge"
        assert raw["event"]["source"] == partner.source
        assert raw["event"]["detail"] == event.body
        clean = _only(sender.landings(event))
        assert (clean["ingress"], clean["ingest_id"]) == ("eventbridge", raw["ingest_id"])
        assert not find_personal_values(json.dumps(clean)) & event.personal
    assert queue_length(sender.deployment, sender.deployment.dlq) == 0
    assert sender.landed("errors/") == []


def test_the_same_event_over_both_ingresses_lands_once(partner: Partner, sender: Sender, generate: Generate) -> None:
    first_by_webhook, first_by_bus = generate("acd.end"), generate("audit")
    sender.post_events(first_by_webhook)
    assert len(sender.landings(first_by_webhook)) == 1
    partner.put(first_by_webhook, first_by_bus)
    assert len(sender.landings(first_by_bus)) == 1
    sender.post_events(first_by_bus)

    for event, ingress in ((first_by_webhook, "webhook"), (first_by_bus, "eventbridge")):
        assert _only(sender.landings(event))["ingress"] == ingress
        assert {copy["ingress"] for copy in sender.landings(event, "raw/")} == {"webhook", "eventbridge"}


def test_an_event_of_a_topic_that_nobody_asked_for_goes_nowhere(
    partner: Partner, sender: Sender, generate: Generate
) -> None:
    unwanted, wanted = generate("conversation"), generate("presence")
    partner.put(unwanted, wanted)

    assert len(sender.landings(wanted)) == 1
    assert sender.landings(unwanted, "raw/") == []
    assert queue_length(sender.deployment, sender.deployment.dlq) == 0


def test_nobody_but_the_partner_can_put_events_of_its_source(
    partner: Partner, sender: Sender, generate: Generate
) -> None:
    event = generate("presence")
    entry = {
        "EventBusName": partner.source,
        "Source": partner.source,
        "DetailType": "v2.users.{id}.presence",
        "Detail": json.dumps(event.body),
    }
    client = sender.deployment.client("events")
    assert client.put_events(Entries=[entry])["Entries"][0]["ErrorCode"] == "NotAuthorizedForSourceException"
    # Another source on the same bus matches no rule.
    assert client.put_events(Entries=[{**entry, "Source": "genesys"}])["FailedEntryCount"] == 0
    assert sender.landings(event, "raw/") == []
