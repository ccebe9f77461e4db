"""The function put together: ask Genesys Cloud, judge the answer, change the IP sets."""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from genesys.client import Deadline, GenesysClient
from genesys.connection import connect, read_credentials
from genesys_ipranges.ranges import Network, RefusedError, check_fits, check_shrinking, ranges_of
from genesys_ipranges.settings import IpRangesSettings, IpSet
from shared.telemetry import Metrics, log

WORK_SECONDS = 60.0


class Waf(Protocol):
    """The calls used of AWS WAF's client."""

    def get_ip_set(self, *, Name: str, Scope: str, Id: str) -> dict[str, Any]:  # noqa: N803 - AWS's names
        """Read an IP set."""
        ...

    def update_ip_set(self, *, Name: str, Scope: str, Id: str, Addresses: list[str], LockToken: str) -> dict[str, Any]:  # noqa: N803
        """Replace the addresses of an IP set, unless it changed after it was read."""
        ...


@dataclass(frozen=True, slots=True)
class _Present:
    """What an IP set holds, and the token to change it with."""

    networks: frozenset[Network]
    lock_token: str


class IpRangesHandler:
    """Keeps the IP sets of both IP versions up to date: Genesys Cloud's published networks and the owner's.

    Args:
        settings: what the construct told the function.
        make_client: makes the client of an AWS service.
        make_genesys: makes the client of Genesys Cloud from the host, the credentials and the deadline.
    """

    def __init__(
        self,
        settings: IpRangesSettings,
        make_client: Callable[[str], Any],
        make_genesys: Callable[..., GenesysClient] = connect,
    ) -> None:
        self._settings = settings
        self._make_client = make_client
        self._make_genesys = make_genesys

    def handle(self, event: dict[str, Any]) -> None:
        """Refresh the allow-list, on schedule or as a custom resource of a deployment.

        On schedule a refused answer changes nothing and raises an alarm. In a deployment it fails the deployment: then
        the API has no list yet, or an older one.
        """
        if event.get("RequestType") == "Delete":
            return
        metrics = Metrics()
        try:
            self._refresh(metrics)
            metrics.count("IpRangesChecked")
        except RefusedError as refused:
            metrics.count("IpRangesRefused")
            log("ERROR", "the address ranges are refused", reason=str(refused))
            if "RequestType" in event:
                raise
        finally:
            metrics.flush()

    def _refresh(self, metrics: Metrics) -> None:
        settings = self._settings
        deadline = Deadline(WORK_SECONDS)
        credentials = read_credentials(self._make_client("secretsmanager"), settings.credentials_secret_arn)
        genesys = self._make_genesys(settings.genesys_host, credentials, deadline)
        published = ranges_of(genesys.ip_ranges(), settings.services, settings.directions)
        waf: Waf = self._make_client("wafv2")
        present = {version: _read(waf, ip_set) for version, ip_set in settings.ip_sets.items()}
        in_force = frozenset().union(*(each.networks for each in present.values())) - settings.additional_networks
        check_shrinking(in_force, published, settings.max_shrink_ratio)
        wanted = {
            version: frozenset(each for each in published | settings.additional_networks if each.version == version)
            for version in settings.ip_sets
        }
        for networks in wanted.values():
            check_fits(networks)
        for version, ip_set in settings.ip_sets.items():
            if wanted[version] != present[version].networks:
                _write(waf, ip_set, wanted[version], present[version].lock_token)
        added, removed = published - in_force, in_force - published
        if added or removed:
            # Genesys Cloud's own addresses, which it publishes; the owner's networks are not among them.
            log("INFO", "the allow-list changed", added=_text(added), removed=_text(removed))
        metrics.count("IpRangesAdded", len(added))
        metrics.count("IpRangesRemoved", len(removed))
        metrics.count("IpRangesInForce", len(published))


def _read(waf: Waf, ip_set: IpSet) -> _Present:
    answer = waf.get_ip_set(Name=ip_set.name, Scope=ip_set.scope, Id=ip_set.id)
    return _Present(frozenset(map(ipaddress.ip_network, answer["IPSet"]["Addresses"])), answer["LockToken"])


def _write(waf: Waf, ip_set: IpSet, networks: frozenset[Network], lock_token: str) -> None:
    waf.update_ip_set(
        Name=ip_set.name,
        Scope=ip_set.scope,
        Id=ip_set.id,
        Addresses=sorted(map(str, networks)),
        LockToken=lock_token,
    )


def _text(networks: frozenset[Network]) -> str:
    return " ".join(sorted(map(str, networks)))
