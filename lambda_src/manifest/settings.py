"""The function's settings, read once from its environment. The construct writes and validates them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestSettings:
    """Everything the function is told by its construct.

    Attributes:
        pipeline: the pipeline's name.
        bucket_name: the lake.
        raw_key_arn: the KMS key of ``raw/``, and so of what is said about it.
        signing_key_arn: the KMS key that signs.
        closed_after: how long after its end a day of arrival is closed.
        workgroup: the Athena workgroup that the tables are asked in; empty without tables.
        database: the database of the tables; empty without tables.
        event_date_past_days: how many days before its arrival an event may be filed under.
        event_date_future_days: how many days after it.
    """

    pipeline: str
    bucket_name: str
    raw_key_arn: str
    signing_key_arn: str
    closed_after: timedelta
    workgroup: str
    database: str
    event_date_past_days: int
    event_date_future_days: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "ManifestSettings":
        """Read the settings; a missing one is a KeyError at the function's start."""
        return cls(
            pipeline=environment["PIPELINE_NAME"],
            bucket_name=environment["BUCKET_NAME"],
            raw_key_arn=environment["RAW_KEY_ARN"],
            signing_key_arn=environment["SIGNING_KEY_ARN"],
            closed_after=timedelta(hours=int(environment["CLOSED_AFTER_HOURS"])),
            workgroup=environment["WORKGROUP"],
            database=environment["DATABASE"],
            event_date_past_days=int(environment["EVENT_DATE_PAST_DAYS"]),
            event_date_future_days=int(environment["EVENT_DATE_FUTURE_DAYS"]),
        )
