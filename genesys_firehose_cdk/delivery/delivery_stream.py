"""The Firehose delivery stream into the data lake."""

from dataclasses import dataclass

from aws_cdk import Duration, Size, Stack, TimeZone
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesisfirehose as firehose
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from genesys_firehose_cdk.common.context import PipelineContext
from genesys_firehose_cdk.common.props import Props
from genesys_firehose_cdk.common.validation import InvalidPropertyError, check_duration, check_range
from genesys_firehose_cdk.delivery.delivery_role import DeliveryRole
from genesys_firehose_cdk.delivery.firehose_networks import without_networks
from genesys_firehose_cdk.delivery.lake_rebuild import LakeRebuildProps
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
_MIB = 1024 * 1024
# Amazon Data Firehose API Reference, "RetryOptions": 7,200 s at most; without it Firehose retries for 300 s alone (AWS
# CDK API Reference, "DynamicPartitioningProps"). CloudFormation and UpdateDestination change it in place.
_PARTITION_RETRY = Duration.seconds(7200)
# More streams write many small objects. A higher quota per stream gives the same throughput without them.
_MOST_SHARDS = 20

_PARTITIONED_PREFIX = (
    f"{CLEAN_PREFIX}event_type=!{{partitionKeyFromLambda:event_type}}/date=!{{partitionKeyFromLambda:date}}/"
)
_UNPARTITIONED_PREFIX = f"{CLEAN_PREFIX}!{{timestamp:yyyy/MM/dd}}/"
_RAW_PREFIX = f"{RAW_PREFIX}!{{timestamp:yyyy/MM/dd/HH}}/"
_ERRORS_PREFIX = f"{ERRORS_PREFIX}!{{firehose:error-output-type}}/!{{timestamp:yyyy/MM/dd}}/"


