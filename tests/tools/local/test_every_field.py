"""Events with every field of the dictionary: each leaf is filled, and what is personal is known."""

import json
from datetime import UTC, datetime
from itertools import islice

from genesys_firehose_cdk import EventShapes
from genesys_firehose_tools.library_files import shapes
from genesys_firehose_tools.local.every_field import EveryField
from genesys_firehose_tools.local.values import GeneratedEvent, Values, find_markers, find_personal_values
from shared.envelope import wrap
from shared.event import describe
from tests.in_memory_aws import InMemoryAws
from tests.wired_functions import firehose_batch, transform_function, transformed

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def _round() -> list[GeneratedEvent]:
    """One event of every shape."""
    count = sum(len(schema.get("x-topics", [1])) for name, schema in shapes().items() if name != "notification")
    return list(islice(EveryField(Values(seed=1, until=NOON)).events(), count))


def test_the_dictionary_that_is_read_is_the_librarys() -> None:
    assert shapes() == EventShapes.default().schemas


def test_every_topic_has_an_event() -> None:
    topics = {topic for schema in shapes().values() for topic in schema.get("x-topics", ())}
    families = {event.family.removeprefix("every field of ") for event in _round()}
    assert families == topics | {"webhook", "open_message", "detail_event"}
    assert len(topics) >= 242


def test_every_event_has_a_marker_that_is_nobodys() -> None:
    for event in _round():
        assert event.marker in find_markers(json.dumps(event.body))
        assert event.marker not in event.personal


def test_the_personal_values_of_an_event_are_found_in_it() -> None:
    events = _round()
    for event in events:
        assert event.personal <= find_personal_values(json.dumps(event.body))
    assert sum(bool(event.personal) for event in events) > len(events) / 2


def test_no_personal_value_of_any_shape_can_be_read_in_clean_and_none_of_them_is_drift() -> None:
    aws = InMemoryAws()
    transform = transform_function(aws)
    events = {event.marker: event for event in _round()}
    arrival = datetime.now(UTC)
    records = [
        wrap(json.dumps(event.body).encode(), describe(event.body, ("messageId",), arrival), "webhook", arrival)
        for event in events.values()
    ]
    seen = set()
    for record in transformed(transform.handle(firehose_batch(records))):
        line = json.dumps(record)
        [marker] = find_markers(line) & events.keys()
        seen.add(marker)
        assert not find_personal_values(line) & events[marker].personal, events[marker].family
        assert record["schema_drift"] == [], events[marker].family
    assert seen == events.keys()
