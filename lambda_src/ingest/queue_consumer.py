"""Moves what waits in the buffer queue to Firehose: overflowed records and Genesys Cloud's EventBridge events."""

from datetime import UTC, datetime
from typing import Any

from ingest.deadline import Deadline
from ingest.delivery import Delivery
from ingest.intake import Intake
from ingest.queues import Queues
from ingest.settings import IngestSettings
from shared.envelope import is_envelope, with_new_ingest_id
from shared.event import describe
from shared.json_text import TooManyEventsError, split_events
from shared.telemetry import Metrics, log, log_exception

LONGEST_RETRY_SECONDS = 900


class _UnreadableError(Exception):
    """A message is neither a record nor an event, and never will be."""


class QueueConsumer:
    """Consumes batches of queue messages with partial-batch answers.

    A message that can't be put now waits longer each time: as long as ``retry_delay`` after its first delivery, then
    twice as long, up to 15 minutes. One that nobody can read goes to the dead-letter queue at once.

    Args:
        settings: the function's settings.
        delivery: Firehose; what it refuses simply stays in the queue.
        intake: makes records of EventBridge events.
        queues: hides and sets aside messages.
    """

    def __init__(self, settings: IngestSettings, delivery: Delivery, intake: Intake, queues: Queues) -> None:
        self._settings = settings
        self._delivery = delivery
        self._intake = intake
        self._queues = queues

    def consume(self, messages: list[dict[str, Any]], deadline: Deadline, metrics: Metrics) -> dict[str, Any]:
        """Put the messages' records; return the messages that SQS must redeliver."""
        records: list[bytes] = []
        message_ids: list[str] = []
        failed: set[str] = set()
        unreadable: list[dict[str, Any]] = []
        for message in messages:
            try:
                made = self._records_of(message, deadline, metrics)
            except _UnreadableError:
                unreadable.append(message)
                continue
            except Exception as error:
                # A message that meets an error of ours must not take the batch with it.
                log_exception("unexpected error at a queue message", error)
                made = []
            if not made:
                failed.add(message["messageId"])
            records.extend(made)
            message_ids.extend([message["messageId"]] * len(made))
        failed.update(self._set_aside(unreadable, deadline))
        refused = self._delivery.put(records, deadline, metrics)
        failed.update(message_ids[index] for index in refused)
        # Lambda leaves the messages that are reported as failed as they are (seen in use, documented nowhere). If it
        # did not, they would come again sooner.
        self._queues.hide(
            {message["receiptHandle"]: self._delay(message) for message in messages if message["messageId"] in failed},
            deadline,
        )
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in sorted(failed)]}

    def _set_aside(self, messages: list[dict[str, Any]], deadline: Deadline) -> list[str]:
        """Move messages to the dead-letter queue, whose alarm calls an operator; return the ids of those left."""
        if not messages:
            return []
        log("ERROR", "queue messages are neither records nor events", messages=len(messages))
        left = self._queues.set_aside([message["body"] for message in messages], "UNREADABLE", deadline)
        return [messages[index]["messageId"] for index in left]

    def _delay(self, message: dict[str, Any]) -> int:
        """Return the seconds until the next delivery."""
        deliveries = int(message["attributes"]["ApproximateReceiveCount"])
        first = int(self._settings.retry_delay.total_seconds())
        return int(min(LONGEST_RETRY_SECONDS, first * 2 ** min(deliveries - 1, 10)))

    def _records_of(self, message: dict[str, Any], deadline: Deadline, metrics: Metrics) -> list[bytes]:
        """Make a message's records, none if that can't be done now."""
        arrival = datetime.now(UTC)
        try:
            body = message["body"].encode()
            if is_envelope(body):
                # A message may be delivered, and so put, more than once: each put is a copy of its own.
                return [with_new_ingest_id(body)]
            events = [
                (event, raw, describe(event, self._settings.event_id_path, arrival))
                for event, raw in split_events(body, self._settings.max_events)
            ]
        except (ValueError, RecursionError, TooManyEventsError):
            raise _UnreadableError from None
        records: list[bytes] = []
        for event, raw, facts in events:
            record = self._intake.record_of(event, raw, facts, "eventbridge", arrival, deadline, metrics)
            if record is None:
                return []
            records.append(record)
        return records
