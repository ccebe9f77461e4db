"""The rebuild function's settings, read once from its environment. The construct writes and validates them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from transform.partitioning import DateWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything the function is told by its construct, but for the masking policy, a file beside the code."""

    tokenization_secret_arn: str
    bucket_name: str
    date_window: DateWindow

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the settings; a missing one is a KeyError at the function's start, not at its first record."""
        return cls(
            tokenization_secret_arn=environment["TOKENIZATION_SECRET_ARN"],
            bucket_name=environment["BUCKET_NAME"],
            date_window=DateWindow(
                past=timedelta(days=int(environment["EVENT_DATE_WINDOW_PAST_DAYS"])),
                future=timedelta(days=int(environment["EVENT_DATE_WINDOW_FUTURE_DAYS"])),
            ),
        )
