"""What a sender who has the key and means harm sends between the events of the real one."""

import random
from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import Any
from uuid import UUID

from genesys_firehose_tools.local.sender import Message
from genesys_firehose_tools.local.values import GeneratedEvent

MARK = "attackId"
"""The field by which the records of an attack are told from others; its values are readable in ``clean/``."""


def attacks(victims: Sequence[GeneratedEvent], count: int, seed: int) -> Iterator[tuple[str, Message]]:
    """Make so many requests of an attacker, one kind after the other, each with its mark.

    Each is signed rightly, or it would be a forgery, which is refused. The kinds: a copy of a real event; another event
    under the id of a real one; a list that grows with every token; a pointer to an original that is not there; and more
    events than a request may hold, which is refused.
    """
    # The seed alone gives the markers of the real events.
    rng = random.Random(f"attacks {seed}")  # noqa: S311 - repeatable, not secret
    kinds = cycle(["copy", "conflict", "growth", "pointer", "many"])
    for kind, _number in zip(kinds, range(count), strict=False):
        mark = str(UUID(int=rng.getrandbits(128), version=4))
        yield mark, Message(_events(kind, rng.choice(victims).body, mark), hostile=True)


def _events(kind: str, victim: dict[str, Any], mark: str) -> list[dict[str, Any]]:
    if kind == "copy":
        return [victim]
    if kind == "conflict":
        # What stands beside a notification's body is no part of what it says.
        body = victim.get("eventBody")
        return [{**victim, "eventBody": {**body, MARK: mark}} if isinstance(body, dict) else {**victim, MARK: mark}]
    if kind == "growth":
        return [{"messageId": mark, MARK: mark, "ani": [1] * 50_000}]
    if kind == "pointer":
        pointer = {"key": "raw/oversize/2026/11/23/" + "a" * 1100, "length": 10**7, "sha256": "0" * 64}
        return [{"messageId": mark, MARK: mark, "oversize": pointer}]
    return [{}] * 1_001
