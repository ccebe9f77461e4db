"""Remembers which copy of an event owns its key, so that ``clean/`` holds one.

A copy is an ``ingest_id`` and the identity of what it says. The first copy to claim a key owns it for the table's time
to live. Another copy of the same identity is a duplicate. The owner itself may pass any number of times: that is
Firehose trying the transform again or a redrive. So nothing is dropped because a first attempt died half-way.

An item has a key and, as one text, its owner, so that the owners of several keys can stand in one item beside each
other. Keys and identities are keyed digests: the table holds nothing that could be tried out.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

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


class Copy(NamedTuple):
    """A received copy of an event."""

    ingest_id: str
    identity: str


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

    def claim(self, copies: Mapping[str, Copy]) -> dict[str, Copy]:
        """Claim keys and return the owner of each; a key whose owner can't be known now is missing.

        500 keys cost 20 calls to claim, and 5 to read the owners if all are taken.

        Args:
            copies: the copy that claims a key, by key.
        """
        owners: dict[str, Copy] = {}
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

    def _insert(self, keys: Sequence[str], copies: Mapping[str, Copy]) -> tuple[list[str], list[str]]:
        expires_at = str(int(self._now()) + self._ttl_seconds)
        # Each statement is atomic and fails alone when the key exists: a claim can't overwrite another.
        statement = f"INSERT INTO \"{self._table_name}\" VALUE {{'dedup_key': ?, 'owner': ?, 'expires_at': ?}}"
        answer = self._dynamodb().batch_execute_statement(
            Statements=[
                {"Statement": statement, "Parameters": [{"S": key}, {"S": " ".join(copies[key])}, {"N": expires_at}]}
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

    def _read(self, keys: Sequence[str]) -> dict[str, Copy]:
        request = {self._table_name: {"Keys": [{"dedup_key": {"S": key}} for key in keys], "ConsistentRead": True}}
        answer = self._dynamodb().batch_get_item(RequestItems=request)
        items = answer["Responses"].get(self._table_name, [])
        return {item["dedup_key"]["S"]: Copy(*item["owner"]["S"].split(" ")) for item in items}


def _chunks(items: list[_Item], size: int) -> Iterator[list[_Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
