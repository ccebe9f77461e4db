"""One delivery stream: records come in, wait in buffers, are transformed, and leave as objects.

The order of things is AWS's: source record backup from what was put, then the transform function, then partition
keys, then delimiters and compression ("Understand data delivery in Amazon Data Firehose").
"""

import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from genesys_firehose_tools.local.firehose import limits
from genesys_firehose_tools.local.firehose.buffers import Buffer, Record
from genesys_firehose_tools.local.firehose.clients import ClientFactory
from genesys_firehose_tools.local.firehose.clock import Clock
from genesys_firehose_tools.local.firehose.configuration import S3Destination, StreamConfiguration
from genesys_firehose_tools.local.firehose.delivery import ErrorLog, S3Delivery, SealedObject, error_line, seal
from genesys_firehose_tools.local.firehose.faults import FaultSwitch
from genesys_firehose_tools.local.firehose.metrics import Measurements
from genesys_firehose_tools.local.firehose.prefixes import PrefixError
from genesys_firehose_tools.local.firehose.processor import Failed, LambdaProcessor, Transformed

DELIVERY_RETRY_SECONDS = 30
"""Pause before an object that S3 refused is tried again; AWS documents none."""


@dataclass(frozen=True, slots=True)
class StreamState:
    """What a stream holds at a moment.

    Attributes:
        buffered_records: Records waiting in buffers; those on their way to the backup are counted once more.
        active_partitions: Partitions with undelivered data.
        undelivered_objects: Objects that S3 has not taken yet.
        lost_records: Records given up: those of a partition after its retry duration, others after 24 hours.
    """

    buffered_records: int
    active_partitions: int
    undelivered_objects: int
    lost_records: int

    @property
    def is_empty(self) -> bool:
        """Whether everything accepted has been delivered, dropped by the function, or lost."""
        return self.buffered_records == 0 and self.undelivered_objects == 0


