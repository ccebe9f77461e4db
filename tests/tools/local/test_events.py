"""Generated events are repeatable, and everything personal in them can be found again."""

import json
from datetime import UTC, datetime

import pytest

from genesys_firehose_tools.local.events import FAMILIES, EventGenerator
from genesys_firehose_tools.local.values import find_markers, find_personal_values, personal_values

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def test_the_same_seed_gives_the_same_events() -> None:
    assert EventGenerator(5, NOON).take(50) == EventGenerator(5, NOON).take(50)
    assert EventGenerator(5, NOON).take(50) != EventGenerator(6, NOON).take(50)


def test_no_marker_or_personal_value_occurs_in_two_events() -> None:
    generator = EventGenerator(1, NOON)
    events = [generator.generate(family) for family in FAMILIES for _ in range(100)]

    assert len({event.marker for event in events}) == len(events)
    assert len(personal_values(events)) == sum(len(event.personal) for event in events)


@pytest.mark.parametrize("family", FAMILIES)
def test_an_event_carries_its_marker_and_its_personal_values_and_they_differ(family: str) -> None:
    event = EventGenerator(2, NOON).generate(family)
    text = json.dumps(event.body)

    assert event.marker in find_markers(text)
    assert event.marker not in event.personal
    assert event.personal <= find_personal_values(text)
    assert event.personal or family == "routing status"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("+15550123456", "15550123456"),
        ("tel:+15550123456", "15550123456"),
        ("sip:+15550123456@edge.example.com", "15550123456"),
        ("1-555-012-3456", "15550123456"),
        ("+1 (555) 012-3456", "15550123456"),
        ("Zqabcdef", "zqabcdef"),
        ("xxzqabcdefxx", "zqabcdef"),
        ("from 2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6"),
    ],
)
def test_a_personal_value_is_found_in_whatever_spelling(text: str, value: str) -> None:
    assert value in find_personal_values(text)


def test_times_and_numbers_of_events_are_not_personal() -> None:
    assert find_personal_values('{"eventTime": 1795487873665, "timestamp": "2026-11-24T10:55:50.123Z"}') == set()
