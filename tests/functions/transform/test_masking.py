"""What is personal is gone or a token, in every place it may stand; the rest is untouched."""

import copy
import json
import time
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesys_firehose_cdk.events.event_shapes import EventShapes
from genesys_firehose_cdk.events.masking_plan import closed_names
from genesys_firehose_cdk.events.masking_policy import Action, FieldRule, FreeText, MaskingPolicy, UnknownFields
from tests import json_values
from tests.wired_functions import ARRIVED_MS, PLAN, masking_plan
from transform.masking import Findings, Masker
from transform.tokens import normalize

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


UUID = "0a1b2c3d-0000-4000-8000-00000000abcd"
DROP, KEEP, TOKENIZE = (FieldRule(action=action) for action in (Action.DROP, Action.KEEP, Action.TOKENIZE))
PART = {"type": ["object", "null"], "properties": {}, "additionalProperties": False}


def shape(*paths: str) -> EventShapes:
    """A shape of events without a topic whose fields are numbers at these paths."""
    root: dict[str, Any] = {**copy.deepcopy(PART), "type": "object"}
    for path in paths:
        node = root
        *above, last = path.split(".")
        for name in above:
            node = node["properties"].setdefault(name, copy.deepcopy(PART))
        node["properties"][last] = {"type": ["number", "string", "null"], "x-class": "number"}
    root.update({"$schema": "https://json-schema.org/draft/2020-12/schema", "required": sorted(root["properties"])[:1]})
    return EventShapes(schemas={"sample": root})


def masked(
    event: dict[str, Any], by: MaskingPolicy | None = None, key: bytes = KEY, shapes: EventShapes | None = None
) -> dict[str, Any]:
    event = copy.deepcopy(event)
    plan = PLAN if by is None and shapes is None else masking_plan(by, shapes)
    Masker(plan, key).mask(event, ARRIVED_MS)
    return event


def found_in(event: dict[str, Any]) -> Findings:
    return Masker(PLAN, KEY).mask(copy.deepcopy(event), ARRIVED_MS)


def is_token(value: object) -> bool:
    return isinstance(value, str) and value.startswith("tok_") and len(value) == 45 and PERSON not in value


# The default policy, field by field


@pytest.mark.parametrize("name", TOKENIZED_FIELDS)
def test_by_default_a_personal_field_is_a_token_wherever_it_stands(name: str) -> None:
    fields = {name: PERSON, "id": UUID}
    event = masked({**fields, "eventBody": {"items": [[fields]]}})
    for masked_fields in (event, event["eventBody"]["items"][0][0]):
        assert is_token(masked_fields[name])
        assert masked_fields["id"] == UUID


@pytest.mark.parametrize("name", TOKENIZED_LISTS)
def test_by_default_every_element_of_a_personal_list_is_a_token(name: str) -> None:
    assert [is_token(value) for value in masked({name: [PERSON, NUMBER]})[name]] == [True, True]


@pytest.mark.parametrize("name", DROPPED_TEXTS)
def test_by_default_free_text_is_dropped_wherever_it_stands(name: str) -> None:
    assert masked({name: PERSON, "id": UUID}) == {"id": UUID}
    for text in ([PERSON, [PERSON]], {"plain": PERSON, PERSON: 1}, 4111111111111111):
        assert masked({"eventBody": [{name: text}]}) == {"eventBody": [{}]}


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
        "topicName": f"v2.detail.events.conversation.{UUID}.acd.end",
        "eventBody": {"conversationId": UUID, "mediaType": "VOICE", "eventTime": 1795428000000, "queueId": "q-31"},
        "metadata": {"CorrelationId": UUID},
    }
    assert masked(event) == event
    assert found_in(event) == Findings([], [], 0)


# What nobody knows


PASSING = [
    None,
    True,
    False,
    "",
    UUID,
    "2026-11-24T09:12:44.120Z",
    "2026-11-24",
    0,
    999999,
    -12.5,
    [UUID, {"id": UUID}],
]


@pytest.mark.parametrize("value", [*PASSING, ARRIVED_MS, ARRIVED_MS - 30 * 86_400_000])
def test_what_cannot_be_personal_by_its_form_passes_though_nobody_knows_it(value: object) -> None:
    event = {"topicName": "v2.nobody.knows.this", "eventBody": {"level": value}}
    assert masked(event) == event
    assert found_in(event) == Findings(None, [], 0)


