"""The Firehose delivery stream into the data lake."""

from dataclasses import dataclass

from aws_cdk import Duration, Size, TimeZone
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_kinesisfirehose as firehose
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from genesys_firehose_cdk.common.log_settings import LogSettings
from genesys_firehose_cdk.common.validation import InvalidPropertyError, check_range
from genesys_firehose_cdk.delivery.delivery_role import DeliveryRole
from genesys_firehose_cdk.lake.data_lake_bucket import CLEAN_PREFIX, ERRORS_PREFIX, RAW_PREFIX, DataLakeBucket

# Amazon Data Firehose API Reference, "BufferingHints", and Developer Guide, "Dynamic partitioning":
# a partitioned destination takes 64 to 128 MiB and 60 to 900 s, any other 1 to 128 MiB and 0 to 900 s.
_LARGEST_SIZE_MIB = 128
_SMALLEST_PARTITIONED_SIZE_MIB = 64
_LONGEST_INTERVAL_SECONDS = 900
_SHORTEST_PARTITIONED_INTERVAL_SECONDS = 60
# Developer Guide, "Data transformation": the processor buffers 0.2 to 3 MB, so that a batch and its
# answer, both base64, fit the 6 MB of a Lambda call.
_LARGEST_PROCESSOR_SIZE_MIB = 3
_PROCESSOR_INTERVAL_SECONDS = 20

_PARTITIONED_PREFIX = (
    f"{CLEAN_PREFIX}event_type=!{{partitionKeyFromLambda:event_type}}/date=!{{partitionKeyFromLambda:date}}/"
)
_UNPARTITIONED_PREFIX = f"{CLEAN_PREFIX}!{{timestamp:yyyy/MM/dd}}/"
_RAW_PREFIX = f"{RAW_PREFIX}!{{timestamp:yyyy/MM/dd/HH}}/"
_ERRORS_PREFIX = f"{ERRORS_PREFIX}!{{firehose:error-output-type}}/!{{timestamp:yyyy/MM/dd}}/"


@dataclass(frozen=True, kw_only=True)
class Buffering:
    """How long Firehose collects records before it writes an object: until size or interval is reached.

    An unpartitioned destination and the raw backup take both values as they are. A partitioned
    destination takes the interval, and 64 MiB, the least that AWS accepts there, where the size is less:
    the interval bounds the latency, the size only caps an object. The Lambda processor takes the size,
    3 MiB at most, and 20 s at most.

    Dynamic partitioning buffers in stages, which may take 1.5 times the interval. So at the defaults an
    event is in `clean/` after at most 20 s + 1.5 x 60 s = 110 s, and the work itself.

    Attributes:
        size: 1 to 128 MiB, in whole MiB. Default: 1 MiB.
        interval: 0 to 900 s, with dynamic partitioning 60 to 900 s. Default: 60 s.

    Raises:
        InvalidPropertyError: A value that Firehose would refuse.
    """

    size: Size = Size.mebibytes(1)
    interval: Duration = Duration.seconds(60)

    def __post_init__(self) -> None:
        if self.size.to_kibibytes() % 1024:
            raise InvalidPropertyError(
                "buffering.size",
                f"is {self.size.to_kibibytes():,} KiB",
                "whole MiB are allowed, the unit in which Firehose takes it",
            )
        check_range("buffering.size", self.size.to_mebibytes(), 1, _LARGEST_SIZE_MIB, "MiB", "Firehose's own limit")
        check_range(
            "buffering.interval",
            self.interval.to_seconds(),
            0,
            _LONGEST_INTERVAL_SECONDS,
            "seconds",
            "Firehose's own limit",
        )

    def check_partitioned(self) -> None:
        """Refuse an interval that Firehose refuses on a partitioned destination."""
        check_range(
            "buffering.interval",
            self.interval.to_seconds(),
            _SHORTEST_PARTITIONED_INTERVAL_SECONDS,
            _LONGEST_INTERVAL_SECONDS,
            "seconds",
            "Firehose's limit with dynamic partitioning",
        )

    @property
    def partitioned_size(self) -> Size:
        """The size for a partitioned destination."""
        return Size.mebibytes(max(_SMALLEST_PARTITIONED_SIZE_MIB, self.size.to_mebibytes()))

    @property
    def processor_size(self) -> Size:
        """The size for the Lambda processor."""
        return Size.mebibytes(min(_LARGEST_PROCESSOR_SIZE_MIB, self.size.to_mebibytes()))

    @property
    def processor_interval(self) -> Duration:
        """The interval for the Lambda processor."""
        return Duration.seconds(min(_PROCESSOR_INTERVAL_SECONDS, self.interval.to_seconds()))


