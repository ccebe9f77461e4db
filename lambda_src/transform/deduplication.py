"""Remembers which copy of an event owns it, so that ``clean/`` holds one.

A copy is an ``ingest_id``, an event its ``dedup_key``. The first copy to claim a key owns it for the table's time to
live. Another copy of the key is a duplicate. The owner itself may pass any number of times: that is Firehose trying the
transform again, a redrive or a rebuild. So nothing is dropped because a first attempt died half-way.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from shared.telemetry import log, log_exception

# Amazon DynamoDB API Reference: BatchExecuteStatement takes 25 statements, BatchGetItem 100 keys.
MAX_STATEMENTS = 25
MAX_KEYS = 100

_Item = TypeVar("_Item")


class DynamoDB(Protocol):
    """The calls used of DynamoDB's client."""

    def batch_execute_statement(self, *, Statements: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        """Execute PartiQL statements, each for itself."""
        ...

    def batch_get_item(self, *, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        """Read items."""
        ...


class KeyOwners:
    """The table of owners.

    Args:
        dynamodb: makes the DynamoDB client when it is first needed.
        table_name: the table; its partition key is ``dedup_key``.
        ttl_seconds: how long an owner is remembered.
        now: the time, epoch seconds.
    """

    def __init__(
        self,
        dynamodb: Callable[[], DynamoDB],
        table_name: str,
        ttl_seconds: int,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name
        self._ttl_seconds = ttl_seconds
        self._now = now

    def claim(self, copies: Mapping[str, str]) -> dict[str, str]:
        """Claim keys and return the owner of each; a key whose owner can't be known now is missing.

        500 keys cost 20 calls to claim, and 5 to read the owners if all are taken.

        Args:
            copies: ingest id by key.
        """
        owners: dict[str, str] = {}
        taken: list[str] = []
        try:
            for keys in _chunks(list(copies), MAX_STATEMENTS):
                owned, others = self._insert(keys, copies)
                owners.update((key, copies[key]) for key in owned)
                taken.extend(others)
            for keys in _chunks(taken, MAX_KEYS):
                owners.update(self._read(keys))
        except (ClientError, BotoCoreError, OSError) as error:
            # One failure ends the attempt: waiting for a store that is down once per call would outlast the function.
            log_exception("the de-duplication table did not answer", error)
        return owners

    def _insert(self, keys: Sequence[str], copies: Mapping[str, str]) -> tuple[list[str], list[str]]:
        expires_at = str(int(self._now()) + self._ttl_seconds)
        # Each statement is atomic and fails alone when the key exists: a claim can't overwrite another.
        statement = f"INSERT INTO \"{self._table_name}\" VALUE {{'dedup_key': ?, 'ingest_id': ?, 'expires_at': ?}}"
        answer = self._dynamodb().batch_execute_statement(
            Statements=[
                {"Statement": statement, "Parameters": [{"S": key}, {"S": copies[key]}, {"N": expires_at}]}
                for key in keys
            ]
        )
        owned, taken = [], []
        for key, response in zip(keys, answer["Responses"], strict=True):
            code = response.get("Error", {}).get("Code")
            if code is None:
                owned.append(key)
            elif code == "DuplicateItem":
                taken.append(key)
            else:
                log("WARN", "the de-duplication table refused a claim", code=str(code))
        return owned, taken

    def _read(self, keys: Sequence[str]) -> dict[str, str]:
        request = {self._table_name: {"Keys": [{"dedup_key": {"S": key}} for key in keys], "ConsistentRead": True}}
        answer = self._dynamodb().batch_get_item(RequestItems=request)
        items = answer["Responses"].get(self._table_name, [])
        return {item["dedup_key"]["S"]: item["ingest_id"]["S"] for item in items}


def _chunks(items: list[_Item], size: int) -> Iterator[list[_Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
