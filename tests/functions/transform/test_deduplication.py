"""A key has one owner, found in few calls; a failed call is never taken for an answer."""

import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.in_memory_aws import Fault, InMemoryAws
from transform.deduplication import FULL, SHARDS, Copy, Key, KeyOwners

NOW = 1_795_428_000.9
WEEK = 7 * 24 * 60 * 60


@pytest.fixture
def owners(aws: InMemoryAws) -> KeyOwners:
    return KeyOwners(lambda: aws.client("dynamodb"), "owners", WEEK, lambda: NOW)


def digest_of(name: str) -> str:
    return hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()


def key_named(name: str, second: int | None = None) -> Key:
    return Key(digest_of(name), second)


def copy_named(name: str, identity: str = "identity") -> Copy:
    return Copy(digest_of(name), digest_of(identity))


FIRST, SECOND = copy_named("first"), copy_named("second", "another identity")


KEY, OTHER = Key("key"), Key("other")
SECOND_OF_TIME = 1_795_427_000


def copies(count: int, copy: str = "first", second: int | None = None) -> dict[Key, Copy]:
    return {key_named(f"key-{number}", second): copy_named(f"{copy}-{number}") for number in range(count)}


def test_the_first_copy_to_claim_a_key_owns_it_for_a_week(aws: InMemoryAws, owners: KeyOwners) -> None:
    assert owners.claim({KEY: FIRST}) == {KEY: FIRST}
    assert aws.owners == {"key": " ".join(FIRST)}
    assert aws.owners_expire == {"key": int(NOW) + WEEK}


def test_another_copy_learns_who_the_owner_is_and_changes_nothing(aws: InMemoryAws, owners: KeyOwners) -> None:
    owners.claim({KEY: FIRST})
    assert owners.claim({KEY: SECOND, OTHER: SECOND}) == {KEY: FIRST, OTHER: SECOND}
    assert aws.owners == {"key": " ".join(FIRST), "other": " ".join(SECOND)}


def test_an_owner_with_a_blank_in_its_id_is_read(aws: InMemoryAws, owners: KeyOwners) -> None:
    """Earlier code took ids of any form."""
    aws.owners["key"] = "a b identity"
    assert owners.claim({KEY: FIRST}) == {KEY: Copy("a b", "identity")}


def test_the_owner_itself_is_told_so_again(owners: KeyOwners) -> None:
    owners.claim({KEY: FIRST})
    assert owners.claim({KEY: FIRST}) == {KEY: FIRST}


def test_500_new_keys_cost_20_calls_and_500_taken_ones_5_more(aws: InMemoryAws, owners: KeyOwners) -> None:
    assert owners.claim(copies(500)) == copies(500)
    assert aws.calls == ["BatchExecuteStatement"] * 20
    aws.calls.clear()
    assert owners.claim(copies(500, "second")) == copies(500)
    assert aws.calls == ["BatchExecuteStatement"] * 20 + ["BatchGetItem"] * 5


def test_no_copies_cost_no_call(aws: InMemoryAws, owners: KeyOwners) -> None:
    assert owners.claim({}) == {}
    assert aws.calls == []


@pytest.mark.parametrize("fault", [Fault.TIMEOUT, Fault.LOST_ANSWER, Fault.THROTTLE, Fault.REFUSED])
def test_a_store_that_is_down_is_asked_once(aws: InMemoryAws, owners: KeyOwners, fault: Fault) -> None:
    aws.schedule = dict.fromkeys(range(100), fault)
    assert owners.claim(copies(500)) == {}
    assert len(aws.calls) == 1


def test_what_was_learnt_before_the_store_went_down_counts(aws: InMemoryAws, owners: KeyOwners) -> None:
    aws.schedule = {1: Fault.TIMEOUT}
    assert owners.claim(copies(50)) == dict(list(copies(50).items())[:25])


