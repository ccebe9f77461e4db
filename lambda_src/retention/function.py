"""The function put together: every message of a batch, each by itself."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any

from retention.locking import Locker
from retention.messages import Place, Version, read_message
from retention.settings import RetentionSettings
from retention.sweep import Sweep
from shared.telemetry import Metrics, log, log_exception

# What a sweep leaves for its own end: two tries of a request, and the message about the rest.
SPARE_SECONDS = 25.0


class RetentionHandler:
    """Works on batches with partial-batch answers.

    Args:
        settings: what the construct told the function.
        make_client: makes the client of an AWS service.
    """

    def __init__(self, settings: RetentionSettings, make_client: Callable[[str], Any]) -> None:
        self._settings = settings
        self._client = cache(make_client)

    def handle(self, event: dict[str, Any], remaining_seconds: Callable[[], float]) -> dict[str, Any]:
        """Work on a batch; the answer names the messages that must come again.

        New versions come first, because a sweep takes what is left of the time.
        """
        s3 = self._client("s3")
        locker = Locker(self._settings, s3)
        metrics = Metrics()
        failed: list[str] = []
        places: list[tuple[str, Place]] = []
        for message in event["Records"]:
            with _noted(message["messageId"], failed, metrics):
                match read_message(message["body"]):
                    case Place() as place:
                        places.append((message["messageId"], place))
                    case Version() as version:
                        self._lock(locker, version, metrics)
        for message_id, place in places:
            with _noted(message_id, failed, metrics):
                self._sweep(Sweep(self._settings, s3, locker), place, remaining_seconds, metrics)
        metrics.flush()
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    def _lock(self, locker: Locker, version: Version, metrics: Metrics) -> None:
        if locker.lock(version):
            metrics.count("RetentionsPut")
            metrics.highest("RetentionLag", (datetime.now(UTC) - version.created_at).total_seconds() * 1000)

    def _sweep(self, sweep: Sweep, place: Place, remaining_seconds: Callable[[], float], metrics: Metrics) -> None:
        escaped, rest = sweep.go_on(place, lambda: remaining_seconds() > SPARE_SECONDS)
        # A zero, too: it shows that somebody looked.
        metrics.count("RetentionsEscaped", escaped)
        if escaped:
            log("WARN", "versions had no retention and got it now", versions=escaped)
        if rest is not None:
            self._client("sqs").send_message(QueueUrl=self._settings.queue_url, MessageBody=rest.to_message())


@contextmanager
def _noted(message_id: str, failed: list[str], metrics: Metrics) -> Iterator[None]:
    """Note a message that fails, and go on: it must not keep the others from being worked on."""
    try:
        yield
    except Exception as error:
        log_exception("a message of the retention queue failed", error)
        metrics.count("RetentionsFailed")
        failed.append(message_id)
