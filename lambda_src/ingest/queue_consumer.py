"""Moves what waits in the buffer queue to Firehose: overflowed records and Genesys Cloud's EventBridge events."""

from datetime import UTC, datetime
from typing import Any

from ingest.deadline import Deadline
from ingest.delivery import Delivery
from ingest.intake import Intake
from ingest.settings import IngestSettings
from shared.envelope import is_envelope, with_new_ingest_id
from shared.event import describe
from shared.json_text import TooManyEventsError, split_events
from shared.telemetry import Metrics, log


class QueueConsumer:
    """Consumes batches of queue messages with partial-batch answers.

    Args:
        settings: the function's settings.
        delivery: Firehose; what it refuses simply stays in the queue.
        intake: makes records of EventBridge events.
    """

    def __init__(self, settings: IngestSettings, delivery: Delivery, intake: Intake) -> None:
        self._settings = settings
        self._delivery = delivery
        self._intake = intake

    def consume(self, messages: list[dict[str, Any]], deadline: Deadline, metrics: Metrics) -> dict[str, Any]:
        """Put the messages' records; return the messages that SQS must redeliver."""
        records: list[bytes] = []
        message_ids: list[str] = []
        failed: set[str] = set()
        new: set[int] = set()
        for message in messages:
            made, are_new = self._records_of(message, deadline, metrics)
            if not made:
                failed.add(message["messageId"])
            if are_new:
                new.update(range(len(records), len(records) + len(made)))
            records.extend(made)
            message_ids.extend([message["messageId"]] * len(made))
        refused = self._delivery.put(records, deadline, metrics)
        failed.update(message_ids[index] for index in refused)
        # What overflowed was counted when the request that brought it was accepted.
        if accepted := len(new - refused):
            metrics.count("EventsAccepted", accepted)
            metrics.count("EventsAcceptedEventBridge", accepted)
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in sorted(failed)]}

    def _records_of(self, message: dict[str, Any], deadline: Deadline, metrics: Metrics) -> tuple[list[bytes], bool]:
        """Make a message's records, none if that can't be done now; and tell whether they are new to the pipeline."""
        arrival = datetime.now(UTC)
        try:
            body = message["body"].encode()
            if is_envelope(body):
                # A message may be delivered, and so put, more than once: each put is a copy of its own.
                return [with_new_ingest_id(body)], False
            events = [
                (event, raw, describe(event, self._settings.event_id_path, arrival))
                for event, raw in split_events(body, self._settings.max_events)
            ]
        except (ValueError, RecursionError, TooManyEventsError):
            # It must not take the batch with it. After its last delivery it waits in the dead-letter queue, whose
            # alarm calls an operator.
            log("ERROR", "a queue message is neither a record nor an event, or holds too many events")
            return [], False
        metrics.count("EventsReceived", len(events))
        records: list[bytes] = []
        for event, raw, facts in events:
            if facts.event_time is not None:
                metrics.highest("EventAge", (arrival - facts.event_time).total_seconds() * 1000)
            record = self._intake.record_of(event, raw, facts, "eventbridge", arrival, deadline, metrics)
            if record is None:
                return [], True
            records.append(record)
        return records, True
