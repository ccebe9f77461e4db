"""The memory of recent keys is bounded in size and time."""

from ingest.recent_keys import KEEP_SECONDS, MOST_KEYS, RecentKeys
from tests.functions.observing import Clock


def test_a_key_is_remembered_until_its_time_is_over(clock: Clock) -> None:
    keys = RecentKeys(clock)
    keys.add(["a"])
    assert "a" in keys.current()
    assert "b" not in keys.current()
    clock.advance(KEEP_SECONDS - 1)
    assert "a" in keys.current()
    clock.advance(1)
    assert "a" not in keys.current()


def test_a_key_seen_again_is_remembered_anew(clock: Clock) -> None:
    keys = RecentKeys(clock)
    keys.add(["a"])
    clock.advance(KEEP_SECONDS / 2)
    keys.add(["a"])
    clock.advance(KEEP_SECONDS / 2)
    assert "a" in keys.current()


def test_the_oldest_keys_go_when_there_are_too_many(clock: Clock) -> None:
    keys = RecentKeys(clock)
    keys.add(["first", "second"])
    keys.add(["first"])
    keys.add(f"key-{number}" for number in range(MOST_KEYS - 1))
    assert "first" in keys.current()
    assert "second" not in keys.current()
    assert f"key-{MOST_KEYS - 2}" in keys.current()
