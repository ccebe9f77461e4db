"""A key has one owner, found in few calls; a failed call is never taken for an answer."""

import pytest

from tests.in_memory_aws import Fault, InMemoryAws
from transform.deduplication import Copy, KeyOwners

NOW = 1_795_428_000.9
WEEK = 7 * 24 * 60 * 60


@pytest.fixture
def owners(aws: InMemoryAws) -> KeyOwners:
    return KeyOwners(lambda: aws.client("dynamodb"), "owners", WEEK, lambda: NOW)


FIRST, SECOND = Copy("first", "identity"), Copy("second", "another identity")


def copies(count: int, copy: str = "first") -> dict[str, Copy]:
    return {f"key-{number}": Copy(f"{copy}-{number}", "identity") for number in range(count)}


def test_the_first_copy_to_claim_a_key_owns_it_for_a_week(aws: InMemoryAws, owners: KeyOwners) -> None:
    assert owners.claim({"key": FIRST}) == {"key": FIRST}
    assert aws.owners == {"key": "first identity"}
    assert aws.owners_expire == {"key": int(NOW) + WEEK}


def test_another_copy_learns_who_the_owner_is_and_changes_nothing(aws: InMemoryAws, owners: KeyOwners) -> None:
    owners.claim({"key": FIRST})
    assert owners.claim({"key": SECOND, "other": SECOND}) == {"key": FIRST, "other": SECOND}
    assert aws.owners == {"key": "first identity", "other": "second another identity"}


def test_the_owner_itself_is_told_so_again(owners: KeyOwners) -> None:
    owners.claim({"key": FIRST})
    assert owners.claim({"key": FIRST}) == {"key": FIRST}


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
    assert owners.claim(copies(4)) == {"key-1": Copy("first-1", "identity"), "key-3": Copy("first-3", "identity")}
    assert '"code":"ThrottlingError"' in capsys.readouterr().out


def test_an_owner_that_cant_be_read_is_not_known(aws: InMemoryAws, owners: KeyOwners) -> None:
    owners.claim(copies(2))
    aws.schedule = {2: Fault.PARTIAL}
    assert owners.claim(copies(2, "second")) == {"key-1": Copy("first-1", "identity")}
