"""The memory of recent events is bounded in size and time."""

from ingest.recent_events import KEEP_SECONDS, MOST_EVENTS, RecentEvents
from tests.functions.observing import Clock


def test_an_event_is_remembered_until_its_time_is_over(clock: Clock) -> None:
    events = RecentEvents(clock)
    events.add([b"a"])
    assert b"a" in events.current()
    assert b"b" not in events.current()
    clock.advance(KEEP_SECONDS - 1)
    assert b"a" in events.current()
    clock.advance(1)
    assert b"a" not in events.current()


def test_an_event_seen_again_is_remembered_anew(clock: Clock) -> None:
    events = RecentEvents(clock)
    events.add([b"a"])
    clock.advance(KEEP_SECONDS / 2)
    events.add([b"a"])
    clock.advance(KEEP_SECONDS / 2)
    assert b"a" in events.current()


def test_the_oldest_events_go_when_there_are_too_many(clock: Clock) -> None:
    events = RecentEvents(clock)
    events.add([b"first", b"second"])
    events.add([b"first"])
    events.add(b"%d" % number for number in range(MOST_EVENTS - 1))
    assert b"first" in events.current()
    assert b"second" not in events.current()
    assert b"%d" % (MOST_EVENTS - 2) in events.current()
