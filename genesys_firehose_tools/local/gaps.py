"""A past day of which the lake gets less than Genesys Cloud knows, as an integration leaves it that does not work."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import urllib3

from genesys_firehose_tools.local.deployment import Deployment
from genesys_firehose_tools.local.details import detail_records
from genesys_firehose_tools.local.errors import LocalError
from genesys_firehose_tools.local.lake import wait_until_settled
from genesys_firehose_tools.local.sender import Sender, Tally
from genesys_firehose_tools.local.stories import kind_of, tell_day, tell_odd_conversations, without
from genesys_firehose_tools.local.traffic import traffic
from genesys_firehose_tools.local.values import GeneratedEvent, Values

DAYS_AGO = 6
"""How long ago the day is: past its last check, on the fourth day, so that it may be complete."""

_SEED = 16
_CONVERSATIONS = 60
_LATE = 2
_UNSUBSCRIBED = timedelta(minutes=15)
_OFF = timedelta(hours=1)
# Genesys Cloud Resource Center, "Why can my data change?": corrections are visible from the third day.
_CORRECTED_AFTER = timedelta(days=3)
_SETTLED_WITHIN_SECONDS = 120.0


@dataclass(slots=True)
class GappedDay:
    """A day of conversations, and what was lost of them.

    Attributes:
        day: The day, UTC.
        known: The events of the conversations that Genesys Cloud knew at once.
        corrected: Those of conversations that its nightly batch found later.
        sent: The events that reach the lake.
        lost: The ids of the conversations that lack something in the lake, by what happened.
    """

    day: date
    known: list[GeneratedEvent] = field(default_factory=list)
    corrected: list[GeneratedEvent] = field(default_factory=list)
    sent: list[GeneratedEvent] = field(default_factory=list)
    lost: dict[str, set[str]] = field(default_factory=dict)


def gapped_day(day: date) -> GappedDay:
    """Tell a day on which everything went wrong that can; the same of every day.

    The customers' topics were subscribed a quarter of an hour after the first conversation, and an hour after it the
    integration was off for an hour. Two conversations were overlooked and corrected on the third day. Nothing came of
    a conversation over midnight, nor of the first half of one that was reopened on the next day. Of one that has not
    ended nothing came either, which is no gap: only ended ones are expected.

    Args:
        day: The day, UTC.
    """
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
    values = Values(_SEED, midnight + timedelta(days=1))
    usual = _conversations(tell_day(values, end=midnight - timedelta(hours=1), conversations=_CONVERSATIONS).events)
    overlooked = list(usual)[-_LATE:]
    odd = {
        what: [event for told_of_it in _conversations(events).values() for event in told_of_it]
        for what, events in tell_odd_conversations(values, midnight=midnight).items()
    }

    told = GappedDay(day)
    told.corrected = [event for each in overlooked for event in usual[each]]
    regular = [event for each, events in usual.items() if each not in overlooked for event in events]
    told.known = regular + [event for events in odd.values() for event in events]

    began = _time(regular[0])
    subscribing = regular
    for kind in ("customer.start", "customer.end"):
        subscribing = without(subscribing, kind=kind, between=(began, began + _UNSUBSCRIBED))
    switched_on = without(subscribing, between=(began + _OFF, began + 2 * _OFF))
    told.sent = switched_on + [event for event in odd["reopened"] if _time(event) >= midnight]
    told.lost = {
        "topic": _sessions_lost(regular, subscribing),
        "integration off": _sessions_lost(subscribing, switched_on),
        "late correction": set(overlooked),
        "over midnight": set(_conversations(odd["over midnight"])),
        "reopened": set(_conversations(odd["reopened"])),
    }
    return told


def plant(deployment: Deployment, told: GappedDay) -> None:
    """Let the local Genesys Cloud know the day, and the lake get what was not lost; return when it has landed.

    Raises:
        LocalError: An event was not accepted.
    """
    control = f"{deployment.genesys_url}/_local/conversations"
    corrected_from = datetime(told.day.year, told.day.month, told.day.day, tzinfo=UTC) + _CORRECTED_AFTER
    for events, known_from in ((told.known, {}), (told.corrected, {"known_from": corrected_from.isoformat()})):
        records = detail_records(event.body for event in events)
        answer = urllib3.request("PUT", control, json={"conversations": records, **known_from})
        if answer.status >= 400:
            raise LocalError(f"The local Genesys Cloud did not take the conversations: it answered {answer.status}.")
    tally = Tally()
    for message, status in Sender(deployment.target()).send(traffic([event.body for event in told.sent], batch=20)):
        tally.add(message, status)
    if tally.accepted < tally.sent:
        raise LocalError(f"The pipeline accepted {tally.accepted} of the {tally.sent} events of the day with gaps.")
    wait_until_settled(deployment, _SETTLED_WITHIN_SECONDS)


def _conversations(events: Iterable[GeneratedEvent]) -> dict[str, list[GeneratedEvent]]:
    """Return the detail events by their conversation, in the order of the first ones."""
    found: dict[str, list[GeneratedEvent]] = {}
    for event in events:
        if kind_of(event):
            found.setdefault(event.body["eventBody"]["conversationId"], []).append(event)
    return found


def _sessions_lost(before: list[GeneratedEvent], after: list[GeneratedEvent]) -> set[str]:
    """Return the conversations of which a session has no event afterwards."""
    left = set(_sessions(after))
    return {conversation for conversation, session in _sessions(before) if (conversation, session) not in left}


def _sessions(events: list[GeneratedEvent]) -> Iterator[tuple[str, str]]:
    for event in events:
        body = event.body["eventBody"]
        yield body["conversationId"], body["sessionId"]


def _time(event: GeneratedEvent) -> datetime:
    return datetime.fromtimestamp(event.body["eventBody"]["eventTime"] / 1000, UTC)
