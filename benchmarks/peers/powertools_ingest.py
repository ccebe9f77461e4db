"""The webhook on Powertools for AWS Lambda: its event handler, logger, metrics, secret cache and idempotency utility.

After its documentation ("Event Handler, REST API", "Idempotency: Idempotent function", "Parameters", "Metrics"). An
event is put once, whatever is retried: the idempotency utility keeps its key in DynamoDB.
"""

import hashlib
import hmac
import json
import os
from http import HTTPStatus
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response, content_types
from aws_lambda_powertools.event_handler.exceptions import BadRequestError, ServiceError, UnauthorizedError
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.parameters import SecretsProvider
from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
metrics = Metrics()
app = APIGatewayRestResolver()
firehose = boto3.client("firehose")
secrets = SecretsProvider()
persistence = DynamoDBPersistenceLayer(table_name=os.environ["IDEMPOTENCY_TABLE"])
# The event's own id, else what it says; the trace id beside that differs from one attempt to the next.
config = IdempotencyConfig(event_key_jmespath="messageId || [topicName, eventBody]", expires_after_seconds=7 * 86400)


@idempotent_function(  # type: ignore[untyped-decorator]
    data_keyword_argument="item", config=config, persistence_store=persistence
)
def put(item: dict[str, Any]) -> dict[str, Any]:
    """Put one event to Firehose."""
    answer = firehose.put_record(
        DeliveryStreamName=os.environ["STREAM_NAME"], Record={"Data": (json.dumps(item) + "\n").encode()}
    )
    return {"record_id": answer["RecordId"]}


@app.post("/ingest/genesys-events")
def receive() -> Response[str]:
    """Verify the signature and put every event of the body."""
    event = app.current_event
    body = (event.decoded_body or "").encode()
    key = str(secrets.get(os.environ["SIGNING_SECRET_ARN"], max_age=300))
    expected = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
    signature = event.headers.get("X-Genesys-Signature") or ""
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise UnauthorizedError("invalid signature")
    try:
        payload = json.loads(body)
    except ValueError as error:
        raise BadRequestError("invalid JSON") from error
    items = payload if isinstance(payload, list) else [payload]
    config.register_lambda_context(app.lambda_context)
    try:
        for item in items:
            put(item=item)
    except Exception as error:
        logger.exception("put failed")
        raise ServiceError(HTTPStatus.SERVICE_UNAVAILABLE, "try again") from error
    metrics.add_metric(name="EventsAccepted", unit=MetricUnit.Count, value=len(items))
    return Response(HTTPStatus.OK, content_types.APPLICATION_JSON, json.dumps({"accepted": len(items)}))


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer API Gateway's request."""
    return app.resolve(event, context)
