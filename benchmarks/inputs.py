"""The inputs of the contestants: events, requests as API Gateway makes them, batches as Firehose makes them."""

import base64
import hashlib
import hmac
import json
import random
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from benchmarks.environment import SIGNING_KEY
from shared.envelope import wrap
from shared.event import describe
from shared.json_text import split_events

EVENT_BYTES = 1500

_rng = random.Random(1)  # noqa: S311 - repeatable, not secret


def _uuid() -> str:
    return str(uuid.UUID(int=_rng.getrandbits(128), version=4))


def event_with_id() -> dict[str, Any]:
    """A webhook event of 1.5 KB that carries an id of its own."""
    return _filled(
        {
            "messageId": _uuid(),
            "eventType": "call.event",
            "conversationId": _uuid(),
            "callStartTime": "2026-11-23T10:00:00.123Z",
            "callEndTime": "2026-11-23T10:04:12.007Z",
            "direction": "inbound",
            "contact": {"phoneNumber": "+15550100123", "customerName": "Ada Example", "externalContactId": _uuid()},
            "agent": {"id": _uuid(), "agentName": "Grace Example", "divisionId": _uuid()},
            "queue": {"id": _uuid(), "name": "Billing"},
            "dispositionCode": "RESOLVED",
            "durations": {"ringMs": 4210, "talkMs": 201340, "holdMs": 12000, "acwMs": 34500},
        },
        "segments",
    )


def event_without_id() -> dict[str, Any]:
    """A notification of 1.5 KB as Genesys Cloud sends it: nothing but what it says tells it from another."""
    conversation = _uuid()
    body = _filled(
        {
            "eventTime": 1_795_000_000_000 + _rng.randrange(1000),
            "conversationId": conversation,
            "participantId": _uuid(),
            "sessionId": _uuid(),
            "disconnectType": "TRANSFER",
            "mediaType": "VOICE",
            "provider": "Edge",
            "direction": "INBOUND",
            "ani": "tel:+15550100123",
            "dnis": "sip:+15550100100@edge.example.com",
            "queueId": _uuid(),
            "divisionId": _uuid(),
            "acdOutcome": "ANSWERED",
            "requestedRoutings": ["STANDARD"],
            "connectedDurationMs": _rng.randrange(600_000),
            "conversationExternalContactIds": [_uuid()],
        },
        "segments",
        less=250,
    )
    return {
        "topicName": f"v2.detail.events.conversation.{conversation}.acd.end",
        "version": "2",
        "eventBody": body,
        "metadata": {"CorrelationId": _uuid()},
        "timestamp": "2026-11-23T10:00:00.431Z",
    }


def _filled(event: dict[str, Any], field: str, less: int = 0) -> dict[str, Any]:
    """Add parts of the kind that events consist of until the size is reached."""
    parts: list[dict[str, Any]] = []
    event[field] = parts
    while len(_dump(event)) < EVENT_BYTES - less - 60:
        parts.append({"type": "interact", "id": _uuid(), "startMs": _rng.randrange(10**6), "conference": False})
    return event


def _dump(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def body_of(make_event: Callable[[], dict[str, Any]], count: int) -> bytes:
    """The body of a request with so many new events: one alone, or an array."""
    return _dump(make_event() if count == 1 else [make_event() for _ in range(count)])


_TARGET_GROUP = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/events/6d0ecf831eec9f09"


def request(body: bytes, key: str = SIGNING_KEY) -> dict[str, Any]:
    """A signed POST as API Gateway's REST API hands it to a function (Lambda proxy integration, binary media types)."""
    headers = {
        "Accept": "*/*",
        "Content-Type": "application/json",
        "Host": "events.example.com",
        "User-Agent": "Genesys Cloud",
        "X-Amzn-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793",
        "X-Forwarded-For": "192.0.2.1",
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
        "X-Genesys-Signature": hmac.new(key.encode(), body, hashlib.sha256).hexdigest(),
    }
    path = "/ingest/genesys-events"
    return {
        "resource": path,
        "path": path,
        "httpMethod": "POST",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "1234567890",
            "domainName": "events.example.com",
            "httpMethod": "POST",
            "identity": {"sourceIp": "192.0.2.1", "userAgent": "Genesys Cloud"},
            "path": path,
            "protocol": "HTTP/1.1",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "resourcePath": path,
            "stage": "live",
        },
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }


def balanced_request(body: bytes, key: str = SIGNING_KEY) -> dict[str, Any]:
    """The same POST as a load balancer hands it to a function, with multi-value headers: JSON as text."""
    by_api = request(body, key)
    return {
        "requestContext": {"elb": {"targetGroupArn": _TARGET_GROUP}},
        "httpMethod": "POST",
        "path": by_api["path"],
        "multiValueQueryStringParameters": {},
        "multiValueHeaders": {name.lower(): values for name, values in by_api["multiValueHeaders"].items()},
        "body": body.decode(),
        "isBase64Encoded": False,
    }


def firehose_batch(records: list[bytes]) -> dict[str, Any]:
    """A batch as Firehose hands it to its processor."""
    return {
        "invocationId": "2b4d1ad9-2f48-94bd-a088-767c317e994a",
        "deliveryStreamArn": "arn:aws:firehose:eu-central-1:123456789012:deliverystream/stream",
        "region": "eu-central-1",
        "records": [
            {
                "recordId": f"{number:056d}",
                "approximateArrivalTimestamp": 1_795_000_000_000,
                "data": base64.b64encode(record).decode(),
            }
            for number, record in enumerate(records)
        ],
    }


def batches(records: Iterator[bytes], count: int, size: int = 1024 * 1024) -> list[list[bytes]]:
    """Collect records into batches of one MiB, as the processor's buffer does."""
    collected: list[list[bytes]] = []
    for _ in range(count):
        batch: list[bytes] = []
        total = 0
        while total < size:
            batch.append(next(records))
            total += len(batch[-1])
        collected.append(batch)
    return collected


def record(event: dict[str, Any]) -> bytes:
    """The raw record of an event, as the ingest function puts it."""
    arrival = datetime.now(UTC)
    [(parsed, raw)] = split_events(_dump(event))
    return wrap(raw, describe(parsed, ("messageId",), arrival), "webhook", arrival)
