"""The rebuild function's entry: one raw object, or a part of it, per invocation."""

import os
from typing import Any

from rebuild.function import RebuildHandler
from shared import aws
from transform.plan import staged_plan
from transform.settings import TransformerSettings


def _client(service: str) -> Any:
    # A raw object is up to 128 MiB and read as it is transformed: its connection rests while we work.
    return aws.client(service, connect_seconds=1.0, read_seconds=30.0, attempts=3)


_function = RebuildHandler(TransformerSettings.from_environment(), staged_plan(), os.environ["RAW_KEY_ARN"], _client)


def handle(event: dict[str, Any], context: Any) -> dict[str, Any] | None:
    """Rebuild one raw object, or a part of it."""
    return _function.handle(event, context.invoked_function_arn)
