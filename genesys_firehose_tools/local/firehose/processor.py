"""The transform function: batches that fit an invocation, retries, and what its answer means for each record.

After the Amazon Data Firehose Developer Guide, "Transform source data in Amazon Data Firehose", "Required parameters
for data transformation", "Handle failure in data transformation" and the list "Lambda invocation errors".
"""

import base64
import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from genesys_firehose_tools.local.firehose import limits
from genesys_firehose_tools.local.firehose.buffers import Record
from genesys_firehose_tools.local.firehose.clients import ClientFactory
from genesys_firehose_tools.local.firehose.clock import Clock
from genesys_firehose_tools.local.firehose.configuration import Processor
from genesys_firehose_tools.local.firehose.faults import FaultSwitch

RETRY_DELAY_SECONDS = 5
"""Pause between two attempts; AWS documents none."""

_ENVELOPE_BYTES = 1024
_ENVELOPE_BYTES_PER_RECORD = 128

_ERROR_MESSAGES = {
    "Lambda.AssumeRoleAccessDenied": "Access was denied. Ensure that the trust policy for the provided IAM role "
    "allows Firehose to assume the role.",
    "Lambda.InvokeAccessDenied": "Access was denied. Ensure that the access policy allows access to the Lambda "
    "function.",
    "Lambda.InvokeLimitExceeded": "The Lambda concurrent execution limit is exceeded. Increase the concurrent "
    "execution limit.",
    "Lambda.ResourceNotFound": "The specified Lambda function does not exist. Use a different function that does "
    "exist.",
    "Lambda.FunctionTimedOut": "The Lambda function invocation timed out. Increase the Timeout setting in the "
    "Lambda function.",
    "Lambda.FunctionError": "The Lambda function was successfully invoked but it returned an error result.",
    "Lambda.JsonProcessingException": "There was an error parsing returned records from the Lambda function. Ensure "
    "that the returned records follow the status model required by Firehose.",
    "Lambda.DuplicatedRecordId": "Multiple records were returned with the same record ID. Ensure that the Lambda "
    "function returns unique record IDs for each record.",
    "Lambda.MissingRecordId": "One or more record IDs were not returned. Ensure that the Lambda function returns all "
    "received record IDs.",
    "Lambda.ProcessingFailedStatus": "ProcessingFailed status set for record",
    "Lambda.InternalServerError": "The Lambda function could not be invoked.",
}

_CODES = {
    "AccessDenied": "Lambda.InvokeAccessDenied",
    "AccessDeniedException": "Lambda.InvokeAccessDenied",
    "TooManyRequestsException": "Lambda.InvokeLimitExceeded",
    "ResourceNotFoundException": "Lambda.ResourceNotFound",
}


@dataclass(frozen=True, slots=True)
class Transformed:
    """A record the function returned as `Ok`."""

    source: Record
    data: bytes
    partition_keys: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Failed:
    """A record that goes to the error output.

    Attributes:
        source: The record as it was put.
        code: The error's code, such as `Lambda.FunctionError`.
        message: The error's documented message.
        attempts: How often the function was invoked for it.
        ended_at: When the last attempt ended, in seconds since the epoch.
    """

    source: Record
    code: str
    message: str
    attempts: int
    ended_at: float


class _InvocationError(Exception):
    """One attempt that failed, or an answer that fails every record of its batch."""


