"""The transform function's entry: Firehose's data transformation."""

import gc
from typing import Any

# A start leaves hardly any garbage; looking for it all the while would be a twelfth of it.
gc.disable()

from shared import aws
from transform.function import TransformHandler
from transform.plan import staged_plan
from transform.settings import TransformSettings


def _client(service: str) -> Any:
    # The function has 5 minutes; a store or a secret that hangs must not eat them.
    return aws.client(service, connect_seconds=1.0, read_seconds=3.0, attempts=3)


_function = TransformHandler(TransformSettings.from_environment(), staged_plan(), _client)
gc.freeze()
gc.enable()


def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer a Firehose batch."""
    return _function.handle(event)
