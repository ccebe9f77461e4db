"""Amazon Data Firehose's documented limits; those without another source named are from its Developer Guide.

They are constants and not settings: a pipeline that needs more than these does not work on AWS either.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

MIB = 1024 * 1024

MAX_RECORD_BYTES = 1000 * 1024
"""One record before base64 ("Amazon Data Firehose quota")."""

MAX_BATCH_RECORDS = 500
"""Records in one PutRecordBatch ("Amazon Data Firehose quota")."""

MAX_BATCH_BYTES = 4 * MIB
"""All records of one PutRecordBatch ("Amazon Data Firehose quota")."""

MAX_ACTIVE_PARTITIONS = 500
"""Partitions with undelivered data, for each stream ("Buffer data for dynamic partitioning")."""

MIN_DYNAMIC_PARTITIONING_BUFFER_MIB = 64
"""Smallest buffer size of a partitioned destination (seen as a check of aws-cdk-lib's `S3Bucket`)."""

MAX_EVALUATED_PREFIX_CHARACTERS = 512
"""Length of a prefix after evaluation ("Understand custom prefixes for Amazon S3 objects")."""

MAX_LAMBDA_PAYLOAD_BYTES = 6 * MIB
"""Request and response of a synchronous invocation, each ("Transform source data in Amazon Data Firehose")."""

MAX_LAMBDA_SECONDS = 300
"""Duration of one invocation ("Transform source data in Amazon Data Firehose", invocation duration)."""

DEFAULT_LAMBDA_RETRIES = 3
"""Further attempts after a failed invocation ("Handle failure in data transformation")."""

DEFAULT_PARTITION_RETRY_SECONDS = 300
"""How long an object of a partition is tried when RetryOptions are not given (AWS CDK API Reference,
"DynamicPartitioningProps")."""

MAX_PARTITION_RETRY_SECONDS = 7200
"""The longest that RetryOptions take (API Reference, "RetryOptions")."""

STORAGE_SECONDS = 24 * 60 * 60
"""How long undeliverable data is kept before it is lost ("Troubleshoot errors in Amazon Data Firehose")."""


@dataclass(frozen=True, slots=True)
class Throughput:
    """What one Direct PUT stream takes in one second."""

    records: int
    requests: int
    bytes: int


_LARGE_REGIONS = frozenset({"us-east-1", "us-west-2", "eu-west-1"})
_LARGE = Throughput(records=500_000, requests=2_000, bytes=5 * MIB)
_STANDARD = Throughput(records=100_000, requests=1_000, bytes=1 * MIB)


def direct_put_throughput(region: str) -> Throughput:
    """Return the default quota of a Direct PUT stream in a region ("Amazon Data Firehose quota")."""
    return _LARGE if region in _LARGE_REGIONS else _STANDARD


class ThroughputMeter:
    """Counts what a stream took in the last second and says how much of a request still fits its quota."""

    def __init__(self, quota: Throughput) -> None:
        self._quota = quota
        self._taken: deque[tuple[float, int, int]] = deque()

    def admit(self, record_sizes: Sequence[int], now: float) -> int:
        """Return how many of the records, from the first on, fit into the second that ends now, and count them.

        Args:
            record_sizes: The bytes of each record of one request, in order.
            now: The real time in seconds since the epoch; the quota is not sped up with the clock's durations.
        """
        while self._taken and self._taken[0][0] <= now - 1:
            self._taken.popleft()
        records = self._quota.records - sum(count for _, count, _ in self._taken)
        room = self._quota.bytes - sum(size for _, _, size in self._taken)
        if len(self._taken) >= self._quota.requests:
            return 0
        admitted = 0
        size_admitted = 0
        for size in record_sizes[: max(records, 0)]:
            # A request is never larger than 4 MiB, but may be than a 1 MiB quota: alone in its second it passes,
            # as AWS lets bursts through; otherwise such a request could never succeed.
            if size_admitted + size > room and self._taken:
                break
            admitted += 1
            size_admitted += size
        if admitted:
            self._taken.append((now, admitted, size_admitted))
        return admitted
