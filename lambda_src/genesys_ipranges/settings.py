"""The function's settings, read once from its environment. The construct writes and validates them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class IpRangesSettings:
    """Everything the function is told by its construct.

    Attributes:
        genesys_host: such as ``mypurecloud.com``.
        genesys_aws_region: the AWS region that this region of Genesys Cloud is in.
        credentials_secret_arn: the OAuth client.
        services: whose ranges count.
        directions: seen from Genesys Cloud.
        set_name: what the names of the IP sets begin with.
        max_shrink_ratio: the largest share of the addresses in force that an answer may take away.
    """

    genesys_host: str
    genesys_aws_region: str
    credentials_secret_arn: str
    services: frozenset[str]
    directions: frozenset[str]
    set_name: str
    max_shrink_ratio: float

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "IpRangesSettings":
        """Read the settings; a missing one is a KeyError at the function's start."""
        return cls(
            genesys_host=environment["GENESYS_HOST"],
            genesys_aws_region=environment["GENESYS_AWS_REGION"],
            credentials_secret_arn=environment["CREDENTIALS_SECRET_ARN"],
            services=frozenset(environment["SERVICES"].split(",")),
            directions=frozenset(environment["DIRECTIONS"].split(",")),
            set_name=environment["SET_NAME"],
            max_shrink_ratio=float(environment["MAX_SHRINK_RATIO"]),
        )
