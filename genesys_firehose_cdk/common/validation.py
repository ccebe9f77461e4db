"""Checks of property values at synthesis, each with one error sentence."""

import ipaddress
import re
from collections.abc import Collection

from aws_cdk import RemovalPolicy, Token

_DOMAIN_LABEL = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
_DOMAIN = re.compile(rf"(?=.{{1,253}}$)(?:{_DOMAIN_LABEL}\.)+[a-z]{{2,63}}")
_HEADER_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_METRICS_NAMESPACE = re.compile(r"(?!AWS/)[0-9A-Za-z._/#:-]{1,255}")
_DATA_KEEPING_POLICIES = (RemovalPolicy.RETAIN, RemovalPolicy.DESTROY)


class InvalidPropertyError(ValueError):
    """A property has a value that cannot work.

    The message is one sentence: the property, what is wrong with the value, and what is allowed.
    """

    def __init__(self, name: str, problem: str, allowed: str) -> None:
        super().__init__(f"{name} {problem}: {allowed}.")
        self.name = name


def check_range(name: str, value: float, low: float, high: float, unit: str, reason: str) -> None:
    """Refuse a number outside `low` to `high`; `reason` names who sets the limit."""
    if not Token.is_unresolved(value) and not low <= value <= high:
        raise InvalidPropertyError(name, f"is {value:,} {unit}", f"{low:,} to {high:,} {unit} are allowed, {reason}")


def check_one_of(name: str, value: str, allowed: Collection[str]) -> None:
    """Refuse a word that is not in `allowed`."""
    if value not in allowed:
        raise InvalidPropertyError(name, f"is {value!r}", f"allowed are {', '.join(sorted(allowed))}")


def check_exclusive(**properties: object) -> None:
    """Refuse more than one of the given properties being set."""
    given = [name for name, value in properties.items() if value is not None]
    if len(given) > 1:
        raise InvalidPropertyError(
            " and ".join(given),
            "are both given",
            "give the existing resource or the properties of a new one, never both",
        )


def check_cidr(name: str, value: str) -> None:
    """Refuse what is not an IPv4 or IPv6 network in CIDR notation with its host bits zero."""
    try:
        ipaddress.ip_network(value)
    except ValueError:
        raise InvalidPropertyError(
            name,
            f"holds {value!r}",
            "a network in CIDR notation with its host bits zero is allowed, such as 198.51.100.0/24",
        ) from None


def check_domain(name: str, value: str) -> None:
    """Refuse what is not a fully qualified lower-case domain name."""
    if not Token.is_unresolved(value) and not _DOMAIN.fullmatch(value):
        raise InvalidPropertyError(
            name,
            f"is {value!r}",
            "a fully qualified domain name in lower case is allowed, such as events.example.com",
        )


def check_header_name(name: str, value: str) -> None:
    """Refuse what is not a token as RFC 9110, section 5.6.2, defines it."""
    if not _HEADER_TOKEN.fullmatch(value):
        raise InvalidPropertyError(
            name, f"is {value!r}", "an HTTP header name is allowed, letters, digits and !#$%&'*+-.^_`|~"
        )


def check_metrics_namespace(name: str, value: str) -> None:
    """Refuse what CloudWatch refuses (Amazon CloudWatch API Reference, "PutMetricData")."""
    if not _METRICS_NAMESPACE.fullmatch(value):
        raise InvalidPropertyError(
            name, f"is {value!r}", "1 to 255 letters, digits and ._-/#: are allowed, not beginning with AWS/"
        )


def check_removal_policy(value: RemovalPolicy) -> None:
    """Refuse removal policies that not every resource of the pipeline knows."""
    if value not in _DATA_KEEPING_POLICIES:
        raise InvalidPropertyError("removal_policy", f"is {value.name}", "RETAIN and DESTROY are allowed")
