"""Checks of property values at synthesis, each with one error sentence."""

import difflib
import ipaddress
import re
from collections.abc import Collection, Iterable

from aws_cdk import Duration, RemovalPolicy, Stack, Token
from constructs import Construct

_DOMAIN_LABEL = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
_DOMAIN = re.compile(rf"(?=.{{1,253}}$)(?:{_DOMAIN_LABEL}\.)+[a-z]{{2,63}}")
_HEADER_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FIELD_NAME = re.compile(r"[^\s,.]+")
_METRICS_NAMESPACE = re.compile(r"(?!AWS/)[0-9A-Za-z._/#:-]{1,255}")
_RUNBOOK_URL = re.compile(r"[!\"$-~]{1,300}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_PRINTABLE_ASCII = re.compile(r"[ -~]+")
_ARN = re.compile(r"arn:aws[a-z-]*:(?P<service>[a-z0-9-]+):(?P<region>[a-z0-9-]*):(?P<account>\d*):(?P<resource>.+)")
# The CDK takes 255; CloudWatch takes 1,024 ASCII characters (Amazon CloudWatch API Reference, "Dimension").
_MAX_DIMENSION_CHARACTERS = 255
_UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}


class InvalidPropertyError(ValueError):
    """A property has a value that cannot work.

    The message is one sentence: the property as the user wrote it, what is wrong with the value, and what is allowed.
    """

    def __init__(self, name: str, problem: str, allowed: str) -> None:
        super().__init__(f"{name} {problem}: {allowed}.")
        self.name = name


def check_range(name: str, value: float, low: float, high: float, unit: str, reason: str) -> None:
    """Refuse a number outside `low` to `high`; `reason` names who sets the limit."""
    if not low <= value <= high:
        raise InvalidPropertyError(name, f"is {value:,} {unit}", f"{low:,} to {high:,} {unit} are allowed, {reason}")


def check_duration(name: str, value: Duration, low: int, high: int, unit: str, reason: str) -> None:
    """Refuse a duration that is not a whole number of `unit` from `low` to `high`."""
    if value.is_unresolved():
        raise InvalidPropertyError(name, "is known at deployment only", "a duration known at synthesis is allowed")
    milliseconds = value.to_milliseconds()
    if milliseconds % (_UNITS[unit] * 1000):
        raise InvalidPropertyError(
            name, f"is {value.to_human_string()}", f"whole {unit} are allowed, {low:,} to {high:,} of them"
        )
    check_range(name, milliseconds // (_UNITS[unit] * 1000), low, high, unit, reason)


def check_memory_size(name: str, value: int) -> None:
    """Refuse what Lambda refuses as a function's memory (AWS Lambda Developer Guide, "Lambda quotas")."""
    check_range(name, value, 128, 10_240, "MB", "Lambda's own limit")


def check_one_of(name: str, value: str, allowed: Collection[str]) -> None:
    """Refuse a word that is not in `allowed`."""
    if value not in allowed:
        problem = f"is {value!r}{did_you_mean(value, allowed)}"
        raise InvalidPropertyError(name, problem, f"allowed are {', '.join(sorted(allowed))}")


def did_you_mean(value: str, allowed: Iterable[str]) -> str:
    """Return a question to append to a refusal, or an empty text where no allowed word is close."""
    close = closest(value, allowed)
    return f", did you mean {close!r}" if close else ""


def closest(value: str, allowed: Iterable[str]) -> str | None:
    """Return the allowed word that comes closest, in whatever case; None where none is close."""
    by_folded = {word.casefold(): word for word in allowed}
    close = difflib.get_close_matches(value.casefold(), by_folded, n=1)
    return by_folded[close[0]] if close else None


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


def check_field_names(name: str, values: Iterable[str]) -> None:
    """Refuse what no field of a JSON object can be called in a list or a dotted path."""
    for value in values:
        if not _FIELD_NAME.fullmatch(value):
            raise InvalidPropertyError(
                name, f"holds {value!r}", "field names without blanks, commas or empty parts are allowed"
            )


def check_metrics_namespace(name: str, value: str) -> None:
    """Refuse what CloudWatch refuses (Amazon CloudWatch API Reference, "PutMetricData")."""
    if not _METRICS_NAMESPACE.fullmatch(value):
        raise InvalidPropertyError(
            name, f"is {value!r}", "1 to 255 letters, digits and ._-/#: are allowed, not beginning with AWS/"
        )


def check_runbook_url(name: str, value: str) -> None:
    """Refuse what is no address of a page, or too long for an alarm's description with the text before it.

    1,024 characters are allowed in all (Amazon CloudWatch API Reference, "PutMetricAlarm").
    """
    if not Token.is_unresolved(value) and not _RUNBOOK_URL.fullmatch(value):
        raise InvalidPropertyError(
            name,
            f"is {value!r}",
            "the address of a page in 1 to 300 characters without blanks and # is allowed, such as "
            "https://example.com/alarms.html",
        )


def check_email(name: str, value: str) -> None:
    """Refuse what is no e-mail address."""
    if not Token.is_unresolved(value) and not _EMAIL.fullmatch(value):
        raise InvalidPropertyError(name, f"is {value!r}", "an e-mail address is allowed")


def check_dimension(name: str, value: str) -> None:
    """Refuse what CloudWatch refuses as a metric's dimension (Amazon CloudWatch API Reference, "Dimension")."""
    if len(value) > _MAX_DIMENSION_CHARACTERS or not _PRINTABLE_ASCII.fullmatch(value):
        raise InvalidPropertyError(
            name,
            f"is {value!r}",
            f"1 to {_MAX_DIMENSION_CHARACTERS:,} printable ASCII characters are allowed, because it is a dimension of "
            "the metrics",
        )


def check_arn(name: str, value: str, service: str, resource: str, what: str, scope: Construct) -> None:
    """Refuse an ARN that is not `what` of the stack's own region; `resource` is what its last part begins with."""
    if Token.is_unresolved(value):
        return
    arn = _ARN.fullmatch(value)
    if arn is None or arn["service"] != service or not arn["resource"].startswith(resource):
        raise InvalidPropertyError(name, f"is {value!r}", f"the ARN of {what} is allowed")
    region = Stack.of(scope).region
    if not Token.is_unresolved(region) and arn["region"] != region:
        raise InvalidPropertyError(
            name, f"is in {arn['region']} with a stack in {region}", f"{what} of the stack's own region is allowed"
        )


def check_removal_policy(value: RemovalPolicy) -> None:
    """Refuse the removal policy that not every resource of the pipeline knows."""
    if value is RemovalPolicy.SNAPSHOT:
        raise InvalidPropertyError(
            "removal_policy", "is SNAPSHOT", "RETAIN_ON_UPDATE_OR_DELETE, RETAIN and DESTROY are allowed"
        )


def check_auto_delete(auto_delete_objects: bool, removal_policy: RemovalPolicy) -> None:
    """Refuse to empty a bucket that stays."""
    if auto_delete_objects and removal_policy is not RemovalPolicy.DESTROY:
        raise InvalidPropertyError(
            "auto_delete_objects",
            f"is True with removal_policy {removal_policy.name}",
            "it is allowed with removal_policy DESTROY alone",
        )


def check_scope(name: str, scope: object) -> None:
    """Refuse a scope that is in no stack."""
    if not isinstance(scope, Construct) or not any(Stack.is_stack(each) for each in scope.node.scopes):
        raise InvalidPropertyError(
            name, f"is of the type {type(scope).__name__}", "a Stack, or a construct inside a Stack, is allowed"
        )
