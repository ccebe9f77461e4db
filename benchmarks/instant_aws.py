"""AWS clients that answer at once and do almost nothing, so that only the function's own work is measured."""

from collections import deque
from datetime import UTC, datetime
from typing import Any

from benchmarks.environment import SIGNING_KEY


class InstantAws:
    """Clients of the services that the functions and their peers call.

    Args:
        keep: How many puts to remember. Their memory would be part of what is measured.

    Attributes:
        puts: The records of the last puts, a list for each.
    """

    def __init__(self, keep: int = 0) -> None:
        self.puts: deque[list[dict[str, bytes]]] = deque(maxlen=keep)

    def client(self, _service: str) -> Any:
        """Return the client of a service; the one object stands for all."""
        return self

    def records(self) -> list[bytes]:
        """Return the records of the last puts."""
        return [record["Data"] for put in self.puts for record in put]

    def put_record(self, **request: Any) -> dict[str, Any]:
        """Take a record."""
        self.puts.append([request["Record"]])
        return {"RecordId": "1"}

    def put_record_batch(self, **request: Any) -> dict[str, Any]:
        """Take records."""
        self.puts.append(request["Records"])
        return {"FailedPutCount": 0, "RequestResponses": []}

    def get_secret_value(self, **_request: Any) -> dict[str, Any]:
        """Return the one key, which was never rotated long enough ago to matter."""
        return {"SecretString": SIGNING_KEY, "CreatedDate": datetime(2020, 1, 1, tzinfo=UTC), "VersionId": "first"}

    def put_item(self, **_request: Any) -> dict[str, Any]:
        """Accept an item that is new."""
        return {}

    def update_item(self, **request: Any) -> dict[str, Any]:
        """Take an item's new state, and answer with what claims of owners, if any, are new."""
        names, values = request["ExpressionAttributeNames"], request["ExpressionAttributeValues"]
        return {"Attributes": {name: values.get(f":{mark[1:]}") for mark, name in names.items()}}

    def batch_execute_statement(self, **request: Any) -> dict[str, Any]:
        """Execute statements, none of which finds its key taken."""
        return {"Responses": [{}] * len(request["Statements"])}
