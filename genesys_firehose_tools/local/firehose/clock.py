"""The clock of a stream: real timestamps, and durations that can pass faster than real time."""

import time


class Clock:
    """Real time whose durations run faster by a factor.

    Timestamps are real, and so are prefixes, object names and arrival times. Only waiting is shorter: buffer
    intervals, retry delays, the 24 hours of storage.
    """

    def __init__(self, speed: float = 1.0) -> None:
        """Create a clock.

        Args:
            speed: How many seconds of waiting pass in one real second; above 0, default 1 (real time).

        Raises:
            ValueError: The speed is 0 or less.
        """
        if speed <= 0:
            raise ValueError(f"speed must be above 0, not {speed}.")
        self._speed = speed

    def now(self) -> float:
        """Return the time as seconds since the epoch."""
        return time.time()

    def elapsed_since(self, moment: float) -> float:
        """Return the seconds of waiting that have passed since a moment returned by `now`."""
        return (self.now() - moment) * self._speed

    def wait(self, seconds: float) -> None:
        """Let seconds of waiting pass."""
        time.sleep(seconds / self._speed)
