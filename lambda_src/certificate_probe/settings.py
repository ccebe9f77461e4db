"""The function's settings, read once from its environment. The construct writes and validates them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSettings:
    """Everything the function is told by its construct.

    Attributes:
        host: the webhook's public name.
        health_path: the path of the health check; empty where the function's network may not ask.
        port: the port.
    """

    host: str
    health_path: str
    port: int = 443

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "ProbeSettings":
        """Read the settings; a missing one is a KeyError at the function's start."""
        return cls(host=environment["HOST"], health_path=environment["HEALTH_PATH"])
