"""Puts records to Firehose, and what Firehose refuses into the buffer queue: accepted means one of them has it."""

import random
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from ingest.batches import batches
from ingest.deadline import FIREHOSE_CALL_SECONDS, QUEUE_RESERVE_SECONDS, Deadline
from ingest.queues import Queues
from shared.envelope import shard_of, with_new_ingest_id
from shared.telemetry import Metrics, log, log_exception

# Amazon Data Firehose API Reference, "PutRecordBatch": 500 records, 4 MiB together, 1,000 KiB each before base64.
MAX_BATCH_RECORDS = 500
MAX_BATCH_BYTES = 4 * 1024 * 1024
MAX_RECORD_BYTES = 1000 * 1024

MAX_PUT_ATTEMPTS = 3
SLOW_PUT_MILLISECONDS = 500
"""A put that takes as long is written down; Firehose's own metrics have the others."""
_FIRST_BACKOFF_SECONDS = 0.05
# Before each put of who has minutes: a stream that throttles has some capacity again a second later.
_PATIENT_PAUSES = (0.0, 2.0, 8.0)
_PATIENT_PUT_SECONDS = 60.0
# Codes that say "never like this": trying again can't help, the queue can (an operator repairs, the queue redelivers).
_HOPELESS = frozenset(
    {
        "AccessDeniedException",
        "ResourceNotFoundException",
        "InvalidArgumentException",
        "InvalidKMSResourceException",
    }
)


class Firehose(Protocol):
    """The calls used of Firehose's client."""

    def put_record_batch(self, *, DeliveryStreamName: str, Records: list[dict[str, bytes]]) -> dict[str, Any]:  # noqa: N803
        """Put records."""
        ...

    def describe_delivery_stream(self, *, DeliveryStreamName: str) -> dict[str, Any]:  # noqa: N803
        """Describe a stream."""
        ...


class Outcome(NamedTuple):
    """Where each record went, by its index in what was given."""

    in_firehose: frozenset[int]
    in_queue: frozenset[int]
    nowhere: frozenset[int]


class StreamWriter:
    """Puts records to one or more streams.

    Args:
        firehose: makes the Firehose client when it is first needed.
        stream_names: the delivery streams; an event's key chooses one of them.
        sleep: waits between attempts.
    """

    def __init__(
        self,
        firehose: Callable[[], Firehose],
        stream_names: Sequence[str],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._firehose = firehose
        self._stream_names = stream_names
        self._sleep = sleep

    def put(self, records: Sequence[bytes], deadline: Deadline, metrics: Metrics) -> frozenset[int]:
        """Put records to Firehose and return the indexes of those that it did not take in time."""
        refused: set[int] = set()
        for stream_name, indexes in self._by_stream(records):
            for batch in batches([len(records[i]) for i in indexes], MAX_BATCH_RECORDS, MAX_BATCH_BYTES):
                pending = [indexes[k] for k in batch]
                refused.update(self._put_batch(stream_name, records, pending, deadline, metrics))
        return frozenset(refused)

    def put_patiently(self, records: Sequence[bytes], clock: Callable[[], float] = time.monotonic) -> int:
        """Put records to Firehose, again after pauses, and return how many it did not take within four minutes."""
        pending = list(records)
        for pause in _PATIENT_PAUSES:
            if pause:
                self._sleep(pause)
                # Firehose may hold a record whose answer was lost: what is put again is a copy of its own.
                pending = [with_new_ingest_id(record) for record in pending]
            refused = self.put(pending, Deadline(_PATIENT_PUT_SECONDS, clock), Metrics())
            pending = [pending[index] for index in sorted(refused)]
            if not pending:
                break
        return len(pending)

    def _by_stream(self, records: Sequence[bytes]) -> Iterable[tuple[str, Sequence[int]]]:
        """Name each stream that gets any of the records, with the indexes of those."""
        if len(self._stream_names) == 1:
            return [(self._stream_names[0], range(len(records)))]
        indexes: dict[str, list[int]] = {}
        for index, record in enumerate(records):
            stream_name = self._stream_names[shard_of(record, len(self._stream_names))]
            indexes.setdefault(stream_name, []).append(index)
        return indexes.items()

    def _put_batch(
        self, stream_name: str, records: Sequence[bytes], pending: list[int], deadline: Deadline, metrics: Metrics
    ) -> list[int]:
        for attempt in range(MAX_PUT_ATTEMPTS):
            if attempt:
                # Full jitter: the senders that were throttled together do not come back together.
                self._sleep(random.uniform(0, _FIRST_BACKOFF_SECONDS * 2**attempt))  # noqa: S311
            if not deadline.leaves(FIREHOSE_CALL_SECONDS + QUEUE_RESERVE_SECONDS):
                break
            # An attempt's records are copies of their own: Firehose may hold the ones of a lost answer, too.
            copies = [with_new_ingest_id(records[i]) if attempt else records[i] for i in pending]
            started = time.perf_counter()
            try:
                answer = self._firehose().put_record_batch(
                    DeliveryStreamName=stream_name, Records=[{"Data": copy} for copy in copies]
                )
            except ClientError as error:
                log_exception("Firehose refused a batch", error)
                if error.response["Error"]["Code"] in _HOPELESS:
                    break
                continue
            except (BotoCoreError, OSError) as error:
                log_exception("Firehose did not answer", error)
                continue
            finally:
                if (milliseconds := (time.perf_counter() - started) * 1000) >= SLOW_PUT_MILLISECONDS:
                    metrics.highest("PutLatency", milliseconds)
            if not answer["FailedPutCount"]:
                return []
            # The response is positional: entry k belongs to record k.
            pending = [i for i, entry in zip(pending, answer["RequestResponses"], strict=True) if "ErrorCode" in entry]
            log("WARN", "Firehose refused part of a batch", refused=len(pending), attempt=attempt + 1)
        return pending


class Delivery(StreamWriter):
    """Delivers records to one or more streams, with one queue behind them.

    Args:
        firehose: makes the Firehose client when it is first needed.
        queues: takes what Firehose does not.
        stream_names: the delivery streams; an event's key chooses one of them.
        sleep: waits between attempts.
    """

    def __init__(
        self,
        firehose: Callable[[], Firehose],
        queues: Queues,
        stream_names: Sequence[str],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(firehose, stream_names, sleep)
        self._queues = queues

    def deliver(self, records: Sequence[bytes], deadline: Deadline, metrics: Metrics) -> Outcome:
        """Deliver to Firehose, and what it does not take to the queue."""
        refused = self.put(records, deadline, metrics)
        nowhere = self._enqueue(records, refused, deadline, metrics) if refused else frozenset[int]()
        everything = frozenset(range(len(records)))
        return Outcome(everything - refused, refused - nowhere, nowhere)

    def _enqueue(
        self, records: Sequence[bytes], refused: Iterable[int], deadline: Deadline, metrics: Metrics
    ) -> frozenset[int]:
        """Send records to the queue and return the indexes of those that it did not take in time."""
        indexes = sorted(refused)
        nowhere = self._queues.buffer([records[i] for i in indexes], deadline)
        metrics.count("EventsOverflowed", len(indexes) - len(nowhere))
        return frozenset(indexes[k] for k in nowhere)