@dataclass(frozen=True, kw_only=True)
class BufferingProps(Props, at="delivery.buffering"):
    """How long Firehose collects records before it writes an object: until size or interval is reached.

    An unpartitioned destination and the raw backup take both values as they are. A partitioned
    destination takes the interval, and 64 MiB, the least that AWS accepts there, where the size is less:
    the interval bounds the latency, the size only caps an object. The Lambda processor takes the size,
    3 MiB at most, and 20 s at most.

    Dynamic partitioning buffers in stages, which may take 1.5 times the interval. So at the defaults an
    event is in `clean/` after at most 20 s + 1.5 x 60 s = 110 s, and the work itself.

    Attributes:
        size: 1 to 128 MiB, in whole MiB (Amazon Data Firehose API Reference, "BufferingHints"). Default: 1 MiB.
        interval: 0 to 900 s, with dynamic partitioning 60 to 900 s (the same). Default: 60 s.

    Raises:
        InvalidPropertyError: A value that Firehose would refuse.
    """

    size: Size = Size.mebibytes(1)
    interval: Duration = Duration.seconds(60)

    def validate(self) -> None:
        """Check both against Firehose's limits."""
        name = self.name_of("size")
        if self.size.is_unresolved():
            raise InvalidPropertyError(name, "is known at deployment only", "a size known at synthesis is allowed")
        size_bytes = self.size.to_bytes()
        if size_bytes % _MIB:
            raise InvalidPropertyError(
                name, f"is {size_bytes / 1024:,.6g} KiB", "whole MiB are allowed, the unit in which Firehose takes it"
            )
        check_range(name, int(size_bytes // _MIB), 1, _LARGEST_SIZE_MIB, "MiB", "Firehose's own limit")
        self._check_interval(0, "Firehose's own limit")

    def check_partitioned(self) -> None:
        """Refuse an interval that Firehose refuses on a partitioned destination."""
        self._check_interval(_SHORTEST_PARTITIONED_INTERVAL_SECONDS, "Firehose's limit with dynamic partitioning")

    def _check_interval(self, shortest: int, reason: str) -> None:
        check_duration(self.name_of("interval"), self.interval, shortest, _LONGEST_INTERVAL_SECONDS, "seconds", reason)

    def longest_delay_seconds(self, *, is_partitioned: bool) -> float:
        """How long an event waits at most in processor and destination; dynamic partitioning buffers in stages."""
        stages = 1.5 if is_partitioned else 1
        return self.processor_interval.to_seconds() + stages * self.interval.to_seconds()

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


@dataclass(frozen=True, kw_only=True)
class DeliveryProps(Props, at="delivery"):
    """How events get into the lake.

    Attributes:
        buffering: Default: 1 MiB or 60 s; see BufferingProps for what that means with partitions.
        dynamic_partitioning: Partition `clean/` by event type and day; without it there is neither catalog nor
            rebuild. Firehose can't change it on a stream that exists (Amazon Data Firehose Developer Guide, "Enable
            dynamic partitioning"), so a change makes another stream. Default: True.
        shards: Over how many delivery streams events are spread; 1 to 20. Each has a Direct PUT quota of its own
            (Amazon Data Firehose Developer Guide, "Amazon Data Firehose quota"), and writes objects of its own. More
            can be added at any time and leave those that exist as they are. Default: 1.
        stream_encryption_key: Encrypts records while Firehose buffers them. Default: a key that AWS owns.
        restrict_trust_to_account: Trust Firehose only on behalf of this account, by the condition `aws:SourceAccount`.
            AWS does not document that Firehose always sends it, so try it in your account before you rely on it.
            Default: False.
        rebuild: How `clean/` is made anew from `raw/`. Default: LakeRebuildProps().

    Raises:
        InvalidPropertyError: A value that Firehose would refuse, or `rebuild` without partitions.
    """

    buffering: BufferingProps = BufferingProps()
    dynamic_partitioning: bool = True
    shards: int = 1
    stream_encryption_key: kms.IKey | None = None
    restrict_trust_to_account: bool = False
    rebuild: LakeRebuildProps | None = None

    def validate(self) -> None:
        """Check the number of streams, and what depends on partitions."""
        reason = "because a higher quota is the better way"
        check_range(self.name_of("shards"), self.shards, 1, _MOST_SHARDS, "delivery streams", reason)
        if self.dynamic_partitioning:
            self.buffering.check_partitioned()
        elif self.rebuild is not None:
            raise InvalidPropertyError(
                self.name_of("rebuild"),
                "is given with dynamic_partitioning False",
                "it is allowed with partitions alone, because a rebuild writes partitions",
            )


class DataLakeDeliveryStream(Construct):
    """A Direct PUT delivery stream: transformed into `clean/`, as received into `raw/`, failures in `errors/`.

    Everything is GZIP, encrypted at rest, partitioned by `event_type` and `date` unless switched off, and
    delivery failures are logged.

    DeleteDeliveryStream deletes what a stream still holds (Amazon Data Firehose API Reference). So the stream, and what
    it delivers with, is kept by the context's removal policy like what holds data: its role here, the transform
    function by itself. With another `dynamic_partitioning` the stream has another id, and so is a new one; the old one
    delivers what it holds with the same role. docs/runbook.md says how to remove it.

    Attributes:
        stream: The delivery stream. Its `connections` mean nothing, because S3 is in no VPC.
        role: The delivery role.
        log_group: Where Firehose logs delivery failures.
        encryption_key: The customer managed key of the stream; None for a key that AWS owns.
        is_partitioned: Whether `clean/` is partitioned by event type and day.
        longest_delay_seconds: The longest time that buffering keeps an event from `clean/`.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        context: PipelineContext,
        bucket: DataLakeBucket,
        transform_function: lambda_.IFunction,
        props: DeliveryProps | None = None,
    ) -> None:
        """Create the stream, its role and its log group.

        Args:
            scope: The parent construct.
            id: The construct's id.
            context: What the pipeline's constructs share.
            bucket: Where Firehose delivers to.
            transform_function: The processor; it names `event_type` and `date` of each record.
            props: Default: DeliveryProps(). `shards` and `rebuild` are the pipeline's.
        """
        super().__init__(scope, id)
        props = props or DeliveryProps()
        self.encryption_key = props.stream_encryption_key
        self.is_partitioned = props.dynamic_partitioning
        self.longest_delay_seconds = props.buffering.longest_delay_seconds(is_partitioned=props.dynamic_partitioning)
        self.log_group = context.log_group(self, "LogGroup")
        self.role = DeliveryRole(
            self,
            "Role",
            bucket=bucket,
            transform_function=transform_function,
            restrict_trust_to_account=props.restrict_trust_to_account,
            removal_policy=context.removal_policy,
        )
        with without_networks(Stack.of(self)):
            self.stream = firehose.DeliveryStream(
                self,
                # Firehose refuses to change dynamic partitioning on a stream that exists.
                "Stream" if props.dynamic_partitioning else "UnpartitionedStream",
                destination=self._destination(bucket, transform_function, props),
                encryption=(
                    firehose.StreamEncryption.aws_owned_key()
                    if props.stream_encryption_key is None
                    else firehose.StreamEncryption.customer_managed_key(props.stream_encryption_key)
                ),
                role=self.role.role,
            )
        self.stream.apply_removal_policy(context.removal_policy)
        log_streams = [child for child in self.log_group.node.children if isinstance(child, logs.LogStream)]
        for log_stream in log_streams:
            log_stream.apply_removal_policy(context.removal_policy)
        self.role.allow_log_streams(self.log_group, *log_streams)
        # The L2 depends on its own grants. A role without policy updates gets none, so the policy is named here.
        self.stream.node.add_dependency(self.role.policy)

    def _destination(
        self, bucket: DataLakeBucket, transform_function: lambda_.IFunction, props: DeliveryProps
    ) -> firehose.S3Bucket:
        buffering = props.buffering
        is_partitioned = props.dynamic_partitioning
        logging = firehose.EnableLogging(self.log_group)
        processor = firehose.LambdaFunctionProcessor(
            transform_function,
            buffer_interval=buffering.processor_interval,
            buffer_size=buffering.processor_size,
        )
        return firehose.S3Bucket(
            bucket.bucket,
            role=self.role.role,
            processors=[processor],
            dynamic_partitioning=(
                firehose.DynamicPartitioningProps(enabled=True, retry_duration=_PARTITION_RETRY)
                if is_partitioned
                else None
            ),
            buffering_size=buffering.partitioned_size if is_partitioned else buffering.size,
            buffering_interval=buffering.interval,
            compression=firehose.Compression.GZIP,
            data_output_prefix=_PARTITIONED_PREFIX if is_partitioned else _UNPARTITIONED_PREFIX,
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

    def grant_put(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` put records to the stream, and use the stream's customer managed key, if it has one.

        Since April 2026 Firehose checks the rights of the caller of PutRecordBatch on the key (seen in AWS's notices to
        customers).
        """
        putting = iam.Grant.add_to_principal(
            grantee=grantee, actions=["firehose:PutRecordBatch"], resource_arns=[self.stream.delivery_stream_arn]
        )
        key = self.encryption_key
        return putting if key is None else putting.combine(key.grant(grantee, "kms:Decrypt", "kms:GenerateDataKey"))

    def metric_freshness(self) -> cloudwatch.Metric:
        """Age in seconds of the oldest record not yet in `clean/`."""
        return self.stream.metric("DeliveryToS3.DataFreshness", statistic="Maximum")

    def metric_backup_freshness(self) -> cloudwatch.Metric:
        """Age in seconds of the oldest record not yet in `raw/`."""
        return self.stream.metric("BackupToS3.DataFreshness", statistic="Maximum")

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

    def metric_key_failures(self) -> cloudwatch.MathExpression:
        """Number of times that Firehose could not use the stream's customer managed key.

        Amazon Data Firehose Developer Guide, "Monitor Amazon Data Firehose with CloudWatch metrics": metrics of
        server-side encryption.
        """
        period = Duration.minutes(5)
        reasons = ("AccessDenied", "Disabled", "InvalidState", "NotFound")
        metrics: dict[str, cloudwatch.IMetric] = {
            f"key{reason}": self.stream.metric(f"KMSKey{reason}", statistic="Sum", period=period) for reason in reasons
        }
        expression = " + ".join(f"FILL({name}, 0)" for name in metrics)
        return cloudwatch.MathExpression(
            expression=expression, using_metrics=metrics, label="Failed uses of the key", period=period
        )

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
