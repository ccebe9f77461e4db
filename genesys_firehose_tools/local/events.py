"""Generated Genesys Cloud events that are real in shape and recognisable in content.

Every family follows the documented shape of its events: the notification topics of the Genesys Cloud
Developer Center ("Available Topics"), the Open Messaging webhook ("Open Messaging, Receiving outbound
messages") and the flat webhook events with messageId, contact and agent. Two things are added so that a
check can be independent of the code it checks:

* each event has a **marker**, an identifier of the event that is not personal and so must be readable
  in ``clean/`` exactly once;
* each personal value has a shape that nothing else has (`find_personal_values`), and every one that was
  generated is known, so a leak is found wherever in a record it turns up.
"""

import json
import random
import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
# A phone number of the range that is kept for fiction, however its digits are set apart.
_PHONE = re.compile(r"1[-. ()]{0,2}5[-. ]?5[-. ]?5[-. ()]{0,2}(?:[0-9][-. ]?){6}[0-9]")
# Every word of a person, a note or a conversation starts in this way; no English or technical word does.
_WORD = re.compile(r"zq[a-z]{6}", re.IGNORECASE)
# The address block for documentation (RFC 3849).
_ADDRESS = re.compile(r"2001:db8:[0-9a-f:]+")


@dataclass(frozen=True, slots=True)
class GeneratedEvent:
    """One event and what a check needs to know about it.

    Attributes:
        family: The name of its shape, one of `FAMILIES`.
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
    found.update(re.sub(r"\D", "", number) for number in _PHONE.findall(text))
    found.update(word.lower() for word in _WORD.findall(text))
    found.update(_ADDRESS.findall(text))
    return found


def find_markers(text: str) -> set[str]:
    """Return everything in a text that may be a marker."""
    return set(_UUID.findall(text))


class EventGenerator:
    """An endless, repeatable stream of events of every family.

    Args:
        seed: Same seed and same ``until``, same events.
        until: The time of the newest event; the others are up to two days older. Default is now.
    """

    def __init__(self, seed: int, until: datetime | None = None) -> None:
        self._random = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self._until = until or datetime.now(UTC)
        self._person_ids: set[str] = set()
        self._used: set[str] = set()
        self._organization = self._uuid()
        self._queues = [self._uuid() for _ in range(6)]

    def __iter__(self) -> Iterator[GeneratedEvent]:
        """Generate one event after the other, the families in random order."""
        names = tuple(FAMILIES)
        while True:
            yield self.generate(self._random.choice(names))

    def take(self, count: int) -> list[GeneratedEvent]:
        """Generate ``count`` events."""
        return [event for event, _ in zip(self, range(count), strict=False)]

    def generate(self, family: str) -> GeneratedEvent:
        """Generate one event of a family of `FAMILIES`."""
        marker, body = FAMILIES[family](self)
        text = json.dumps(body)
        impersonal_identifiers = find_markers(text) - self._person_ids
        return GeneratedEvent(family, marker, body, frozenset(find_personal_values(text) - impersonal_identifiers))

    # Values that are not personal.

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def _time(self) -> datetime:
        time = self._until - timedelta(milliseconds=self._random.randrange(48 * 3600 * 1000))
        return time.replace(microsecond=time.microsecond // 1000 * 1000)

    def _milliseconds(self) -> int:
        return int(self._time().timestamp() * 1000)

    # Personal values: each is used once.

    def _unused(self, make: Callable[[], str]) -> str:
        while (value := make()) in self._used:
            pass
        self._used.add(value)
        return value

    def _word(self) -> str:
        return self._unused(lambda: "zq" + "".join(self._random.choices("abcdefghijklmnopqrstuvwxyz", k=6)))

    def _name(self) -> str:
        return f"{self._word().title()} {self._word().title()}"

    def _phone(self) -> str:
        return self._unused(lambda: f"+1555{self._random.randrange(10**7):07}")

    def _email(self) -> str:
        return f"{self._word()}.{self._word()}@example.com"

    def _person_id(self) -> str:
        identifier = self._uuid()
        self._person_ids.add(identifier)
        return identifier

    def _ip_address(self) -> str:
        return "2001:db8:" + ":".join(f"{self._random.getrandbits(16):x}" for _ in range(6))

    def _sentence(self) -> str:
        return f"my name is {self._name()}, call {self._word()} at {self._phone()}"

    # Families: each returns the marker and the body.

    def _flat(self, event_type: str) -> tuple[str, dict[str, Any]]:
        marker = self._uuid()
        body: dict[str, Any] = {
            "messageId": marker,
            "eventType": f"{event_type}.event",
            "conversationId": self._uuid(),
            "callStartTime": _iso(self._time()),
            "direction": self._random.choice(["inbound", "outbound"]),
            "contact": {"phoneNumber": self._phone(), "customerName": self._name()},
            "agent": {"id": self._uuid(), "agentName": self._name()},
            "queue": {"id": self._random.choice(self._queues), "name": "Billing"},
            "dispositionCode": self._random.choice(["RESOLVED", "TRANSFERRED", None]),
        }
        # Optional fields come and go, as null or as nothing at all.
        if self._random.random() < 0.2:
            body["agent"] = None
        if self._random.random() < 0.2:
            del body["queue"]
        if event_type == "email":
            body["contact"] = {"customerName": self._name(), "email": self._email()}
        return marker, body

    def _notification(self, topic: str, event: dict[str, Any]) -> dict[str, Any]:
        return {
            "topicName": topic,
            "version": "2",
            "eventBody": event,
            "metadata": {"CorrelationId": self._uuid()},
            "timestamp": _iso(self._time()),
        }

    def _detail(self, kind: str, media: str, **fields: Any) -> tuple[str, dict[str, Any]]:
        conversation, participant = self._uuid(), self._uuid()
        event: dict[str, Any] = {
            "eventTime": self._milliseconds(),
            "conversationId": conversation,
            "participantId": participant,
            "sessionId": self._uuid(),
            "mediaType": media,
            "provider": "Edge" if media == "VOICE" else "PureCloud Messaging",
            "direction": self._random.choice(["INBOUND", "OUTBOUND"]),
            "divisionId": self._organization,
            "conversationExternalContactIds": [self._person_id()],
            **fields,
        }
        if media == "VOICE":
            event["ani"] = f"tel:{self._phone()}"
            event["dnis"] = f"sip:{self._phone()}@edge.example.com"
        else:
            event["addressFrom"] = self._email()
            event["addressTo"] = self._email()
        return participant, self._notification(f"v2.detail.events.conversation.{conversation}.{kind}", event)

    def _acd_end(self) -> tuple[str, dict[str, Any]]:
        return self._detail(
            "acd.end",
            "VOICE",
            queueId=self._random.choice(self._queues),
            acdOutcome=self._random.choice(["ANSWERED", "ABANDON"]),
            disconnectType="TRANSFER",
            connectedDurationMs=self._random.randrange(600_000),
            routingPriority=self._random.randrange(100),
        )

    def _customer_start(self) -> tuple[str, dict[str, Any]]:
        return self._detail(
            "customer.start",
            self._random.choice(["VOICE", "CHAT", "EMAIL", "MESSAGE"]),
            externalContactId=self._person_id(),
            externalOrganizationId=self._uuid(),
        )

    def _wrap_up(self) -> tuple[str, dict[str, Any]]:
        return self._detail(
            "acw", "VOICE", wrapupCode=self._uuid(), wrapupNotes=self._sentence(), wrapupDurationMs=4_000
        )

    def _callback(self) -> tuple[str, dict[str, Any]]:
        return self._detail(
            "user.start",
            "CALLBACK",
            callbackUserName=self._name(),
            callbackNumbers=[self._phone(), self._phone()],
            userId=self._uuid(),
        )

    def _attributes(self) -> tuple[str, dict[str, Any]]:
        conversation, participant = self._uuid(), self._uuid()
        digits = self._phone()[1:]
        return participant, self._notification(
            f"v2.detail.events.conversation.{conversation}.attributes",
            {
                "eventTime": self._milliseconds(),
                "conversationId": conversation,
                "participantId": participant,
                "organizationId": self._organization,
                "communications": [{"id": self._uuid(), "mediaType": "VOICE"}],
                "attributes": {
                    "ANI": f"{digits[0]}-{digits[1:4]}-{digits[4:7]}-{digits[7:]}",
                    "Customer e-mail": self._email(),
                    "context.note": self._sentence(),
                },
            },
        )

    def _conversation(self) -> tuple[str, dict[str, Any]]:
        conversation, participant = self._uuid(), self._uuid()
        return participant, self._notification(
            f"v2.conversations.calls.{conversation}",
            {
                "id": conversation,
                "participants": [
                    {
                        "id": participant,
                        "purpose": "customer",
                        "name": self._name(),
                        "address": f"tel:{self._phone()}",
                        "startTime": _iso(self._time()),
                        "attributes": {"account holder": self._name()},
                    }
                ],
                "recordingState": "NONE",
            },
        )

    def _presence(self) -> tuple[str, dict[str, Any]]:
        user = self._uuid()
        return user, self._notification(
            f"v2.users.{user}.presence",
            {
                "source": "PURECLOUD",
                "presenceDefinition": {"id": self._uuid(), "systemPresence": "AVAILABLE"},
                "primary": True,
                "message": self._sentence(),
                "modifiedDate": _iso(self._time()),
            },
        )

    def _routing_status(self) -> tuple[str, dict[str, Any]]:
        user = self._uuid()
        status = {"status": self._random.choice(["IDLE", "INTERACTING"]), "startTime": _iso(self._time())}
        return user, self._notification(f"v2.users.{user}.routingStatus", {"id": user, "routingStatus": status})

    def _transcription(self) -> tuple[str, dict[str, Any]]:
        conversation, communication = self._uuid(), self._uuid()
        text = self._sentence()
        words = [
            {"word": word, "confidence": 0.98, "offsetMs": 300 * place, "durationMs": 240}
            for place, word in enumerate(text.split())
        ]
        return communication, self._notification(
            f"v2.conversations.{conversation}.transcription",
            {
                "eventTime": _iso(self._time()),
                "organizationId": self._organization,
                "conversationId": conversation,
                "communicationId": communication,
                "sessionStartTimeMs": self._milliseconds(),
                "transcripts": [
                    {
                        "utteranceId": self._uuid(),
                        "isFinal": True,
                        "channel": "EXTERNAL",
                        "dialect": "en-US",
                        "alternatives": [
                            {
                                "confidence": 0.97,
                                "offsetMs": 0,
                                "durationMs": 300 * len(words),
                                "transcript": text,
                                "words": words,
                                "decoratedTranscript": text.capitalize(),
                                "decoratedWords": words,
                            }
                        ],
                    }
                ],
            },
        )

    def _audit(self) -> tuple[str, dict[str, Any]]:
        marker, user = self._uuid(), self._uuid()
        return marker, self._notification(
            f"v2.audits.entitytype.User.entityid.{user}",
            {
                "id": marker,
                "userId": self._uuid(),
                "serviceName": "PeoplePermissions",
                "eventTime": _iso(self._time()),
                "action": "Update",
                "entityType": "User",
                "entity": {"id": user, "name": self._name()},
                "publicIpAddress": self._ip_address(),
                "propertyChanges": [{"property": "NAME", "oldValues": [self._name()], "newValues": [self._name()]}],
            },
        )

    def _open_message(self) -> tuple[str, dict[str, Any]]:
        marker = self._uuid()
        return marker, {
            "id": marker,
            "channel": {
                "id": self._uuid(),
                "messageId": marker,
                "platform": "Open",
                "type": "Private",
                "to": {"id": self._email(), "idType": "Email", "firstName": self._word().title()},
                "from": {"id": self._uuid(), "idType": "Opaque", "nickname": self._name()},
                "time": _iso(self._time()),
            },
            "type": "Text",
            "text": self._sentence(),
            "direction": "Outbound",
            "originatingEntity": "Human",
        }


def _iso(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def personal_values(events: Iterable[GeneratedEvent]) -> set[str]:
    """Return every personal value of these events."""
    return set().union(*(event.personal for event in events))


FAMILIES: dict[str, Callable[[EventGenerator], tuple[str, dict[str, Any]]]] = {
    "call": lambda generator: generator._flat("call"),
    "chat": lambda generator: generator._flat("chat"),
    "email": lambda generator: generator._flat("email"),
    "disposition": lambda generator: generator._flat("disposition"),
    "acd.end": EventGenerator._acd_end,
    "customer.start": EventGenerator._customer_start,
    "after-call work": EventGenerator._wrap_up,
    "callback": EventGenerator._callback,
    "attributes": EventGenerator._attributes,
    "conversation": EventGenerator._conversation,
    "presence": EventGenerator._presence,
    "routing status": EventGenerator._routing_status,
    "transcription": EventGenerator._transcription,
    "audit": EventGenerator._audit,
    "open message": EventGenerator._open_message,
}
"""The shapes of events by name."""
