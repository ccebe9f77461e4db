"""The function's entry: a step of the state machine."""

from typing import Any

from genesys_reconciliation.function import ReconciliationHandler
from genesys_reconciliation.settings import ReconciliationSettings
from shared import aws

_function = ReconciliationHandler(
    ReconciliationSettings.from_environment(),
    lambda service: aws.client(service, connect_seconds=3, read_seconds=30, attempts=3),
)


def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Do the step that the event names."""
    return _function.handle(event)
