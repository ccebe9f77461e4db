"""What is written to S3, and how: objects, their names, error lines, retries, error logs.

After the Amazon Data Firehose Developer Guide, "Understand data delivery in Amazon Data Firehose", "Configure Amazon
S3 object name format", "Troubleshoot errors in Amazon Data Firehose" and "Monitor Amazon Data Firehose Using
CloudWatch Logs".
"""

import base64
import gzip
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from genesys_firehose_tools.local.firehose.buffers import Buffer
from genesys_firehose_tools.local.firehose.clients import ClientFactory
from genesys_firehose_tools.local.firehose.clock import Clock
from genesys_firehose_tools.local.firehose.configuration import S3Destination, StreamConfiguration
from genesys_firehose_tools.local.firehose.faults import FaultSwitch
from genesys_firehose_tools.local.firehose.prefixes import object_name
from genesys_firehose_tools.local.firehose.processor import Failed

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class SealedObject:
    """An object with its final name, on its way to S3.

    Attributes:
        destination: Where it goes.
        key: Its key, kept through all attempts.
        body: Its bytes as they will be stored.
        records: How many records are in it.
        oldest_arrival: Arrival of its oldest record, in seconds since the epoch.
        partition_keys: Its partition, active until the object is delivered; None outside a partition.
        is_error: Whether it goes to the error output.
        first_tried_at: When the first attempt failed; None before it.
        tried_at: When the last attempt failed; None before the first.
    """

    destination: S3Destination
    key: str
    body: bytes
    records: int
    oldest_arrival: float
    partition_keys: Mapping[str, str] | None
    is_error: bool = False
    first_tried_at: float | None = None
    tried_at: float | None = None


def seal(
    configuration: StreamConfiguration, destination: S3Destination, buffer: Buffer, *, error_type: str = ""
) -> SealedObject:
    """Turn a buffer into the object that its records become.

    Args:
        configuration: The stream's.
        destination: Its primary destination or its backup.
        buffer: At least one record.
        error_type: The `error-output-type`, when the records are error lines.

    Raises:
        PrefixError: The evaluated prefix is too long.
    """
    oldest = min(record.arrived_at for record in buffer.records)
    moment = datetime.fromtimestamp(oldest, destination.time_zone)
    prefix = destination.error_prefix if error_type else destination.prefix
    is_data = destination is configuration.destination and not error_type
    separator = b"\n" if configuration.delimited and is_data else b""
    body = separator.join(record.data for record in buffer.records)
    return SealedObject(
        destination=destination,
        key=prefix.evaluate(moment, partition_keys=buffer.partition_keys, error_type=error_type)
        + object_name(configuration.name, configuration.version, moment, destination.file_extension),
        body=gzip.compress(body, mtime=0) if destination.gzip else body,
        records=len(buffer.records),
        oldest_arrival=oldest,
        partition_keys=buffer.partition_keys if configuration.partitioned and is_data else None,
        is_error=bool(error_type),
    )


def error_line(failed: Failed, function_arn: str | None) -> bytes:
    """Return a failed record as the JSON line that the error output holds."""
    line = {
        "attemptsMade": failed.attempts,
        "arrivalTimestamp": int(failed.source.arrived_at * 1000),
        "errorCode": failed.code,
        "errorMessage": failed.message,
        "attemptEndingTimestamp": int(failed.ended_at * 1000),
        "rawData": base64.b64encode(failed.source.data).decode(),
    }
    if function_arn is not None:
        line["lambdaArn"] = function_arn
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"


class S3Delivery:
    """Writes objects with the permissions of the destination's role."""

    def __init__(self, clients: ClientFactory, errors: "ErrorLog", faults: FaultSwitch) -> None:
        self._clients = clients
        self._errors = errors
        self._faults = faults
        self._checked: set[S3Destination] = set()

    def put(self, sealed: SealedObject) -> bool:
        """Write an object; return whether it is in S3 now."""
        destination = sealed.destination
        encoding = {"ContentEncoding": "gzip"} if destination.gzip else {}
        encryption = (
            {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": destination.kms_key_arn}
            if destination.kms_key_arn
            else {}
        )
        try:
            s3 = self._clients("s3", destination.role_arn)
            if destination not in self._checked:
                self._check_access(destination, sealed.key)
            with _without_checksum(s3) if self._faults.strikes(self._faults.faults.missing_checksum) else nullcontext():
                s3.put_object(
                    Bucket=destination.bucket,
                    Key=sealed.key,
                    Body=sealed.body,
                    ContentType="application/octet-stream",
                    **encoding,
                    **encryption,
                )
        except ClientError as error:
            self._errors.report(destination, f"S3.{error.response['Error']['Code']}", str(error))
            return False
        except BotoCoreError as error:
            self._errors.report(destination, "InternalError", str(error))
            return False
        return True

    def _check_access(self, destination: S3Destination, key: str) -> None:
        """Use every S3 action that AWS asks of the role, so that a missing one stops the delivery here too.

        "Grant Firehose access to an Amazon S3 destination" lists the actions; which request of Firehose's needs
        which of them is not documented.

        Raises:
            ClientError: The role lacks an action.
        """
        s3 = self._clients("s3", destination.role_arn)
        bucket = destination.bucket
        s3.get_bucket_location(Bucket=bucket)
        s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
        s3.list_multipart_uploads(Bucket=bucket, Prefix=key, MaxUploads=1)
        _found_or_missing(s3.head_object, Bucket=bucket, Key=key)
        _found_or_missing(s3.abort_multipart_upload, Bucket=bucket, Key=key, UploadId="none")
        self._checked.add(destination)


@contextmanager
def _without_checksum(s3: Any) -> Iterator[None]:
    """Take the checksum that the SDK adds from the uploads within."""

    def remove(request: Any, **_: object) -> None:
        for name in [each for each in request.headers if each.lower().startswith(("x-amz-checksum-", "x-amz-sdk-"))]:
            del request.headers[name]

    s3.meta.events.register("before-sign.s3.PutObject", remove)
    try:
        yield
    finally:
        s3.meta.events.unregister("before-sign.s3.PutObject", remove)


def _found_or_missing(request: Callable[..., Any], **parameters: str) -> None:
    """Send a request for something that need not exist; to be told so proves the permission."""
    try:
        request(**parameters)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise


class ErrorLog:
    """Reports delivery and transformation errors to the log stream that a destination names, and to our own log."""

    def __init__(self, stream_arn: str, version: str, clients: ClientFactory, clock: Clock) -> None:
        self._stream_arn = stream_arn
        self._version = version
        self._clients = clients
        self._clock = clock

    def report(self, destination: S3Destination, code: str, message: str) -> None:
        """Log one error; a log that cannot be written is passed over, as Firehose guarantees none."""
        logger.warning("%s: %s: %s", self._stream_arn, code, message)
        if destination.error_log is None:
            return
        entry = {
            "deliveryStreamARN": self._stream_arn,
            "destination": f"arn:aws:s3:::{destination.bucket}",
            "deliveryStreamVersionId": self._version,
            "message": message,
            "errorCode": code,
        }
        try:
            self._clients("logs", destination.role_arn).put_log_events(
                logGroupName=destination.error_log.group,
                logStreamName=destination.error_log.name,
                logEvents=[{"timestamp": int(self._clock.now() * 1000), "message": json.dumps(entry)}],
            )
        except (BotoCoreError, ClientError) as error:
            logger.warning("%s: the error log cannot be written: %s", self._stream_arn, error)
