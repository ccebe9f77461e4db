"""The entry of the integration's function: beginnings and passes of the provider framework."""

from typing import Any

from genesys.function import aws_client, lifecycle
from genesys_integration.integration import IntegrationResource

_lifecycle = lifecycle(IntegrationResource(lambda: aws_client("events")))


def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Begin, or make one pass."""
    return _lifecycle.handle(event)
