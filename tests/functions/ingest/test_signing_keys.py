"""The keys are read seldom, a rotation is noticed at once, and forgeries can't turn into reads."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from ingest.signing_keys import KeysUnavailableError, SigningKeys
from tests.functions.observing import Clock
from tests.in_memory_aws import Fault, InMemoryAws

# Current, previous and pending version.
CALLS_OF_A_READ = 3


@pytest.fixture
def keys(aws: InMemoryAws, clock: Clock) -> SigningKeys:
    return SigningKeys(lambda: aws.client("secretsmanager"), "arn:secret", timedelta(hours=24), clock)


def rotate(aws: InMemoryAws, new: str, created: datetime | None = None) -> None:
    aws.secret_versions = {"AWSCURRENT": new, "AWSPREVIOUS": aws.secret_versions["AWSCURRENT"]}
    aws.secret_created = created or datetime.now(UTC)


def let_fail(aws: InMemoryAws, fault: Fault, calls: int = 1000) -> None:
    aws.schedule.update({len(aws.calls) + ahead: fault for ahead in range(calls)})


def test_a_secret_never_rotated_is_one_key(keys: SigningKeys) -> None:
    assert keys.get() == [b"the-first-key"]


def test_after_a_rotation_both_keys_count(aws: InMemoryAws, keys: SigningKeys) -> None:
    rotate(aws, "the-new-key")
    assert keys.get() == [b"the-new-key", b"the-first-key"]


def test_the_next_key_counts_before_the_rotation(aws: InMemoryAws, keys: SigningKeys) -> None:
    aws.secret_versions["AWSPENDING"] = "the-next-key"
    assert keys.get() == [b"the-next-key", b"the-first-key"]
    since = keys.facts()["next_key_accepted_since"]
    assert since == aws.previous_secret_created.isoformat()
    assert keys.facts()["previous_key_accepted_until"] is None


def test_in_a_rotation_right_after_another_three_keys_count(aws: InMemoryAws, keys: SigningKeys) -> None:
    rotate(aws, "the-new-key")
    aws.secret_versions["AWSPENDING"] = "the-next-key"
    assert keys.get() == [b"the-next-key", b"the-new-key", b"the-first-key"]


def test_a_label_that_a_finished_rotation_left_behind_is_no_other_key(aws: InMemoryAws, keys: SigningKeys) -> None:
    aws.secret_versions["AWSPENDING"] = aws.secret_versions["AWSCURRENT"]
    assert keys.get() == [b"the-first-key"]
    assert keys.facts()["next_key_accepted_since"] is None


@pytest.mark.parametrize("pending", ["the-next-key\n", b"no text"])
def test_a_next_key_that_cant_work_does_not_stand_in_the_way(
    aws: InMemoryAws, keys: SigningKeys, pending: str | bytes
) -> None:
    aws.secret_versions["AWSPENDING"] = pending
    assert keys.get() == [b"the-first-key"]


def test_the_previous_key_counts_no_longer_than_its_validity(aws: InMemoryAws, keys: SigningKeys) -> None:
    rotate(aws, "the-new-key", created=datetime.now(UTC) - timedelta(hours=24, seconds=1))
    assert keys.get() == [b"the-new-key"]


def test_the_previous_key_ends_while_it_is_cached(
    aws: InMemoryAws, keys: SigningKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotate(aws, "the-new-key", created=datetime.now(UTC) - timedelta(hours=23))
    assert keys.get() == [b"the-new-key", b"the-first-key"]

    class Later(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]  # noqa: ARG003
            return datetime.now(UTC) + timedelta(hours=2)

    monkeypatch.setattr("ingest.signing_keys.datetime", Later)
    assert keys.get() == [b"the-new-key"]
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
    rotate(aws, "the-new-key")
    assert keys.get() == [b"the-first-key"]
    assert keys.get_again() == [b"the-new-key", b"the-first-key"]
    assert keys.get() == [b"the-new-key", b"the-first-key"]


def test_for_ten_seconds_after_another_version_was_read_the_keys_are_settling(
    aws: InMemoryAws, clock: Clock, keys: SigningKeys
) -> None:
    keys.get()
    assert not keys.are_settling
    clock.advance(10)
    rotate(aws, "the-new-key")
    assert not keys.are_settling
    keys.get_again()
    clock.advance(9.9)
    assert keys.are_settling
    clock.advance(0.2)
    assert not keys.are_settling


def test_reading_the_same_version_again_is_no_change(aws: InMemoryAws, clock: Clock, keys: SigningKeys) -> None:
    rotate(aws, "the-new-key", created=datetime.now(UTC) - timedelta(hours=1))
    for _read in range(3):
        keys.get()
        assert not keys.are_settling
        clock.advance(301)


@pytest.mark.parametrize(("age", "is_settling"), [(0, True), (9, True), (11, False)])
def test_at_the_first_read_the_age_of_a_version_that_is_not_the_first_decides(
    aws: InMemoryAws, keys: SigningKeys, age: int, is_settling: bool
) -> None:
    rotate(aws, "the-new-key", created=datetime.now(UTC) - timedelta(seconds=age))
    keys.get()
    assert keys.are_settling is is_settling


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
        assert keys.get() == [b"the-first-key"]


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


@pytest.mark.parametrize("call", [0, 1, 2], ids=["the current version", "the previous version", "the pending version"])
def test_without_any_keys_yet_an_unreadable_secret_is_unavailable(
    aws: InMemoryAws, clock: Clock, keys: SigningKeys, call: int
) -> None:
    aws.schedule[call] = Fault.THROTTLE
    with pytest.raises(KeysUnavailableError):
        keys.get()
    clock.advance(1)
    assert keys.get() == [b"the-first-key"]


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


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is empty or holds blanks alone"),
        ("        \n", "is empty or holds blanks alone"),
        ("the-first-key\n", "begins or ends with a blank or a newline"),
        (" the-first-key", "begins or ends with a blank or a newline"),
        ('{"key":"the-first-key"}', "is a JSON object"),
        ("seven77", "is too short"),
        ("k", "is too short"),
        ("aaaaaaaaaaaaaaaa", "repeats one character"),
    ],
)
def test_a_key_that_cant_work_is_refused_in_words_that_repeat_nothing_of_it(
    aws: InMemoryAws, keys: SigningKeys, capsys: pytest.CaptureFixture[str], text: str, problem: str
) -> None:
    aws.secret_versions["AWSCURRENT"] = text
    with pytest.raises(KeysUnavailableError) as raised:
        keys.get()
    written = capsys.readouterr().out
    assert f"The secret of the signing key {problem}: the key alone as plain text is allowed" in written
    assert str(raised.value.__cause__) in written
    assert not text.strip() or len(text) < 3 or text.strip() not in written


def test_a_secret_without_text_is_refused_in_words(
    aws: InMemoryAws, keys: SigningKeys, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.secret_versions["AWSCURRENT"] = b"a key"
    with pytest.raises(KeysUnavailableError):
        keys.get()
    assert "The secret of the signing key holds no text" in capsys.readouterr().out


def test_a_rotation_to_a_key_that_cant_work_leaves_the_known_key_in_force(
    aws: InMemoryAws, clock: Clock, keys: SigningKeys
) -> None:
    keys.get()
    rotate(aws, "the-new-key\n")
    clock.advance(301)
    assert keys.get() == [b"the-first-key"]


def test_a_previous_key_that_cant_work_does_not_stand_in_the_way(aws: InMemoryAws, keys: SigningKeys) -> None:
    aws.secret_versions["AWSCURRENT"] = " "
    rotate(aws, "the-new-key")
    assert keys.get() == [b"the-new-key"]


@pytest.mark.parametrize(
    ("hours_between", "hours_ago", "is_early"),
    [(23, 0, True), (25, 0, False), (1, 24, False), (1, 22, True)],
    ids=["within the day", "after the day", "within the day, but the day is over", "within the day that is not over"],
)
def test_a_second_rotation_within_the_validity_of_the_previous_key_is_warned_of(
    aws: InMemoryAws,
    keys: SigningKeys,
    capsys: pytest.CaptureFixture[str],
    hours_between: int,
    hours_ago: int,
    is_early: bool,
) -> None:
    created = datetime.now(UTC) - timedelta(hours=hours_ago)
    rotate(aws, "the-new-key", created)
    aws.previous_secret_created = created - timedelta(hours=hours_between)
    keys.get()
    assert keys.facts()["rotated_early"] is is_early
    assert ("the signing key was rotated again" in capsys.readouterr().out) is is_early


def test_the_facts_of_the_keys_are_their_ages(aws: InMemoryAws, keys: SigningKeys) -> None:
    created = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    aws.secret_created = created
    facts = keys.facts()
    assert facts == {
        "created": "2026-01-02T03:04:05+00:00",
        "age_days": (datetime.now(UTC) - created).days,
        "next_key_accepted_since": None,
        "previous_key_accepted_until": None,
        "rotated_early": False,
    }


def test_after_a_rotation_the_facts_say_how_long_the_previous_key_is_accepted(
    aws: InMemoryAws, keys: SigningKeys
) -> None:
    created = datetime.now(UTC) - timedelta(hours=1)
    rotate(aws, "the-new-key", created)
    assert keys.facts()["previous_key_accepted_until"] == (created + timedelta(hours=24)).isoformat()
