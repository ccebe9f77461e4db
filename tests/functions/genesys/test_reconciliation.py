"""Of what Genesys Cloud lists of a day, what is expected in the lake, and nothing else of it."""

import json
from typing import Any

import pytest

from genesys_reconciliation.expected import Listing, ListingError, Scope
from genesys_reconciliation.settings import ReconciliationSettings

SCOPE = Scope(purposes=frozenset({"customer", "agent"}), media=frozenset({"voice"}))
ENVIRONMENT = {
    "GENESYS_HOST": "mypurecloud.com",
    "CREDENTIALS_SECRET_ARN": "credentials",
    "PURPOSES": "customer,agent",
    "MEDIA": "voice,message",
    "TABLES_BUCKET_NAME": "tables",
    "EXPECTED_PREFIX": "expected_conversations/",
}


def session(number: int, medium: Any = "voice", **fields: Any) -> dict[str, Any]:
    return {"sessionId": f"s-{number}", "mediaType": medium, **fields}


def conversation(number: int, *participants: tuple[str, list[dict[str, Any]]], ended: bool = True) -> dict[str, Any]:
    return {
        "conversationId": f"c-{number}",
        "conversationStart": "2026-11-23T10:00:00.000Z",
        **({"conversationEnd": "2026-11-23T10:05:00.000Z"} if ended else {}),
        "participants": [
            {"participantId": "p", "purpose": purpose, "sessions": sessions} for purpose, sessions in participants
        ],
    }


def lines(*records: dict[str, Any]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Listing([records], SCOPE).lines("run-1")]


def test_each_session_of_the_purposes_and_media_is_a_line() -> None:
    record = conversation(
        1,
        ("customer", [session(1), session(2, "cobrowse")]),
        ("agent", [session(3, "VOICE")]),
        ("ivr", [session(4)]),
    )
    told = {"run": "run-1", "conversation": "c-1", "ended": True, "medium": "voice"}
    assert lines(record) == [
        {**told, "session": "s-1", "purpose": "customer"},
        {**told, "session": "s-3", "purpose": "agent"},
    ]


def test_a_conversation_without_such_a_session_is_listed_all_the_same() -> None:
    assert lines(conversation(1, ("ivr", [session(1)]), ended=False)) == [
        {"run": "run-1", "conversation": "c-1", "ended": False}
    ]


def test_nothing_personal_is_taken() -> None:
    record = conversation(1, ("customer", [session(1, ani="tel:+15551234567", remote="zqaaaaaa")]))
    record["participants"][0]["participantName"] = "zqbbbbbb"
    text = json.dumps(lines(record))
    assert "+1555" not in text
    assert "zq" not in text


def test_a_conversation_on_two_pages_is_listed_once_as_it_was_last() -> None:
    first, second = conversation(1, ended=False), conversation(1)
    listing = Listing([[first], [second]], SCOPE)
    assert [(each.conversation_id, each.ended) for each in listing.conversations] == [("c-1", True)]


def test_the_digest_is_of_the_conversations_and_not_of_how_far_they_are() -> None:
    one, other = (Listing([[conversation(1, ended=ended), conversation(2)]], SCOPE) for ended in (True, False))
    assert one.digest == other.digest
    assert one.digest == Listing([[conversation(2)], [conversation(1)]], SCOPE).digest
    assert one.digest != Listing([[conversation(1)]], SCOPE).digest


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"conversationId": ""},
        {"conversationId": 7},
        conversation(1, ("agent", [{"mediaType": "voice"}])),
        "no record",
    ],
)
def test_a_record_that_nothing_can_be_said_of_fails_the_listing(record: Any) -> None:
    with pytest.raises(ListingError, match="without an id"):
        Listing([[record]], SCOPE)


@pytest.mark.parametrize("participants", [None, "none", [None, 3], [{"purpose": None}], [{"purpose": "agent"}]])
def test_a_record_without_participants_is_no_fault(participants: Any) -> None:
    record = {**conversation(1), "participants": participants}
    assert [each.sessions for each in Listing([[record]], SCOPE).conversations] == [()]


def test_the_settings_are_read_once() -> None:
    settings = ReconciliationSettings.from_environment(ENVIRONMENT)
    assert settings.scope == Scope(frozenset({"customer", "agent"}), frozenset({"voice", "message"}))
    assert (settings.bucket_name, settings.prefix) == ("tables", "expected_conversations/")


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_the_function_does_not_start_without_a_setting(name: str) -> None:
    with pytest.raises(KeyError, match=name):
        ReconciliationSettings.from_environment({key: value for key, value in ENVIRONMENT.items() if key != name})
