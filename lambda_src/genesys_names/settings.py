"""The function's settings, read once from its environment. The construct writes and validates them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class NamesSettings:
    """Everything the function is told by its construct.

    Attributes:
        genesys_host: such as ``mypurecloud.com``.
        credentials_secret_arn: the OAuth client.
        kinds: the kinds of things whose names are taken.
        stream_names: the delivery streams.
    """

    genesys_host: str
    credentials_secret_arn: str
    kinds: tuple[str, ...]
    stream_names: tuple[str, ...]

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "NamesSettings":
        """Read the settings; a missing one is a KeyError at the function's start."""
        return cls(
            genesys_host=environment["GENESYS_HOST"],
            credentials_secret_arn=environment["CREDENTIALS_SECRET_ARN"],
            kinds=tuple(environment["KINDS"].split(",")),
            stream_names=tuple(environment["STREAM_NAMES"].split(",")),
        )
