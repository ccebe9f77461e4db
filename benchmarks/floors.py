"""The least work that a job needs in Python, with nothing around it."""

import base64
import binascii
import hashlib
import hmac
import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from benchmarks.environment import SIGNING_KEY

_KEY = SIGNING_KEY.encode()
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), check_circular=False).encode
_parse_at = json.JSONDecoder().raw_decode


def ingest(bodies: Iterable[bytes]) -> None:
    """One HMAC over the body, and one parse of it."""
    for body in bodies:
        hmac.digest(_KEY, body, "sha256")
        json.loads(body)


def ingest_inlined(requests: Iterable[dict[str, Any]]) -> None:
    """All that our records ask for, written in one piece for well-formed events, without anything that can fail.

    API Gateway's base64, each event's own bytes, an identity of its id or else of its canonical body, a random id.
    """
    for request in requests:
        body = binascii.a2b_base64(request["body"], strict_mode=True)
        hmac.digest(_KEY, body, "sha256")
        text = body.decode()
        arrival = datetime.now(UTC).isoformat(timespec="milliseconds")
        end = 0
        while end < len(text) - 1:
            start = text.index("{", end)
            event, end = _parse_at(text, start)
            identity = event.get("messageId") or [event["topicName"], event["eventBody"]]
            key = hashlib.sha256(_canonical(identity).encode()).hexdigest()
            head = f'{{"ingest_id":"{os.urandom(16).hex()}","received_at":"{arrival}","dedup_key":"{key}","event":'
            _record = head.encode() + text[start:end].encode() + b"}\n"


def transform(batch: dict[str, Any]) -> None:
    """Base64, parse, dump, base64."""
    for record in batch["records"]:
        event = json.loads(base64.b64decode(record["data"]))
        base64.b64encode(json.dumps(event).encode())