@pytest.mark.parametrize("value", [PERSON, "\u00a0x y", 1000000, 52.520008, 15550100100, 32 * 86_400_000 + ARRIVED_MS])
def test_what_may_be_personal_goes_and_its_key_stays_and_is_named(value: object) -> None:
    event = {"topicName": "v2.nobody.knows.this", "eventBody": {"levels": [{"level": value}]}}
    assert masked(event)["eventBody"] == {"levels": [{"level": None}]}
    assert found_in(event) == Findings(None, ["eventBody.levels[].level"], 1)


@pytest.mark.parametrize("value", ["Achterberg", "r@example.com", "15550100100", "VOICE", "20261124", "192.0.2.1"])
def test_a_single_word_that_nobody_knows_is_a_token(value: str) -> None:
    assert is_token(masked({"level": value})["level"])


@pytest.mark.parametrize("name", ["levelMs", "levelCount"])
def test_a_measure_passes_up_to_a_thousand_million(name: str) -> None:
    assert masked({name: 10**9}) == {name: 10**9}
    assert masked({name: 10**9 + 1}) == {name: None}
    assert masked({name: PERSON}) == {name: None}


@pytest.mark.parametrize("key", [PERSON, "+15550100100", "r@example.com", "n15550100100", "\u00e9"])
def test_a_key_that_may_be_a_value_goes_with_what_it_holds(key: str) -> None:
    event = {"scores": {key: 1, "plain": 2}}
    assert masked(event) == {"scores": {"plain": 2}}
    assert found_in(event).closed_fields == ["scores.*"]


def test_unknown_fields_can_be_kept_and_what_is_known_to_be_personal_is_masked_all_the_same() -> None:
    policy = MaskingPolicy(unknown=UnknownFields.KEEP, acknowledge_unknown_kept=True)
    event = masked({"level": PERSON, "ani": NUMBER, "attributes": {"a": 1}}, policy)
    assert event["level"] == PERSON
    assert is_token(event["ani"])
    assert event["attributes"] == {}


@pytest.mark.parametrize(
    "name",
    ["attributes", "customAttributes", "customFields", "messageParams", "context", "participantData", "metadata"],
)
def test_an_object_with_any_keys_is_closed_keys_too_and_named_but_not_counted(name: str) -> None:
    event = {"some": {name: {"key": 1, PERSON: PERSON}}}
    assert masked(event) == {"some": {name: {}}}
    assert found_in(event) == Findings(None, [f"some.{name}.*"], 0)


# What is known, and has another form


@pytest.mark.parametrize(
    ("field", "passing", "closed"),
    [
        (
            "queueId",
            [UUID, UUID.replace("-", ""), "q-31", "7", ""],
            [NUMBER, "15550100100", "Achterberg", "a@b1", "1 2"],
        ),
        ("mediaType", ["VOICE", "brand-new_1.2", UUID, ""], [PERSON, "r@example.com", "15550100100", "1-555-010-0100"]),
        ("eventTime", [1795428000000, None], [15550100100, 4915123456789]),
        ("acwSkipped", [True, False, None], [PERSON, 15550100100]),
        ("wrapupDurationMs", [0, 10**12], [10**13]),
    ],
)
def test_a_value_passes_in_the_form_of_its_class_alone(field: str, passing: list[Any], closed: list[Any]) -> None:
    def through(value: Any) -> Any:
        topic = f"v2.detail.events.conversation.{UUID}.acw"
        return masked({"topicName": topic, "eventBody": {field: value}})["eventBody"][field]

    assert [through(value) for value in passing] == passing
    for value in closed:
        assert through(value) is None or is_token(through(value)), value


def test_an_audit_of_a_thing_keeps_its_name_and_one_of_a_person_does_not() -> None:
    def audited(kind: str) -> Any:
        body = {"entityType": kind, "entity": {"id": UUID, "name": "Billing EMEA"}}
        topic = f"v2.audits.entitytype.{kind}.entityid.{UUID}"
        return masked({"topicName": topic, "eventBody": body})["eventBody"]["entity"]["name"]

    assert audited("Queue") == "Billing EMEA"
    assert is_token(audited("User"))


def test_an_external_contact_is_one_token_wherever_it_stands() -> None:
    detail = masked(
        {"topicName": f"v2.detail.events.conversation.{UUID}.acd.end", "eventBody": {"externalContactId": UUID}}
    )
    call = masked(
        {
            "topicName": f"v2.routing.queues.{UUID}.conversations.calls",
            "eventBody": {"participants": [{"externalContact": {"id": UUID.upper()}}]},
        }
    )
    contact = masked({"topicName": f"v2.externalcontacts.contacts.{UUID}", "eventBody": {"id": UUID}})
    token = detail["eventBody"]["externalContactId"]
    assert is_token(token)
    assert call["eventBody"]["participants"][0]["externalContact"]["id"] == token
    assert contact == {"topicName": f"v2.externalcontacts.contacts.{token}", "eventBody": {"id": token}}


