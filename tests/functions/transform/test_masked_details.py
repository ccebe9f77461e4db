"""A marker in every text of a conversation's details record of the SDK: only names of things pass."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from genesys_firehose_tools.operations.dictionary.generate import DETAILS_TOPIC
from genesys_firehose_tools.operations.dictionary.sdk import Field
from tests.functions.transform import sdk_events
from tests.functions.transform.sdk_events import ID, TIME
from tests.functions.transform.test_marked_events import ARRIVED_MS, KINDS, places
from tests.wired_functions import PLAN
from transform.masking import Findings, Masker

CODES = {
    "agentGroupType",
    "cobrowseRole",
    "codecs",
    "conversationInitiator",
    "property",
    "propertyType",
    "wrapUpCode",
}


def masked(text: Callable[[Field], Any], topic: str = DETAILS_TOPIC) -> tuple[dict[str, Any], Findings]:
    """A record with every field of the model, masked as the backfill's."""
    body = sdk_events._object("AnalyticsConversation", text, ())
    event = {"topicName": topic.replace("{id}", ID), "timestamp": TIME, "eventBody": body}
    findings = Masker(PLAN, b"key").mask(event, ARRIVED_MS, "backfill")
    return event, findings


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"one word"}))
def test_of_its_texts_only_names_of_flows_and_providers_are_in_clear(kind: str) -> None:
    markers: set[str] = set()

    def mark(_field: Field) -> str:
        marker = KINDS[kind](len(markers))
        markers.add(marker)
        return marker

    event, _ = masked(mark)
    assert len(markers) > 120
    assert {path.rpartition(".")[2] for path, text in places(event) if text in markers} == {"flowName", "provider"}


def test_of_single_words_codes_pass_too_and_nothing_that_is_a_persons() -> None:
    event, _ = masked(lambda _: "Zqmarker")
    clear = {path.rpartition(".")[2].removesuffix("[]") for path, text in places(event) if text == "Zqmarker"}
    assert clear >= CODES
    persons = {
        "ani",
        "dnis",
        "participantName",
        "remoteNameDisplayable",
        "addressFrom",
        "cc",
        "bcc",
        "callbackUserName",
    }
    texts = {"subject", "wrapUpNote", "wrapUpTags", "errorCodeDescription", "value", "entryReason", "accessAttributes"}
    assert not clear & (persons | texts)


def test_as_the_sdk_describes_it_it_has_no_drift_and_loses_no_code_or_id() -> None:
    event, findings = masked(lambda field: "IDLE" if field.is_enumeration else ID)
    assert findings.schema_drift == []
    assert all(name.endswith("*") for name in findings.closed_fields), findings.closed_fields
    assert event["eventBody"]["participants"][0]["sessions"][0]["sessionId"] == ID


def test_attributes_keep_only_what_is_allowed_and_an_odd_id_in_the_topic_is_a_token() -> None:
    event, _ = masked(lambda _: "Ada Lovelace", DETAILS_TOPIC.replace("{id}", "Ada Lovelace"))
    assert "Lovelace" not in json.dumps({**event, "eventBody": event["eventBody"]["participants"][0]["attributes"]})
