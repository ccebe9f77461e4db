"""A day of a contact centre, told in its events: whole conversations, queues, and agents with their states.

The figures of the day (handle time, abandoned conversations, occupancy) are kept beside the events, so that what a
query computes from the events can be compared with them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from genesys_firehose_tools.local.directory import DIRECTORY
from genesys_firehose_tools.local.values import GeneratedEvent, Values, iso, milliseconds_of

_AGENTS = 6
_SHARE_ABANDONED = 0.2
_SHARE_HELD = 0.4


@dataclass(slots=True)
class Conversation:
    """One conversation of the day; all durations in milliseconds.

    Attributes:
        conversation_id: Its id at Genesys Cloud.
        queue_id: Where it waited.
        agent_id: Who took it; None where it was abandoned.
        waited: How long it waited.
        talked: How long customer and agent talked.
        held: How long the customer was on hold.
        after_call: How long the agent worked on it afterwards.
    """

    conversation_id: str
    queue_id: str
    agent_id: str | None
    waited: int
    talked: int = 0
    held: int = 0
    after_call: int = 0

    @property
    def handled(self) -> int:
        """The handle time: talk, hold and after-call work (Genesys Cloud Resource Center, "Metric definitions")."""
        return self.talked + self.held + self.after_call


@dataclass(slots=True)
class Day:
    """The day's events in their order, and its figures.

    Attributes:
        events: The events.
        queues: The queues' names by their ids.
        agents: The agents' names by their ids.
        conversations: Every conversation.
        logged_in: How long each agent was logged in, in milliseconds, by id.
    """

    events: list[GeneratedEvent]
    queues: dict[str, str]
    agents: dict[str, str]
    conversations: list[Conversation] = field(default_factory=list)
    logged_in: dict[str, int] = field(default_factory=dict)

    @property
    def abandon_rates(self) -> dict[str, float]:
        """The share of the conversations of each queue that were abandoned."""
        rates = {}
        for queue in self.queues:
            offered = [each for each in self.conversations if each.queue_id == queue]
            if offered:
                rates[queue] = sum(each.agent_id is None for each in offered) / len(offered)
        return rates

    @property
    def occupancies(self) -> dict[str, float]:
        """The share of each agent's time that went into conversations."""
        return {
            agent: sum(each.handled for each in self.conversations if each.agent_id == agent) / time
            for agent, time in self.logged_in.items()
        }


