"""Records and the buffers they wait in."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from genesys_firehose_tools.local.firehose.clock import Clock


@dataclass(frozen=True, slots=True)
class Record:
    """One accepted record.

    Attributes:
        record_id: The id that PutRecord answered with and that the transform function sees.
        data: The bytes as they were put.
        arrived_at: Arrival in seconds since the epoch.
    """

    record_id: str
    data: bytes
    arrived_at: float


@dataclass(frozen=True, slots=True)
class BufferingHints:
    """When a buffer is emptied: at a size or after an interval, whichever comes first.

    Attributes:
        size_bytes: Bytes before compression.
        interval_seconds: Seconds since the buffer's first record.
    """

    size_bytes: int
    interval_seconds: int


@dataclass(slots=True)
class Buffer:
    """Records that will leave together.

    Attributes:
        opened_at: When its first record came into this buffer, in seconds since the epoch.
        partition_keys: The partition that all its records belong to; empty without dynamic partitioning.
        records: In order of arrival in this buffer.
        size_bytes: Their bytes.
    """

    opened_at: float
    partition_keys: Mapping[str, str] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    size_bytes: int = 0

    def add(self, record: Record) -> None:
        """Append a record."""
        self.records.append(record)
        self.size_bytes += len(record.data)

    def is_due(self, hints: BufferingHints, clock: Clock) -> bool:
        """Say whether its size or its interval is reached."""
        return self.size_bytes >= hints.size_bytes or clock.elapsed_since(self.opened_at) >= hints.interval_seconds
