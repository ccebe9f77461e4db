"""The ingest function put together: what lives as long as its environment, and what it does per invocation."""

import time
from collections.abc import Callable
from functools import cache, partial
from http import HTTPStatus
from typing import Any

from ingest.deadline import Deadline
from ingest.delivery import Delivery
from ingest.health import Health
from ingest.intake import Intake
from ingest.oversize import OversizeStore
from ingest.queue_consumer import QueueConsumer
from ingest.settings import IngestSettings
from ingest.signing_keys import SigningKeys
from ingest.webhook import Webhook, health_answer, problem
from shared.telemetry import Metrics, log_exception


class IngestHandler:
    """The function behind both of its triggers, API Gateway and the buffer queue.

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
        delivery = Delivery(firehose, partial(client, "sqs"), settings.stream_names, settings.queue_url, sleep)
        originals = OversizeStore(partial(client, "s3"), settings.bucket_name, settings.raw_key_arn)
        intake = Intake(settings, delivery, originals)
        self._webhook = Webhook(settings, keys, intake)
        self._queue_consumer = QueueConsumer(settings, delivery, intake)
        self._health = Health(keys, firehose, settings.stream_names)

    def handle(self, event: dict[str, Any]) -> dict[str, Any]:
        """Answer a request, or consume a batch of queue messages."""
        metrics = Metrics()
        try:
            if "Records" in event:
                return self._queue_consumer.consume(event["Records"], Deadline(), metrics)
            if event.get("httpMethod") == "GET":
                return health_answer(self._health.reason())
            return self._webhook.answer(event, Deadline(), metrics)
        except Exception as error:
            if "Records" in event:
                raise  # the whole batch comes again
            # An unexpected error is not the sender's fault: HTTP 503 makes the sender retry.
            log_exception("unexpected error", error)
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, "The request could not be handled; send it again.")
        finally:
            metrics.flush()
