"""Faults of the local Genesys Cloud, each for chosen requests."""

import threading
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong at some requests.

    Attributes:
        status: The HTTP status to answer with; 0 closes the connection without an answer.
        after_effect: Whether the request takes effect first and only its answer is replaced. Default: False.
        request: The number of the request that it strikes, 0 for the first from now on. Default: None, any.
        method: The HTTP method that it strikes. Default: any.
        path: What the path that it strikes begins with. Default: any.
        times: How many requests it strikes. Default: 1.
        retry_after: The answer's Retry-After header in seconds. Default: none.
        delay_seconds: How long the request waits before anything else. Default: 0.
        message: The message of the answer. Default: one that says it is a fault.
    """

    status: int
    after_effect: bool = False
    request: int | None = None
    method: str = ""
    path: str = ""
    times: int = 1
    retry_after: int | None = None
    delay_seconds: float = 0.0
    message: str = "A fault that was asked for."

    def __post_init__(self) -> None:
        """Refuse what can't be done.

        Raises:
            ValueError: A value is out of its range.
        """
        if self.status != 0 and not 400 <= self.status <= 599:
            raise ValueError(f"status must be 0 or from 400 to 599, not {self.status}.")
        if self.times < 1:
            raise ValueError(f"times must be 1 or more, not {self.times}.")
        if self.delay_seconds < 0:
            raise ValueError(f"delay_seconds must be 0 or more, not {self.delay_seconds}.")


class FaultPlan:
    """The faults still to come; the first that fits a request strikes it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._requests = 0

    @property
    def faults(self) -> list[Fault]:
        """The faults still to come."""
        with self._lock:
            return list(self._faults)

    def set(self, faults: list[Fault]) -> None:
        """Replace all faults and count requests from 0."""
        with self._lock:
            self._faults = list(faults)
            self._requests = 0

    def strike(self, method: str, path: str) -> Fault | None:
        """Return the fault that strikes the next request, if one does."""
        with self._lock:
            number = self._requests
            self._requests += 1
            for index, fault in enumerate(self._faults):
                if fault.request in (None, number) and fault.method in ("", method) and path.startswith(fault.path):
                    if fault.times == 1:
                        del self._faults[index]
                    else:
                        self._faults[index] = replace(fault, times=fault.times - 1)
                    return fault
        return None
