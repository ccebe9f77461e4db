"""A day with gaps lacks something for every cause, and nothing else."""

from datetime import UTC, date, datetime

import pytest

from genesys_firehose_tools.local.gaps import GappedDay, gapped_day
from genesys_firehose_tools.local.values import GeneratedEvent

DAY = date(2026, 11, 23)


@pytest.fixture(scope="module")
def told() -> GappedDay:
    return gapped_day(DAY)


def conversations(events: list[GeneratedEvent]) -> set[str]:
    return {event.body["eventBody"]["conversationId"] for event in events}


def sessions(events: list[GeneratedEvent], conversation: str) -> set[str]:
    bodies = [event.body["eventBody"] for event in events]
    return {body["sessionId"] for body in bodies if body["conversationId"] == conversation}


def test_every_cause_loses_something(told: GappedDay) -> None:
    assert all(told.lost.values())
    assert told.lost.keys() == {"topic", "integration off", "late correction", "over midnight", "reopened"}


def test_of_a_conversation_that_lost_nothing_every_session_is_sent(told: GappedDay) -> None:
    lost = set[str]().union(*told.lost.values())
    whole = conversations(told.sent) - lost
    assert len(whole) > len(lost)
    for each in whole:
        assert sessions(told.sent, each) == sessions(told.known, each)


def test_of_a_conversation_that_lost_something_a_session_is_not_sent(told: GappedDay) -> None:
    for each in set[str]().union(*told.lost.values()):
        assert sessions(told.sent, each) < sessions([*told.known, *told.corrected], each)


def test_one_conversation_that_has_not_ended_is_no_gap(told: GappedDay) -> None:
    lost = set[str]().union(*told.lost.values())
    [open_one] = conversations(told.known) - conversations(told.sent) - lost
    assert all(
        ".end" not in event.body["topicName"].replace("acd.end", "")
        for event in told.known
        if event.body["eventBody"]["conversationId"] == open_one
    )


def test_everything_begins_on_the_day(told: GappedDay) -> None:
    events = [*told.known, *told.corrected]
    began = {
        each: min(
            event.body["eventBody"]["eventTime"]
            for event in events
            if event.body["eventBody"]["conversationId"] == each
        )
        for each in conversations(events)
    }
    assert {datetime.fromtimestamp(moment / 1000, UTC).date() for moment in began.values()} == {DAY}
