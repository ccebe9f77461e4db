"""The ingest function's entry: API Gateway's requests and the buffer queue's batches."""

from functools import partial
from http import HTTPStatus
from typing import Any

from ingest import deadline as limits
from ingest.deadline import Deadline
from ingest.delivery import Delivery
from ingest.health import Health
from ingest.intake import Intake
from ingest.oversize import OversizeStore
from ingest.queue_consumer import QueueConsumer
from ingest.settings import Settings
from ingest.signing_keys import SigningKeys
from ingest.webhook import Webhook, health_answer, problem
from shared import aws
from shared.telemetry import Metrics, log_exception


class _Function:
    """What lives as long as the execution environment: settings, clients, caches."""

    def __init__(self) -> None:
        self.settings = Settings.from_environment()
        self._clients: dict[str, Any] = {}
        firehose = partial(self._client, "firehose", limits.FIREHOSE_READ_SECONDS)
        keys = SigningKeys(
            partial(self._client, "secretsmanager", limits.SECRET_READ_SECONDS),
            self.settings.signing_secret_arn,
            self.settings.previous_key_validity,
        )
        delivery = Delivery(
            firehose,
            partial(self._client, "sqs", limits.QUEUE_READ_SECONDS),
            self.settings.stream_name,
            self.settings.queue_url,
        )
        originals = OversizeStore(
            partial(self._client, "s3", limits.S3_READ_SECONDS),
            self.settings.bucket_name,
            self.settings.raw_key_arn,
        )
        intake = Intake(self.settings, delivery, originals)
        self.webhook = Webhook(self.settings, keys, intake)
        self.queue_consumer = QueueConsumer(self.settings, delivery, intake)
        self.health = Health(keys, firehose, self.settings.stream_name)

    def _client(self, service: str, read_seconds: float) -> Any:
        # Made on first use: a cold start pays only for what its request needs.
        if service not in self._clients:
            self._clients[service] = aws.client(
                service, connect_seconds=limits.CONNECT_SECONDS, read_seconds=read_seconds
            )
        return self._clients[service]


_function = _Function()


def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer a request or consume a batch."""
    metrics = Metrics()
    try:
        if "Records" in event:
            return _function.queue_consumer.consume(event["Records"], Deadline(), metrics)
        if event.get("httpMethod") == "GET":
            return health_answer(_function.health.reason())
        return _function.webhook.answer(event, Deadline(), metrics)
    except Exception as error:
        if "Records" in event:
            raise  # the whole batch comes again
        log_exception("unexpected error", error)
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, "The request could not be handled; send it again.")
    finally:
        metrics.flush()
