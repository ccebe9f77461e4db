"""The entry of the subscription's function: beginnings and passes of the provider framework, and the schedule."""

import os
from datetime import timedelta
from typing import Any

from genesys.function import aws_client, lifecycle
from genesys_subscription.subscription import SubscriptionResource, read_signing_key

_SECRET_ARN = os.environ["SIGNING_SECRET_ARN"]
_KNOWN_AFTER = timedelta(seconds=float(os.environ["KEY_KNOWN_AFTER_SECONDS"]))

_lifecycle = lifecycle(
    SubscriptionResource(lambda: read_signing_key(aws_client("secretsmanager"), _SECRET_ARN, _KNOWN_AFTER))
)


def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Begin, make one pass, or keep the subscription as it should be."""
    return _lifecycle.handle(event)
