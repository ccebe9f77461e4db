"""What makes the AWS clients that operations use."""

from typing import Any, Protocol


class Clients(Protocol):
    """A boto3 session, or anything that makes clients as one does."""

    def client(self, service_name: str) -> Any:
        """Make the client of an AWS service."""
        ...
