"""The function's settings, read once from its environment. The construct writes and validates them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionSettings:
    """Everything the function is told by its construct.

    Attributes:
        bucket_name: the lake.
        mode: GOVERNANCE or COMPLIANCE.
        period: how long a version is locked, from the moment it was created.
        queue_url: the function's own queue, for the rest of a sweep.
    """

    bucket_name: str
    mode: str
    period: timedelta
    queue_url: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "RetentionSettings":
        """Read the settings; a missing one is a KeyError at the function's start."""
        return cls(
            bucket_name=environment["BUCKET_NAME"],
            mode=environment["RETENTION_MODE"],
            period=timedelta(days=int(environment["RETENTION_DAYS"])),
            queue_url=environment["QUEUE_URL"],
        )
