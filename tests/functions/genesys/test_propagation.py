"""What AWS denies seconds after a deployment attached the policy is tried again for a minute, and nothing else is."""

from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError

from genesys.connection import CredentialsError
from genesys.propagation import PATIENCE_SECONDS, once_allowed
from tests.manual_clock import ManualClock


def denied(code: str = "AccessDeniedException") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, "GetSecretValue")


def work_that_fails(times: int, error: Exception) -> tuple[Callable[[], str], list[None]]:
    """Work that raises so often before it succeeds, and the attempts made."""
    attempts: list[None] = []

    def work() -> str:
        attempts.append(None)
        if len(attempts) <= times:
            raise error
        return "done"

    return work, attempts


DENIALS = {
    "a service": denied(),
    "a service with the older code": denied("AccessDenied"),
    "a secret or its key": CredentialsError("credentials can't be read", "AccessDeniedException"),
}


@pytest.mark.parametrize("case", DENIALS)
def test_a_denied_call_is_made_again_until_it_is_allowed(case: str) -> None:
    clock = ManualClock(0)
    work, attempts = work_that_fails(7, DENIALS[case])
    assert once_allowed(work, clock.now, clock.advance) == "done"
    assert (len(attempts), clock.now()) == (8, 35)


@pytest.mark.parametrize("case", DENIALS)
def test_a_call_that_stays_denied_fails_within_a_minute(case: str) -> None:
    clock = ManualClock(0)
    work, attempts = work_that_fails(1000, DENIALS[case])
    with pytest.raises((ClientError, CredentialsError)) as caught:
        once_allowed(work, clock.now, clock.advance)
    assert caught.value is DENIALS[case]
    assert clock.now() <= PATIENCE_SECONDS
    assert len(attempts) == 13


def test_the_time_that_the_attempts_take_counts_too() -> None:
    clock = ManualClock(0)

    def work() -> None:
        clock.advance(25)
        raise denied()

    with pytest.raises(ClientError):
        once_allowed(work, clock.now, clock.advance)
    assert clock.now() == 85


@pytest.mark.parametrize(
    "error",
    [denied("ThrottlingException"), CredentialsError("credentials hold no JSON"), ValueError("AccessDeniedException")],
)
def test_another_error_is_not_waited_for(error: Exception) -> None:
    clock = ManualClock(0)
    work, attempts = work_that_fails(1, error)
    with pytest.raises(type(error)):
        once_allowed(work, clock.now, clock.advance)
    assert (len(attempts), clock.now()) == (1, 0)
