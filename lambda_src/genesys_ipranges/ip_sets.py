"""The two IP sets of AWS WAF that hold Genesys Cloud's networks. This function alone makes, changes, deletes them."""

import ipaddress
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import ClientError

from genesys.client import Deadline
from genesys_ipranges.ranges import Network

VERSIONS = (4, 6)
PAUSE_SECONDS = 5.0
_SCOPE = "REGIONAL"
# AWS WAF API Reference, "ListIPSets".
_PAGE_SIZE = 100
# AWS WAF API Reference, errors of DeleteIPSet and WAFUnavailableEntityException: another item uses the set, the token
# is old, or a change is not yet known everywhere.
_PASSING = ("WAFAssociatedItemException", "WAFOptimisticLockException", "WAFUnavailableEntityException")


class MissingSetError(Exception):
    """An IP set is not there although the deployment made it."""


class Waf(Protocol):
    """The calls used of AWS WAF's client."""

    def list_ip_sets(self, **parameters: Any) -> dict[str, Any]:
        """List the IP sets of account and region."""
        ...

    def get_ip_set(self, **parameters: Any) -> dict[str, Any]:
        """Read an IP set."""
        ...

    def create_ip_set(self, **parameters: Any) -> dict[str, Any]:
        """Make an IP set."""
        ...

    def update_ip_set(self, **parameters: Any) -> dict[str, Any]:
        """Replace the addresses of an IP set, unless it changed after it was read."""
        ...

    def delete_ip_set(self, **parameters: Any) -> dict[str, Any]:
        """Delete an IP set, unless it changed after it was read or something uses it."""
        ...


@dataclass(frozen=True, slots=True)
class IpSet:
    """What an IP set holds, and what is needed to change it."""

    key: Mapping[str, str]
    arn: str
    networks: frozenset[Network]
    lock_token: str


class IpSets:
    """The sets of both IP versions.

    They are found by their names, which hold the stack's unique id, so nobody has to tell the function their ids, and
    a set whose creation got no answer is found again.

    Args:
        waf: AWS WAF's client.
        name: what their names begin with.
        deadline: no pause goes beyond it.
        sleep: waits between attempts.
    """

    def __init__(self, waf: Waf, name: str, deadline: Deadline, sleep: Callable[[float], None]) -> None:
        self._waf = waf
        self._names = {f"{name}-IPv{version}": version for version in VERSIONS}
        self._deadline = deadline
        self._sleep = sleep

    def read(self) -> dict[int, IpSet]:
        """Return the sets that there are, by IP version."""
        return {self._names[each["Name"]]: self._get(each) for each in self._listed()}

    def create(self, version: int, networks: Collection[Network]) -> str:
        """Make the set of a version, filled, and return its ARN."""
        [name] = (name for name, each in self._names.items() if each == version)
        try:
            made = self._waf.create_ip_set(
                Name=name,
                Scope=_SCOPE,
                Description="Networks of Genesys Cloud, kept by the function of the allow-list",
                IPAddressVersion=f"IPV{version}",
                Addresses=_addresses(networks),
            )
        except ClientError as error:
            if _code(error) != "WAFDuplicateItemException":
                raise
        else:
            return str(made["Summary"]["ARN"])
        # An attempt before this one made it, and its answer was lost.
        found: IpSet = self._patiently(lambda: self._made(version))
        if found.networks != frozenset(networks):
            self.update(found, networks)
        return found.arn

    def update(self, ip_set: IpSet, networks: Collection[Network]) -> None:
        """Replace what a set holds, unless it changed after it was read."""
        self._waf.update_ip_set(**ip_set.key, Addresses=_addresses(networks), LockToken=ip_set.lock_token)

    def delete(self) -> None:
        """Delete both sets, once no web ACL uses them any more; what is gone already is no error."""
        self._patiently(self._delete)

    def _delete(self) -> None:
        for each in self._listed():
            try:
                self._waf.delete_ip_set(**_key(each), LockToken=each["LockToken"])
            except ClientError as error:
                if _code(error) != "WAFNonexistentItemException":
                    raise

    def _made(self, version: int) -> IpSet:
        found = self.read().get(version)
        if found is None:
            raise MissingSetError(f"AWS WAF has an IP set of IPv{version} and does not list it")
        return found

    def _listed(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        marker: dict[str, str] = {}
        while True:
            page = self._waf.list_ip_sets(Scope=_SCOPE, Limit=_PAGE_SIZE, **marker)
            found += [each for each in page["IPSets"] if each["Name"] in self._names]
            if not page["IPSets"] or not page.get("NextMarker"):
                return found
            marker = {"NextMarker": page["NextMarker"]}

    def _get(self, summary: Mapping[str, Any]) -> IpSet:
        key = _key(summary)
        answer = self._waf.get_ip_set(**key)
        networks = frozenset(map(ipaddress.ip_network, answer["IPSet"]["Addresses"]))
        return IpSet(key, answer["IPSet"]["ARN"], networks, answer["LockToken"])

    def _patiently(self, work: Callable[[], Any]) -> Any:
        """Do the work, and again while what stands in its way may pass."""
        while True:
            try:
                return work()
            except (ClientError, MissingSetError) as error:
                may_pass = isinstance(error, MissingSetError) or _code(error) in _PASSING
                if not may_pass or self._deadline.seconds_left() <= PAUSE_SECONDS:
                    raise
            self._sleep(PAUSE_SECONDS)


def _key(summary: Mapping[str, Any]) -> dict[str, str]:
    return {"Name": summary["Name"], "Scope": _SCOPE, "Id": summary["Id"]}


def _addresses(networks: Collection[Network]) -> list[str]:
    return sorted(map(str, networks))


def _code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])
