"""A clock for tests."""

from genesys_firehose_tools.local.firehose.clock import Clock


class ManualClock(Clock):
    """A clock that stands still until it is moved by hand."""

    def __init__(self, now: float) -> None:
        super().__init__()
        self._now = now

    def now(self) -> float:
        """Return the moment it was last moved to."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move the time on."""
        self._now += seconds

    wait = advance