def test_a_claim_that_is_throttled_alone_has_no_known_owner(
    aws: InMemoryAws, owners: KeyOwners, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.schedule = {0: Fault.PARTIAL}
    assert owners.claim(copies(4)) == {
        key_named("key-1"): copy_named("first-1"),
        key_named("key-3"): copy_named("first-3"),
    }
    assert '"code":"ThrottlingError"' in capsys.readouterr().out


def test_an_owner_that_cant_be_read_is_not_known(aws: InMemoryAws, owners: KeyOwners) -> None:
    owners.claim(copies(2))
    aws.schedule = {2: Fault.PARTIAL}
    assert owners.claim(copies(2, "second")) == {key_named("key-1"): copy_named("first-1")}


def test_the_keys_of_a_second_share_an_item_and_cost_a_call(aws: InMemoryAws, owners: KeyOwners) -> None:
    first, second = copies(20, second=SECOND_OF_TIME), copies(5, second=SECOND_OF_TIME + 1)
    assert owners.claim({**first, **second}) == {**first, **second}
    assert aws.calls == ["UpdateItem", "UpdateItem"]
    assert aws.seconds.keys() == {str(SECOND_OF_TIME), str(SECOND_OF_TIME + 1)}
    assert aws.owners == {}


def test_another_copy_of_a_key_that_shares_an_item_learns_who_the_owner_is(owners: KeyOwners) -> None:
    first = copies(3, second=SECOND_OF_TIME)
    owners.claim(first)
    later = copies(5, "second", second=SECOND_OF_TIME)
    assert owners.claim(later) == {**later, **first}
    assert owners.claim(first) == first


def test_a_full_second_takes_no_more_and_still_knows_what_it_has(aws: InMemoryAws, owners: KeyOwners) -> None:
    within = copies(FULL, second=SECOND_OF_TIME)
    owners.claim(within)
    aws.calls.clear()
    everything = copies(FULL + 5, "second", second=SECOND_OF_TIME)
    beyond = {key: copy for key, copy in everything.items() if key not in within}
    assert owners.claim(everything) == {**within, **beyond}
    # The full item once, and shards of those that it lacks.
    assert aws.calls == ["UpdateItem"] * (1 + len({int(key.digest, 16) % 8 for key in beyond}))
    assert owners.claim(copies(FULL + 5, "third", second=SECOND_OF_TIME)) == {**within, **beyond}


def test_a_full_second_does_not_depend_on_how_many_come(owners: KeyOwners) -> None:
    """Else one key would find no room beside many others, and a copy of it room alone."""
    owners.claim(copies(FULL - 1, second=SECOND_OF_TIME))
    many = {key_named(f"more-{number}", SECOND_OF_TIME): copy_named(f"many-{number}") for number in range(FULL)}
    owners.claim(many)
    for key, copy in many.items():
        assert owners.claim({key: copy_named("later")}) == {key: copy}


def test_a_second_holds_2190_keys_in_items_of_its_own_and_all_others_have_one_each(
    aws: InMemoryAws, owners: KeyOwners
) -> None:
    first = copies(8000, second=SECOND_OF_TIME)
    assert owners.claim(first) == first
    assert {name.partition("-")[2].partition("-")[0] for name in aws.seconds} == {"", "8", "64"}
    assert len(aws.seconds) == sum(SHARDS) == 73
    shared = sum(len(item) - 2 for item in aws.seconds.values())
    assert shared >= FULL * sum(SHARDS) == 2190
    assert shared + len(aws.owners) == 8000
    assert owners.claim(copies(8000, "second", second=SECOND_OF_TIME)) == first


@given(
    claims=st.lists(st.lists(st.integers(0, 40), min_size=1, max_size=20), min_size=1, max_size=8),
    full=st.integers(1, 3),
)
def test_every_key_has_one_owner_for_good_however_its_copies_come_and_whatever_is_full(
    claims: list[list[int]], full: int
) -> None:
    owners_of: dict[Key, Copy] = {}
    aws = InMemoryAws()
    owners = KeyOwners(lambda: aws.client("dynamodb"), "owners", WEEK, lambda: NOW)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("transform.deduplication.FULL", full)
        for number, names in enumerate(claims):
            coming = {key_named(f"key-{name}", SECOND_OF_TIME): copy_named(f"{number}-{name}") for name in names}
            found = owners.claim(coming)
            for key, copy in coming.items():
                assert found[key] == owners_of.setdefault(key, copy)


def test_a_second_outlives_the_keys_that_found_it_full(aws: InMemoryAws, owners: KeyOwners) -> None:
    owners.claim(copies(8000, second=SECOND_OF_TIME))
    assert {item["expires_at"]["N"] for item in aws.seconds.values()} == {str(int(NOW) + 2 * WEEK)}
    assert set(aws.owners_expire.values()) == {int(NOW) + WEEK}


def test_a_full_second_is_kept_for_as_long_as_what_it_refuses(aws: InMemoryAws) -> None:
    """Else a copy of what it refused would find room where the full one was."""
    day = 24 * 60 * 60
    time = [NOW]
    owners = KeyOwners(lambda: aws.client("dynamodb"), "owners", WEEK, lambda: time[0])
    owners.claim(copies(FULL, second=SECOND_OF_TIME))
    late = {key_named("late", SECOND_OF_TIME): copy_named("late")}
    for days, calls in ((6, 2), (8, 3), (14, 2)):
        time[0] = NOW + days * day
        aws.calls.clear()
        assert owners.claim(late) == late
        # The full item, the shard, and between them a prolongation where it is needed.
        assert aws.calls == ["UpdateItem"] * calls
        assert int(aws.seconds[str(SECOND_OF_TIME)]["expires_at"]["N"]) >= int(time[0]) + WEEK


def test_no_item_is_larger_than_4_kb(aws: InMemoryAws, owners: KeyOwners) -> None:
    def claimed(count: int, name: int) -> dict[Key, Copy]:
        return {Key(f"{name:016x}{number:016x}", SECOND_OF_TIME): Copy("0" * 32, "0" * 32) for number in range(count)}

    owners.claim(claimed(FULL - 1, 1))
    owners.claim(claimed(FULL * 3, 2))
    item = aws.seconds[str(SECOND_OF_TIME)]
    assert len(item) - 2 == 2 * FULL - 1
    assert sum(len(name) + len(next(iter(value.values()))) for name, value in item.items()) < 4096


@pytest.mark.parametrize("fault", [Fault.TIMEOUT, Fault.LOST_ANSWER, Fault.THROTTLE, Fault.REFUSED])
def test_of_a_second_that_does_not_answer_no_owner_is_known(aws: InMemoryAws, owners: KeyOwners, fault: Fault) -> None:
    aws.schedule = {1: fault}
    first, second = copies(2, second=SECOND_OF_TIME), copies(2, second=SECOND_OF_TIME + 1)
    assert owners.claim({**first, **second, **copies(3)}) == first
    assert len(aws.calls) == 2


@pytest.mark.parametrize("per_second", [1, 12, 25, 120, 300])
def test_a_write_unit_holds_as_many_keys_as_come_in_a_second(
    aws: InMemoryAws, owners: KeyOwners, per_second: int, state: Callable[[str, float], None]
) -> None:
    count = 600
    for start in range(0, count, 300):  # two batches of Firehose
        owners.claim(
            {
                Key(f"{number:032x}", SECOND_OF_TIME + number // per_second): Copy("0" * 32, "0" * 32)
                for number in range(start, start + 300)
            }
        )
    state(f"keys in a write unit at {per_second} events a second", count / aws.write_units)
    assert count / aws.write_units >= min(per_second, 4)
