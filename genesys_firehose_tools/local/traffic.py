"""Turns events into the requests of a real sender: batches, copies, forgeries, out of order."""

import random
from collections.abc import Sequence
from typing import Any

from genesys_firehose_tools.local.sender import Message

_COPY_COMES_WITHIN = 200
"""How many events later the copy of an event comes at most."""


def traffic(
    events: Sequence[Any],
    *,
    duplicates: float = 0.0,
    forgeries: Sequence[Any] = (),
    hostile: Sequence[Message] = (),
    batch: int = 1,
    disorder: int = 0,
    seed: int = 0,
) -> list[Message]:
    """Make messages of events.

    Args:
        events: What the sender really sends.
        duplicates: The share of the events that is sent twice, 0 to 1.
        forgeries: Events that someone else sends, without the key.
        hostile: What an attacker sends, with the key.
        batch: Events in one message.
        disorder: By how many places an event may come too late.
        seed: Decides which events are sent twice, and when everything comes.
    """
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    places = range(len(events))
    timeline = [(place + rng.uniform(0, disorder), events[place]) for place in places]
    for place in rng.sample(places, round(len(events) * duplicates)):
        timeline.append((timeline[place][0] + rng.uniform(0, _COPY_COMES_WITHIN), events[place]))
    timeline.sort(key=lambda entry: entry[0])
    sent = [event for _, event in timeline]
    messages = [Message(sent[start : start + batch]) for start in range(0, len(sent), batch)]
    for message in [*(Message([event], forged=True) for event in forgeries), *hostile]:
        messages.insert(rng.randint(0, len(messages)), message)
    return messages
