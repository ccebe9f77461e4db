"""Remembers which copy of an event owns its key, so that ``clean/`` holds one.

A copy is an ``ingest_id`` and the identity of what it says. The first copy to claim a key owns it for the table's time
to live. Another copy of the same identity is a duplicate. The owner itself may pass any number of times: that is
Firehose trying the transform again or a redrive. So nothing is dropped because a first attempt died half-way.

A write costs as much as its item is large, so small claims share an item where they can. Where all copies of an event
have one time, the keys of one second are attributes of one item, the second's. After ``FULL`` claims it takes no more,
for good: a key that it lacks then has its place in one of the second's shards, chosen by the key, then in one of more
shards, and at last in an item of its own, as have the keys of all other events. Keys and identities are keyed digests:
the table holds nothing that could be tried out.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from shared.telemetry import log, log_exception

# Amazon DynamoDB API Reference: BatchExecuteStatement takes 25 statements, BatchGetItem 100 keys.
MAX_STATEMENTS = 25
MAX_KEYS = 100
_ID_BYTES = 16
# A key and its owner are 64 bytes. So an item of 59 keys, the most there can be, is below 4 KB, and an update of 30 is
# far below 4 KB of expression and 300 operators (Amazon DynamoDB Developer Guide, "Quotas").
FULL = 30
SHARDS = (1, 8, 64)
"""How many items a second has, those of each number opened by what found the ones before full; 2,190 claims in all."""
# How many times a key's time to live an item of a second lives: with two, a full one is seldom prolonged.
_SECONDS_LIVES = 2

_Item = TypeVar("_Item")


class DynamoDB(Protocol):
    """The calls used of DynamoDB's client."""

    def batch_execute_statement(self, *, Statements: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        """Execute PartiQL statements, each for itself."""
        ...

    def batch_get_item(self, *, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        """Read items."""
        ...

    def update_item(self, **request: Any) -> dict[str, Any]:
        """Change an item on a condition."""
        ...


class Copy(NamedTuple):
    """A received copy of an event; both are 32 hex digits."""

    ingest_id: str
    identity: str

    @property
    def packed(self) -> bytes:
        """The copy in the fewest bytes."""
        return bytes.fromhex(self.ingest_id + self.identity)

    @classmethod
    def unpacked(cls, packed: bytes) -> "Copy":
        """Return the copy of its bytes."""
        return cls(packed[:_ID_BYTES].hex(), packed[_ID_BYTES:].hex())


class Key(NamedTuple):
    """What an event is known by.

    Attributes:
        digest: a keyed digest.
        second: a time of the event, epoch seconds, that all its copies have; None where they may differ in it.
    """

    digest: str
    second: int | None = None


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

    def claim(self, copies: Mapping[Key, Copy]) -> dict[Key, Copy]:
        """Claim keys and return the owner of each; a key whose owner can't be known now is missing.

        500 keys with an item each cost 20 calls to claim, and 5 to read the owners if all are taken. Those of one
        second cost a call, and more than 30 of them one or two for each shard.

        Args:
            copies: the copy that claims a key, by key.
        """
        owners: dict[Key, Copy] = {}
        single = [key for key in copies if key.second is None]
        sharing = [key for key in copies if key.second is not None]
        try:
            for shards in SHARDS:
                items: dict[str, list[Key]] = {}
                for key in sharing:
                    items.setdefault(_item_of(key, shards), []).append(key)
                sharing = []
                for name, keys in items.items():
                    is_full = False
                    while keys and not is_full:
                        item, is_full = self._share(name, keys[:FULL], copies)
                        owners.update((key, Copy.unpacked(item[key.digest]["B"])) for key in keys if key.digest in item)
                        # Of a full item all is known, and what it lacks it will always lack.
                        keys = [key for key in keys if key not in owners] if is_full else keys[FULL:]
                    sharing.extend(keys)
            single.extend(sharing)
            taken: list[Key] = []
            for some in _chunks(single, MAX_STATEMENTS):
                owned, others = self._insert(some, copies)
                owners.update((key, copies[key]) for key in owned)
                taken.extend(others)
            for some in _chunks(taken, MAX_KEYS):
                owners.update(self._read(some))
        except (ClientError, BotoCoreError, OSError) as error:
            # One failure ends the attempt: waiting for a store that is down once per call would outlast the function.
            log_exception("the de-duplication table did not answer", error)
        return owners

    def _share(
        self, name: str, keys: Collection[Key], copies: Mapping[Key, Copy]
    ) -> tuple[dict[str, dict[str, bytes]], bool]:
        """Claim keys in an item that they share; return the owners by digest, and whether the item was full."""
        names = {f"#{number}": key.digest for number, key in enumerate(keys)}
        values = {f":{number}": {"B": copies[key].packed} for number, key in enumerate(keys)}
        claims = ", ".join(f"#{number} = if_not_exists(#{number}, :{number})" for number in range(len(keys)))
        expires_at = int(self._now()) + _SECONDS_LIVES * self._ttl_seconds
        try:
            answer = self._dynamodb().update_item(
                TableName=self._table_name,
                Key={"dedup_key": {"S": name}},
                UpdateExpression=f"SET expires_at = :expires_at, {claims} ADD claims :claims",
                # Whether there is room must not depend on how many come: what is full stays full for everybody.
                ConditionExpression="attribute_not_exists(claims) OR claims < :full",
                ExpressionAttributeNames=names,
                ExpressionAttributeValues={
                    **values,
                    ":claims": {"N": str(len(keys))},
                    ":expires_at": {"N": str(expires_at)},
                    ":full": {"N": str(FULL)},
                },
                ReturnValues="UPDATED_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            if not (item := error.response.get("Item", {})):
                raise
            if int(item["expires_at"]["N"]) < self._now() + self._ttl_seconds:
                self._prolong(name, expires_at)
            return item, True
        return answer["Attributes"], False

    def _prolong(self, name: str, expires_at: int) -> None:
        """Keep a full item for as long as what it refuses now is remembered elsewhere: a copy would find room."""
        self._dynamodb().update_item(
            TableName=self._table_name,
            Key={"dedup_key": {"S": name}},
            UpdateExpression="SET expires_at = :expires_at",
            ExpressionAttributeValues={":expires_at": {"N": str(expires_at)}},
        )

    def _insert(self, keys: Sequence[Key], copies: Mapping[Key, Copy]) -> tuple[list[Key], list[Key]]:
        expires_at = str(int(self._now()) + self._ttl_seconds)
        # Each statement is atomic and fails alone when the key exists: a claim can't overwrite another.
        statement = f"INSERT INTO \"{self._table_name}\" VALUE {{'dedup_key': ?, 'owner': ?, 'expires_at': ?}}"
        answer = self._dynamodb().batch_execute_statement(
            Statements=[
                {
                    "Statement": statement,
                    "Parameters": [{"S": key.digest}, {"S": " ".join(copies[key])}, {"N": expires_at}],
                }
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

    def _read(self, keys: Sequence[Key]) -> dict[Key, Copy]:
        wanted = {key.digest: key for key in keys}
        request = {"Keys": [{"dedup_key": {"S": digest}} for digest in wanted], "ConsistentRead": True}
        answer = self._dynamodb().batch_get_item(RequestItems={self._table_name: request})
        items = answer["Responses"].get(self._table_name, [])
        return {wanted[item["dedup_key"]["S"]]: Copy(*item["owner"]["S"].rsplit(" ", 1)) for item in items}


def _item_of(key: Key, shards: int) -> str:
    return str(key.second) if shards == 1 else f"{key.second}-{shards}-{int(key.digest, 16) % shards}"


def _chunks(items: list[_Item], size: int) -> Iterator[list[_Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
