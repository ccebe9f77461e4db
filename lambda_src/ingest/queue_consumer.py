"""Moves what waits in the buffer queue to Firehose: overflowed records and Genesys Cloud's EventBridge events."""

from datetime import UTC, datetime
from typing import Any

from ingest.deadline import Deadline
from ingest.delivery import Delivery
from ingest.intake import Intake
from ingest.settings import Settings
from shared.envelope import is_envelope, with_new_ingest_id
from shared.event import describe
from shared.json_text import split_events
from shared.telemetry import Metrics, log


class QueueConsumer:
    """Consumes batches of queue messages with partial-batch answers.

    Args:
        settings: the function's settings.
        delivery: Firehose; what it refuses simply stays in the queue.
        intake: makes records of EventBridge events.
    """

    def __init__(self, settings: Settings, delivery: Delivery, intake: Intake) -> None:
        self._settings = settings
        self._delivery = delivery
        self._intake = intake

    def consume(self, messages: list[dict[str, Any]], deadline: Deadline, metrics: Metrics) -> dict[str, Any]:
        """Put the messages' records; name the messages that must come again."""
        records: list[bytes] = []
        message_ids: list[str] = []
        failed: list[str] = []
        new: set[int] = set()
        for message in messages:
            record, is_new = self._record_of(message, deadline, metrics)
            if record is None:
                failed.append(message["messageId"])
                continue
            if is_new:
                new.add(len(records))
            records.append(record)
            message_ids.append(message["messageId"])
        refused = self._delivery.put(records, deadline, metrics)
        failed.extend(message_ids[index] for index in sorted(refused))
        # What overflowed was counted when the request that brought it was accepted.
        if accepted := len(new - refused):
            metrics.count("EventsAccepted", accepted)
            metrics.count("EventsAcceptedEventBridge", accepted)
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    def _record_of(self, message: dict[str, Any], deadline: Deadline, metrics: Metrics) -> tuple[bytes | None, bool]:
        """Make a message's record, None if that can't be done now; and tell whether it is new to the pipeline."""
        arrival = datetime.now(UTC)
        try:
            body = message["body"].encode()
            if is_envelope(body):
                # A message may be delivered, and so put, more than once: each put is a copy of its own.
                return with_new_ingest_id(body), False
            [(event, raw)] = split_events(body)
            facts = describe(event, self._settings.event_id_path, arrival)
        except (ValueError, RecursionError):
            # It must not take the batch with it. After its last delivery it waits in the dead-letter queue, whose
            # alarm calls an operator.
            log("ERROR", "a queue message is neither a record nor an event")
            return None, False
        metrics.count("EventsReceived")
        if facts.event_time is not None:
            metrics.highest("EventAge", (arrival - facts.event_time).total_seconds() * 1000)
        return self._intake.record_of(event, raw, facts, "eventbridge", arrival, deadline, metrics), True