class LambdaProcessor:
    """Hands batches of records to a stream's transform function."""

    def __init__(
        self,
        processor: Processor,
        stream_arn: str,
        clients: ClientFactory,
        clock: Clock,
        faults: FaultSwitch,
        measure: Callable[[str, float], None],
    ) -> None:
        self._measure = measure
        self._processor = processor
        self._stream_arn = stream_arn
        self._clients = clients
        self._clock = clock
        self._faults = faults
        self._function_seen = False

    def process(self, records: Sequence[Record]) -> Iterator[Transformed | Failed]:
        """Yield what became of each record; a record the function dropped is not among them."""
        for batch in _invocation_batches(records):
            yield from self._process_batch(batch)

    def _process_batch(self, batch: Sequence[Record]) -> Iterator[Transformed | Failed]:
        attempts = 0
        while True:
            attempts += 1
            try:
                answer = self._invoke(batch)
                self._measure("ExecuteProcessing.Success", 1)
                break
            except _InvocationError as error:
                self._measure("ExecuteProcessing.Success", 0)
                if attempts > self._processor.retries:
                    yield from (self._failed(record, str(error), attempts) for record in batch)
                    return
                self._clock.wait(RETRY_DELAY_SECONDS)
        # An answer is final, however malformed: only a failed invocation is retried.
        try:
            results = _results(answer)
        except _InvocationError as error:
            yield from (self._failed(record, str(error), attempts) for record in batch)
            return
        occurrences = Counter(result["recordId"] for result in results)
        by_id = {result["recordId"]: result for result in results}
        for record in batch:
            result = by_id.get(record.record_id)
            if result is None:
                yield self._failed(record, "Lambda.MissingRecordId", attempts)
            elif occurrences[record.record_id] > 1:
                yield self._failed(record, "Lambda.DuplicatedRecordId", attempts)
            elif result["result"] == "ProcessingFailed":
                yield self._failed(record, "Lambda.ProcessingFailedStatus", attempts)
            elif result["result"] == "Ok":
                yield Transformed(record, result["data"], _partition_keys(result))

    def _invoke(self, batch: Sequence[Record]) -> bytes:
        event = {
            "invocationId": str(uuid.uuid4()),
            "deliveryStreamArn": self._stream_arn,
            "region": self._stream_arn.split(":")[3],
            "records": [
                {
                    "recordId": record.record_id,
                    "approximateArrivalTimestamp": int(record.arrived_at * 1000),
                    "data": base64.b64encode(record.data).decode(),
                }
                for record in batch
            ],
        }
        if self._faults.strikes(self._faults.faults.processor_failure):
            raise _InvocationError("Lambda.FunctionError")
        try:
            client = self._clients("lambda", self._processor.role_arn)
            if not self._function_seen:
                client.get_function_configuration(FunctionName=self._processor.function_arn)
                self._function_seen = True
            answer = client.invoke(FunctionName=self._processor.function_arn, Payload=json.dumps(event))
            payload: bytes = answer["Payload"].read()
        except ClientError as error:
            if error.operation_name == "AssumeRole":
                raise _InvocationError("Lambda.AssumeRoleAccessDenied") from error
            code = error.response["Error"]["Code"]
            raise _InvocationError(_CODES.get(code, "Lambda.InternalServerError")) from error
        except ReadTimeoutError as error:
            raise _InvocationError("Lambda.FunctionTimedOut") from error
        except BotoCoreError as error:
            raise _InvocationError("Lambda.InternalServerError") from error
        if "FunctionError" in answer:
            timed_out = b"Task timed out" in payload
            raise _InvocationError("Lambda.FunctionTimedOut" if timed_out else "Lambda.FunctionError")
        if len(payload) > limits.MAX_LAMBDA_PAYLOAD_BYTES:
            raise _InvocationError("Lambda.FunctionError")
        return payload

    def _failed(self, record: Record, code: str, attempts: int) -> Failed:
        return Failed(record, code, _ERROR_MESSAGES[code], attempts, self._clock.now())


def _invocation_batches(records: Sequence[Record]) -> Iterator[list[Record]]:
    """Split records so that no request exceeds Lambda's payload limit, which many tiny records would."""
    batch: list[Record] = []
    size = _ENVELOPE_BYTES
    for record in records:
        # base64 makes four characters of every three bytes.
        record_size = len(record.data) * 4 // 3 + 4 + _ENVELOPE_BYTES_PER_RECORD
        if batch and size + record_size > limits.MAX_LAMBDA_PAYLOAD_BYTES:
            yield batch
            batch, size = [], _ENVELOPE_BYTES
        batch.append(record)
        size += record_size
    yield batch


def _partition_keys(result: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = result.get("metadata")
    keys = metadata.get("partitionKeys") if isinstance(metadata, dict) else None
    return keys if isinstance(keys, dict) else {}


def _results(payload: bytes) -> list[dict[str, Any]]:
    """Return the answer's results with their data decoded.

    Raises:
        _InvocationError: The answer does not follow the status model; then every record of the batch fails.
    """
    try:
        results: list[dict[str, Any]] = json.loads(payload)["records"]
        for result in results:
            if not isinstance(result["recordId"], str):
                raise TypeError
            if result["result"] not in ("Ok", "Dropped", "ProcessingFailed"):
                raise ValueError
            if result["result"] == "Ok":
                result["data"] = base64.b64decode(result["data"], validate=True)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _InvocationError("Lambda.JsonProcessingException") from error
    return results
