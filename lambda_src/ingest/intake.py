"""Takes events in, from whichever door: describe, wrap, deliver, and say what became of each."""

import hashlib
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from ingest.deadline import QUEUE_RESERVE_SECONDS, S3_CALL_SECONDS, Deadline
from ingest.delivery import MAX_RECORD_BYTES, Delivery
from ingest.oversize import OversizeStore, reduce_event
from ingest.queues import fits_as_message
from ingest.recent_events import RecentEvents
from ingest.settings import IngestSettings
from shared.envelope import Ingress, wrap
from shared.event import EventFacts, describe
from shared.telemetry import Metrics, log_exception

# An event of so many bytes fits into a record: its envelope adds 4 KiB at most, with a pointer and a topic of 256
# characters escaped.
FITTING_EVENT_BYTES = MAX_RECORD_BYTES - 4096


class Receipt(NamedTuple):
    """What became of a request's events: all accepted, or some ``refused``, which are nowhere."""

    accepted: int
    duplicates: int
    refused: int


class Intake:
    """Wraps events and delivers their records.

    Args:
        settings: the function's settings.
        delivery: Firehose with the queue behind it.
        originals: where the originals of oversize events go.
        now: the time, UTC.
    """

    def __init__(
        self,
        settings: IngestSettings,
        delivery: Delivery,
        originals: OversizeStore,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._delivery = delivery
        self._originals = originals
        self._now = now
        self._recent = RecentEvents(clock)

    def take(self, events: Iterable[tuple[dict[str, Any], bytes]], deadline: Deadline, metrics: Metrics) -> Receipt:
        """Take a webhook request's events; each is a record of its own.

        Nothing is delivered before all have come, so that an error which ``events`` raises refuses them all. The
        original of an oversize event is stored at once.
        """
        arrival = self._now()
        recent = self._recent.current()
        records: list[bytes] = []
        digests: list[bytes | None] = []
        seen: set[bytes | None] = set()
        received = refused = 0
        for event, raw in events:
            received += 1
            facts = describe(event, self._settings.event_id_path, arrival)
            # The same bytes have the same identity. The same id with other bytes is for the transform to judge: what is
            # dropped here is not even in raw/.
            # Without an identity, equal events may be different happenings: each goes through.
            digest = hashlib.sha256(raw).digest() if facts.has_identity else None
            if digest is not None and (digest in seen or digest in recent):
                continue
            record = self.record_of(event, raw, facts, "webhook", arrival, deadline, metrics)
            if record is None:
                refused += 1
                continue
            seen.add(digest)
            records.append(record)
            digests.append(digest)
        duplicates = received - len(records) - refused
        outcome = self._delivery.deliver(records, deadline, metrics)
        # Only what is durable is remembered; an event remembered too early would be lost.
        self._recent.add(digest for i, digest in enumerate(digests) if digest is not None and i not in outcome.nowhere)
        refused += len(outcome.nowhere)
        if refused:
            # The sender sends them all again; those that are durable count as accepted then, as duplicates.
            return Receipt(accepted=0, duplicates=0, refused=refused)
        if duplicates:
            metrics.count("EventsDuplicate", duplicates)
        return Receipt(received, duplicates, refused=0)

    def record_of(
        self,
        event: dict[str, Any],
        raw: bytes,
        facts: EventFacts,
        ingress: Ingress,
        arrival: datetime,
        deadline: Deadline,
        metrics: Metrics,
    ) -> bytes | None:
        """Make an event's record; None when the original of an oversize one can't be stored now."""
        record = wrap(raw, facts, ingress, arrival)
        if fits_as_message(record, MAX_RECORD_BYTES):
            return record
        if not deadline.leaves(S3_CALL_SECONDS + QUEUE_RESERVE_SECONDS):
            return None
        try:
            pointer = self._originals.keep(raw, arrival)
        except (ClientError, BotoCoreError, OSError) as error:
            log_exception("an oversize event's original could not be stored", error)
            return None
        metrics.count("EventsOversize")
        reduced = reduce_event(event, self._settings.oversize_fields, FITTING_EVENT_BYTES)
        return wrap(reduced, facts, ingress, arrival, pointer)
