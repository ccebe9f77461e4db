"""What a stream does, read from its DescribeDeliveryStream answer and checked as CreateDeliveryStream would."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from genesys_firehose_tools.local.firehose import limits
from genesys_firehose_tools.local.firehose.buffers import BufferingHints
from genesys_firehose_tools.local.firehose.prefixes import DEFAULT_TIME_PREFIX, Prefix, PrefixError


class ConfigurationError(ValueError):
    """A stream that AWS would not have created, or that uses what the local Firehose does not model."""


@dataclass(frozen=True, slots=True)
class ErrorLogStream:
    """Where a stream's errors are logged in CloudWatch Logs."""

    group: str
    name: str


@dataclass(frozen=True, slots=True)
class S3Destination:
    """One place in S3 that a stream writes to: the transformed data with its errors, or the source record backup.

    Attributes:
        bucket: The bucket's name.
        role_arn: The role Firehose assumes to write.
        prefix: Prefix of the delivered objects.
        error_prefix: Prefix of the error output; the backup's is never used.
        hints: When a buffer is written.
        gzip: Whether objects are compressed.
        kms_key_arn: The key that encrypts its objects; None leaves that to the bucket.
        time_zone: Zone of the times in prefixes and object names.
        file_extension: The end of every object's name.
        error_log: Where delivery errors are logged; None when logging is off.
    """

    bucket: str
    role_arn: str
    prefix: Prefix
    error_prefix: Prefix
    hints: BufferingHints
    gzip: bool
    kms_key_arn: str | None
    time_zone: ZoneInfo
    file_extension: str
    error_log: ErrorLogStream | None


@dataclass(frozen=True, slots=True)
class Processor:
    """The transform function and its own buffer.

    Attributes:
        function_arn: The function, possibly with a qualifier.
        role_arn: The role Firehose assumes to invoke it.
        hints: When a batch is handed to it.
        retries: Further attempts after a failed one.
    """

    function_arn: str
    role_arn: str
    hints: BufferingHints
    retries: int


@dataclass(frozen=True, slots=True)
class StreamConfiguration:
    """Everything a stream needs to work.

    Attributes:
        name: The stream's name.
        arn: Its ARN.
        version: Its version, which is in every object's name.
        encrypted: Whether server-side encryption is on; puts repeat it in their answers.
        destination: The primary destination.
        partitioned: Whether dynamic partitioning is on.
        partition_retry_seconds: How long an object of a partition is tried before it is given up.
        processor: The transform function; None without one.
        delimited: Whether a newline goes between the records of a delivered object.
        backup: The source record backup; None when it is off.
    """

    name: str
    arn: str
    version: str
    encrypted: bool
    destination: S3Destination
    partitioned: bool
    partition_retry_seconds: int
    processor: Processor | None
    delimited: bool
    backup: S3Destination | None

    @property
    def region(self) -> str:
        """The stream's region."""
        return self.arn.split(":")[3]


def read_configuration(description: Mapping[str, Any]) -> StreamConfiguration:
    """Read a `DeliveryStreamDescription`.

    Raises:
        ConfigurationError: AWS would have refused the stream, or something in it is not modelled.
    """
    name = description["DeliveryStreamName"]
    try:
        return _read(description)
    except (ConfigurationError, PrefixError) as error:
        raise ConfigurationError(f"Stream {name}: {error}") from None


def _read(description: Mapping[str, Any]) -> StreamConfiguration:
    if description["DeliveryStreamType"] != "DirectPut":
        raise ConfigurationError(f"the source {description['DeliveryStreamType']} is not modelled, only DirectPut.")
    destinations = description["Destinations"]
    extended = destinations[0].get("ExtendedS3DestinationDescription") if destinations else None
    if extended is None:
        raise ConfigurationError("its destination is not modelled, only ExtendedS3.")
    if extended.get("DataFormatConversionConfiguration", {}).get("Enabled", False):
        raise ConfigurationError("data format conversion is not modelled.")
    partitioning = extended.get("DynamicPartitioningConfiguration", {})
    partitioned = partitioning.get("Enabled", False)
    processing = extended.get("ProcessingConfiguration", {})
    processors = {
        each["Type"]: {one["ParameterName"]: one["ParameterValue"] for one in each.get("Parameters", [])}
        for each in (processing.get("Processors", []) if processing.get("Enabled") else [])
    }
    if unknown := processors.keys() - {"Lambda", "AppendDelimiterToRecord"}:
        raise ConfigurationError(f"the processor {min(unknown)} is not modelled.")
    backup = extended.get("S3BackupDescription") if extended.get("S3BackupMode") == "Enabled" else None
    return StreamConfiguration(
        name=description["DeliveryStreamName"],
        arn=description["DeliveryStreamARN"],
        version=description["VersionId"],
        encrypted=description.get("DeliveryStreamEncryptionConfiguration", {}).get("Status") == "ENABLED",
        destination=_destination(extended, partitioned=partitioned),
        partitioned=partitioned,
        partition_retry_seconds=_partition_retry(partitioning),
        processor=_processor(processors["Lambda"], extended["RoleARN"]) if "Lambda" in processors else None,
        delimited="AppendDelimiterToRecord" in processors,
        backup=None if backup is None else _destination(backup, partitioned=False),
    )


