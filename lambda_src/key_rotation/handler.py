"""The function's entry: the steps of Secrets Manager."""

from typing import Any

from key_rotation.function import RotationHandler
from key_rotation.settings import RotationSettings
from shared import aws

# The function that tells Genesys Cloud may take two minutes.
_READ_SECONDS = {"lambda": 125.0, "secretsmanager": 10.0}

_function = RotationHandler(
    RotationSettings.from_environment(),
    # One attempt: Secrets Manager calls a step that failed again.
    lambda service: aws.client(service, connect_seconds=3, read_seconds=_READ_SECONDS[service]),
)


def handle(event: dict[str, Any], _context: object) -> None:
    """Do one step."""
    _function.do(event)
