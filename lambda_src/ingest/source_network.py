"""The network that a request came from, so wide that it tells nobody apart."""

from ipaddress import ip_address, ip_network
from typing import Any

from ingest.load_balancer import client_address, is_from_load_balancer

# An IPv4 /16 has 65,536 addresses, an IPv6 /32 as many networks of the size /48. So one names a provider or a company.
_PREFIX_LENGTHS = {4: 16, 6: 32}


def source_network(request: dict[str, Any]) -> str:
    """Return the network that a request came from, as the front door saw it and no sender; ``unknown`` without."""
    identity = (request.get("requestContext") or {}).get("identity") or {}
    seen = client_address(request) if is_from_load_balancer(request) else identity.get("sourceIp")
    try:
        address = ip_address(seen or "")
    except ValueError:
        return "unknown"
    address = getattr(address, "ipv4_mapped", None) or address
    return str(ip_network((address, _PREFIX_LENGTHS[address.version]), strict=False))
