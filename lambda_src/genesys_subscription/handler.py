"""The entry of the subscription's function: beginnings and passes of the provider framework, and the schedule."""

import os
from typing import Any

from genesys.function import aws_client, lifecycle
from genesys_subscription.subscription import SubscriptionResource, read_signing_key

_lifecycle = lifecycle(
    SubscriptionResource(lambda: read_signing_key(aws_client("secretsmanager"), os.environ["SIGNING_SECRET_ARN"]))
)


def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Begin, make one pass, or keep the subscription as it should be."""
    return _lifecycle.handle(event)
