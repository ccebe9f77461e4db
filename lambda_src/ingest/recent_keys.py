"""A small memory of events that are safely in: it answers a sender's immediate retry without a put."""

import time
from collections import OrderedDict
from collections.abc import Callable, Container, Iterable

# A sender retries within 85 s (Genesys Cloud Developer Center, "Open messaging"); ten times that is ample.
KEEP_SECONDS = 900.0
MOST_KEYS = 20_000


class RecentKeys:
    """De-duplication keys whose put succeeded in this execution environment."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._expiries: OrderedDict[str, float] = OrderedDict()

    def current(self) -> Container[str]:
        """Return the keys that are remembered now; valid until the next call of a method."""
        now = self._clock()
        # The oldest come first.
        while self._expiries and now >= next(iter(self._expiries.values())):
            self._expiries.popitem(last=False)
        return self._expiries

    def add(self, keys: Iterable[str]) -> None:
        """Remember keys; the oldest go when there are too many."""
        expiry = self._clock() + KEEP_SECONDS
        for key in keys:
            self._expiries[key] = expiry
            self._expiries.move_to_end(key)
        while len(self._expiries) > MOST_KEYS:
            self._expiries.popitem(last=False)
