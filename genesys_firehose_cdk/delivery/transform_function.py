"""The function that masks events and names their partition, as Firehose's processor."""

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from constructs import Construct

from genesys_firehose_cdk.common.acknowledgements import acknowledge_wildcard
from genesys_firehose_cdk.common.hmac_key import HmacKey
from genesys_firehose_cdk.common.keys import key_statement
from genesys_firehose_cdk.common.lambda_function import LeastPrivilegeFunction
from genesys_firehose_cdk.common.log_settings import LogSettings
from genesys_firehose_cdk.common.validation import check_range
from genesys_firehose_cdk.delivery.deduplication_table import DeduplicationTable
from genesys_firehose_cdk.events.event_shapes import EventShapes
from genesys_firehose_cdk.events.masking_policy import MaskingPolicy
from genesys_firehose_cdk.lake.data_lake_bucket import OVERSIZE_PREFIX, DataLakeBucket

# Amazon Data Firehose Developer Guide, "Data transformation": Firehose waits five minutes at most.
TIMEOUT = Duration.minutes(5)


class TransformFunction(LeastPrivilegeFunction):
    """A Lambda function that turns records as received into records for `clean/`.

    It masks personal fields, drops duplicates, and names `event_type`, `date` and schema drift of each record.

    Attributes:
        function: The function.
        log_group: Its log group.
        policy: The one policy of its role.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        bucket: DataLakeBucket,
        deduplication_table: DeduplicationTable,
        tokenization_key: HmacKey,
        log_settings: LogSettings,
        pipeline_name: str,
        masking_policy: MaskingPolicy | None = None,
        event_shapes: EventShapes | None = None,
        deduplication_ttl_days: int = 7,
        event_date_past_days: int = 30,
        event_date_future_days: int = 1,
        metrics_namespace: str = "GenesysFirehose",
        memory_size: int = 1024,
    ) -> None:
        """Create the function with its log group and role.

        Args:
            scope: The parent construct.
            id: The construct's id.
            bucket: Where the originals of oversize events are read from.
            deduplication_table: Remembers which received copy of an event owns its key.
            tokenization_key: The key of the hashes that take the place of personal values.
            log_settings: How the log group is encrypted, kept and removed.
            pipeline_name: The value of the metrics' dimension `Pipeline`.
            masking_policy: Default: MaskingPolicy.default().
            event_shapes: What differs from them is schema drift. Default: EventShapes.default().
            deduplication_ttl_days: How long a key is remembered; 5 to 365 days, because Genesys Cloud
                retries an EventBridge event for up to four. Default: 7.
            event_date_past_days: An event older than this goes into the partition of its arrival day;
                1 to 3,650 days. Default: 30.
            event_date_future_days: The same for an event from the future; 0 to 30 days. Default: 1.
            metrics_namespace: Default: GenesysFirehose.
            memory_size: 128 to 10,240 MB. Default: 1024.

        Raises:
            InvalidPropertyError: A number is out of range.
        """
        check_range("deduplication_ttl_days", deduplication_ttl_days, 5, 365, "days", "longer than any retry")
        check_range("event_date_past_days", event_date_past_days, 1, 3650, "days", "for events that are late")
        check_range("event_date_future_days", event_date_future_days, 0, 30, "days", "for clocks that are off")
        oversize = bucket.bucket.arn_for_objects(f"{OVERSIZE_PREFIX}*")
        super().__init__(
            scope,
            id,
            package="transform",
            description="Masks Genesys Cloud events and names their partition",
            statements=[
                *deduplication_table.claim_statements,
                *tokenization_key.read_statements,
                iam.PolicyStatement(sid="ReadOversize", actions=["s3:GetObject"], resources=[oversize]),
                key_statement(
                    "DecryptOversize",
                    bucket.raw_key,
                    "kms:Decrypt",
                    via="s3",
                    encryption_context={"aws:s3:arn": [bucket.bucket.bucket_arn, oversize]},
                ),
            ],
            environment={
                "DEDUPLICATION_TABLE": deduplication_table.table.table_name,
                "TOKENIZATION_SECRET_ARN": tokenization_key.secret.secret_arn,
                "BUCKET_NAME": bucket.bucket.bucket_name,
                "METRICS_NAMESPACE": metrics_namespace,
                "PIPELINE_NAME": pipeline_name,
                "EVENT_DATE_WINDOW_PAST_DAYS": str(event_date_past_days),
                "EVENT_DATE_WINDOW_FUTURE_DAYS": str(event_date_future_days),
                "DEDUPLICATION_TTL_DAYS": str(deduplication_ttl_days),
            },
            timeout=TIMEOUT,
            memory_size=memory_size,
            log_settings=log_settings,
            extra_files={
                "transform/policy.json": (masking_policy or MaskingPolicy.default()).to_json(),
                **(event_shapes or EventShapes.default()).to_files(),
            },
        )
        acknowledge_wildcard(
            self.policy,
            oversize,
            "The objects are named at run time; the wildcard is one prefix of one bucket, for reading.",
        )
