"""The function's settings, read once from its environment. The construct writes and validates them."""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass

from genesys_ipranges.ranges import Network


@dataclass(frozen=True, slots=True)
class IpSet:
    """One IP set of AWS WAF, as CloudFormation refers to it: ``name|id|scope``."""

    name: str
    id: str
    scope: str

    @classmethod
    def from_reference(cls, reference: str) -> "IpSet":
        """Read CloudFormation's reference."""
        name, id_, scope = reference.split("|")
        return cls(name, id_, scope)


@dataclass(frozen=True, slots=True, kw_only=True)
class IpRangesSettings:
    """Everything the function is told by its construct.

    ``ip_sets`` are by IP version, 4 and 6.
    """

    genesys_host: str
    credentials_secret_arn: str
    services: frozenset[str]
    directions: frozenset[str]
    additional_networks: frozenset[Network]
    ip_sets: Mapping[int, IpSet]
    max_shrink_ratio: float

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "IpRangesSettings":
        """Read the settings; a missing one is a KeyError at the function's start."""
        return cls(
            genesys_host=environment["GENESYS_HOST"],
            credentials_secret_arn=environment["CREDENTIALS_SECRET_ARN"],
            services=frozenset(environment["SERVICES"].split(",")),
            directions=frozenset(environment["DIRECTIONS"].split(",")),
            additional_networks=frozenset(map(ipaddress.ip_network, environment["ADDITIONAL_CIDRS"].split())),
            ip_sets={
                4: IpSet.from_reference(environment["IPV4_SET"]),
                6: IpSet.from_reference(environment["IPV6_SET"]),
            },
            max_shrink_ratio=float(environment["MAX_SHRINK_RATIO"]),
        )
