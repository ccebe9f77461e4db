"""The function's entry: one step of making manifests per invocation."""

from typing import Any

from manifest.function import READERS, ManifestHandler
from manifest.settings import ManifestSettings
from shared import aws

_function = ManifestHandler(
    ManifestSettings.from_environment(),
    # An object has up to 128 MiB and is read as it is hashed, several at a time.
    lambda service: aws.client(service, connect_seconds=1.0, read_seconds=30.0, attempts=3, connections=READERS),
)


def handle(event: dict[str, Any], context: Any) -> dict[str, Any] | None:
    """Do the next step, and answer with what to go on with."""
    return _function.handle(event, lambda: context.get_remaining_time_in_millis() / 1000)
