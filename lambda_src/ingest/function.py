"""The ingest function put together: what lives as long as its environment, and what it does per invocation."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache, partial
from http import HTTPStatus
from typing import Any

from ingest.deadline import Deadline
from ingest.delivery import Delivery
from ingest.health import Health
from ingest.intake import Intake
from ingest.load_balancer import as_load_balancer_answer, is_from_load_balancer
from ingest.oversize import OversizeStore
from ingest.queue_consumer import QueueConsumer
from ingest.queues import Queues
from ingest.settings import IngestSettings
from ingest.signing_keys import KeysUnavailableError, SigningKeys
from ingest.webhook import Webhook, health_answer, problem
from shared.telemetry import Metrics, log_exception


class IngestHandler:
    """The function behind its triggers: API Gateway or a load balancer, and the buffer queue.

    Args:
        settings: what the construct told the function.
        make_client: makes the client of an AWS service; called once for each: at once for what every request needs,
            and for everything else when it is first needed.
        sleep: waits between attempts.
    """

    def __init__(
        self, settings: IngestSettings, make_client: Callable[[str], Any], sleep: Callable[[float], None] = time.sleep
    ) -> None:
        client = cache(make_client)
        # Made while the environment starts (AWS Lambda Developer Guide, "Best practices for working with AWS Lambda
        # functions"): the first sender would wait for four times the CPU time otherwise.
        client("firehose")
        if settings.signing_secret_arn:  # there is none without the webhook
            client("secretsmanager")
        firehose = partial(client, "firehose")
        keys = SigningKeys(
            partial(client, "secretsmanager"), settings.signing_secret_arn, settings.previous_key_validity
        )
        queues = Queues(partial(client, "sqs"), settings.queue_url, settings.dead_letter_queue_url)
        delivery = Delivery(firehose, queues, settings.stream_names, sleep)
        originals = OversizeStore(partial(client, "s3"), settings.bucket_name, settings.raw_key_arn)
        intake = Intake(settings, delivery, originals)
        self._webhook = Webhook(settings, keys, intake)
        self._queue_consumer = QueueConsumer(settings, delivery, intake, queues)
        self._keys = keys if settings.signing_secret_arn else None
        self._health = Health(self._keys, firehose, settings.stream_names)
        self._started = datetime.now(UTC)

    def handle(self, event: dict[str, Any]) -> dict[str, Any]:
        """Answer a request, consume a batch of queue messages, or tell an operator how things are."""
        metrics = Metrics()
        try:
            if "Records" in event:
                return self._queue_consumer.consume(event["Records"], Deadline(), metrics)
            if event.get("operatorView") is True:
                return self._operator_view()
            answer = self._answer(event, metrics)
            return as_load_balancer_answer(answer) if is_from_load_balancer(event) else answer
        finally:
            metrics.flush()

    def _answer(self, request: dict[str, Any], metrics: Metrics) -> dict[str, Any]:
        try:
            if request.get("httpMethod") == "GET":
                return health_answer(self._health.reason())
            return self._webhook.answer(request, Deadline(), metrics)
        except Exception as error:
            # An unexpected error is not the sender's fault: HTTP 503 makes the sender retry.
            log_exception("unexpected error", error)
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, "The request could not be handled; send it again.")

    def _operator_view(self) -> dict[str, Any]:
        """Return the health with what is nobody's business outside the account.

        The requests of both front doors have other fields, so only who may invoke the function itself gets this.
        """
        reason = self._health.reason()
        try:
            keys = None if self._keys is None else self._keys.facts()
        except KeysUnavailableError:
            keys = None  # the reason says so
        return {
            "status": "ok" if reason is None else "unavailable",
            "reason": reason,
            "signing_key": keys,
            # Of this one execution environment; the metric RequestsForged counts for all.
            "requests_forged": self._webhook.requests_forged,
            "since": self._started.isoformat(),
        }
