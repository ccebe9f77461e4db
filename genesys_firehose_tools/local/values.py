"""Values of generated events: what is personal has a shape that nothing else has, and is known to whoever checks.

Two things make a check independent of the code it checks:

* each event has a **marker**, an identifier of the event that is personal to nobody and so must be readable
  in ``clean/`` exactly once;
* each personal value has a shape that nothing else has (`find_personal_values`), and every one that was
  generated is known, so a leak is found wherever in a record it turns up.
"""

import json
import random
import re
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
# A phone number of the range that is kept for fiction, however its digits are set apart.
_PHONE = re.compile(r"1[-. ()]{0,2}5[-. ]?5[-. ]?5[-. ()]{0,2}(?:[0-9][-. ]?){6}[0-9]")
# Every word of a person, a note or a conversation begins like this; no English or technical word does.
_WORD = re.compile(r"zq[a-z]{6}", re.IGNORECASE)
# The address block for documentation (RFC 3849).
_ADDRESS = re.compile(r"2001:db8:[0-9a-f:]+")
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class GeneratedEvent:
    """One event and what a check needs to know about it.

    Attributes:
        family: The name of its shape.
        marker: The identifier by which it is found again.
        body: The event as the sender posts it.
        personal: Every personal value in it, as `find_personal_values` finds them.
    """

    family: str
    marker: str
    body: dict[str, Any]
    personal: frozenset[str]


def find_personal_values(text: str) -> set[str]:
    """Return everything in a text that has the shape of a generated personal value, in one spelling each.

    Identifiers of persons are UUIDs like many others: whether one is personal only the generated events tell.
    """
    found = set(_UUID.findall(text))
    # The groups of an identifier may read like a number whose digits are set apart.
    found.update(re.sub(r"\D", "", number) for number in _PHONE.findall(_UUID.sub(" ", text)))
    found.update(word.lower() for word in _WORD.findall(text))
    found.update(_ADDRESS.findall(text))
    return found


def find_markers(text: str) -> set[str]:
    """Return everything in a text that may be a marker."""
    return set(_UUID.findall(text))


def personal_values(events: Iterable[GeneratedEvent]) -> set[str]:
    """Return every personal value of these events."""
    return set().union(*(event.personal for event in events))


def iso(moment: datetime) -> str:
    """Write a time as Genesys Cloud does in ISO 8601."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds_of(moment: datetime) -> int:
    """Write a time in epoch milliseconds."""
    return round(moment.timestamp() * 1000)


class Values:
    """Repeatable values of events, personal and not; no personal value is made twice.

    Args:
        seed: Same seed and same ``until``, same values.
        until: The newest time; others are up to two days older. Default is now.
    """

    def __init__(self, seed: int, until: datetime | None = None) -> None:
        self._random = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self.until = until or datetime.now(UTC)
        self._person_ids: set[str] = set()
        self._used: set[str] = set()
        self._series = 0

    def event(self, family: str, marker: str, body: dict[str, Any]) -> GeneratedEvent:
        """Return an event with the personal values in it."""
        text = json.dumps(body)
        identifiers_of_nobody = find_markers(text) - self._person_ids
        return GeneratedEvent(family, marker, body, frozenset(find_personal_values(text) - identifiers_of_nobody))

    def notification(self, family: str, topic: str, body: dict[str, Any], sent: datetime) -> GeneratedEvent:
        """Return a notification; the trace's id in its metadata is its marker."""
        marker = self.uuid()
        frame = {
            "topicName": topic,
            "version": "2",
            "eventBody": body,
            "metadata": {"CorrelationId": marker},
            "timestamp": iso(sent),
        }
        return self.event(family, marker, frame)

    # Values that are personal to nobody.

    def uuid(self) -> str:
        """Return an identifier."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def time(self) -> datetime:
        """Return a time of the last two days, in whole milliseconds."""
        time = self.until - timedelta(milliseconds=self._random.randrange(48 * 3600 * 1000))
        return time.replace(microsecond=time.microsecond // 1000 * 1000)

    def number(self, below: int) -> int:
        """Return a whole number from 0."""
        return self._random.randrange(below)

    def share(self) -> float:
        """Return a number from 0 to 1."""
        return self._random.random()

    def choice(self, items: Sequence[_Item]) -> _Item:
        """Return one of the items."""
        return self._random.choice(items)

    def next_of(self, items: Sequence[_Item], count: int) -> list[_Item]:
        """Return the items that follow those of the last call, from the beginning again after the last."""
        first, self._series = self._series, self._series + count
        return [items[place % len(items)] for place in range(first, self._series)]

    # Personal values.

    def _unused(self, make: Callable[[], str]) -> str:
        while (value := make()) in self._used:
            pass
        self._used.add(value)
        return value

    def word(self) -> str:
        """Return a word."""
        return self._unused(lambda: "zq" + "".join(self._random.choices("abcdefghijklmnopqrstuvwxyz", k=6)))

    def name(self) -> str:
        """Return a name of two words."""
        return f"{self.word().title()} {self.word().title()}"

    def phone(self) -> str:
        """Return a telephone number in E.164."""
        return self._unused(lambda: f"+1555{self._random.randrange(10**7):07}")

    def email(self) -> str:
        """Return an e-mail address."""
        return f"{self.word()}.{self.word()}@example.com"

    def person_id(self) -> str:
        """Return the identifier of a person, a UUID."""
        identifier = self.uuid()
        self._person_ids.add(identifier)
        return identifier

    def ip_address(self) -> str:
        """Return an IPv6 address."""
        return "2001:db8:" + ":".join(f"{self._random.getrandbits(16):x}" for _ in range(6))

    def sentence(self) -> str:
        """Return a sentence that names a person."""
        return f"my name is {self.name()}, call {self.word()} at {self.phone()}"
