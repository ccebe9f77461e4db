"""Reads an answer of ``GET /api/v2/ipranges`` for the allow-list, and refuses implausible ones."""

import ipaddress
import re
from collections.abc import Collection, Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network
from typing import Any

Network = IPv4Network | IPv6Network

# No data centre is wider: a wider range in an answer is a mistake that would let too many through.
WIDEST_PREFIX = {4: 8, 6: 19}
# AWS WAF Developer Guide, "AWS WAF quotas".
MAX_ADDRESSES_IN_SET = 10_000
_AWS_REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-\d")


class RefusedError(Exception):
    """An implausible answer. The allow-list stays as it is."""


def ranges_of(
    entities: Iterable[Mapping[str, Any]], services: Collection[str], directions: Collection[str], aws_region: str
) -> frozenset[Network]:
    """Return the networks of the given services and directions.

    Where ranges name AWS regions, one of these must be ``aws_region``: so the list of another region is refused even
    when there is no list to compare it with. Ranges without a region, or with another word for it, tell nothing.

    Raises:
        RefusedError: there is none, all are of other regions, or one is no network or too wide to be Genesys Cloud's.
    """
    chosen = [each for each in entities if each.get("service") in services and each.get("direction") in directions]
    if not chosen:
        raise RefusedError("Genesys Cloud names no address range of the services and directions asked for")
    regions = {str(each.get("region")) for each in chosen}
    if aws_region not in regions and all(map(_AWS_REGION.fullmatch, regions)):
        raise RefusedError(f"Genesys Cloud names address ranges of other regions than {aws_region} alone")
    return frozenset(_network(each.get("cidr")) for each in chosen)


def _network(cidr: Any) -> Network:
    try:
        network = ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        raise RefusedError("Genesys Cloud names an address range that is none") from None
    if network.prefixlen < WIDEST_PREFIX[network.version]:
        raise RefusedError(f"Genesys Cloud names the address range {network}, wider than any of its own can be")
    return network


def check_shrinking(present: Collection[Network], new: Collection[Network], most: float) -> None:
    """Check how much of the addresses in force a new list would take away.

    Addresses count, not entries: two halves of a network may be published as one. All that a list of other networks
    does not hold any more is taken away too, so that the answer of another region is not believed either.

    Raises:
        RefusedError: it is more than the share ``most``.
    """
    for version in (4, 6):
        before = _collapsed(present, version)
        after = _collapsed(new, version)
        total = sum(network.num_addresses for network in before)
        # Of two networks that share an address, one holds the other.
        kept = sum(
            min(old.num_addresses, network.num_addresses)
            for old in before
            for network in after
            if old.overlaps(network)
        )
        if total and (total - kept) / total > most:
            lost = (total - kept) / total
            raise RefusedError(
                f"Genesys Cloud's answer would take away {lost:.0%} of the IPv{version} addresses in force, "
                f"and {most:.0%} is the most"
            )


def _collapsed(networks: Collection[Network], version: int) -> list[Any]:
    return list(ipaddress.collapse_addresses([each for each in networks if each.version == version]))  # type: ignore[type-var]


def check_fits(networks: Collection[Network]) -> None:
    """Check that the networks of one IP version fit an IP set.

    Raises:
        RefusedError: they are too many.
    """
    if len(networks) > MAX_ADDRESSES_IN_SET:
        raise RefusedError(f"{len(networks)} address ranges do not fit an IP set of {MAX_ADDRESSES_IN_SET}")
