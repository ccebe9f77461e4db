"""The function's entry: batches of its queue."""

from typing import Any

from retention.function import RetentionHandler
from retention.settings import RetentionSettings
from shared import aws

_function = RetentionHandler(
    RetentionSettings.from_environment(),
    lambda service: aws.client(service, connect_seconds=1.0, read_seconds=5.0, attempts=2),
)


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Work on a batch; the answer names the messages that must come again."""
    return _function.handle(event, lambda: context.get_remaining_time_in_millis() / 1000)
