"""What is read out of an event, above all its identity: the same happening has one key, another has another."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.event import (
    EVENT_TYPES,
    MAX_TOPIC_CHARACTERS,
    EventFacts,
    content_of,
    describe,
    event_type_of,
    format_time,
    genesys_payload,
    key_within_hour,
    parse_time,
    time_in_body,
    time_sent,
    topic_of,
)
from tests import json_values

ARRIVAL = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
MOMENT = datetime(2026, 11, 23, 9, 0, 0, 250000, UTC)
MOMENT_MS = 1795424400250

CALL_ENDED = {
    "topicName": "v2.detail.events.conversation.c-1.acd.end",
    "version": "2",
    "eventBody": {"eventTime": MOMENT_MS, "conversationId": "c-1", "mediaType": "VOICE"},
    "metadata": {"CorrelationId": "trace-1"},
}
PRESENCE_WITHOUT_TIME = {
    "topicName": "v2.users.u-1.presence",
    "eventBody": {"presenceDefinition": {"id": "p-1"}},
    "metadata": {"CorrelationId": "trace-1"},
}
AUDIT = {
    "topicName": "v2.audits.entitytype.user",
    "eventBody": {"id": "audit-1", "eventTime": "2026-11-23T09:00:00Z", "action": "UPDATE"},
}


def facts(event: dict[str, Any], arrival: datetime = ARRIVAL, id_path: tuple[str, ...] = ("messageId",)) -> EventFacts:
    return describe(event, id_path, arrival)


def content(payload: dict[str, Any]) -> str:
    return content_of(payload, time_in_body(payload))


def moment(payload: dict[str, Any]) -> datetime | None:
    return time_in_body(payload) or time_sent(payload)


def key(event: dict[str, Any], arrival: datetime = ARRIVAL) -> str:
    return facts(event, arrival).dedup_key


def on_the_bus(detail: dict[str, Any], **outer: Any) -> dict[str, Any]:
    return {
        "version": "0",
        "id": "e-1",
        "detail-type": "v2.detail",
        "source": "aws.partner/x",
        **outer,
        "detail": detail,
    }


# Identity


def test_events_with_the_same_message_id_are_the_same_whatever_else_they_say() -> None:
    assert key({"messageId": "m-1", "note": "a"}) == key({"note": "b", "messageId": "m-1"})
    assert key({"messageId": "m-1"}) != key({"messageId": "m-2"})


def test_the_same_id_on_another_topic_is_another_event() -> None:
    assert key({"messageId": "1", "topicName": "v2.a"}) != key({"messageId": "1", "topicName": "v2.b"})


def test_an_id_may_be_a_number_and_is_not_its_text() -> None:
    assert facts({"messageId": 7}).has_identity
    assert key({"messageId": 7}) == key({"messageId": 7, "note": "a"})
    assert key({"messageId": 7}) != key({"messageId": "7"})


@pytest.mark.parametrize("empty", ["", None, True, False, [], {}, 1.5])
def test_what_is_no_id_does_not_make_events_the_same(empty: object) -> None:
    assert key({"messageId": empty, "note": "a"}) != key({"messageId": empty, "note": "b"})


def test_the_id_is_where_the_setting_says() -> None:
    event = {"id": "1", "metadata": {"uid": "u-1"}}
    other = {"id": "2", "metadata": {"uid": "u-1"}}
    path = ("metadata", "uid")
    assert facts(event, id_path=path).dedup_key == facts(other, id_path=path).dedup_key
    assert facts(event, id_path=("id",)).dedup_key != facts(other, id_path=("id",)).dedup_key
    assert not facts(event, id_path=("id", "deeper")).has_identity


def test_an_audit_is_known_by_its_own_id() -> None:
    redelivered = {**AUDIT, "eventBody": {**AUDIT["eventBody"], "status": "SUCCESS"}}  # type: ignore[dict-item]
    another = {**AUDIT, "eventBody": {**AUDIT["eventBody"], "id": "audit-2"}}  # type: ignore[dict-item]
    assert key(AUDIT) == key(redelivered)
    assert key(AUDIT) != key(another)


def test_a_conversations_id_does_not_make_its_changes_the_same() -> None:
    begun = {"topicName": "v2.conversations.c-1", "eventBody": {"id": "c-1", "participants": []}}
    grown = {"topicName": "v2.conversations.c-1", "eventBody": {"id": "c-1", "participants": [{}]}}
    assert key(begun) != key(grown)


def test_without_an_id_the_same_content_is_the_same_event_however_it_is_ordered_and_traced() -> None:
    again = {
        "metadata": {"CorrelationId": "trace-2"},
        "eventBody": dict(reversed(CALL_ENDED["eventBody"].items())),  # type: ignore[attr-defined]
        "version": "2",
        "topicName": CALL_ENDED["topicName"],
    }
    assert key(again) == key(CALL_ENDED)
    assert facts(CALL_ENDED).has_identity


@pytest.mark.parametrize(
    "change",
    [{"eventTime": MOMENT_MS + 1}, {"conversationId": "c-2"}, {"mediaType": "CHAT"}, {"extra": None}],
)
def test_other_content_is_another_event(change: dict[str, Any]) -> None:
    assert key({**CALL_ENDED, "eventBody": {**CALL_ENDED["eventBody"], **change}}) != key(CALL_ENDED)  # type: ignore[dict-item]


def test_the_same_content_on_another_topic_is_another_event() -> None:
    assert key({**CALL_ENDED, "topicName": "v2.detail.events.conversation.c-1.acd.start"}) != key(CALL_ENDED)


@pytest.mark.parametrize("shape", [CALL_ENDED, PRESENCE_WITHOUT_TIME, AUDIT, {"messageId": "m-1"}, {"agent": {}}])
def test_the_correlation_id_never_takes_part(shape: dict[str, Any]) -> None:
    assert key({**shape, "metadata": {"CorrelationId": "trace-9"}}) == key({**shape, "metadata": {}})


def test_other_metadata_of_a_flat_event_takes_part() -> None:
    assert key({"note": "a", "metadata": {"n": 1}}) != key({"note": "a", "metadata": {"n": 2}})


@pytest.mark.parametrize("shape", [CALL_ENDED, PRESENCE_WITHOUT_TIME, AUDIT, {"messageId": "m-1"}])
def test_the_webhooks_and_eventbridges_copy_of_an_event_have_the_same_key(shape: dict[str, Any]) -> None:
    assert key(on_the_bus(shape)) == key(shape)
    assert key(on_the_bus(shape, id="e-2", time="2026-11-23T10:29:00Z")) == key(shape)


def test_without_id_and_time_events_are_the_same_only_within_the_hour_of_their_arrival() -> None:
    in_the_hour = datetime(2026, 11, 23, 10, 59, 59, 999999, UTC)
    assert not facts(PRESENCE_WITHOUT_TIME).has_identity
    assert key(PRESENCE_WITHOUT_TIME, ARRIVAL) == key(PRESENCE_WITHOUT_TIME, in_the_hour)
    assert key(PRESENCE_WITHOUT_TIME, ARRIVAL) != key(PRESENCE_WITHOUT_TIME, in_the_hour + timedelta(seconds=1))
    assert key(PRESENCE_WITHOUT_TIME, ARRIVAL) != key(PRESENCE_WITHOUT_TIME, ARRIVAL + timedelta(days=1))


@pytest.mark.parametrize("shape", [PRESENCE_WITHOUT_TIME, on_the_bus(PRESENCE_WITHOUT_TIME), {"note": "a"}])
def test_a_key_that_holds_for_an_hour_is_found_again_by_the_content_and_the_arrival(shape: dict[str, Any]) -> None:
    assert key(shape) == key_within_hour(content(genesys_payload(shape)), format_time(ARRIVAL))


def test_the_timestamp_is_part_of_the_content_only_where_the_body_has_no_time() -> None:
    sent, again = ({**PRESENCE_WITHOUT_TIME, "timestamp": f"2026-11-2{day}T09:00:00Z"} for day in (3, 4))
    assert content(sent) != content(again)
    assert content({**AUDIT, "timestamp": sent["timestamp"]}) == content(AUDIT)
    assert content({**PRESENCE_WITHOUT_TIME, "timestamp": "soon"}) == content(PRESENCE_WITHOUT_TIME)


def test_the_content_is_topic_and_body_however_they_are_written_and_delivered() -> None:
    again = {**on_the_bus(dict(reversed(AUDIT.items()))), "detail-type": "x"}
    traced = {**AUDIT, "version": "2", "timestamp": "2026-11-23T09:00:00Z", "metadata": {"CorrelationId": "t"}}
    assert content(genesys_payload(again)) == content(traced) == content(AUDIT)
    other = {**AUDIT, "eventBody": {**AUDIT["eventBody"], "action": "DELETE"}}  # type: ignore[dict-item]
    assert content(other) != content(AUDIT)
    assert content({**AUDIT, "topicName": "v2.audits"}) != content(AUDIT)
    assert content({"messageId": "42", "level": 1}) != content({"messageId": "42", "level": 2})


def test_the_notifications_own_timestamp_identifies_a_body_without_time() -> None:
    sent = {**PRESENCE_WITHOUT_TIME, "timestamp": "2026-11-23T09:00:00Z"}
    sent_later = {**PRESENCE_WITHOUT_TIME, "timestamp": "2026-11-23T09:00:01Z"}
    assert facts(sent).has_identity
    assert key(sent) == key(sent, ARRIVAL + timedelta(days=1))
    assert key(sent) != key(sent_later)


def test_a_body_with_its_own_time_is_the_same_whenever_it_was_sent() -> None:
    assert key({**CALL_ENDED, "timestamp": "2026-11-23T09:00:00Z"}) == key(CALL_ENDED)


@given(event=json_values.objects, arrival=st.datetimes(timezones=st.just(UTC)))
def test_any_object_has_a_key_of_64_hex_digits_and_a_known_type(event: dict[str, Any], arrival: datetime) -> None:
    described = facts(event, arrival)
    assert len(described.dedup_key) == 64
    assert set(described.dedup_key) <= set("0123456789abcdef")
    assert described.event_type in EVENT_TYPES
    assert described == facts(json.loads(json.dumps(event)), arrival)


# Payload, type, topic


def test_the_payload_of_an_eventbridge_event_is_its_detail() -> None:
    assert genesys_payload(on_the_bus(CALL_ENDED)) == CALL_ENDED
    assert genesys_payload(CALL_ENDED) == CALL_ENDED
    assert genesys_payload({"detail": {"a": 1}}) == {"detail": {"a": 1}}
    assert genesys_payload({"source": "web", "detail": {"a": 1}}) == {"source": "web", "detail": {"a": 1}}
    assert genesys_payload({"topicName": "v2.a", "detail": CALL_ENDED}) == {"topicName": "v2.a", "detail": CALL_ENDED}
    assert genesys_payload({"detail-type": "x", "detail": "text"}) == {"detail-type": "x", "detail": "text"}


SOURCE = "aws.partner/genesys.com/cloud/org-1/lake"


@pytest.mark.parametrize(
    "event",
    [
        {"detail": CALL_ENDED},
        {"source": SOURCE, "time": "2026-11-23T09:00:01Z", "detail": CALL_ENDED},
        {"id": "e-1", "source": "forwarder", "detail": CALL_ENDED},
        {"source": SOURCE, "detail": CALL_ENDED["eventBody"]},
    ],
)
def test_what_an_input_transformer_leaves_of_an_eventbridge_event_is_unwrapped(event: dict[str, Any]) -> None:
    described = facts(event)
    assert (described.event_type, described.event_time) == ("call", MOMENT)
    assert described.dedup_key == key(event["detail"])
    assert described.topic == event["detail"].get("topicName")


def test_a_details_body_without_its_topic_has_its_mediums_type() -> None:
    body = {"eventTime": MOMENT_MS, "conversationId": "c-1", "mediaType": "CHAT"}
    described = facts(body)
    assert (described.event_type, described.event_time, described.topic) == ("chat", MOMENT, None)
    assert event_type_of({"conversationId": "c-1", "mediaType": "new"}) == "conversation"
    assert event_type_of({"mediaType": "CHAT"}) == "unknown"


def test_of_an_agents_activity_the_state_that_changed_last_gives_the_time() -> None:
    body = {
        "routingStatus": {"status": "IDLE", "startTime": "2026-11-19T06:30:00.000Z"},
        "presence": {"presenceDefinition": {"systemPresence": "MEAL"}, "modifiedDate": "2026-11-23T09:00:00.250Z"},
        "dateActiveQueuesChanged": "2026-11-19T06:30:00.000Z",
    }
    event = {"topicName": "v2.users.u-1.activity", "eventBody": body, "timestamp": "2026-11-23T09:00:00.700Z"}
    assert moment(event) == MOMENT


@pytest.mark.parametrize(
    ("payload", "event_type"),
    [
        ({"eventType": "call.event"}, "call"),
        ({"eventType": "Disposition.Event"}, "disposition"),
        ({"eventType": "../../etc"}, "unknown"),
        ({"eventType": 7}, "unknown"),
        ({"type": "chat"}, "chat"),
        ({"eventType": "nonsense", "type": "email.event"}, "email"),
        ({"type": "Text", "channel": {"platform": "Open"}}, "message"),
        ({"channel": {}}, "unknown"),
        ({}, "unknown"),
        ({"topicName": "v2.detail.events.conversation.c-1.acd.end", "eventBody": {"mediaType": "VOICE"}}, "call"),
        (
            {"topicName": "v2.detail.events.conversation.c-1.acd.end", "eventBody": {"mediaType": "callback"}},
            "callback",
        ),
        ({"topicName": "v2.detail.events.conversation.c-1.acd.end", "eventBody": {"mediaType": "new"}}, "conversation"),
        ({"topicName": "v2.detail.events.conversation.c-1.acd.end", "eventBody": {"mediaType": 1}}, "conversation"),
        ({"topicName": "v2.detail.events.conversation.c-1.acd.end"}, "conversation"),
        ({"topicName": "v2.detail.events.conversation.c-1.wrapup", "eventBody": {"mediaType": "VOICE"}}, "disposition"),
        ({"topicName": "v2.detail.events.flow.x", "eventBody": {}}, "unknown"),
        ({"topicName": "v2.conversations.c-1.transcription", "eventBody": {}}, "transcription"),
        ({"topicName": "v2.conversations.c-1", "eventBody": {}}, "conversation"),
        ({"topicName": "v2.users.u-1.presence"}, "presence"),
        ({"topicName": "v2.users.u-1.routingStatus"}, "routing_status"),
        ({"topicName": "v2.users.u-1.conversations.calls", "eventBody": {"mediaType": "CALL"}}, "call"),
        ({"topicName": "v2.users.u-1.geolocation"}, "user"),
        ({"topicName": "v2.audits.entitytype.user"}, "audit"),
        ({"topicName": "v2.quality.evaluations.q-1"}, "quality"),
        ({"topicName": "v2.analytics.queues.q-1.observations"}, "analytics"),
        ({"topicName": "v2.routing.queues.q-1.users"}, "queue"),
        ({"topicName": "v2.routing.skills"}, "unknown"),
        ({"topicName": "v2.", "eventType": "call.event"}, "unknown"),
        ({"topicName": "channel.metadata", "eventType": "call.event"}, "call"),
    ],
)
def test_an_event_is_of_a_known_type_or_unknown(payload: dict[str, Any], event_type: str) -> None:
    assert event_type_of(payload) == event_type


def test_a_topic_is_cut_and_must_be_text() -> None:
    assert topic_of({"topicName": "v2." + "x" * 1000}) == "v2." + "x" * (MAX_TOPIC_CHARACTERS - 3)
    assert topic_of({"topicName": 7}) is None
    assert topic_of({}) is None


# Time


@pytest.mark.parametrize(
    "payload",
    [
        {"eventBody": {"eventTime": MOMENT_MS}},
        {"eventBody": {"eventTime": "2026-11-23T09:00:00.250Z"}},
        {"eventBody": {"eventTime": "2026-11-23T10:00:00.250+01:00"}},
        {"eventBody": {"modifiedDate": "2026-11-23T09:00:00.250Z"}},
        {"eventBody": {"routingStatus": {"startTime": "2026-11-23T09:00:00.250Z"}}},
        {"channel": {"time": "2026-11-23T09:00:00.250Z"}},
        {"callStartTime": "2026-11-23T09:00:00.250Z"},
        {"timestamp": "2026-11-23T09:00:00.250Z", "callStartTime": "2020-01-01T00:00:00Z"},
        {"eventBody": {}, "timestamp": "2026-11-23T09:00:00.250Z"},
        {"eventBody": {"eventTime": "soon"}, "timestamp": "2026-11-23T09:00:00.250"},
        {"eventBody": {"eventTime": MOMENT_MS}, "timestamp": "2020-01-01T00:00:00Z"},
    ],
)
def test_an_events_time_is_found_where_its_family_keeps_it(payload: dict[str, Any]) -> None:
    assert moment(payload) == MOMENT


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        "",
        "soon",
        "2026-13-01",
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
        "\ud800",
        float("nan"),
        float("inf"),
        -1e308,
        10**400,
        -(10**400),
        253402300800000,
        [],
        {},
    ],
)
def test_what_is_no_time_is_none(value: object) -> None:
    assert parse_time(value) is None


@given(value=json_values.values | st.integers() | st.floats())
def test_any_value_is_a_time_in_utc_or_none(value: object) -> None:
    moment = parse_time(value)
    if moment is not None:
        assert moment.utcoffset() == timedelta(0)
        assert parse_time(format_time(moment)) == moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@given(moment=st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=st.timezones()))
def test_an_iso_time_of_any_zone_is_its_moment_in_utc(moment: datetime) -> None:
    assert parse_time(moment.isoformat()) == moment.astimezone(UTC)


def test_times_have_one_form() -> None:
    assert format_time(MOMENT) == "2026-11-23T09:00:00.250Z"
    assert format_time(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00.000Z"