class DeliveryStream:
    """A stream, driven by `tick`; `accept` may be called from any thread at any time."""

    def __init__(
        self,
        configuration: StreamConfiguration,
        clients: ClientFactory,
        clock: Clock,
        faults: FaultSwitch,
        measurements: Measurements | None = None,
    ) -> None:
        self._measurements = measurements or Measurements()
        self._clients = clients
        self._clock = clock
        self._faults = faults
        self._buffers = threading.Lock()
        self._working = threading.Lock()
        self._quota = limits.direct_put_throughput(configuration.region)
        self._meter = limits.ThroughputMeter(self._quota)
        self._unprocessed: Buffer | None = None
        self._processing = 0
        self._backup: Buffer | None = None
        self._partitions: dict[tuple[tuple[str, str], ...], Buffer] = {}
        self._errors: dict[str, Buffer] = {}
        self._sealed: list[SealedObject] = []
        self._lost_records = 0
        self._closed = False
        self.configuration = configuration
        self.configure(configuration)

    def configure(self, configuration: StreamConfiguration) -> None:
        """Take a configuration, also while records wait; they leave under the new one."""
        with self._working, self._buffers:
            for sealed in self._sealed:
                # Its name is made, and it is written with what the destination is now.
                of_primary = sealed.destination is self.configuration.destination
                sealed.destination = (
                    configuration.destination if of_primary else configuration.backup or sealed.destination
                )
            self.configuration = configuration
            error_log = ErrorLog(configuration.arn, configuration.version, self._clients, self._clock)
            self._error_log = error_log
            self._delivery = S3Delivery(self._clients, error_log, self._faults)
            self._processor = (
                LambdaProcessor(
                    configuration.processor, configuration.arn, self._clients, self._clock, self._faults, self.measure
                )
                if configuration.processor
                else None
            )

    def accept(self, data: Sequence[bytes]) -> list[str]:
        """Take records, up to the stream's throughput; return the ids of those taken, which are the first ones."""
        now = self._clock.now()
        with self._buffers:
            if self._closed:
                return []
            admitted = self._meter.admit([len(each) for each in data], now)
            records = [Record(uuid.uuid4().hex, each, now) for each in data[:admitted]]
            for record in records:
                if self.configuration.backup:
                    self._backup = self._backup or Buffer(now)
                    self._backup.add(record)
                self._unprocessed = self._unprocessed or Buffer(now)
                self._unprocessed.add(record)
        self.measure("IncomingPutRequests", 1 if records else 0)
        self.measure("IncomingRecords", admitted)
        self.measure("IncomingBytes", sum(len(record.data) for record in records))
        self.measure("ThrottledRecords", len(data) - admitted)
        for name, limit in (
            ("PutRequests", self._quota.requests),
            ("Records", self._quota.records),
            ("Bytes", self._quota.bytes),
        ):
            self.measure(f"{name}PerSecondLimit", limit)
        return [record.record_id for record in records]

    def measure(self, metric: str, value: float) -> None:
        """Measure a value of one of the stream's metrics."""
        self._measurements.add(self.configuration.name, metric, value)

    def measure_freshness(self) -> None:
        """Measure the age of the oldest record that is on its way to each destination."""
        with self._buffers:
            primary = [self._unprocessed, *self._partitions.values()]
            for name, buffers in (("DeliveryToS3", primary), ("BackupToS3", [self._backup])):
                arrivals = [record.arrived_at for buffer in buffers if buffer for record in buffer.records]
                arrivals += [each.oldest_arrival for each in self._sealed if self._metric_of(each) == name]
                if arrivals:
                    self.measure(f"{name}.DataFreshness", self._clock.elapsed_since(min(arrivals)))

    def close(self) -> None:
        """Accept no records any more."""
        with self._buffers:
            self._closed = True

    def tick(self, *, flush: bool = False) -> None:
        """Do what is due: transform, deliver, retry.

        Args:
            flush: Do it all now, whatever the buffers' hints and the retry pauses say; default False.
        """
        with self._working:
            self._transform(flush=flush)
            self._seal(flush=flush)
            self._deliver(flush=flush)

    def state(self) -> StreamState:
        """Return what the stream holds now."""
        with self._buffers:
            waiting = [self._unprocessed, self._backup, *self._partitions.values(), *self._errors.values()]
            return StreamState(
                buffered_records=self._processing + sum(len(each.records) for each in waiting if each),
                active_partitions=self._active_partitions() if self.configuration.partitioned else 0,
                undelivered_objects=len(self._sealed),
                lost_records=self._lost_records,
            )

    def _transform(self, *, flush: bool) -> None:
        processor = self.configuration.processor
        with self._buffers:
            batch = self._unprocessed
            if batch is None or (processor and not flush and not batch.is_due(processor.hints, self._clock)):
                return
            self._unprocessed = None
            self._processing = len(batch.records)
        if self._processor is None:
            outcomes: list[Transformed | Failed] = [Transformed(each, each.data, {}) for each in batch.records]
        else:
            outcomes = list(self._processor.process(batch.records))
        with self._buffers:
            self._processing = 0
            for outcome in outcomes:
                if isinstance(outcome, Transformed):
                    self._route(outcome)
                else:
                    self._fail("processing-failed", outcome)
        for code, message in {(each.code, each.message) for each in outcomes if isinstance(each, Failed)}:
            self._error_log.report(self.configuration.destination, code, message)

    def _route(self, transformed: Transformed) -> None:
        """Put a transformed record into its partition's buffer, or into the error output."""
        source, now = transformed.source, self._clock.now()
        try:
            keys = self._partition_keys(transformed.partition_keys)
            self.configuration.destination.prefix.evaluate(
                datetime.fromtimestamp(source.arrived_at, self.configuration.destination.time_zone),
                partition_keys=keys,
            )
        except PrefixError as error:
            failed = Failed(source, "DynamicPartitioning.MetadataExtractionFailed", str(error), 1, now)
            self._fail("metadata-extraction-failed", failed)
            return
        partition = tuple(keys.items())
        if partition not in self._partitions:
            quota = self._faults.faults.partition_quota
            exceeds = self._active_partitions(partition) > quota
            if self.configuration.partitioned:
                self.measure("PartitionCountExceeded", exceeds)
            if exceeds:
                message = f"The stream has {quota} active partitions already."
                failed = Failed(source, "DynamicPartitioning.ActivePartitionsLimitExceeded", message, 1, now)
                self._fail("activePartitionExceeded", failed)
                return
            self._partitions[partition] = Buffer(now, keys)
        self._partitions[partition].add(Record(source.record_id, transformed.data, source.arrived_at))

    def _partition_keys(self, given: Mapping[str, Any]) -> dict[str, str]:
        keys = {name: given.get(name) for name in self.configuration.destination.prefix.partition_keys}
        values = {name: value for name, value in keys.items() if isinstance(value, str) and value}
        if len(values) < len(keys):
            raise PrefixError("partitionKeys values must not be null or empty")
        return values

    def _active_partitions(self, *further: tuple[tuple[str, str], ...]) -> int:
        undelivered = {tuple(each.partition_keys.items()) for each in self._sealed if each.partition_keys is not None}
        return len(undelivered.union(self._partitions, further))

    def _fail(self, error_type: str, failed: Failed) -> None:
        processor = self.configuration.processor
        function_arn = processor.function_arn if processor and error_type == "processing-failed" else None
        line = error_line(failed, function_arn)
        buffer = self._errors.setdefault(error_type, Buffer(self._clock.now()))
        buffer.add(Record(failed.source.record_id, line, failed.source.arrived_at))

    def _seal(self, *, flush: bool) -> None:
        """Turn the buffers that are due into objects."""
        configuration = self.configuration
        primary = configuration.destination

        def is_due(buffer: Buffer, destination: S3Destination) -> bool:
            return flush or buffer.is_due(destination.hints, self._clock)

        with self._buffers:
            for partition, buffer in list(self._partitions.items()):
                if is_due(buffer, primary):
                    self._sealed.append(seal(configuration, primary, buffer))
                    del self._partitions[partition]
            for error_type, buffer in list(self._errors.items()):
                if is_due(buffer, primary):
                    self._sealed.append(seal(configuration, primary, buffer, error_type=error_type))
                    del self._errors[error_type]
            backup = configuration.backup
            if backup and self._backup and is_due(self._backup, backup):
                self._sealed.append(seal(configuration, backup, self._backup))
                self._backup = None

    def _deliver(self, *, flush: bool) -> None:
        for sealed in list(self._sealed):
            if (
                sealed.tried_at is not None
                and not flush
                and self._clock.elapsed_since(sealed.tried_at) < DELIVERY_RETRY_SECONDS
            ):
                continue
            delivered = self._delivery.put(sealed)
            self._measure_delivery(sealed, delivered)
            with self._buffers:
                if delivered or self._is_given_up(sealed):
                    self._sealed.remove(sealed)
                    self._lost_records += 0 if delivered else sealed.records
                else:
                    sealed.tried_at = self._clock.now()

    def _metric_of(self, sealed: SealedObject) -> str | None:
        """Return how the metrics of an object's delivery begin; None for one of the error output."""
        if sealed.is_error:
            return None
        return "DeliveryToS3" if sealed.destination is self.configuration.destination else "BackupToS3"

    def _measure_delivery(self, sealed: SealedObject, delivered: bool) -> None:
        name = self._metric_of(sealed)
        if name is None:
            return
        self.measure(f"{name}.Success", delivered)
        self.measure(f"{name}.DataFreshness", self._clock.elapsed_since(sealed.oldest_arrival))
        if delivered:
            self.measure(f"{name}.Records", sealed.records)
            self.measure(f"{name}.Bytes", len(sealed.body))
            self.measure(f"{name}.ObjectCount", 1)

    def _is_given_up(self, sealed: SealedObject) -> bool:
        """Tell whether an object that S3 has just refused is not tried again."""
        if sealed.first_tried_at is None:
            sealed.first_tried_at = self._clock.now()
        if self._clock.elapsed_since(sealed.oldest_arrival) >= limits.STORAGE_SECONDS:
            return True
        trying = self._clock.elapsed_since(sealed.first_tried_at)
        return sealed.partition_keys is not None and trying >= self.configuration.partition_retry_seconds