class DataLakeDeliveryStream(Construct):
    """A Direct PUT delivery stream: transformed into `clean/`, as received into `raw/`, failures in `errors/`.

    Everything is GZIP, encrypted at rest, partitioned by `event_type` and `date` unless switched off, and
    delivery failures are logged. Firehose can neither switch dynamic partitioning on for a stream that
    exists nor the raw backup off again; changing `dynamic_partitioning` therefore replaces the stream.

    Attributes:
        stream: The delivery stream.
        role: The delivery role.
        log_group: Where Firehose logs delivery failures.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        bucket: DataLakeBucket,
        transform_function: lambda_.IFunction,
        log_settings: LogSettings,
        buffering: Buffering | None = None,
        dynamic_partitioning: bool = True,
        stream_encryption_key: kms.IKey | None = None,
        restrict_trust_to_account: bool = False,
    ) -> None:
        """Create the stream, its role and its log group.

        Args:
            scope: The parent construct.
            id: The construct's id.
            bucket: Where Firehose delivers to.
            transform_function: The processor; it names `event_type` and `date` of each record.
            log_settings: How the log group of delivery failures is encrypted, kept and removed.
            buffering: Default: 1 MiB or 60 s.
            dynamic_partitioning: Partition `clean/` by event type and day. Default: True.
            stream_encryption_key: Encrypts records while Firehose buffers them. Default: a key that AWS
                owns.
            restrict_trust_to_account: See DeliveryRole. Default: False.

        Raises:
            InvalidPropertyError: `buffering` cannot work with `dynamic_partitioning`.
        """
        super().__init__(scope, id)
        buffering = buffering or Buffering()
        if dynamic_partitioning:
            buffering.check_partitioned()
        self.log_group = log_settings.log_group(self, "LogGroup")
        self.role = DeliveryRole(
            self,
            "Role",
            bucket=bucket,
            transform_function=transform_function,
            restrict_trust_to_account=restrict_trust_to_account,
        )
        logging = firehose.EnableLogging(self.log_group)
        processor = firehose.LambdaFunctionProcessor(
            transform_function,
            buffer_interval=buffering.processor_interval,
            buffer_size=buffering.processor_size,
        )
        destination = firehose.S3Bucket(
            bucket.bucket,
            role=self.role.role,
            processors=[processor],
            dynamic_partitioning=firehose.DynamicPartitioningProps(enabled=True) if dynamic_partitioning else None,
            buffering_size=buffering.partitioned_size if dynamic_partitioning else buffering.size,
            buffering_interval=buffering.interval,
            compression=firehose.Compression.GZIP,
            data_output_prefix=_PARTITIONED_PREFIX if dynamic_partitioning else _UNPARTITIONED_PREFIX,
            error_output_prefix=_ERRORS_PREFIX,
            encryption_key=bucket.clean_key,
            file_extension=".json.gz",
            time_zone=TimeZone.of("UTC"),
            logging_config=logging,
            s3_backup=firehose.DestinationS3BackupProps(
                bucket=bucket.bucket,
                mode=firehose.BackupMode.ALL,
                buffering_size=buffering.size,
                buffering_interval=buffering.interval,
                compression=firehose.Compression.GZIP,
                data_output_prefix=_RAW_PREFIX,
                error_output_prefix=_ERRORS_PREFIX,
                encryption_key=bucket.raw_key,
                logging_config=logging,
            ),
        )
        self.stream = firehose.DeliveryStream(
            self,
            "Stream",
            destination=destination,
            encryption=(
                firehose.StreamEncryption.aws_owned_key()
                if stream_encryption_key is None
                else firehose.StreamEncryption.customer_managed_key(stream_encryption_key)
            ),
            role=self.role.role,
        )
        log_streams = [child for child in self.log_group.node.children if isinstance(child, logs.LogStream)]
        self.role.allow_log_streams(self.log_group, *log_streams)
        # The L2 depends on its own grants, which a role without policy updates does not make.
        self.stream.node.add_dependency(self.role.policy)

    def metric_freshness(self) -> cloudwatch.Metric:
        """Age in seconds of the oldest record not yet in `clean/`."""
        return self.stream.metric("DeliveryToS3.DataFreshness", statistic="Maximum")

    def metric_delivery_success(self) -> cloudwatch.Metric:
        """Share of successful writes to `clean/`, 0 to 1."""
        return self.stream.metric("DeliveryToS3.Success", statistic="Average")

    def metric_backup_success(self) -> cloudwatch.Metric:
        """Share of successful writes to `raw/`, 0 to 1."""
        return self.stream.metric("BackupToS3.Success", statistic="Average")

    def metric_processing_success(self) -> cloudwatch.Metric:
        """Share of successful invocations of the transform function, 0 to 1."""
        return self.stream.metric("ExecuteProcessing.Success", statistic="Average")

    def metric_throttled(self) -> cloudwatch.Metric:
        """Number of records that Firehose refused because of its quota."""
        return self.stream.metric("ThrottledRecords", statistic="Sum")

    def metric_partition_count_exceeded(self) -> cloudwatch.Metric:
        """1 while there are more active partitions than the quota allows."""
        return self.stream.metric("PartitionCountExceeded", statistic="Maximum")

    def metric_quota_use(self) -> cloudwatch.MathExpression:
        """The highest share of a Direct PUT quota in use, bytes, records or requests; 1 is all of it.

        Amazon Data Firehose Developer Guide, "Usage metrics" and "Best practices with CloudWatch alarms".
        """
        period = Duration.minutes(5)
        pairs = {
            "bytes": ("IncomingBytes", "BytesPerSecondLimit"),
            "records": ("IncomingRecords", "RecordsPerSecondLimit"),
            "requests": ("IncomingPutRequests", "PutRequestsPerSecondLimit"),
        }
        metrics: dict[str, cloudwatch.IMetric] = {}
        for name, (incoming, limit) in pairs.items():
            metrics[f"{name}In"] = self.stream.metric(incoming, statistic="Sum", period=period)
            metrics[f"{name}Limit"] = self.stream.metric(limit, statistic="Minimum", period=period)
        shares = ", ".join(f"{name}In / 300 / {name}Limit" for name in pairs)
        return cloudwatch.MathExpression(
            expression=f"MAX([{shares}])", using_metrics=metrics, label="Share of quota", period=period
        )
