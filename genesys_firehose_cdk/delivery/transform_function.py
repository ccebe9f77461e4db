"""The function that masks events and names their partition, as Firehose's processor."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from genesys_firehose_cdk.common.acknowledgements import acknowledge_wildcard
from genesys_firehose_cdk.common.context import PipelineContext
from genesys_firehose_cdk.common.hmac_key import HmacKey
from genesys_firehose_cdk.common.keys import key_statement
from genesys_firehose_cdk.common.lambda_function import LeastPrivilegeFunction
from genesys_firehose_cdk.common.props import Props
from genesys_firehose_cdk.common.validation import check_memory_size, check_range
from genesys_firehose_cdk.delivery.deduplication_table import DeduplicationTable
from genesys_firehose_cdk.events.event_shapes import EventShapes
from genesys_firehose_cdk.events.masking_plan import compile_plan
from genesys_firehose_cdk.events.masking_policy import MaskingPolicy
from genesys_firehose_cdk.lake.data_lake_bucket import OVERSIZE_PREFIX, DataLakeBucket

# Amazon Data Firehose Developer Guide, "Data transformation": Firehose waits five minutes at most.
TIMEOUT = Duration.minutes(5)


@dataclass(frozen=True, kw_only=True)
class TransformProps(Props, at="transform"):
    """What happens to events between `raw/` and `clean/`, when they arrive and in a rebuild.

    Attributes:
        masking_policy: What happens to personal fields. Default: MaskingPolicy.default().
        event_shapes: The known shapes of events; what differs is named in the record and raises an alarm.
            Default: EventShapes.default().
        existing_tokenization_secret: The secret whose text is the key of the tokens that take the place of personal
            values, such as another pipeline's, so that both give the same tokens. Default: a generated key.
        deduplication_ttl_days: How many days at least an event's key is remembered; 5 to 365, because Genesys Cloud
            retries an EventBridge event for up to four. Default: 7.
        event_date_past_days: How many days old an event may be to get the partition of its own day; an older one goes
            into the day of its arrival. 1 to 3,650. Default: 30.
        event_date_future_days: The same for an event from the future; 0 to 30. Default: 1.
        memory_size: Of the function, 128 to 10,240 MB (AWS Lambda Developer Guide, "Lambda quotas"). Default: 1,024.

    Raises:
        InvalidPropertyError: A number is out of range.
    """

    masking_policy: MaskingPolicy | None = None
    event_shapes: EventShapes | None = None
    existing_tokenization_secret: secretsmanager.ISecret | None = None
    deduplication_ttl_days: int = 7
    event_date_past_days: int = 30
    event_date_future_days: int = 1
    memory_size: int = 1024

    def validate(self) -> None:
        """Check the numbers."""
        for field, low, high, unit, reason in (
            ("deduplication_ttl_days", 5, 365, "days", "longer than any retry"),
            ("event_date_past_days", 1, 3650, "days", "for events that are late"),
            ("event_date_future_days", 0, 30, "days", "for clocks that are off"),
        ):
            check_range(self.name_of(field), getattr(self, field), low, high, unit, reason)
        check_memory_size(self.name_of("memory_size"), self.memory_size)

    @cached_property
    def files(self) -> Mapping[str, str]:
        """The files that the code of transform and rebuild needs beside it, by path."""
        return compile_plan(self.masking_policy or MaskingPolicy.default(), self.event_shapes or EventShapes.default())

    def environment(self, bucket: DataLakeBucket, tokenization_key: HmacKey) -> Mapping[str, str]:
        """What the environment of transform and rebuild must hold."""
        return {
            "TOKENIZATION_SECRET_ARN": tokenization_key.secret.secret_arn,
            "BUCKET_NAME": bucket.bucket.bucket_name,
            "EVENT_DATE_WINDOW_PAST_DAYS": str(self.event_date_past_days),
            "EVENT_DATE_WINDOW_FUTURE_DAYS": str(self.event_date_future_days),
        }


class TransformFunction(LeastPrivilegeFunction):
    """A Lambda function that turns records as received into records for `clean/`.

    It masks personal fields, drops duplicates, and names `event_type`, `date` and schema drift of each record.
    The context's removal policy is the function's, too, because a delivery stream that stays invokes it.

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
        context: PipelineContext,
        bucket: DataLakeBucket,
        deduplication_table: DeduplicationTable,
        tokenization_key: HmacKey,
        props: TransformProps | None = None,
        traced: bool = False,
    ) -> None:
        """Create the function with its log group and role.

        Args:
            scope: The parent construct.
            id: The construct's id.
            context: What the pipeline's constructs share.
            bucket: Where the originals of oversize events are read from.
            deduplication_table: Remembers which received copy of an event owns its key.
            tokenization_key: The key of the tokens that take the place of personal values.
            props: Default: TransformProps().
            traced: Whether Lambda traces it. Default: False.
        """
        props = props or TransformProps()
        oversize = bucket.bucket.arn_for_objects(f"{OVERSIZE_PREFIX}*")
        super().__init__(
            scope,
            id,
            context=context,
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
                "DEDUPLICATION_TTL_DAYS": str(props.deduplication_ttl_days),
                **props.environment(bucket, tokenization_key),
                **context.environment,
            },
            timeout=TIMEOUT,
            memory_size=props.memory_size,
            extra_files=props.files,
            traced=traced,
        )
        # A delivery stream that stays when the stack goes needs it for what it still holds.
        self._keep_on_removal(context.removal_policy)
        acknowledge_wildcard(
            self.policy,
            oversize,
            "The objects are named at run time; the wildcard is one prefix of one bucket, for reading.",
        )
