"""A contact centre that keeps its own books: thousands of conversations, their events, and what a clerk would note.

The books are kept while the conversations happen, not read from the events.
"""

import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

_MEDIA = ("VOICE", "VOICE", "VOICE", "CHAT", "EMAIL", "MESSAGE", "CALLBACK")
_TARGETS = {"VOICE": 20_000, "CHAT": 30_000, "EMAIL": 600_000, "MESSAGE": 60_000, "CALLBACK": 90_000}
_SETTINGS = {"VOICE": "call", "CHAT": "chat", "EMAIL": "email", "MESSAGE": "message", "CALLBACK": "callback"}
_HALF_HOUR = timedelta(minutes=30)


def half_hour(moment: datetime) -> datetime:
    return moment.replace(minute=moment.minute // 30 * 30, second=0, microsecond=0)


@dataclass(frozen=True)
class Event:
    """An event and the time at which it happened."""

    event_type: str
    topic: str
    body: dict[str, Any]
    moment: datetime


@dataclass
class Books:
    """What happened.

    Attributes:
        queues: By half hour, queue and medium: offered, answered, over_target and the others of `queue_intervals`.
        agents: By half hour and agent: the columns of `agent_intervals`.
        conversations: By conversation: the sums and counts of `conversations`.
        wrap_ups: How often each code was given.
    """

    queues: dict[tuple[datetime, str, str], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    agents: dict[tuple[datetime, str], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    conversations: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    wrap_ups: Counter[str] = field(default_factory=Counter)


class ContactCentre:
    """Conversations over so many days.

    Args:
        seed: Same seed, same conversations.
        start: The first midnight.
        days: How many days conversations begin on.
    """

    def __init__(self, seed: int, start: datetime, days: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self._start, self._days = start, days
        self.queues = {self._uuid(): f"Queue {number}" for number in range(5)}
        self.users = {self._uuid(): f"token {number}" for number in range(12)}
        self.codes = {self._uuid(): f"Code {number}" for number in range(4)}
        self.targets = {
            queue: {medium: target + 5_000 * number for medium, target in _TARGETS.items()}
            for number, queue in enumerate(self.queues)
        }
        self.events: list[Event] = []
        self.books = Books()

    def _uuid(self) -> str:
        digits = f"{self._chance.getrandbits(128):032x}"
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    def names(self) -> list[dict[str, Any]]:
        """The organization's names, as records of one snapshot."""
        at = self._start.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        levels = {
            queue: {_SETTINGS[medium]: {"percentage": 0.8, "durationMs": ms} for medium, ms in targets.items()}
            for queue, targets in self.targets.items()
        }
        kinds = {"queue": self.queues, "user": self.users, "wrapup_code": self.codes}
        return [
            {
                "kind": kind,
                "id": id,
                "name": name,
                "snapshotAt": at,
                "total": len(things),
                "attributes": {"serviceLevels": levels[id]} if kind == "queue" else {},
            }
            for kind, things in kinds.items()
            for id, name in things.items()
        ]

    # Conversations

    def converse(self, conversations: int) -> None:
        """Let so many conversations happen."""
        for _ in range(conversations):
            # Every tenth begins shortly before a midnight.
            day = timedelta(days=self._chance.randrange(self._days))
            seconds = self._chance.randrange(86_400 - 900, 86_400) if self._chance.random() < 0.1 else None
            begin = timedelta(seconds=seconds if seconds is not None else self._chance.randrange(86_400))
            moment = self._start + day + begin + timedelta(milliseconds=self._chance.randrange(1_000))
            _Conversation(self, self._chance, self._uuid(), self._chance.choice(_MEDIA)).happen(moment)

    # Agents

    def work(self) -> None:
        """Let every agent go through presences and routing statuses, each reported once or more."""
        for user in self.users:
            self._states(user, "presence", ("AVAILABLE", "ON_QUEUE", "BREAK", "OFFLINE"))
            self._states(user, "routing", ("IDLE", "INTERACTING", "COMMUNICATING", "NOT_RESPONDING", "OFF_QUEUE"))

    def _states(self, user: str, kind: str, states: tuple[str, ...]) -> None:
        moment = self._start + timedelta(seconds=self._chance.randrange(4_000))
        end = self._start + timedelta(days=self._days)
        while moment < end:
            state = self._chance.choice(states)
            self._report(user, kind, state, moment)
            lasts = timedelta(
                milliseconds=self._chance.choice([90_000, 3_000_000, 30_000_000]) + self._chance.randrange(60_000)
            )
            if moment + lasts < end:  # the last one goes on
                self._note_state(user, kind, state, moment, moment + lasts)
            moment += lasts

    def _report(self, user: str, kind: str, state: str, moment: datetime) -> None:
        at = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if kind == "presence":
            body: dict[str, Any] = {"presenceDefinition": {"id": "p", "systemPresence": state}, "modifiedDate": at}
            self.events.append(Event("presence", f"v2.users.{user}.presence", body, moment))
            activity: dict[str, Any] = {"presence": body}
        else:
            body = {"id": user, "routingStatus": {"status": state, "startTime": at}}
            self.events.append(Event("routing_status", f"v2.users.{user}.routingStatus", body, moment))
            activity = {"routingStatus": body["routingStatus"]}
        how = self._chance.random()
        if how < 0.1:  # told later alone
            self.events.pop()
        if how < 0.3:  # told again later, with another change
            later = moment + timedelta(hours=self._chance.randrange(30))
            changed = {"dateActiveQueuesChanged": later.isoformat(timespec="milliseconds").replace("+00:00", "Z")}
            self.events.append(Event("agent_state", f"v2.users.{user}.activity", {**activity, **changed}, later))

    def _note_state(self, user: str, kind: str, state: str, begin: datetime, end: datetime) -> None:
        columns = {
            ("presence", "ON_QUEUE"): ["logged_in_ms", "on_queue_ms"],
            ("presence", "AVAILABLE"): ["logged_in_ms"],
            ("presence", "BREAK"): ["logged_in_ms"],
            ("presence", "OFFLINE"): [],
        }.get((kind, state), [f"{state.lower()}_ms"])
        while begin < end:
            until = min(end, half_hour(begin) + _HALF_HOUR)
            for column in columns:
                self.books.agents[half_hour(begin), user][column] += round((until - begin) / timedelta(milliseconds=1))
            begin = until


class _Conversation:
    def __init__(self, centre: ContactCentre, chance: random.Random, id: str, medium: str) -> None:
        self._centre, self._chance, self._id, self._medium = centre, chance, id, medium
        self._direction = "OUTBOUND" if chance.random() < 0.15 else "INBOUND"
        self._note = centre.books.conversations[id]

    def happen(self, moment: datetime) -> None:
        customer = self._session()
        self._tell("customer.start", moment, customer)
        if self._chance.random() < 0.4:
            flow = {**self._session(), "flowId": "f-1"}
            self._tell("flow.start", moment, flow)
            moment += timedelta(milliseconds=self._chance.randrange(40_000))
            self._tell("flow.end", moment, flow, disconnectType="TRANSFER")
        if self._direction == "OUTBOUND":
            moment = self._handle(moment, self._chance.choice(list(self._centre.queues)))
        else:
            for _ in range(3):  # two transfers at most
                moment, goes_on = self._wait_and_handle(moment)
                if not goes_on:
                    break
        self._tell("customer.end", moment, customer, disconnectType="CLIENT")

    def _session(self) -> dict[str, Any]:
        return {"participantId": self._centre._uuid(), "sessionId": self._centre._uuid()}

    def _tell(self, kind: str, moment: datetime, session: dict[str, Any], **fields: Any) -> None:
        body = {
            "eventTime": round(moment.timestamp() * 1000),
            "conversationId": self._id,
            "mediaType": self._medium,
            "direction": self._direction,
            **session,
            **fields,
        }
        event_type = "disposition" if kind == "wrapup" else "call"
        self._centre.events.append(Event(event_type, f"v2.detail.events.conversation.{self._id}.{kind}", body, moment))

    def _queue_note(self, moment: datetime, queue: str) -> Counter[str]:
        return self._centre.books.queues[half_hour(moment), queue, self._medium]

    def _wait_and_handle(self, moment: datetime) -> tuple[datetime, bool]:
        """A wait in a queue and what follows, when it was over, and whether it goes on in another queue."""
        queue = self._chance.choice(list(self._centre.queues))
        acd = {**self._session(), "queueId": queue}
        waited = self._chance.choice([self._chance.randrange(12_000), self._chance.randrange(200_000)])
        outcome = self._chance.choices(["ANSWERED", "ABANDON", "FLOW_OUT"], [70, 20, 10])[0]
        ended = moment + timedelta(milliseconds=waited)
        self._tell("acd.start", moment, acd)
        self._queue_note(moment, queue)["offered"] += 1
        self._tell("acd.end", ended, acd, acdOutcome=outcome, connectedDurationMs=waited)
        note = self._queue_note(ended, queue)
        self._note.update(offered=1, waited_ms=waited)
        if outcome == "ABANDON":
            note.update(abandoned=1, abandoned_wait_ms=waited, short_abandoned=int(waited < 10_000))
            self._note["abandoned"] += 1
            return ended, False
        if outcome == "FLOW_OUT":
            note["flow_outs"] += 1
            self._note["flow_outs"] += 1
            return ended, True
        late = waited > self._centre.targets[queue][self._medium]
        note.update(answered=1, answered_wait_ms=waited, over_target=int(late))
        self._note["answered"] += 1
        return self._handle(ended, queue), self._chance.random() < 0.15

    def _handle(self, moment: datetime, queue: str) -> datetime:
        """An agent's part, and when he hung up."""
        user = self._chance.choice(list(self._centre.users))
        agent = {**self._session(), "queueId": queue, "userId": user}
        alert, talk = self._chance.randrange(8_000), self._chance.randrange(1, 900_000)
        hold = self._chance.choice([0, self._chance.randrange(90_000)])
        dial, contact = (
            (self._chance.randrange(20_000), self._chance.randrange(9_000)) if self._direction == "OUTBOUND" else (0, 0)
        )
        ended = moment + timedelta(milliseconds=alert + dial + contact + talk + hold)
        self._tell("user.start", moment, agent)
        self._tell(
            "user.end",
            ended,
            agent,
            alertingDurationMs=alert,
            dialingDurationMs=dial,
            contactingDurationMs=contact,
            interactingDurationMs=talk,
            heldDurationMs=hold,
            disconnectType="PEER",
        )
        work, complete = 0, ended
        if self._chance.random() < 0.8:
            work = self._chance.randrange(1, 120_000)
            complete = ended + timedelta(milliseconds=work)
            self._wrap_up(agent, complete, work)
        parts = {"talk_ms": talk, "held_ms": hold, "after_call_ms": work}
        handled = {"handled": 1, "handled_ms": talk + hold + work + dial + contact, **parts}
        for note in (
            self._queue_note(complete, queue),
            self._centre.books.agents[half_hour(complete), user],
            self._note,
        ):
            note.update(handled)
        return ended

    def _wrap_up(self, agent: dict[str, Any], moment: datetime, work: int) -> None:
        codes = [self._chance.choice(list(self._centre.codes)) for _ in range(self._chance.choice([1, 1, 2]))]
        self._tell("acw", moment, agent, wrapupCode=codes[0], wrapupDurationMs=work)
        for second, code in enumerate(codes):  # the second corrects the first
            self._tell("wrapup", moment + timedelta(seconds=second), agent, wrapupCode=code, wrapupDurationMs=work)
        self._centre.books.wrap_ups[codes[-1]] += 1


def midnight(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)
