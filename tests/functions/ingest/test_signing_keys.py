"""The keys are read seldom, a rotation is noticed at once, and forgeries can't turn into reads."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from ingest.signing_keys import KeysUnavailableError, SigningKeys
from tests.functions.observing import Clock
from tests.in_memory_aws import Fault, InMemoryAws

# Current and previous version.
CALLS_OF_A_READ = 2


@pytest.fixture
def keys(aws: InMemoryAws, clock: Clock) -> SigningKeys:
    return SigningKeys(lambda: aws.client("secretsmanager"), "arn:secret", timedelta(hours=24), clock)


def rotate(aws: InMemoryAws, new: str, created: datetime | None = None) -> None:
    aws.secret_versions = {"AWSCURRENT": new, "AWSPREVIOUS": aws.secret_versions["AWSCURRENT"]}
    aws.secret_created = created or datetime.now(UTC)


def let_fail(aws: InMemoryAws, fault: Fault, calls: int = 1000) -> None:
    aws.schedule.update({len(aws.calls) + ahead: fault for ahead in range(calls)})


def test_a_secret_never_rotated_is_one_key(keys: SigningKeys) -> None:
    assert keys.get() == [b"the-key"]


def test_after_a_rotation_both_keys_count(aws: InMemoryAws, keys: SigningKeys) -> None:
    rotate(aws, "new-key")
    assert keys.get() == [b"new-key", b"the-key"]


def test_the_previous_key_counts_no_longer_than_its_validity(aws: InMemoryAws, keys: SigningKeys) -> None:
    rotate(aws, "new-key", created=datetime.now(UTC) - timedelta(hours=24, seconds=1))
    assert keys.get() == [b"new-key"]


def test_the_previous_key_ends_while_it_is_cached(
    aws: InMemoryAws, keys: SigningKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotate(aws, "new-key", created=datetime.now(UTC) - timedelta(hours=23))
    assert keys.get() == [b"new-key", b"the-key"]

    class Later(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]  # noqa: ARG003
            return datetime.now(UTC) + timedelta(hours=2)

    monkeypatch.setattr("ingest.signing_keys.datetime", Later)
    assert keys.get() == [b"new-key"]
    assert len(aws.calls) == CALLS_OF_A_READ


def test_the_keys_are_read_once_in_five_minutes(aws: InMemoryAws, clock: Clock, keys: SigningKeys) -> None:
    for _second in range(300):
        keys.get()
        clock.advance(1)
    assert len(aws.calls) == CALLS_OF_A_READ
    clock.advance(1)
    keys.get()
    assert len(aws.calls) == 2 * CALLS_OF_A_READ


def test_a_mismatch_right_after_a_read_does_not_read_again(aws: InMemoryAws, keys: SigningKeys) -> None:
    keys.get()
    assert keys.get_again() is None
    assert len(aws.calls) == CALLS_OF_A_READ


def test_a_mismatch_finds_the_key_of_a_rotation(aws: InMemoryAws, clock: Clock, keys: SigningKeys) -> None:
    keys.get()
    clock.advance(10)
    rotate(aws, "new-key")
    assert keys.get() == [b"the-key"]
    assert keys.get_again() == [b"new-key", b"the-key"]
    assert keys.get() == [b"new-key", b"the-key"]


def test_a_flood_of_mismatches_reads_once_a_second(aws: InMemoryAws, clock: Clock, keys: SigningKeys) -> None:
    for _forgery in range(1000):
        keys.get()
        keys.get_again()
        clock.advance(1 / 16)
    assert len(aws.calls) == 63 * CALLS_OF_A_READ


@pytest.mark.parametrize("fault", [Fault.TIMEOUT, Fault.THROTTLE, Fault.REFUSED])
def test_keys_once_known_outlive_an_outage(aws: InMemoryAws, clock: Clock, keys: SigningKeys, fault: Fault) -> None:
    keys.get()
    let_fail(aws, fault)
    for _minute in range(60):
        clock.advance(60)
        assert keys.get() == [b"the-key"]


def test_an_outage_of_known_keys_is_asked_about_once_in_ten_seconds(
    aws: InMemoryAws, clock: Clock, keys: SigningKeys
) -> None:
    keys.get()
    let_fail(aws, Fault.THROTTLE)
    clock.advance(301)
    calls_before = len(aws.calls)
    for _request in range(1000):
        keys.get()
        clock.advance(0.1)
    assert len(aws.calls) - calls_before == 10


def test_nobody_can_call_a_mismatch_a_forgery_while_the_secret_cant_be_read(
    aws: InMemoryAws, clock: Clock, keys: SigningKeys
) -> None:
    keys.get()
    let_fail(aws, Fault.TIMEOUT)
    clock.advance(10)
    for _request in range(100):
        with pytest.raises(KeysUnavailableError):
            keys.get_again()
    assert len(aws.calls) == CALLS_OF_A_READ + 1


@pytest.mark.parametrize("call", [0, 1], ids=["the current version", "the previous version"])
def test_without_any_keys_yet_an_unreadable_secret_is_unavailable(
    aws: InMemoryAws, clock: Clock, keys: SigningKeys, call: int
) -> None:
    aws.schedule[call] = Fault.THROTTLE
    with pytest.raises(KeysUnavailableError):
        keys.get()
    clock.advance(1)
    assert keys.get() == [b"the-key"]


@pytest.mark.parametrize("ask", [SigningKeys.get, SigningKeys.get_again])
def test_a_secret_never_read_is_asked_for_once_a_second_at_most(
    aws: InMemoryAws, clock: Clock, keys: SigningKeys, ask: Callable[[SigningKeys], object]
) -> None:
    let_fail(aws, Fault.REFUSED)
    with pytest.raises(KeysUnavailableError):
        keys.get()
    for _request in range(100):
        with pytest.raises(KeysUnavailableError):
            ask(keys)
        clock.advance(0.009)
    assert len(aws.calls) == 1
