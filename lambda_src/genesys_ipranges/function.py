"""The function put together: ask Genesys Cloud, judge the answer, change the IP sets."""

import time
from collections.abc import Callable
from typing import Any

from genesys.client import Deadline, GenesysClient
from genesys.connection import connect, read_credentials
from genesys.propagation import once_allowed
from genesys_ipranges.ip_sets import VERSIONS, IpSets, MissingSetError
from genesys_ipranges.ranges import Network, RefusedError, check_fits, check_shrinking, ranges_of
from genesys_ipranges.settings import IpRangesSettings
from shared.telemetry import Metrics, log

RESOURCE_TYPE = "Custom::GenesysIpSets"
WORK_SECONDS = 60.0
# AWS WAF spreads a change within "a few seconds to a number of minutes" (AWS WAF API Reference,
# WAFUnavailableEntityException), so a set may count as in use after its web ACL is gone.
DELETION_SECONDS = 300.0


class IpRangesHandler:
    """Keeps IP sets at the networks that Genesys Cloud publishes: makes them, follows the list, deletes them.

    Args:
        settings: what the construct told the function.
        make_client: makes the client of an AWS service.
        make_genesys: makes the client of Genesys Cloud from the host, the credentials and the deadline.
        clock: seconds, monotonic.
        sleep: waits between attempts.
    """

    def __init__(
        self,
        settings: IpRangesSettings,
        make_client: Callable[[str], Any],
        make_genesys: Callable[..., GenesysClient] = connect,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._make_client = make_client
        self._make_genesys = make_genesys
        self._clock = clock
        self._sleep = sleep

    def handle(self, event: dict[str, Any]) -> dict[str, str]:
        """Refresh the sets on schedule, or make, refresh or delete them for a deployment; return the ARNs by attribute.

        On schedule a refused answer changes nothing and raises an alarm. In a deployment it fails the deployment: then
        there is no web ACL yet, or one with an older list.
        """
        request = event.get("RequestType")
        if request is None:
            return self._refresh(create=False)
        if request == "Delete":
            # An allow-list deployed before the function made the sets had a resource of another type.
            if event["ResourceType"] == RESOURCE_TYPE:
                self._ip_sets(Deadline(DELETION_SECONDS, self._clock)).delete()
            return {}
        return once_allowed(lambda: self._refresh(create=True), self._clock, self._sleep)

    def _refresh(self, *, create: bool) -> dict[str, str]:
        metrics = Metrics()
        try:
            arns = self._follow(metrics, create=create)
            metrics.count("IpRangesChecked")
        except RefusedError as refused:
            metrics.count("IpRangesRefused")
            log("ERROR", "the address ranges are refused", reason=str(refused))
            if create:
                raise
            return {}
        finally:
            metrics.flush()
        return {f"IPv{version}SetArn": arn for version, arn in arns.items()}

    def _follow(self, metrics: Metrics, *, create: bool) -> dict[int, str]:
        settings = self._settings
        deadline = Deadline(WORK_SECONDS, self._clock)
        credentials = read_credentials(self._make_client("secretsmanager"), settings.credentials_secret_arn)
        genesys = self._make_genesys(settings.genesys_host, credentials, deadline)
        published = ranges_of(genesys.ip_ranges(), settings.services, settings.directions, settings.genesys_aws_region)
        ip_sets = self._ip_sets(deadline)
        present = ip_sets.read()
        if not create and len(present) < len(VERSIONS):
            raise MissingSetError("an IP set of Genesys Cloud's networks is gone: the next deployment makes it again")
        in_force: frozenset[Network] = frozenset().union(*(each.networks for each in present.values()))
        check_shrinking(in_force, published, settings.max_shrink_ratio)
        wanted = {version: frozenset(each for each in published if each.version == version) for version in VERSIONS}
        for networks in wanted.values():
            check_fits(networks)
        arns: dict[int, str] = {}
        for version, networks in wanted.items():
            found = present.get(version)
            if found is None:
                arns[version] = ip_sets.create(version, networks)
                continue
            if networks != found.networks:
                ip_sets.update(found, networks)
            arns[version] = found.arn
        _report(metrics, in_force, published)
        return arns

    def _ip_sets(self, deadline: Deadline) -> IpSets:
        return IpSets(self._make_client("wafv2"), self._settings.set_name, deadline, self._sleep)


def _report(metrics: Metrics, in_force: frozenset[Network], published: frozenset[Network]) -> None:
    added, removed = published - in_force, in_force - published
    if added or removed:
        # Genesys Cloud's own addresses, which it publishes.
        log("INFO", "the allow-list changed", added=_text(added), removed=_text(removed))
    metrics.count("IpRangesAdded", len(added))
    metrics.count("IpRangesRemoved", len(removed))
    metrics.count("IpRangesInForce", len(published))


def _text(networks: frozenset[Network]) -> str:
    return " ".join(sorted(map(str, networks)))
