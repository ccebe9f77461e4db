"""The function's entry: what the state machine hands it."""

from typing import Any

from genesys_backfill.function import BackfillHandler
from genesys_backfill.settings import BackfillSettings
from shared import aws


def _client(service: str) -> Any:
    # Who puts again puts new copies, so that is for the function to do.
    return aws.client(service, connect_seconds=3, read_seconds=10, attempts=1 if service == "firehose" else 3)


_function = BackfillHandler(BackfillSettings.from_environment(), _client)


def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Go on with a backfill, and say how far it is."""
    return _function.go_on(event)
