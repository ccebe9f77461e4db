"""The rebuild function's entry: one raw object per invocation."""

import json
from pathlib import Path
from typing import Any

import transform
from rebuild.function import RebuildFunction
from rebuild.settings import Settings
from shared import aws


def _client(service: str) -> Any:
    # A raw object is up to 128 MiB and read as it is transformed: its connection rests while we work.
    return aws.client(service, connect_seconds=1.0, read_seconds=30.0, attempts=3)


_policy = json.loads(Path(transform.__path__[0], "policy.json").read_text(encoding="utf-8"))
_function = RebuildFunction(Settings.from_environment(), _policy, _client)


def handle(event: dict[str, Any], context: Any) -> None:
    """Rebuild one raw object."""
    _function.handle(event, context.invoked_function_arn)
