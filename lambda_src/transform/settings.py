"""The transform function's settings, read once from its environment. The construct writes and validates them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from transform.partitioning import DateWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformerSettings:
    """What it takes to turn raw records into clean ones, and all that the rebuild function is told.

    Attributes:
        tokenization_secret_arn: where the key of the tokens is.
        bucket_name: the lake's bucket, where the originals of oversize events are.
        date_window: how far an event's day may lie from its arrival.
    """

    tokenization_secret_arn: str
    bucket_name: str
    date_window: DateWindow

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "TransformerSettings":
        """Read the settings; a missing one is a KeyError at the function's start, not at its first record."""
        return cls(
            tokenization_secret_arn=environment["TOKENIZATION_SECRET_ARN"],
            bucket_name=environment["BUCKET_NAME"],
            date_window=DateWindow(
                past=timedelta(days=int(environment["EVENT_DATE_WINDOW_PAST_DAYS"])),
                future=timedelta(days=int(environment["EVENT_DATE_WINDOW_FUTURE_DAYS"])),
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformSettings:
    """Everything the function is told by its construct, but for the masking policy, a file beside the code."""

    table_name: str
    owner_ttl: timedelta
    transformer: TransformerSettings

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "TransformSettings":
        """Read the settings; a missing one is a KeyError at the function's start, not at its first record."""
        return cls(
            table_name=environment["DEDUPLICATION_TABLE"],
            owner_ttl=timedelta(days=int(environment["DEDUPLICATION_TTL_DAYS"])),
            transformer=TransformerSettings.from_environment(environment),
        )