@pytest.mark.parametrize("topic", ["v2.users.+15550100100.presence", "v2.nobody.knows.r@example.com"])
def test_a_topic_holds_no_value_that_may_be_personal(topic: str) -> None:
    shown = masked({"topicName": topic})["topicName"]
    assert "tok_" in shown
    assert "5550100" not in shown
    assert "example" not in shown


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
        15550100100.0,
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
        ("10.50", "105.0"),
        ("1234567.50", "123456.750"),
        ("-100", "100"),
        ("-15550100100", "15550100100"),
    ],
)
def test_different_people_are_different_tokens(one: str, another: str) -> None:
    assert masked({"ani": one}) != masked({"ani": another})


def test_a_token_tells_which_key_it_is_of() -> None:
    one, same, other = (
        masked({"ani": text}, key=key)["ani"] for text, key in [("a", KEY), ("b", KEY), ("a", b"other")]
    )
    assert one.split("_")[1] == same.split("_")[1] != other.split("_")[1]


def test_a_token_depends_on_the_key_and_on_nothing_else() -> None:
    assert masked({"ani": NUMBER}) == masked({"ani": NUMBER})
    assert masked({"ani": NUMBER}) != masked({"ani": NUMBER}, key=b"another")


@given(text=json_values.texts)
def test_normalizing_twice_changes_nothing_more_and_never_fails(text: str) -> None:
    assert normalize(f" {text} ") == normalize(text)


def test_a_field_holds_tokens_whatever_type_it_has_become() -> None:
    topic = f"v2.detail.events.conversation.{UUID}.acd.end"
    event = masked({"topicName": topic, "eventBody": {"ani": {PERSON: PERSON, "more": [PERSON, 15550100100, 1.5]}}})
    assert PERSON not in json.dumps(event)
    ani = event["eventBody"]["ani"]
    assert all(map(is_token, ani))
    [text, more] = ani.values()
    assert all(map(is_token, [text, *more]))


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
        (["12345678", ["12345678"]], 4, ["****5678", ["****5678"]]),
    ],
)
def test_mask_keeps_the_last_characters_unless_they_were_half_of_it(
    value: object, keep_last: int, expected: object
) -> None:
    rules = MaskingPolicy(fields={"ani": FieldRule(action=Action.MASK, keep_last=keep_last)})
    assert masked({"ani": value}, rules) == {"ani": expected}


@pytest.mark.parametrize("value", [PERSON, 7, None, True, [PERSON], {"name": PERSON}])
def test_drop_removes_a_field_whatever_it_holds(value: object) -> None:
    assert masked({"ani": value, "id": 1}, MaskingPolicy(fields={"ani": DROP})) == {"id": 1}


def test_a_rule_beats_the_dictionary_and_a_paths_rule_a_names() -> None:
    rules = MaskingPolicy(fields={"agentName": DROP}, paths={"agent.agentName": KEEP, "queue.name": TOKENIZE})
    event = {"messageId": "m-1", "eventType": "call", "agent": {"agentName": PERSON}, "queue": {"name": PERSON}}
    clean = masked({**event, "agentName": PERSON}, rules)
    assert clean["agent"] == {"agentName": PERSON}
    assert is_token(clean["queue"]["name"])
    assert "agentName" not in clean


def test_a_path_needs_all_its_names_in_their_order() -> None:
    shapes = shape("a.b.c", "a.b.d", "b.c", "a.c", "a.x.b.c", "c")
    rules = MaskingPolicy(paths={"a.b.c": DROP})
    event = {"a": {"b": {"c": 1, "d": 1}, "c": 1, "x": {"b": {"c": 1}}}, "b": {"c": 1}, "c": 1}
    assert masked(event, rules, shapes=shapes) == {**event, "a": {**event["a"], "b": {"d": 1}}}  # type: ignore[dict-item]


@pytest.mark.parametrize("turned", [False, True])
def test_of_paths_that_overlap_the_longer_counts(turned: bool) -> None:
    paths = {"a.b.c": KEEP, "b.c": FieldRule(action=Action.MASK), "x.b.c": DROP}
    rules = MaskingPolicy(paths=dict(reversed(paths.items())) if turned else paths)
    event = {name: {"b": {"c": "12"}} for name in ("a", "x", "other")}
    shapes = shape("a.b.c", "x.b.c", "other.b.c")
    assert masked(event, rules, shapes=shapes) == {"a": {"b": {"c": "12"}}, "x": {"b": {}}, "other": {"b": {"c": "**"}}}


