"""Faults that can be switched on and off while the local Firehose runs."""

import random
from dataclasses import dataclass, fields

from genesys_firehose_tools.local.firehose import limits

_COUNTS = ("slow_seconds", "partition_quota")


@dataclass(frozen=True, slots=True)
class Faults:
    """Which faults strike; the default is none.

    Attributes:
        throttle: Share of PutRecord and PutRecordBatch requests refused with ServiceUnavailableException, 0 to 1.
        partial_failure: Share of a PutRecordBatch request's records refused one by one (FailedPutCount), 0 to 1.
        slow_seconds: Real seconds that every put waits before it is answered, 0 or more.
        lost_response: Share of puts whose records are taken but whose connection closes unanswered, 0 to 1.
        processor_failure: Share of the transform function's invocations that fail before they reach it, 0 to 1.
        missing_checksum: Share of uploads to S3 without a checksum, 0 to 1; AWS does not document whether Firehose
            sends one.
        partition_quota: Active partitions that a stream may have, 0 or more; the default is AWS's.
    """

    throttle: float = 0.0
    partial_failure: float = 0.0
    slow_seconds: float = 0.0
    lost_response: float = 0.0
    processor_failure: float = 0.0
    missing_checksum: float = 0.0
    partition_quota: float = limits.MAX_ACTIVE_PARTITIONS

    def __post_init__(self) -> None:
        """Refuse what is not a share or not a duration.

        Raises:
            ValueError: A value is no number or out of its range.
        """
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ValueError(f"{field.name} must be a number, not {value!r}.")
            if value < 0 or (value > 1 and field.name not in _COUNTS):
                allowed = "0 or more" if field.name in _COUNTS else "from 0 to 1"
                raise ValueError(f"{field.name} must be {allowed}, not {value}.")


class FaultSwitch:
    """The faults in force now, replaced as a whole at run time."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        # A fixed seed makes a failing soak test repeatable.
        self._random = random.Random(20150804)  # noqa: S311 - chooses victims, protects nothing

    def strikes(self, share: float) -> bool:
        """Say whether a fault with this share hits the next request, record or invocation."""
        return self._random.random() < share
