"""The function's entry: CloudFormation's requests for the custom resource."""

from typing import Any

from shared import aws
from verification.function import VerificationHandler
from verification.settings import VerificationSettings

_function = VerificationHandler(
    VerificationSettings.from_environment(),
    lambda service: aws.client(service, connect_seconds=3, read_seconds=20, attempts=3),
)


def handle(event: dict[str, Any], _context: object) -> None:
    """Answer a request."""
    _function.handle(event)
