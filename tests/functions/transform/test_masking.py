"""What is personal is gone or a token, in every place it may stand; the rest is untouched."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import json_values
from tests.wired_functions import DEFAULT_POLICY
from transform.masking import Masker, normalize

KEY = b"tokenization-key"
PERSON = "zq-Jane Doe"
NUMBER = "+1 555 010 0100"

TOKENIZED_FIELDS = [
    "phoneNumber",
    "customerName",
    "agentName",
    "ani",
    "dnis",
    "addressTo",
    "addressFrom",
    "callbackUserName",
    "externalContactId",
    "addressRaw",
    "addressNormalized",
    "addressDisplayable",
    "addressSelf",
    "addressOther",
    "nameRaw",
    "publicIpAddress",
    "entityName",
]
TOKENIZED_LISTS = ["callbackNumbers", "conversationExternalContactIds", "oldValues", "newValues"]
DROPPED_TEXTS = [
    "subject",
    "wrapupNotes",
    "notes",
    "message",
    "text",
    "textBody",
    "htmlBody",
    "body",
    "content",
    "transcript",
    "decoratedTranscript",
    "word",
]


def policy(**changes: Any) -> dict[str, Any]:
    empty = {
        "version": 1,
        "fields": {},
        "paths": {},
        "attributes": {"allow": []},
        "free_text": "drop",
        "free_text_fields": [],
    }
    return {**empty, **changes}


def masked(event: dict[str, Any], by: dict[str, Any] | None = None, key: bytes = KEY) -> dict[str, Any]:
    event = copy.deepcopy(event)
    Masker(DEFAULT_POLICY if by is None else by, key).mask(event)
    return event


def is_token(value: object) -> bool:
    return isinstance(value, str) and value.startswith("tok_") and len(value) == 36 and PERSON not in value


# The default policy, field by field


@pytest.mark.parametrize("name", TOKENIZED_FIELDS)
def test_by_default_a_personal_field_is_a_token_wherever_it_stands(name: str) -> None:
    fields = {name: PERSON, "id": "kept"}
    event = masked({**fields, "eventBody": {"items": [[fields]]}})
    for masked_fields in (event, event["eventBody"]["items"][0][0]):
        assert is_token(masked_fields[name])
        assert masked_fields["id"] == "kept"


@pytest.mark.parametrize("name", TOKENIZED_LISTS)
def test_by_default_every_element_of_a_personal_list_is_a_token(name: str) -> None:
    assert [is_token(value) for value in masked({name: [PERSON, NUMBER]})[name]] == [True, True]


@pytest.mark.parametrize("name", DROPPED_TEXTS)
def test_by_default_free_text_is_dropped_wherever_it_stands(name: str) -> None:
    assert masked({name: PERSON, "id": "kept"}) == {"id": "kept"}
    assert masked({"eventBody": [{name: [PERSON, [PERSON]]}]}) == {"eventBody": [{name: [[]]}]}


@pytest.mark.parametrize(
    "event",
    [
        {"participants": [{"name": PERSON, "id": "p-1"}]},
        {"eventBody": {"participants": [{"address": PERSON}, {"address": PERSON}]}},
        {"entity": {"name": PERSON, "id": "kept"}},
        {"contact": {"name": PERSON}},
        {"agent": {"name": PERSON, "id": "kept"}},
        {"propertyChanges": [{"property": "name", "oldValues": [PERSON], "newValues": [PERSON]}]},
        {"transcripts": [{"alternatives": [{"words": [{"word": PERSON, "startTimeMs": 1}]}]}]},
        {"transcripts": [{"alternatives": [{"decoratedWords": [{"word": PERSON}], "transcript": PERSON}]}]},
        {"participants": [{"attributes": {"a": PERSON, PERSON: "b"}}]},
        {"messages": [{"body": PERSON, "textBody": PERSON}]},
        {"channel": {"from": {"id": PERSON}, "to": {"id": PERSON}}},
    ],
)
def test_by_default_a_person_is_in_no_place_where_genesys_puts_one(event: dict[str, Any]) -> None:
    assert PERSON not in json.dumps(masked(event))


def test_by_default_what_is_not_personal_is_untouched() -> None:
    event = {
        "topicName": "v2.conversations.c-1",
        "name": "kept",
        "address": "kept",
        "eventBody": {"id": "c-1", "mediaType": "VOICE", "eventTime": 1795428000000, "queue": {"name": "Sales"}},
        "counts": [1, 2.5, True, None, ""],
    }
    assert masked(event) == event


# Tokens


@pytest.mark.parametrize(
    "spelling",
    [
        "+15550100100",
        "15550100100",
        "tel:+15550100100",
        "TEL:+1-555-010-0100",
        "sip:+15550100100@carrier.example",
        "sips:+15550100100@carrier.example:5061;transport=tls",
        "tel:+15550100100;ext=7",
        "+1 (555) 010-0100",
        "1.555.010.0100",
        "  +1 555 010 0100  ",
        15550100100,
    ],
)
def test_the_spellings_of_a_number_are_one_token(spelling: object) -> None:
    assert masked({"ani": spelling})["ani"] == masked({"dnis": NUMBER})["dnis"]


def test_the_spellings_of_a_name_or_address_are_one_token() -> None:
    assert masked({"customerName": "  Jane \t DOE "}) == masked({"customerName": "jane doe"})
    assert masked({"customerName": "STRASSE"}) == masked({"customerName": "stra\u00dfe"})
    assert masked({"ani": "sip:Jane@Example.com;user=ip"}) == masked({"ani": "jane@example.com"})


@pytest.mark.parametrize(
    ("one", "another"),
    [
        (NUMBER, "+1 555 010 0101"),
        ("jane doe", "janedoe"),
        ("192.0.2.10", "192.0.21.0"),
        ("sip:jane@a.example", "sip:jane@b.example"),
        ("stra\u00dfe", "strase"),
    ],
)
def test_different_people_are_different_tokens(one: str, another: str) -> None:
    assert masked({"ani": one}) != masked({"ani": another})


def test_a_token_depends_on_the_key_and_on_nothing_else() -> None:
    assert masked({"ani": NUMBER}) == masked({"ani": NUMBER})
    assert masked({"ani": NUMBER}) != masked({"ani": NUMBER}, key=b"another")


@given(text=json_values.texts)
def test_normalizing_twice_changes_nothing_more_and_never_fails(text: str) -> None:
    assert normalize(f" {text} ") == normalize(text)


def test_a_field_holds_tokens_whatever_type_it_has_become() -> None:
    event = masked({"ani": {"value": PERSON, "more": [PERSON, 15550100100, 1.5]}})
    assert PERSON not in json.dumps(event)
    assert all(is_token(value) for value in [event["ani"]["value"], *event["ani"]["more"]])


@pytest.mark.parametrize("value", ["", None, True, False, [], {}])
def test_what_tells_nothing_of_a_person_stays(value: object) -> None:
    assert masked({"ani": value}) == {"ani": value}


# The policy's language


@pytest.mark.parametrize(
    ("value", "keep_last", "expected"),
    [
        ("15550100100", 4, "*******0100"),
        ("12345678", 4, "****5678"),
        ("1234567", 4, "*******"),
        ("1234", 4, "****"),
        ("1", 4, "*"),
        ("1234", 0, "****"),
        (15550100100, 2, "*********00"),
        ("", 4, ""),
        (None, 4, None),
        (["12345678", {"n": "12345678"}], 4, ["****5678", {"n": "****5678"}]),
    ],
)
def test_mask_keeps_the_last_characters_unless_they_were_half_of_it(
    value: object, keep_last: int, expected: object
) -> None:
    rules = policy(fields={"ani": {"action": "mask", "keep_last": keep_last}})
    assert masked({"ani": value}, rules) == {"ani": expected}


@pytest.mark.parametrize("value", [PERSON, 7, None, True, [PERSON], {"name": PERSON}])
def test_drop_removes_a_field_whatever_it_holds(value: object) -> None:
    assert masked({"ani": value, "id": 1}, policy(fields={"ani": {"action": "drop"}})) == {"id": 1}


@pytest.mark.parametrize("event", [{"agent": {"ani": PERSON}}, {"x": [{"agent": [[{"ani": PERSON}]]}]}])
def test_a_paths_rule_beats_a_names(event: dict[str, Any]) -> None:
    rules = policy(fields={"ani": {"action": "drop"}}, paths={"agent[].ani": {"action": "keep"}})
    assert masked(event, rules) == event
    assert masked({"other": {"ani": PERSON}}, rules) == {"other": {}}


def test_a_path_needs_all_its_names_in_their_order() -> None:
    rules = policy(paths={"a.b.c": {"action": "drop"}})
    assert masked({"a": {"b": {"c": 1, "d": 1}}}, rules) == {"a": {"b": {"d": 1}}}
    for event in ({"b": {"c": 1}}, {"a": {"c": 1}}, {"a": {"x": {"b": {"c": 1}}}}, {"c": 1}, {"b": {"a": {"c": 1}}}):
        assert masked(event, rules) == event


@pytest.mark.parametrize("turned", [False, True])
def test_of_paths_that_overlap_the_longer_counts(turned: bool) -> None:
    paths = {"a.b.c": {"action": "keep"}, "b.c": {"action": "mask", "keep_last": 0}, "x.b.c": {"action": "drop"}}
    rules = policy(paths=dict(reversed(paths.items())) if turned else paths)
    event = {name: {"b": {"c": "12"}} for name in ("a", "x", "other")}
    assert masked(event, rules) == {"a": {"b": {"c": "12"}}, "x": {"b": {}}, "other": {"b": {"c": "**"}}}


def test_a_path_may_go_through_a_free_text_field() -> None:
    rules = policy(free_text_fields=["message"], paths={"message.id": {"action": "drop"}})
    assert masked({"message": {"id": 1, "kept": 2}}, rules) == {"message": {"kept": 2}}


def test_attributes_keep_the_allowed_keys_alone_and_those_are_still_masked_by_name() -> None:
    rules = policy(attributes={"allow": ["language", "ani"]}, fields={"ani": {"action": "drop"}})
    attributes = {"language": "en", "ani": NUMBER, PERSON: 1, "nested": {"language": "en"}}
    event = {"participants": [{"attributes": attributes}], "attributes": [attributes, PERSON]}
    assert masked(event, rules) == {
        "participants": [{"attributes": {"language": "en"}}],
        "attributes": [{"language": "en"}, None],
    }


@pytest.mark.parametrize("value", [PERSON, 7, True])
def test_attributes_that_are_no_object_have_no_allowed_key(value: object) -> None:
    assert masked({"attributes": value}) == {"attributes": None}


def test_a_rule_of_its_own_lets_attributes_through() -> None:
    rules = policy(paths={"agent.attributes": {"action": "keep"}})
    event = {"agent": {"attributes": {"any": "thing"}}, "attributes": {"any": "thing"}}
    assert masked(event, rules) == {"agent": {"attributes": {"any": "thing"}}, "attributes": {}}


def test_free_text_can_be_scrubbed_instead_of_dropped() -> None:
    rules = policy(free_text="scrub", free_text_fields=["text"])
    event = {"text": "call +1 555 010 0100", "items": [{"text": ["a@b.example", ["fine"]]}]}
    assert masked(event, rules) == {"text": "call [phone]", "items": [{"text": ["[email]", ["fine"]]}]}


@pytest.mark.parametrize(
    ("free_text", "expected"),
    [("drop", {"none": {"text": None}}), ("scrub", {"text": "[card]", "few": {"text": 12}, "none": {"text": None}})],
)
def test_a_number_in_the_place_of_a_text_is_treated_as_one(free_text: str, expected: dict[str, Any]) -> None:
    rules = policy(free_text=free_text, free_text_fields=["text"])
    event = masked({"text": 4111111111111111, "few": {"text": 12}, "none": {"text": None}}, rules)
    assert {name: value for name, value in event.items() if value != {}} == expected


def test_free_text_inside_an_object_of_that_name_is_found_by_its_own_name() -> None:
    rules = policy(free_text_fields=["text", "content"])
    assert masked({"content": [{"text": PERSON, "type": "Text"}, PERSON]}, rules) == {"content": [{"type": "Text"}]}


def test_a_rule_for_a_free_text_field_beats_what_happens_to_free_text() -> None:
    rules = policy(free_text_fields=["text"], fields={"text": {"action": "keep"}})
    assert masked({"text": "kept"}, rules) == {"text": "kept"}


names = st.sampled_from([*DEFAULT_POLICY["fields"], *DEFAULT_POLICY["free_text_fields"], "attributes"])
personal_values = st.recursive(st.just(PERSON), lambda inner: st.lists(inner, min_size=1, max_size=3), max_leaves=5)


@given(data=st.data())
def test_whatever_stands_around_it_no_person_gets_through_the_default_policy(data: st.DataObject) -> None:
    event = data.draw(json_values.objects)
    for _depth in range(data.draw(st.integers(0, 4))):
        event = data.draw(st.sampled_from([{"eventBody": event}, {"participants": [event]}, {"items": [[event], 1]}]))
    event[data.draw(names)] = data.draw(personal_values)
    assert PERSON not in json.dumps(masked(event))