def _partition_retry(partitioning: Mapping[str, Any]) -> int:
    seconds: int = partitioning.get("RetryOptions", {}).get("DurationInSeconds", limits.DEFAULT_PARTITION_RETRY_SECONDS)
    if not 0 <= seconds <= limits.MAX_PARTITION_RETRY_SECONDS:
        raise ConfigurationError(
            f"RetryOptions.DurationInSeconds must be from 0 to {limits.MAX_PARTITION_RETRY_SECONDS}, not {seconds}."
        )
    return seconds


def _destination(described: Mapping[str, Any], *, partitioned: bool) -> S3Destination:
    prefix = described.get("Prefix", "")
    error_prefix = described.get("ErrorOutputPrefix", "")
    compression = described.get("CompressionFormat", "UNCOMPRESSED")
    if compression not in ("GZIP", "UNCOMPRESSED"):
        raise ConfigurationError(f"the compression {compression} is not modelled, only GZIP and UNCOMPRESSED.")
    zone = described.get("CustomTimeZone") or "UTC"
    try:
        time_zone = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise ConfigurationError(f"the time zone {zone!r} is not known.") from None
    hints = described.get("BufferingHints", {})
    logging = described.get("CloudWatchLoggingOptions", {})
    _check_prefixes(
        Prefix(prefix), Prefix(error_prefix), partitioned=partitioned, backup="S3BackupMode" not in described
    )
    _check_hints(hints, partitioned=partitioned)
    sample = datetime.now(time_zone)
    for expression in (error_prefix, "" if partitioned else prefix):
        Prefix(expression).evaluate(sample, error_type="metadata-extraction-failed")
    return S3Destination(
        bucket=described["BucketARN"].rpartition(":")[2],
        role_arn=described["RoleARN"],
        prefix=Prefix(prefix if partitioned or Prefix(prefix).has_timestamp else prefix + DEFAULT_TIME_PREFIX),
        error_prefix=Prefix(error_prefix or f"{prefix}!{{firehose:error-output-type}}/{DEFAULT_TIME_PREFIX}"),
        hints=BufferingHints(
            size_bytes=hints.get("SizeInMBs", 5) * limits.MIB,
            interval_seconds=hints.get("IntervalInSeconds", 300),
        ),
        gzip=compression == "GZIP",
        kms_key_arn=described.get("EncryptionConfiguration", {}).get("KMSEncryptionConfig", {}).get("AWSKMSKeyARN"),
        time_zone=time_zone,
        file_extension=described.get("FileExtension") or (".gz" if compression == "GZIP" else ""),
        error_log=ErrorLogStream(logging["LogGroupName"], logging["LogStreamName"]) if logging.get("Enabled") else None,
    )


def _check_prefixes(prefix: Prefix, error_prefix: Prefix, *, partitioned: bool, backup: bool) -> None:
    # "Understand custom prefixes for Amazon S3 objects", semantic rules.
    if prefix.names_error_type:
        raise ConfigurationError("Prefix must not contain !{firehose:error-output-type}.")
    if error_prefix.partition_keys:
        raise ConfigurationError("ErrorOutputPrefix must not contain partition keys.")
    if error_prefix.has_expressions and not error_prefix.names_error_type:
        raise ConfigurationError("ErrorOutputPrefix must contain !{firehose:error-output-type}.")
    if prefix.has_expressions and not error_prefix.expression and not backup:
        raise ConfigurationError("ErrorOutputPrefix must be given, because Prefix contains expressions.")
    if bool(prefix.partition_keys) != partitioned:
        raise ConfigurationError("Prefix must contain partition keys if, and only if, dynamic partitioning is on.")


def _check_hints(hints: Mapping[str, int], *, partitioned: bool) -> None:
    size, interval = hints.get("SizeInMBs", 5), hints.get("IntervalInSeconds", 300)
    smallest = limits.MIN_DYNAMIC_PARTITIONING_BUFFER_MIB if partitioned else 1
    if not smallest <= size <= 128:
        raise ConfigurationError(f"BufferingHints.SizeInMBs must be from {smallest} to 128, not {size}.")
    if not (60 if partitioned else 0) <= interval <= 900:
        raise ConfigurationError(
            f"BufferingHints.IntervalInSeconds must be from {60 if partitioned else 0} to 900, not {interval}."
        )


def _processor(parameters: Mapping[str, str], destination_role_arn: str) -> Processor:
    # "Transform source data in Amazon Data Firehose": 0.2 to 3 MB, default 1; 0 to 900 seconds, default 60.
    size = float(parameters.get("BufferSizeInMBs", "1"))
    interval = int(parameters.get("BufferIntervalInSeconds", "60"))
    if not 0.2 <= size <= 3:
        raise ConfigurationError(f"the processor's BufferSizeInMBs must be from 0.2 to 3, not {size}.")
    if not 0 <= interval <= 900:
        raise ConfigurationError(f"the processor's BufferIntervalInSeconds must be from 0 to 900, not {interval}.")
    return Processor(
        function_arn=parameters["LambdaArn"],
        role_arn=parameters.get("RoleArn", destination_role_arn),
        hints=BufferingHints(int(size * limits.MIB), interval),
        retries=int(parameters.get("NumberOfRetries", str(limits.DEFAULT_LAMBDA_RETRIES))),
    )
