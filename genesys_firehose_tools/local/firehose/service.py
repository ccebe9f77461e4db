"""The operations a producer may call, with their checks and error codes.

After the Amazon Data Firehose API Reference, "PutRecord", "PutRecordBatch", "DescribeDeliveryStream" and "Common
Errors".
"""

import base64
import binascii
import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from genesys_firehose_tools.local.firehose import limits
from genesys_firehose_tools.local.firehose.clients import ClientFactory
from genesys_firehose_tools.local.firehose.clock import Clock
from genesys_firehose_tools.local.firehose.configuration import ConfigurationError, read_configuration
from genesys_firehose_tools.local.firehose.faults import FaultSwitch
from genesys_firehose_tools.local.firehose.metrics import Measurements
from genesys_firehose_tools.local.firehose.stream import DeliveryStream

DESCRIPTION_LIFETIME_SECONDS = 5.0
"""How long a description is used before it is read again, so that a redeployed stream is picked up."""

_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,64}")


class ServiceError(Exception):
    """An error answer.

    Attributes:
        code: Its code, such as `ResourceNotFoundException`.
        status: Its HTTP status.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class FirehoseService:
    """All streams of one AWS endpoint, each configured at its first use."""

    def __init__(
        self,
        describe: Callable[[str], dict[str, Any]],
        clients: ClientFactory,
        clock: Clock,
        faults: FaultSwitch,
        measurements: Measurements | None = None,
    ) -> None:
        """Create a service.

        Args:
            describe: Returns the `DeliveryStreamDescription` of a stream's name, or raises the ClientError of
                DescribeDeliveryStream.
            clients: Gives clients that act with the streams' roles.
            clock: The streams' time.
            faults: The faults that strike puts and transformations.
            measurements: Where the streams' metrics go. Default: measurements of its own.
        """
        self.faults = faults
        self.measurements = measurements or Measurements()
        self._describe = describe
        self._clients = clients
        self._clock = clock
        self._lock = threading.Lock()
        self._streams: dict[str, DeliveryStream] = {}
        self._descriptions: dict[str, tuple[float, dict[str, Any]]] = {}
        self._closed = False

    @property
    def streams(self) -> dict[str, DeliveryStream]:
        """The streams used so far, by name."""
        with self._lock:
            return dict(self._streams)

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one API call.

        Raises:
            ServiceError: The call is refused.
        """
        operations = {
            "PutRecord": self._put_record,
            "PutRecordBatch": self._put_record_batch,
            "DescribeDeliveryStream": self._describe_delivery_stream,
        }
        if operation not in operations:
            raise ServiceError("UnknownOperationException", f"{operation} is not modelled.")
        name = request.get("DeliveryStreamName")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ServiceError("ValidationException", "DeliveryStreamName must match [a-zA-Z0-9_.-]{1,64}.")
        return operations[operation](name, request)

    def tick(self, *, flush: bool = False) -> None:
        """Let every stream do what is due; with `flush` everything it holds."""
        for stream in self.streams.values():
            stream.tick(flush=flush)

    def close(self) -> None:
        """Accept nothing any more, so that a last flush is the last."""
        with self._lock:
            self._closed = True
            for stream in self._streams.values():
                stream.close()

    def _describe_delivery_stream(self, name: str, _: Mapping[str, Any]) -> dict[str, Any]:
        self._stream(name)
        return {"DeliveryStreamDescription": self._descriptions[name][1]}

    def _put_record(self, name: str, request: Mapping[str, Any]) -> dict[str, Any]:
        stream = self._writable(name)
        data = _data(request.get("Record"), "record.data")
        self._strike(stream, 1)
        ids = stream.accept([data])
        if not ids:
            raise _slow_down()
        return {"RecordId": ids[0], "Encrypted": stream.configuration.encrypted}

    def _put_record_batch(self, name: str, request: Mapping[str, Any]) -> dict[str, Any]:
        records = request.get("Records")
        if not isinstance(records, list) or not 1 <= len(records) <= limits.MAX_BATCH_RECORDS:
            raise ServiceError(
                "ValidationException", f"Records must have from 1 to {limits.MAX_BATCH_RECORDS} members."
            )
        stream = self._writable(name)
        data = [_data(record, f"records.{number}.member.data") for number, record in enumerate(records, 1)]
        if sum(map(len, data)) > limits.MAX_BATCH_BYTES:
            raise ServiceError("InvalidArgumentException", "Records size exceeds 4 MB limit")
        self._strike(stream, len(data))
        share = self.faults.faults.partial_failure
        refused = [self.faults.strikes(share) for _ in data]
        ids = stream.accept([each for each, is_refused in zip(data, refused, strict=True) if not is_refused])
        if not ids and not any(refused):
            raise _slow_down()
        stream.measure("ThrottledRecords", sum(refused))
        taken = iter(ids)
        failure = {"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."}
        responses: list[dict[str, str]] = []
        for is_refused in refused:
            record_id = None if is_refused else next(taken, None)
            responses.append({"RecordId": record_id} if record_id else failure)
        return {
            "FailedPutCount": sum(response is failure for response in responses),
            "Encrypted": stream.configuration.encrypted,
            "RequestResponses": responses,
        }

    def _strike(self, stream: DeliveryStream, records: int) -> None:
        faults = self.faults.faults
        time.sleep(faults.slow_seconds)
        if self.faults.strikes(faults.throttle):
            stream.measure("ThrottledRecords", records)
            raise _slow_down()

    def _writable(self, name: str) -> DeliveryStream:
        stream = self._stream(name)
        if self._descriptions[name][1]["DeliveryStreamStatus"] != "ACTIVE":
            raise _not_found(name)
        return stream

    def _stream(self, name: str) -> DeliveryStream:
        """Return a stream with its newest configuration."""
        with self._lock:
            if self._closed:
                raise _slow_down()
            read_at, known = self._descriptions.get(name, (float("-inf"), None))
            if time.monotonic() - read_at < DESCRIPTION_LIFETIME_SECONDS:
                return self._streams[name]
            try:
                description = self._describe(name)
                if name not in self._streams:
                    self._streams[name] = DeliveryStream(
                        read_configuration(description), self._clients, self._clock, self.faults, self.measurements
                    )
                elif description != known:
                    self._streams[name].configure(read_configuration(description))
            except ClientError as error:
                if error.response["Error"]["Code"] != "ResourceNotFoundException":
                    raise
                self._streams.pop(name, None)
                raise _not_found(name) from None
            except ConfigurationError as error:
                raise ServiceError("InvalidArgumentException", str(error)) from None
            self._descriptions[name] = (time.monotonic(), description)
            return self._streams[name]


def _data(record: Any, member: str) -> bytes:
    encoded = record.get("Data") if isinstance(record, dict) else None
    if not isinstance(encoded, str):
        raise ServiceError("ValidationException", f"{member} must not be null.")
    try:
        data = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise ServiceError("SerializationException", f"{member} is not base64.") from None
    if len(data) > limits.MAX_RECORD_BYTES:
        raise ServiceError(
            "ValidationException",
            f"1 validation error detected: Value at '{member}' failed to satisfy constraint: "
            f"Member must have length less than or equal to {limits.MAX_RECORD_BYTES}",
        )
    return data


def _slow_down() -> ServiceError:
    return ServiceError("ServiceUnavailableException", "Slow down.", 503)


def _not_found(name: str) -> ServiceError:
    return ServiceError("ResourceNotFoundException", f"Firehose {name} not found under this account.")
