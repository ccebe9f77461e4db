"""The transform function's entry: Firehose's data transformation."""

import json
import os
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from shared import aws
from shared.telemetry import Metrics
from transform.batch import answer_batch
from transform.deduplication import KeyOwners
from transform.masking import Masker
from transform.partitioning import DateWindow
from transform.records import Transformer

_SECONDS_PER_DAY = 86_400
# The function has 5 minutes; a store or a secret that hangs must not eat them.
_CONNECT_SECONDS, _READ_SECONDS, _ATTEMPTS = 1.0, 3.0, 3


@cache
def _client(service: str) -> Any:
    return aws.client(service, connect_seconds=_CONNECT_SECONDS, read_seconds=_READ_SECONDS, attempts=_ATTEMPTS)


@cache
def _key_owners() -> KeyOwners:
    return KeyOwners(
        lambda: _client("dynamodb"),
        os.environ["DEDUPLICATION_TABLE"],
        int(os.environ["DEDUPLICATION_TTL_DAYS"]) * _SECONDS_PER_DAY,
    )


@cache
def _transformer() -> Transformer:
    """Make the transformer, once per execution environment.

    Without the tokenization key nothing is masked and nothing passes: the error fails the batch, and Firehose tries
    again, then files it under ``errors/``.
    """
    policy = json.loads(Path(__file__).with_name("policy.json").read_text(encoding="utf-8"))
    secret = _client("secretsmanager").get_secret_value(SecretId=os.environ["TOKENIZATION_SECRET_ARN"])
    window = DateWindow(
        past=timedelta(days=int(os.environ["EVENT_DATE_WINDOW_PAST_DAYS"])),
        future=timedelta(days=int(os.environ["EVENT_DATE_WINDOW_FUTURE_DAYS"])),
    )
    return Transformer(Masker(policy, secret["SecretString"].encode()), policy["version"], window, _get_object)


def _get_object(key: str) -> bytes:
    answer = _client("s3").get_object(Bucket=os.environ["BUCKET_NAME"], Key=key)
    content: bytes = answer["Body"].read()
    return content


def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer a Firehose batch."""
    metrics = Metrics()
    try:
        return {"records": answer_batch(event["records"], _transformer(), _key_owners(), metrics)}
    finally:
        metrics.flush()
