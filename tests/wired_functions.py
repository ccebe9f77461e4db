"""The two functions, wired to the in-memory AWS as their handlers wire them to the real one."""

import base64
import copy
import hashlib
import hmac
import json
from typing import Any

from benchmarks.environment import INGEST_ENVIRONMENT as INGEST_ENVIRONMENT
from benchmarks.environment import METRICS_ENVIRONMENT as METRICS_ENVIRONMENT
from benchmarks.environment import TRANSFORM_ENVIRONMENT as TRANSFORM_ENVIRONMENT
from genesys_firehose_cdk.events.event_shapes import EventShapes
from genesys_firehose_cdk.events.masking_plan import compile_plan
from genesys_firehose_cdk.events.masking_policy import MaskingPolicy
from ingest.function import IngestHandler
from ingest.queues import Queues
from ingest.settings import IngestSettings
from tests.in_memory_aws import InMemoryAws
from transform.function import TransformHandler
from transform.masking import Masker
from transform.plan import MaskingPlan
from transform.records import CODE_VERSION
from transform.settings import TransformSettings
from transform.tokens import key_id


def masking_plan(policy: MaskingPolicy | None = None, shapes: EventShapes | None = None) -> MaskingPlan:
    """The plan that the function is deployed with."""
    files = compile_plan(policy or MaskingPolicy.default(), shapes or EventShapes.default())
    return MaskingPlan(lambda name: json.loads(files[f"transform/plan/{name}.json"]))


PLAN = masking_plan()
TOKENIZATION_KEY = b"tokenization-key"
ARRIVED_MS = 1_795_000_000_000


def drift_of(event: dict[str, Any], plan: MaskingPlan = PLAN) -> list[str] | None:
    """What an event has that its shape does not have, as the clean record names it."""
    return Masker(plan, TOKENIZATION_KEY).mask(copy.deepcopy(event), ARRIVED_MS).schema_drift


def transform_version(aws: InMemoryAws, policy: int = 1) -> str:
    """The version of what the transform makes with the key that is in force."""
    key = aws.secret_versions["AWSCURRENT"].encode()
    return f"{CODE_VERSION:04d}.{policy:04d}.{int(aws.secret_created.timestamp())}.{key_id(key)}"


def ingest_function(aws: InMemoryAws, **environment: str) -> IngestHandler:
    settings = IngestSettings.from_environment({**INGEST_ENVIRONMENT, **environment})
    return IngestHandler(settings, aws.client, sleep=lambda _seconds: None)


def queues(aws: InMemoryAws) -> Queues:
    return Queues(
        lambda: aws.client("sqs"), INGEST_ENVIRONMENT["BUFFER_QUEUE_URL"], INGEST_ENVIRONMENT["DEAD_LETTER_QUEUE_URL"]
    )


def transform_function(aws: InMemoryAws, plan: MaskingPlan = PLAN) -> TransformHandler:
    settings = TransformSettings.from_environment(TRANSFORM_ENVIRONMENT)
    return TransformHandler(settings, plan, aws.client)


def hex_signature(body: bytes, key: str = "the-first-key") -> str:
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


def queue_batch(*bodies: str, deliveries: int = 1) -> dict[str, Any]:
    """A batch of messages as Lambda gives it, each delivered so many times by now."""
    return {
        "Records": [
            {
                "messageId": f"m-{number}",
                "receiptHandle": f"r-{number}",
                "attributes": {"ApproximateReceiveCount": str(deliveries)},
                "body": body,
            }
            for number, body in enumerate(bodies)
        ]
    }


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
