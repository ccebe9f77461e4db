"""The transform function's entry: Firehose's data transformation."""

import json
from pathlib import Path
from typing import Any

from shared import aws
from transform.function import TransformFunction
from transform.settings import Settings


def _client(service: str) -> Any:
    # The function has 5 minutes; a store or a secret that hangs must not eat them.
    return aws.client(service, connect_seconds=1.0, read_seconds=3.0, attempts=3)


_policy = json.loads(Path(__file__).with_name("policy.json").read_text(encoding="utf-8"))
_function = TransformFunction(Settings.from_environment(), _policy, _client)


def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer a Firehose batch."""
    return _function.handle(event)
