"""What a check finds."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a pipeline is, by one check."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found.

    Attributes:
        state: How it is.
        seen: What was seen; of a check that does not apply, why.
        means: What that means for the events.
        fix: What to do.
    """

    state: State
    seen: str
    means: str = ""
    fix: str = ""


def ok(seen: str) -> Finding:
    """Something is as it should be."""
    return Finding(State.OK, seen)


def not_applicable(reason: str) -> Finding:
    """There is nothing to check."""
    return Finding(State.NOT_APPLICABLE, reason)


def warning(seen: str, *, means: str, fix: str) -> Finding:
    """Something needs a look, but no event is lost or late by it."""
    return Finding(State.WARNING, seen, means, fix)


def fault(seen: str, *, means: str, fix: str) -> Finding:
    """Something is wrong."""
    return Finding(State.FAULT, seen, means, fix)
