"""What the functions behind custom resources have in common: their settings, and a client per pass."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from genesys.client import Deadline
from genesys.connection import connect, read_credentials
from genesys.lifecycle import Configuration, Lifecycle, Resource
from shared import aws

# A pass ends before its function's time does, which the construct sets, also after a minute of waiting for AWS.
PASS_SECONDS = 45.0


@dataclass(frozen=True, slots=True)
class ResourceSettings:
    """What the construct tells every such function."""

    credentials_secret_arn: str
    configuration: Configuration
    give_up_after_seconds: float

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "ResourceSettings":
        """Read the settings; a missing one is a KeyError at the function's start."""
        return cls(
            credentials_secret_arn=environment["CREDENTIALS_SECRET_ARN"],
            configuration=Configuration(
                environment["STACK_ID"], environment["LOGICAL_ID"], json.loads(environment["PROPERTIES"])
            ),
            give_up_after_seconds=float(environment["GIVE_UP_AFTER_SECONDS"]),
        )


@cache
def aws_client(service: str) -> Any:
    """Make the client of an AWS service, when it is first needed."""
    return aws.client(service, connect_seconds=2.0, read_seconds=5.0, attempts=3)


def lifecycle(resource: Resource, make_client: Callable[[str], Any] = aws_client) -> Lifecycle:
    """Put the life of a resource together from the function's environment."""
    settings = ResourceSettings.from_environment()
    return Lifecycle(
        resource,
        lambda: connect(
            settings.configuration.properties["Host"],
            read_credentials(make_client("secretsmanager"), settings.credentials_secret_arn),
            Deadline(PASS_SECONDS),
        ),
        settings.configuration,
        settings.give_up_after_seconds,
    )
