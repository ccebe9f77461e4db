"""The function's settings, read once from its environment. The construct writes and validates them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillSettings:
    """Everything the function is told by its construct.

    Attributes:
        genesys_host: such as ``mypurecloud.com``.
        credentials_secret_arn: the OAuth client.
        stream_names: the delivery streams.
        bucket_name: the lake, for records above Firehose's limit.
        raw_key_arn: the KMS key of ``raw/``.
        pause_seconds: how long the state machine waits between two days at least.
    """

    genesys_host: str
    credentials_secret_arn: str
    stream_names: tuple[str, ...]
    bucket_name: str
    raw_key_arn: str
    pause_seconds: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "BackfillSettings":
        """Read the settings; a missing one is a KeyError at the function's start."""
        return cls(
            genesys_host=environment["GENESYS_HOST"],
            credentials_secret_arn=environment["CREDENTIALS_SECRET_ARN"],
            stream_names=tuple(environment["STREAM_NAMES"].split(",")),
            bucket_name=environment["BUCKET_NAME"],
            raw_key_arn=environment["RAW_KEY_ARN"],
            pause_seconds=int(environment["PAUSE_SECONDS"]),
        )
