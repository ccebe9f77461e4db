"""The function's entry: a schedule's events."""

from typing import Any

from genesys_watch.function import WatchHandler
from genesys_watch.settings import WatchSettings
from shared import aws

_function = WatchHandler(
    WatchSettings.from_environment(),
    lambda service: aws.client(service, connect_seconds=3, read_seconds=10, attempts=3),
)


def handle(_event: dict[str, Any], _context: object) -> None:
    """Ask all questions."""
    _function.ask()