def test_a_paths_rule_holds_in_events_of_no_known_shape_too() -> None:
    rules = MaskingPolicy(paths={"agent.id": DROP})
    assert masked({"list": [{"agent": {"id": UUID}, "id": UUID}]}, rules) == {"list": [{"agent": {}, "id": UUID}]}


def test_attributes_keep_the_allowed_keys_alone_and_those_stay_as_they_are() -> None:
    rules = MaskingPolicy(allowed_attributes=("language",))
    attributes = {"language": "en US", "ani": NUMBER, PERSON: 1, "nested": {"language": "en"}}
    event = {"participants": [{"attributes": attributes}], "attributes": [attributes, PERSON]}
    assert masked(event, rules) == {
        "participants": [{"attributes": {"language": "en US"}}],
        "attributes": [{"language": "en US"}, None],
    }


@pytest.mark.parametrize("value", [PERSON, 7])
def test_attributes_that_are_no_object_have_no_allowed_key(value: object) -> None:
    assert masked({"attributes": value}) == {"attributes": None}


def test_a_rule_of_its_own_lets_attributes_through() -> None:
    rules = MaskingPolicy(paths={"participants[].attributes": KEEP})
    event = {"participants": [{"attributes": {"any": "thing"}}], "attributes": {"any": "thing"}}
    assert masked(event, rules) == {"participants": [{"attributes": {"any": "thing"}}], "attributes": {}}


def test_free_text_can_be_scrubbed_instead_of_dropped() -> None:
    rules = MaskingPolicy(free_text=FreeText.SCRUB)
    event = {"text": "call +1 555 010 0100", "items": [{"text": ["a@b.example", ["fine"]]}]}
    assert masked(event, rules) == {"text": "call [phone]", "items": [{"text": ["[email]", ["fine"]]}]}
    assert masked({"text": {PERSON: PERSON}}, rules) == {}


@pytest.mark.parametrize(
    ("free_text", "expected"),
    [
        (FreeText.DROP, {"none": {"text": None}}),
        (FreeText.SCRUB, {"text": "[card]", "few": {"text": 12}, "none": {"text": None}}),
    ],
)
def test_a_number_in_the_place_of_a_text_is_treated_as_one(free_text: FreeText, expected: Mapping[str, Any]) -> None:
    rules = MaskingPolicy(free_text=free_text)
    event = masked({"text": 4111111111111111, "few": {"text": 12}, "none": {"text": None}}, rules)
    assert {name: value for name, value in event.items() if value != {}} == expected


def test_a_further_field_can_hold_free_text_and_all_inside_it_goes() -> None:
    rules = MaskingPolicy(free_text_fields=("remarks",))
    assert masked({"remarks": [{"text": PERSON, "id": UUID}, PERSON], "id": UUID}, rules) == {"id": UUID}


def test_a_rule_for_a_free_text_field_beats_what_happens_to_free_text() -> None:
    assert masked({"text": "kept"}, MaskingPolicy(fields={"text": KEEP})) == {"text": "kept"}


names = st.sampled_from(sorted(closed_names(EventShapes.default())))
personal_values = st.recursive(st.just(PERSON), lambda inner: st.lists(inner, min_size=1, max_size=3), max_leaves=5)


@given(data=st.data())
def test_whatever_stands_around_it_no_person_gets_through_the_default_policy(data: st.DataObject) -> None:
    event = data.draw(json_values.objects)
    for _depth in range(data.draw(st.integers(0, 4))):
        event = data.draw(st.sampled_from([{"eventBody": event}, {"participants": [event]}, {"items": [[event], 1]}]))
    event[data.draw(names)] = data.draw(personal_values)
    assert PERSON not in json.dumps(masked(event))


@given(event=json_values.objects)
def test_an_event_of_any_form_is_masked_and_what_is_named_is_short_and_few(event: dict[str, Any]) -> None:
    findings = found_in(event)
    json.dumps(masked(event), allow_nan=False)
    for names in (findings.schema_drift or [], findings.closed_fields):
        assert len(names) <= 20
        assert all(len(name) <= 220 for name in names)


@given(text=json_values.texts, data=st.data())
def test_no_text_with_a_blank_gets_through_in_a_field_that_nobody_knows(text: str, data: st.DataObject) -> None:
    event = data.draw(json_values.objects)
    event["level"] = data.draw(st.sampled_from([f"{text} {PERSON}", [PERSON, {"x": PERSON}], {PERSON: {PERSON: 1}}]))
    assert PERSON not in json.dumps(masked(event))


