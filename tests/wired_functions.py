"""The two functions, wired to the in-memory AWS as their handlers wire them to the real one."""

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from genesys_firehose_cdk.events.event_shapes import EventShapes
from ingest.function import IngestHandler
from ingest.settings import IngestSettings
from tests.in_memory_aws import InMemoryAws
from transform.drift import Check, KnownShapes
from transform.function import TransformHandler
from transform.settings import TransformSettings

METRICS_ENVIRONMENT = {"METRICS_NAMESPACE": "GenesysFirehose", "PIPELINE_NAME": "test"}
INGEST_ENVIRONMENT = {
    "STREAM_NAMES": "stream",
    "BUFFER_QUEUE_URL": "https://queue.example/buffer",
    "SIGNING_SECRET_ARN": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:signing",
    "PREVIOUS_KEY_VALIDITY_HOURS": "24",
    "BUCKET_NAME": "lake",
    "RAW_KEY_ARN": "arn:aws:kms:eu-central-1:123456789012:key/raw",
    "SIGNATURE_HEADER": "X-Genesys-Signature",
    "SIGNATURE_PREFIX": "",
    "SIGNATURE_ENCODING": "hex",
    "TIMESTAMP_HEADER": "",
    "TIMESTAMP_TOLERANCE_SECONDS": "300",
    "MAX_BODY_BYTES": "4194304",
    "EVENT_ID_FIELD": "messageId",
    "OVERSIZE_FIELDS": "transcripts,text",
}
TRANSFORM_ENVIRONMENT = {
    "DEDUPLICATION_TABLE": "owners",
    "DEDUPLICATION_TTL_DAYS": "7",
    "TOKENIZATION_SECRET_ARN": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:tokenization",
    "BUCKET_NAME": "lake",
    "EVENT_DATE_WINDOW_PAST_DAYS": "30",
    "EVENT_DATE_WINDOW_FUTURE_DAYS": "1",
}
DEFAULT_POLICY: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "lambda_src/transform/default_policy.json").read_text(encoding="utf-8")
)


def known_shapes(shapes: EventShapes) -> KnownShapes:
    """Known shapes with the checks that the function is deployed with."""
    files = shapes.to_files()

    def check_of(shape: str) -> Check:
        module: dict[str, Any] = {}
        exec(files[f"transform/checks/{shape}.py"], module)  # noqa: S102 - as importing the staged file does
        check: Check = module["validate"]
        return check

    return KnownShapes(json.loads(files["transform/shapes.json"]), check_of)


SHAPES = known_shapes(EventShapes.default())


def ingest_function(aws: InMemoryAws, **environment: str) -> IngestHandler:
    settings = IngestSettings.from_environment({**INGEST_ENVIRONMENT, **environment})
    return IngestHandler(settings, aws.client, sleep=lambda _seconds: None)


def transform_function(aws: InMemoryAws, policy: dict[str, Any] | None = None) -> TransformHandler:
    settings = TransformSettings.from_environment(TRANSFORM_ENVIRONMENT)
    return TransformHandler(settings, policy or DEFAULT_POLICY, SHAPES, aws.client)


def hex_signature(body: bytes, key: str = "the-key") -> str:
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


def request(body: bytes, signature: str | None = None, headers: dict[str, list[str]] | None = None) -> dict[str, Any]:
    """An API Gateway proxy request with the body's right signature, unless another is given."""
    signed = {"X-Genesys-Signature": [hex_signature(body) if signature is None else signature]}
    return {
        "httpMethod": "POST",
        "path": "/ingest/genesys-events",
        "multiValueHeaders": signed if headers is None else headers,
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }


def post(function: IngestHandler, events: Any) -> int:
    """Post events signed and return the answer's status."""
    status: int = function.handle(request(json.dumps(events).encode()))["statusCode"]
    return status


def firehose_batch(records: list[bytes]) -> dict[str, Any]:
    return {
        "records": [
            {
                "recordId": f"record-{index}",
                "approximateArrivalTimestamp": 1_795_000_000_000,
                "data": base64.b64encode(record).decode(),
            }
            for index, record in enumerate(records)
        ]
    }


def transformed(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The clean records of a transform answer, parsed."""
    return [json.loads(base64.b64decode(r["data"])) for r in answer["records"] if r["result"] == "Ok"]
