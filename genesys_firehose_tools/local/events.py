"""Generated Genesys Cloud events that are real in shape and recognisable in content.

Three sources take turns: families of events after the documented shapes of the notification topics, of Open Messaging
and of the webhook's flat events; every field of every shape of the dictionary (`every_field`); and a day of whole
conversations (`stories`).
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import cycle
from typing import Any

from genesys_firehose_tools.local.directory import DIRECTORY
from genesys_firehose_tools.local.every_field import EveryField
from genesys_firehose_tools.local.stories import tell_day
from genesys_firehose_tools.local.values import GeneratedEvent, Values, iso, milliseconds_of

_CONVERSATIONS_OF_A_DAY = 60


class EventGenerator:
    """An endless, repeatable stream of events of every family.

    Args:
        seed: Same seed and same ``until``, same events.
        until: The time of the newest event; the others are up to two days older. Default is now.
    """

    def __init__(self, seed: int, until: datetime | None = None) -> None:
        self.values = Values(seed, until)
        self._every_field = EveryField(self.values)
        self._organization = self.values.uuid()

    def __iter__(self) -> Iterator[GeneratedEvent]:
        """Generate one event after the other, the three sources in turn."""
        for source in cycle((self._families(), self._every_field.events(), self._days())):
            yield next(source)

    def take(self, count: int) -> list[GeneratedEvent]:
        """Generate ``count`` events."""
        return [event for event, _ in zip(self, range(count), strict=False)]

    def generate(self, family: str) -> GeneratedEvent:
        """Generate one event of a family of `FAMILIES`."""
        marker, body = FAMILIES[family](self)
        return self.values.event(family, marker, body)

    def _families(self) -> Iterator[GeneratedEvent]:
        names = tuple(FAMILIES)
        while True:
            yield self.generate(self.values.choice(names))

    def _days(self) -> Iterator[GeneratedEvent]:
        while True:
            yield from tell_day(self.values, end=self.values.until, conversations=_CONVERSATIONS_OF_A_DAY).events

    # Families: each returns the marker and the body.

    def _flat(self, event_type: str) -> tuple[str, dict[str, Any]]:
        marker = self.values.uuid()
        queue = self.values.choice(list(DIRECTORY.queues))
        body: dict[str, Any] = {
            "messageId": marker,
            "eventType": f"{event_type}.event",
            "conversationId": self.values.uuid(),
            "callStartTime": iso(self.values.time()),
            "direction": self.values.choice(["inbound", "outbound"]),
            "contact": {"phoneNumber": self.values.phone(), "customerName": self.values.name()},
            "agent": {"id": self.values.uuid(), "agentName": self.values.name()},
            "queue": {"id": queue, "name": DIRECTORY.queues[queue]},
            "dispositionCode": self.values.choice(["RESOLVED", "TRANSFERRED", None]),
        }
        # Optional fields come and go, as null or as nothing at all.
        if self.values.share() < 0.2:
            body["agent"] = None
        if self.values.share() < 0.2:
            del body["queue"]
        if event_type == "email":
            body["contact"] = {"customerName": self.values.name(), "email": self.values.email()}
        return marker, body

    def _notification(self, topic: str, event: dict[str, Any]) -> dict[str, Any]:
        return {
            "topicName": topic,
            "version": "2",
            "eventBody": event,
            "metadata": {"CorrelationId": self.values.uuid()},
            "timestamp": iso(self.values.time()),
        }

    def _detail(self, kind: str, media: str, **fields: Any) -> tuple[str, dict[str, Any]]:
        conversation, participant = self.values.uuid(), self.values.uuid()
        event: dict[str, Any] = {
            "eventTime": milliseconds_of(self.values.time()),
            "conversationId": conversation,
            "participantId": participant,
            "sessionId": self.values.uuid(),
            "mediaType": media,
            "provider": "Edge" if media == "VOICE" else "PureCloud Messaging",
            "direction": self.values.choice(["INBOUND", "OUTBOUND"]),
            "divisionId": next(iter(DIRECTORY.divisions)),
            "conversationExternalContactIds": [self.values.person_id()],
            **fields,
        }
        if media == "VOICE":
            event["ani"] = f"tel:{self.values.phone()}"
            event["dnis"] = f"sip:{self.values.phone()}@edge.example.com"
        else:
            event["addressFrom"] = self.values.email()
            event["addressTo"] = self.values.email()
        return participant, self._notification(f"v2.detail.events.conversation.{conversation}.{kind}", event)

    def _acd_end(self) -> tuple[str, dict[str, Any]]:
        return self._detail(
            "acd.end",
            "VOICE",
            queueId=self.values.choice(list(DIRECTORY.queues)),
            acdOutcome=self.values.choice(["ANSWERED", "ABANDON"]),
            disconnectType="TRANSFER",
            connectedDurationMs=self.values.number(600_000),
            routingPriority=self.values.number(100),
        )

    def _customer_start(self) -> tuple[str, dict[str, Any]]:
        return self._detail(
            "customer.start",
            self.values.choice(["VOICE", "CHAT", "EMAIL", "MESSAGE"]),
            externalContactId=self.values.person_id(),
            externalOrganizationId=self.values.uuid(),
        )

    def _wrap_up(self) -> tuple[str, dict[str, Any]]:
        return self._detail(
            "acw",
            "VOICE",
            wrapupCode=self.values.choice(list(DIRECTORY.wrapup_codes)),
            wrapupNotes=self.values.sentence(),
            wrapupDurationMs=4_000,
        )

    def _callback(self) -> tuple[str, dict[str, Any]]:
        return self._detail(
            "user.start",
            "CALLBACK",
            callbackUserName=self.values.name(),
            callbackNumbers=[self.values.phone(), self.values.phone()],
            userId=self.values.uuid(),
        )

    def _attributes(self) -> tuple[str, dict[str, Any]]:
        conversation, participant = self.values.uuid(), self.values.uuid()
        digits = self.values.phone()[1:]
        return participant, self._notification(
            f"v2.detail.events.conversation.{conversation}.attributes",
            {
                "eventTime": milliseconds_of(self.values.time()),
                "conversationId": conversation,
                "participantId": participant,
                "organizationId": self._organization,
                "communications": [{"id": self.values.uuid(), "mediaType": "VOICE"}],
                "attributes": {
                    "ANI": f"{digits[0]}-{digits[1:4]}-{digits[4:7]}-{digits[7:]}",
                    "Customer e-mail": self.values.email(),
                    "context.note": self.values.sentence(),
                },
            },
        )

    def _conversation(self) -> tuple[str, dict[str, Any]]:
        conversation, participant = self.values.uuid(), self.values.uuid()
        return participant, self._notification(
            f"v2.conversations.calls.{conversation}",
            {
                "id": conversation,
                "participants": [
                    {
                        "id": participant,
                        "purpose": "customer",
                        "name": self.values.name(),
                        "address": f"tel:{self.values.phone()}",
                        "startTime": iso(self.values.time()),
                        "attributes": {"account holder": self.values.name()},
                    }
                ],
                "recordingState": "NONE",
            },
        )

    def _presence(self) -> tuple[str, dict[str, Any]]:
        user = self.values.uuid()
        return user, self._notification(
            f"v2.users.{user}.presence",
            {
                "source": "PURECLOUD",
                "presenceDefinition": {"id": next(iter(DIRECTORY.presences)), "systemPresence": "AVAILABLE"},
                "primary": True,
                "message": self.values.sentence(),
                "modifiedDate": iso(self.values.time()),
            },
        )

    def _routing_status(self) -> tuple[str, dict[str, Any]]:
        user = self.values.uuid()
        status = {"status": self.values.choice(["IDLE", "INTERACTING"]), "startTime": iso(self.values.time())}
        return user, self._notification(f"v2.users.{user}.routingStatus", {"id": user, "routingStatus": status})

    def _transcription(self) -> tuple[str, dict[str, Any]]:
        conversation, communication = self.values.uuid(), self.values.uuid()
        text = self.values.sentence()
        words = [
            {"word": word, "confidence": 0.98, "offsetMs": 300 * place, "durationMs": 240}
            for place, word in enumerate(text.split())
        ]
        return communication, self._notification(
            f"v2.conversations.{conversation}.transcription",
            {
                "eventTime": iso(self.values.time()),
                "organizationId": self._organization,
                "conversationId": conversation,
                "communicationId": communication,
                "sessionStartTimeMs": milliseconds_of(self.values.time()),
                "transcripts": [
                    {
                        "utteranceId": self.values.uuid(),
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
        marker, user = self.values.uuid(), self.values.uuid()
        return marker, self._notification(
            f"v2.audits.entitytype.User.entityid.{user}",
            {
                "id": marker,
                "userId": self.values.uuid(),
                "serviceName": "PeoplePermissions",
                "eventTime": iso(self.values.time()),
                "action": "Update",
                "entityType": "User",
                "entity": {"id": user, "name": self.values.name()},
                "publicIpAddress": self.values.ip_address(),
                "propertyChanges": [
                    {"property": "NAME", "oldValues": [self.values.name()], "newValues": [self.values.name()]}
                ],
            },
        )

    def _open_message(self) -> tuple[str, dict[str, Any]]:
        marker = self.values.uuid()
        return marker, {
            "id": marker,
            "channel": {
                "id": self.values.uuid(),
                "messageId": marker,
                "platform": "Open",
                "type": "Private",
                "to": {"id": self.values.email(), "idType": "Email", "firstName": self.values.word().title()},
                "from": {"id": self.values.uuid(), "idType": "Opaque", "nickname": self.values.name()},
                "time": iso(self.values.time()),
            },
            "type": "Text",
            "text": self.values.sentence(),
            "direction": "Outbound",
            "originatingEntity": "Human",
        }


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