def tell_day(values: Values, *, end: datetime, conversations: int) -> Day:
    """Tell a day that ends at `end`.

    Args:
        values: Makes the values of the events.
        end: When the last agent logs out. Everything happens within the 20 hours before.
        conversations: How many conversations there are.
    """
    day = Day(
        events=[],
        queues=dict(DIRECTORY.queues),
        agents=dict(values.next_of(list(DIRECTORY.users.items()), _AGENTS)),
    )
    told: list[tuple[datetime, int, GeneratedEvent]] = []
    shares = [conversations // _AGENTS + (number < conversations % _AGENTS) for number in range(_AGENTS)]
    for agent, share in zip(day.agents, shares, strict=True):
        for moment, event in _shift(values, day, agent, end - timedelta(hours=20), share):
            told.append((moment, len(told), event))
    day.events = [event for _, _, event in sorted(told)]
    return day


def tell_odd_conversations(values: Values, *, midnight: datetime) -> dict[str, list[GeneratedEvent]]:
    """Tell conversations with which the count of a day can go wrong.

    Args:
        values: Makes the values of the events.
        midnight: Where two days meet.

    Returns:
        The events of each: ``over midnight`` began 30 seconds before it and ended after it, ``reopened`` ended on the
        day before and went on after it, ``never ended`` began on the day before.
    """
    agents = dict(values.next_of(list(DIRECTORY.users.items()), 1))
    day = Day(events=[], queues=dict(DIRECTORY.queues), agents=agents)

    def tell(start: datetime, conversation_id: str) -> list[GeneratedEvent]:
        told = Conversation(conversation_id, next(iter(day.queues)), next(iter(agents)), 4_000, 60_000, 0, 5_000)
        return [event for _, event in _conversation(values, day, told, start)]

    reopened = values.uuid()
    never_ended = tell(midnight - timedelta(hours=3), values.uuid())
    return {
        "over midnight": tell(midnight - timedelta(seconds=30), values.uuid()),
        "reopened": [*tell(midnight - timedelta(hours=2), reopened), *tell(midnight + timedelta(hours=5), reopened)],
        "never ended": [each for each in never_ended if kind_of(each).endswith((".start", "acd.end"))],
    }


def without(
    events: list[GeneratedEvent], *, kind: str = "", between: tuple[datetime, datetime] | None = None
) -> list[GeneratedEvent]:
    """Leave out what a broken integration would not send.

    Args:
        events: Told events.
        kind: Detail events of this kind, such as ``acd.end``, of any time when `between` is not given.
        between: Since when and until when nothing was sent, of any kind when `kind` is not given.
    """

    def is_lost(event: GeneratedEvent) -> bool:
        if kind and kind_of(event) != kind:
            return False
        return between is None or between[0] <= _sent(event) < between[1]

    return [event for event in events if not is_lost(event)]


def kind_of(event: GeneratedEvent) -> str:
    """Return the kind of a detail event, such as ``acd.end``; empty for others."""
    topic = str(event.body.get("topicName", ""))
    return topic.split(".", 5)[5] if topic.startswith("v2.detail.events.conversation.") else ""


def _sent(event: GeneratedEvent) -> datetime:
    body = event.body
    return datetime.fromisoformat(body["timestamp"] if "timestamp" in body else body["callStartTime"])


def _shift(
    values: Values, day: Day, agent: str, start: datetime, conversations: int
) -> Iterator[tuple[datetime, GeneratedEvent]]:
    """An agent's day: logging in, one conversation after the other, logging out."""
    now = start + timedelta(minutes=values.number(30))
    began = now
    yield now, _presence(values, agent, "ON_QUEUE", now)
    yield now, _routing_status(values, agent, "IDLE", now)
    for _ in range(conversations):
        now += timedelta(seconds=5 + values.number(60))
        conversation = Conversation(
            conversation_id=values.uuid(),
            queue_id=values.choice(list(day.queues)),
            agent_id=None if values.share() < _SHARE_ABANDONED else agent,
            waited=1_000 + values.number(120_000),
        )
        day.conversations.append(conversation)
        if conversation.agent_id is not None:
            conversation.talked = 20_000 + values.number(600_000)
            conversation.held = 5_000 + values.number(90_000) if values.share() < _SHARE_HELD else 0
            conversation.after_call = 3_000 + values.number(60_000)
        yield from _conversation(values, day, conversation, now)
        now += timedelta(milliseconds=conversation.waited + conversation.handled)
    now += timedelta(seconds=30)
    yield now, _routing_status(values, agent, "OFF_QUEUE", now)
    yield now, _presence(values, agent, "OFFLINE", now)
    day.logged_in[agent] = milliseconds_of(now) - milliseconds_of(began)


def _conversation(
    values: Values, day: Day, told: Conversation, start: datetime
) -> Iterator[tuple[datetime, GeneratedEvent]]:
    customer, acd, agent_part = values.uuid(), values.uuid(), values.uuid()
    sessions = {participant: values.uuid() for participant in (customer, acd, agent_part)}
    caller, person = f"tel:{values.phone()}", values.person_id()

    def detail(kind: str, moment: datetime, participant: str, **fields: Any) -> tuple[datetime, GeneratedEvent]:
        body = {
            "eventTime": milliseconds_of(moment),
            "conversationId": told.conversation_id,
            "participantId": participant,
            "sessionId": sessions[participant],
            "mediaType": "VOICE",
            "provider": "Edge",
            "direction": "INBOUND",
            "ani": caller,
            "conversationExternalContactIds": [person],
            **fields,
        }
        topic = f"v2.detail.events.conversation.{told.conversation_id}.{kind}"
        return moment, values.notification(f"story {kind}", topic, body, moment)

    queue = {"queueId": told.queue_id}
    yield detail("customer.start", start, customer, externalContactId=person)
    yield detail("acd.start", start, acd, **queue)
    answered = start + timedelta(milliseconds=told.waited)
    outcome = "ABANDON" if told.agent_id is None else "ANSWERED"
    yield detail("acd.end", answered, acd, **queue, acdOutcome=outcome, connectedDurationMs=told.waited)
    if told.agent_id is None:
        yield detail("customer.end", answered, customer, disconnectType="CLIENT")
        return
    agent = {**queue, "userId": told.agent_id}
    yield detail("user.start", answered, agent_part, **agent)
    yield answered, _routing_status(values, told.agent_id, "INTERACTING", answered)
    ended = answered + timedelta(milliseconds=told.talked + told.held)
    durations = {"interactingDurationMs": told.talked, "heldDurationMs": told.held}
    yield detail("user.end", ended, agent_part, **agent, **durations, disconnectType="PEER")
    yield detail("customer.end", ended, customer, disconnectType="CLIENT", interactingDurationMs=told.talked)
    wrapped = ended + timedelta(milliseconds=told.after_call)
    wrap_up = {**agent, "wrapupCode": values.choice(list(DIRECTORY.wrapup_codes)), "wrapupNotes": values.sentence()}
    yield detail("acw", wrapped, agent_part, **wrap_up, wrapupDurationMs=told.after_call)
    yield detail("wrapup", wrapped, agent_part, **wrap_up, wrapupDurationMs=told.after_call)
    yield wrapped, _routing_status(values, told.agent_id, "IDLE", wrapped)
    yield wrapped, _summary(values, day, told, caller, start)


def _summary(values: Values, day: Day, told: Conversation, caller: str, start: datetime) -> GeneratedEvent:
    """The flat event of the webhook, which has the names of queue and agent."""
    marker = values.uuid()
    body = {
        "messageId": marker,
        "eventType": "call.event",
        "conversationId": told.conversation_id,
        "callStartTime": iso(start),
        "direction": "inbound",
        "contact": {"phoneNumber": caller, "customerName": values.name()},
        "agent": {"id": told.agent_id, "agentName": day.agents[told.agent_id or ""]},
        "queue": {"id": told.queue_id, "name": day.queues[told.queue_id]},
        "dispositionCode": "RESOLVED",
    }
    return values.event("story summary", marker, body)


def _presence(values: Values, agent: str, presence: str, moment: datetime) -> GeneratedEvent:
    definition = next(each for each, known in DIRECTORY.presences.items() if known.system == presence)
    body = {
        "source": "PURECLOUD",
        "presenceDefinition": {"id": definition, "systemPresence": presence},
        "primary": True,
        "message": values.sentence(),
        "modifiedDate": iso(moment),
    }
    return values.notification("story presence", f"v2.users.{agent}.presence", body, moment)


def _routing_status(values: Values, agent: str, status: str, moment: datetime) -> GeneratedEvent:
    body = {"id": agent, "routingStatus": {"userId": agent, "status": status, "startTime": iso(moment)}}
    return values.notification("story routing status", f"v2.users.{agent}.routingStatus", body, moment)
