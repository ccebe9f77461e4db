"""The least work that a job needs in Python, with nothing around it."""

import base64
import binascii
import hashlib
import hmac
import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from json.encoder import encode_basestring_ascii as _string
from typing import Any

from benchmarks.environment import SIGNING_KEY

_KEY = SIGNING_KEY.encode()
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), check_circular=False).encode
_parse_at = json.JSONDecoder().raw_decode
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MEDIA = {"VOICE": "call"}


def ingest(bodies: Iterable[bytes]) -> None:
    """One HMAC over the body, and one parse of it."""
    for body in bodies:
        hmac.digest(_KEY, body, "sha256")
        json.loads(body)


def ingest_inlined(requests: Iterable[dict[str, Any]]) -> None:
    """All that the job asks for, in one piece for well-formed events of two shapes, without anything that can fail.

    The signature's header, API Gateway's base64, each event's own bytes, its type and time, an identity of its id or
    else of its canonical body, a random id, the envelope, the memory of recent keys, an answer.
    """
    recent: set[str] = set()
    for request in requests:
        [signature] = [
            values[0] for name, values in request["multiValueHeaders"].items() if name.lower() == "x-genesys-signature"
        ]
        body = binascii.a2b_base64(request["body"], strict_mode=True)
        if not hmac.compare_digest(hmac.digest(_KEY, body, "sha256"), bytes.fromhex(signature)):
            raise ValueError("a wrong signature")
        text = body.decode()
        arrival = datetime.now(UTC).isoformat(timespec="milliseconds")
        records = []
        end = 0
        while end < len(text) - 1:
            start = text.index("{", end)
            event, end = _parse_at(text, start)
            topic = event.get("topicName")
            if topic is None:
                identity, keyed_by = ascii(("id", event["messageId"])), "id"
                event_type = event["eventType"].partition(".")[0]
                time = datetime.fromisoformat(event["callStartTime"])
            else:
                content = event["eventBody"]
                identity, keyed_by = _canonical([topic, content]), "content"
                event_type = _MEDIA[content["mediaType"]]
                time = _EPOCH + timedelta(milliseconds=content["eventTime"])
            key = hashlib.sha256(identity.encode()).hexdigest()
            if key in recent:
                continue
            recent.add(key)
            head = (
                f'{{"ingest_id":"{os.urandom(16).hex()}","received_at":"{arrival}","ingress":"webhook"'
                f',"dedup_key":"{key}","keyed_by":"{keyed_by}","event_type":"{event_type}"'
                f',"event_time":"{time.isoformat(timespec="milliseconds")}","topic":{_string(topic or "")},"event":'
            )
            records.append({"Data": head.encode() + text[start:end].encode() + b"}\n"})
        count = len(records)
        _answer = {"statusCode": 200, "headers": {}, "body": f'{{"accepted":{count}}}', "isBase64Encoded": False}


def transform(batch: dict[str, Any]) -> None:
    """Base64, parse, dump, base64."""
    for record in batch["records"]:
        event = json.loads(base64.b64decode(record["data"]))
        base64.b64encode(json.dumps(event).encode())
