"""A transformation on Powertools for AWS Lambda's data classes for Firehose, with the pipeline's default masking.

After its documentation ("Event Source Data Classes, Kinesis Firehose Delivery Stream"). The masking is what its
rules say, written down as one reads them.
"""

import hashlib
import hmac
import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.data_classes import (
    KinesisFirehoseDataTransformationRecord,
    KinesisFirehoseDataTransformationRecordMetadata,
    KinesisFirehoseDataTransformationResponse,
    KinesisFirehoseEvent,
)
from aws_lambda_powertools.utilities.data_classes.kinesis_firehose_event import KinesisFirehoseRecord
from aws_lambda_powertools.utilities.parameters import SecretsProvider
from aws_lambda_powertools.utilities.serialization import base64_from_str
from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
metrics = Metrics()
secrets = SecretsProvider()

POLICY = json.loads(Path(os.environ["MASKING_POLICY"]).read_text(encoding="utf-8"))
PATHS = {tuple(path.replace("[]", "").split(".")): rule["action"] for path, rule in POLICY["paths"].items()}
FREE_TEXT = frozenset(POLICY["free_text_fields"])


def token(key: str, value: str) -> str:
    """Return the same token for the same number or name, however it is written."""
    text = value.strip()
    if re.match(r"(tel|sips?):", text, re.IGNORECASE):
        text = text.split(":", 1)[1].split(";")[0]
        user = text.split("@")[0]
        if re.fullmatch(r"\+?[\d\s().\-/]{3,}", user):
            text = user
    if re.fullmatch(r"\+?[\d\s().\-/]{3,}", text) and not re.fullmatch(r"(\d+\.){3}\d+", text):
        text = re.sub(r"\D", "", text)
    else:
        text = re.sub(r"\s+", " ", text).casefold()
    key_id = hmac.new(key.encode(), b"the id of a tokenization key", hashlib.sha256).hexdigest()[:8]
    return f"tok_{key_id}_" + hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()[:32]


def tokenize(key: str, value: Any) -> Any:
    """Tokenize every text and number in a value."""
    if isinstance(value, dict):
        return {name: tokenize(key, inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [tokenize(key, inner) for inner in value]
    if value is None or isinstance(value, bool) or value == "":
        return value
    return token(key, str(value))


def action_for(path: tuple[str, ...]) -> str | None:
    """Return what the policy does with a field: the rule of a path before that of a name."""
    for start in range(len(path)):
        if path[start:] in PATHS:
            return str(PATHS[path[start:]])
    rule = POLICY["fields"].get(path[-1])
    return rule["action"] if rule else None


def mask(key: str, value: Any, path: tuple[str, ...] = ()) -> Any:
    """Return a value as the policy leaves it."""
    if isinstance(value, list):
        return [mask(key, inner, path) for inner in value]
    if not isinstance(value, dict):
        return value
    masked = {}
    for name, inner in value.items():
        action = action_for((*path, name))
        is_text = not isinstance(inner, (dict, list, bool)) and inner is not None
        if action == "tokenize":
            masked[name] = tokenize(key, inner)
        elif name in FREE_TEXT and is_text:
            continue
        elif name == "attributes" and isinstance(inner, dict):
            masked[name] = {k: v for k, v in inner.items() if k in POLICY["attributes"]["allow"]}
        else:
            masked[name] = mask(key, inner, (*path, name))
    return masked


def transform(record: KinesisFirehoseRecord) -> KinesisFirehoseDataTransformationRecord:
    """Mask one record and name its partition."""
    key = str(secrets.get(os.environ["TOKENIZATION_SECRET_ARN"], max_age=300))
    try:
        envelope = record.data_as_json
        envelope["event"] = mask(key, envelope["event"])
        moment = datetime.fromisoformat(envelope["event_time"] or envelope["received_at"])
        partition = KinesisFirehoseDataTransformationRecordMetadata(
            partition_keys={"event_type": envelope["event_type"], "date": f"{moment.astimezone(UTC):%Y-%m-%d}"}
        )
    except Exception:
        logger.exception("a record can't be transformed")
        metrics.add_metric(name="RecordsFailed", unit=MetricUnit.Count, value=1)
        return record.build_data_transformation_response(result="ProcessingFailed", data=record.data)
    return record.build_data_transformation_response(
        result="Ok", data=base64_from_str(json.dumps(envelope) + "\n"), metadata=partition
    )


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 - Lambda's
    """Answer a Firehose batch."""
    response = KinesisFirehoseDataTransformationResponse()
    for record in KinesisFirehoseEvent(event).records:
        response.add_record(transform(record))
    metrics.add_metric(name="RecordsTransformed", unit=MetricUnit.Count, value=len(response.records))
    return response.asdict()
