"""An identity is of key and content, whether the record says what its key is made of or is an older one."""

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.envelope import wrap
from shared.event import content_of, describe
from tests.in_memory_aws import InMemoryAws
from tests.wired_functions import TRANSFORM_ENVIRONMENT, masking_plan
from transform import records
from transform.deduplication import Key
from transform.function import CurrentTransformer
from transform.records import CleanRecord, Transformer
from transform.settings import TransformerSettings

ARRIVAL = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
TOPIC = "v2.detail.events.conversation.0a1b2c3d-0000-4000-8000-000000000001.customer.start"
EVENTS: dict[str, tuple[dict[str, Any], str]] = {
    "an id": ({"messageId": "1", "level": 1}, "id"),
    "an id and a time in the body": ({"messageId": "1", "eventBody": {"eventTime": 1795342000250}}, "id"),
    "an id and a time beside it": ({"messageId": "1", "timestamp": "2026-11-23T10:00:00Z"}, "id"),
    "an audit": ({"topicName": "v2.audits.x", "eventBody": {"id": "1", "eventTime": 1795342000250}}, "id"),
    "a time in the body": ({"topicName": TOPIC, "eventBody": {"eventTime": 1795342000250}}, "content"),
    "a timestamp": ({"topicName": "v2.x", "eventBody": {}, "timestamp": "2026-11-23T10:00:00Z"}, "content"),
    "neither": ({"topicName": "v2.x", "eventBody": {"level": 1}}, "hour"),
}


@pytest.fixture(scope="module")
def transformer() -> Transformer:
    settings = TransformerSettings.from_environment(TRANSFORM_ENVIRONMENT)
    return CurrentTransformer(settings, masking_plan(), InMemoryAws().client).get()


def record_of(transformer: Transformer, event: dict[str, Any], *, older: bool = False) -> CleanRecord:
    line = wrap(json.dumps(event).encode(), describe(event, ("messageId",), ARRIVAL), "webhook", ARRIVAL)
    if older:
        envelope = json.loads(line)
        del envelope["keyed_by"]
        line = json.dumps(envelope).encode() + b"\n"
    return transformer.transform(transformer.receive(line), ARRIVAL)


@pytest.mark.parametrize("case", EVENTS)
def test_a_record_says_what_its_key_is_made_of(case: str) -> None:
    event, keyed_by = EVENTS[case]
    assert describe(event, ("messageId",), ARRIVAL).keyed_by == keyed_by


@pytest.mark.parametrize("case", EVENTS)
def test_an_older_record_that_does_not_say_so_has_the_same_identity(transformer: Transformer, case: str) -> None:
    event, _keyed_by = EVENTS[case]
    new, old = record_of(transformer, event), record_of(transformer, event, older=True)
    assert (old.key, old.identity, old.mark) == (new.key, new.identity, new.mark)


def test_every_content_and_every_id_has_an_identity_of_its_own(transformer: Transformer) -> None:
    events = [event for event, _keyed_by in EVENTS.values()]
    events += [{**event, "topicName": "v2.other"} for event in events]
    events.append({"messageId": "1", "level": 2})
    events += [{"messageId": "1", "timestamp": f"2026-11-2{day}T10:00:00Z", "eventBody": {}} for day in (2, 3)]
    identities = Counter(record_of(transformer, event).identity for event in events)
    assert set(identities.values()) == {1}


def test_the_content_is_written_anew_only_for_what_has_an_id_or_no_time(
    transformer: Transformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[dict[str, Any]] = []

    def watched(payload: dict[str, Any], in_body: datetime | None) -> str:
        written.append(payload)
        return content_of(payload, in_body)

    monkeypatch.setattr(records, "content_of", watched)
    for event, _keyed_by in EVENTS.values():
        record_of(transformer, event)
    assert len(written) == 5


@pytest.mark.parametrize(
    ("case", "second"),
    [
        ("an id", None),
        ("an id and a time in the body", 1795342000),
        ("an id and a time beside it", None),
        ("an audit", None),
        ("a time in the body", 1795342000),
        ("a timestamp", 1795428000),
        ("neither", None),
    ],
)
def test_a_key_has_the_second_of_a_time_that_no_copy_of_the_event_can_lack(
    transformer: Transformer, case: str, second: int | None
) -> None:
    event, _keyed_by = EVENTS[case]
    assert record_of(transformer, event).key.second == second


TIMES = st.sampled_from([1795342000250, "2026-11-23T10:00:00Z", "2026-11-23T10:00:00.900Z", "soon", 7, None])


@given(
    body=st.fixed_dictionaries({"level": st.integers(0, 1)}, optional={"eventTime": TIMES, "modifiedDate": TIMES}),
    id=st.none() | st.just("1"),
    topic=st.none() | st.sampled_from([TOPIC, "v2.audits.x"]),
    timestamps=st.lists(TIMES, min_size=2, max_size=4),
)
def test_copies_of_one_identity_have_one_key_whatever_a_retry_changes_beside_the_body(
    transformer: Transformer, body: dict[str, Any], id: str | None, topic: str | None, timestamps: list[Any]
) -> None:
    named = {name: value for name, value in (("messageId", id), ("topicName", topic)) if value is not None}
    events = [{**named, "eventBody": body, "timestamp": timestamp} for timestamp in timestamps]
    keys: dict[str, set[Key]] = {}
    for event in events:
        record = record_of(transformer, event)
        keys.setdefault(record.identity, set()).add(record.key)
    assert all(len(of_identity) == 1 for of_identity in keys.values())
    if id is not None:
        assert len(set.union(*keys.values())) == 1


def test_nothing_that_a_sender_writes_says_what_the_key_is_made_of(transformer: Transformer) -> None:
    levels = [{"messageId": "1", "keyed_by": "content", "level": level} for level in (1, 2)]
    first, second = (record_of(transformer, event) for event in levels)
    assert first.key == second.key
    assert first.identity != second.identity
