"""A small memory of events that are safely in: it answers a sender's immediate retry without a put."""

import time
from collections import OrderedDict
from collections.abc import Callable, Container, Iterable

# A sender retries within 85 s (Genesys Cloud Developer Center, "Open messaging"); ten times that is ample.
KEEP_SECONDS = 900.0
MOST_EVENTS = 20_000


class RecentEvents:
    """Events whose put succeeded in this execution environment, by a hash of their bytes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._expiries: OrderedDict[bytes, float] = OrderedDict()

    def current(self) -> Container[bytes]:
        """Return the hashes that are remembered now; valid until the next call of a method."""
        now = self._clock()
        # The oldest come first.
        while self._expiries and now >= next(iter(self._expiries.values())):
            self._expiries.popitem(last=False)
        return self._expiries

    def add(self, digests: Iterable[bytes]) -> None:
        """Remember hashes; the oldest go when there are too many."""
        expiry = self._clock() + KEEP_SECONDS
        for digest in digests:
            self._expiries[digest] = expiry
            self._expiries.move_to_end(digest)
        while len(self._expiries) > MOST_EVENTS:
            self._expiries.popitem(last=False)
