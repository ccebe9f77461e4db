"""Claims of a batch's keys in the de-duplication table: the keys of a second in one item, and an item for each."""

import math
import os
import secrets
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.aws_stub import aws_stub
from benchmarks.measuring import OURS, Figure, compare, interleave

# A million a day, of which Firehose hands over a mebibyte at a time.
_EVENTS, _EVENTS_PER_SECOND = 240, 12
_TTL_SECONDS = 7 * 24 * 60 * 60
_UNIT_BYTES = 1024

_Batch = list[tuple[str, int, str, str]]


def measure(rounds: int) -> Iterator[Figure]:
    """Measure a batch's CPU with the AWS SDK, and the write units that it costs."""
    batches = [_batch(number) for number in range(rounds)]
    with aws_stub() as url:
        os.environ["AWS_ENDPOINT_URL"] = url
        import boto3

        client = boto3.client("dynamodb")
        samples = interleave({OURS: _claims(client, True), "an item each": _claims(client, False)}, batches)
    yield compare("claims at 12 events a second, with the AWS SDK", "us of CPU per event", samples, 1e6 / _EVENTS)
    table = _Table()
    contestants = {OURS: _claims(table, True), "an item each": _claims(table, False)}
    # A clock that ticks with every write unit.
    units = interleave(contestants, batches, lambda: table.write_units)
    yield compare("claims at 12 events a second: write units", "write units per event", units, 1 / _EVENTS)


def _batch(number: int) -> _Batch:
    """Digest, second, ingest id and identity of each event."""
    return [
        (secrets.token_hex(16), place // _EVENTS_PER_SECOND, secrets.token_hex(16), secrets.token_hex(16))
        for place in range(number * _EVENTS, (number + 1) * _EVENTS)
    ]


def _claims(client: Any, shares: bool) -> Callable[[_Batch], None]:
    from transform.deduplication import Copy, Key, KeyOwners

    owners = KeyOwners(lambda: client, "owners", _TTL_SECONDS)

    def run(batch: _Batch) -> None:
        copies = {Key(digest, second if shares else None): Copy(*owner) for digest, second, *owner in batch}
        if owners.claim(copies) != copies:
            raise RuntimeError("a key has another owner")

    return run


class _Table:
    """Counts the write units of new items and of updates, which are by the size of the item as it is then.

    Amazon DynamoDB Developer Guide, "DynamoDB item sizes and formats" and "Read/write capacity modes".
    """

    def __init__(self) -> None:
        self.write_units = 0
        self._items: dict[str, dict[str, Any]] = {}

    def update_item(self, **request: Any) -> dict[str, Any]:
        names, values = request["ExpressionAttributeNames"], request["ExpressionAttributeValues"]
        item = self._items.setdefault(request["Key"]["dedup_key"]["S"], {})
        for mark, name in names.items():
            item.setdefault(name, values[f":{mark[1:]}"])
        self.write_units += _units(item)
        return {"Attributes": {name: item[name] for name in names.values()}}

    def batch_execute_statement(self, *, Statements: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        self.write_units += sum(_units(dict(enumerate(statement["Parameters"]))) for statement in Statements)
        return {"Responses": [{}] * len(Statements)}


def _units(item: dict[Any, dict[str, Any]]) -> int:
    size = sum(len(str(name)) + len(value) for name, typed in item.items() for value in typed.values())
    return math.ceil(size / _UNIT_BYTES)
