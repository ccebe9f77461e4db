"""The function's entry: a schedule's events."""

from typing import Any

from genesys_names.function import NamesHandler
from genesys_names.settings import NamesSettings
from shared import aws


def _client(service: str) -> Any:
    # Who puts again puts new copies, so that is for the function to do.
    return aws.client(service, connect_seconds=3, read_seconds=10, attempts=1 if service == "firehose" else 3)


_function = NamesHandler(NamesSettings.from_environment(), _client)


def handle(_event: dict[str, Any], _context: object) -> dict[str, str]:
    """Take a snapshot of every kind."""
    return _function.take()