def test_of_a_rich_messages_content_kinds_and_identifiers_alone_stay() -> None:
    message = {
        "id": "m-1",
        "channel": {
            "id": "c-1",
            "platform": "Open",
            "to": {"id": "zqjane@example.com", "idType": "Email", "image": "https://cdn.example.com/zqjane.png"},
            "time": "2026-11-23T10:00:00.000Z",
            "metadata": {"customAttributes": {"zq account": "zq-44"}},
        },
        "type": "Structured",
        "content": [
            {
                "contentType": "Attachment",
                "attachment": {
                    "id": "a-1",
                    "mediaType": "Image",
                    "mime": "image/png",
                    "url": "https://files.example.com/zq?sig=1",
                    "filename": "zq_passport.png",
                    "text": "zq caption",
                },
            },
            {"contentType": "QuickReply", "quickReply": {"text": "zq yes", "payload": "zq:44", "image": "https://zq"}},
            {"contentType": "ButtonResponse", "buttonResponse": {"text": "zq", "payload": "zq-1", "type": "Button"}},
            {"contentType": "Location", "location": {"latitude": 48.137154, "longitude": 11.576124, "address": "zq 1"}},
            {"contentType": "Card", "card": {"title": "zq title", "description": "zq text", "image": "https://zq"}},
        ],
    }
    clean = masked(message)
    text = json.dumps(clean)
    assert "zq" not in text
    assert "48.13" not in text
    assert "11.57" not in text
    assert [content["contentType"] for content in clean["content"]] == [
        content["contentType"] for content in message["content"]
    ]
    assert clean["content"][0]["attachment"] == {"id": "a-1", "mediaType": "Image", "mime": "image/png"}
    assert clean["channel"]["metadata"] == {"customAttributes": {}}


@pytest.mark.parametrize("value", ["tel.0151.555.0100", "1-555-010-0100x12", "ssn-123-45-6789", "a1234567", "123-4567"])
def test_digits_like_a_telephone_numbers_are_no_identifier_and_no_code(value: str) -> None:
    clean = masked({"messageId": "m-1", "eventType": "call.event", "conversationId": value, "dispositionCode": value})
    assert is_token(clean["conversationId"])
    assert clean["dispositionCode"] != value


@pytest.mark.parametrize("value", ["P491511234567", "P15550100100", "PT", "P1DT Jane"])
def test_what_only_looks_like_a_duration_is_no_time(value: str) -> None:
    assert masked({"messageId": "m-1", "eventType": "call.event", "callStartTime": value})["callStartTime"] != value


def test_a_persons_name_in_the_place_of_an_identifier_is_no_part_of_the_topic() -> None:
    assert masked({"topicName": "v2.users.Anna_Miller.routingStatus", "eventBody": {}})["topicName"].startswith(
        "v2.users.tok_"
    )
    audit = "v2.audits.entitytype.UserPresence.entityid.q-31"
    assert masked({"topicName": audit, "eventBody": {}})["topicName"] == audit


@pytest.mark.parametrize("name", ["dob", "dateOfBirth", "birthDate", "birthday"])
def test_a_day_of_birth_that_the_dictionary_does_not_know_is_a_token(name: str) -> None:
    assert is_token(masked({"topicName": "v2.new.thing", "eventBody": {name: "1980-05-17"}})["eventBody"][name])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+1\u00a0555\u00a0010\u00a00100", NUMBER),
        ("+1 555\u2013010\u20130100", NUMBER),
        ("\u202a+15550100100\u202c", NUMBER),
        ("whatsapp:+15550100100", NUMBER),
        ("mailto:Jane@example.com", "jane@example.com"),
        ("Jose\u0301", "José"),
    ],
)
def test_spellings_by_other_characters_are_one_person(one: str, other: str) -> None:
    assert normalize(one) == normalize(other)


def test_an_extension_is_of_its_host() -> None:
    assert normalize("sip:1234567@a.example") != normalize("sip:1234567@b.example")
    assert normalize("sip:15550100100@a.example") == normalize("tel:+15550100100")


def test_many_keys_that_go_take_time_in_proportion_to_their_number() -> None:
    def seconds(keys: int) -> float:
        event = {"topicName": "v2.new.thing", "eventBody": {f"{number:x}-": 1 for number in range(keys)}}
        masker = Masker(PLAN, KEY)
        started = time.process_time()
        masker.mask(event, ARRIVED_MS)
        return time.process_time() - started

    # Proportional is 16 times as long; the square would be 256 times.
    assert min(seconds(32_000) for _ in range(3)) < 80 * max(min(seconds(2_000) for _ in range(3)), 1e-4)
