"""The verification's settings, read once from its environment. The construct writes them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationSettings:
    """Where a pipeline's delivery begins and ends.

    Attributes:
        queue_url: the buffer queue.
        bucket_name: the data lake.
        stream_names: the delivery streams, in the order in which an event's key chooses one of them.
        log_groups: where each of them logs its delivery errors.
        prefixes: the prefix of new objects by layer, as a pattern of ``strftime``.
        retention_mode: the retention that a new object must have; empty for any or none.
        wait_seconds: how long an event may take.
    """

    queue_url: str
    bucket_name: str
    stream_names: tuple[str, ...]
    log_groups: tuple[str, ...]
    prefixes: Mapping[str, str]
    retention_mode: str
    wait_seconds: float

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "VerificationSettings":
        """Read the settings; a missing one is a KeyError at the function's start."""
        return cls(
            queue_url=environment["BUFFER_QUEUE_URL"],
            bucket_name=environment["BUCKET_NAME"],
            stream_names=tuple(environment["STREAM_NAMES"].split(",")),
            log_groups=tuple(environment["DELIVERY_LOG_GROUPS"].split(",")),
            prefixes={"raw/": environment["RAW_PREFIX"], "clean/": environment["CLEAN_PREFIX"]},
            retention_mode=environment["RETENTION_MODE"],
            wait_seconds=float(environment["WAIT_SECONDS"]),
        )
