"""What makes the AWS clients that operations use."""

from threading import Lock
from typing import Any, Protocol


class Clients(Protocol):
    """A boto3 session, or anything that makes clients as one does."""

    def client(self, service_name: str) -> Any:
        """Make the client of an AWS service."""
        ...


class SharedClients:
    """Makes each client once, for threads that work side by side: boto3 can use a client so, but not make one.

    Args:
        clients: What makes the clients.
    """

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._made: dict[str, Any] = {}
        self._lock = Lock()

    def client(self, service_name: str) -> Any:
        """Return the client of an AWS service."""
        with self._lock:
            if service_name not in self._made:
                self._made[service_name] = self._clients.client(service_name)
            return self._made[service_name]
