"""The function behind both ways in: the webhook and the buffer queue."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesisfirehose as firehose
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from genesys_firehose_cdk.common.acknowledgements import SERVERLESS, acknowledge, acknowledge_wildcard
from genesys_firehose_cdk.common.context import PipelineContext
from genesys_firehose_cdk.common.hmac_key import HmacKey
from genesys_firehose_cdk.common.keys import key_statement
from genesys_firehose_cdk.common.lambda_function import LeastPrivilegeFunction
from genesys_firehose_cdk.common.props import Props
from genesys_firehose_cdk.common.validation import (
    InvalidPropertyError,
    check_field_names,
    check_memory_size,
    check_range,
)
from genesys_firehose_cdk.ingress.buffer_queue import BufferQueue
from genesys_firehose_cdk.ingress.webhook import WebhookProps
from genesys_firehose_cdk.lake.data_lake_bucket import OVERSIZE_PREFIX, DataLakeBucket

_BATCH_SIZE = 10
# The sender gives up after ten seconds; the function ends its work within eight.
TIMEOUT = Duration.seconds(9)
# AWS Lambda Developer Guide, "Configuring a queue to use with Lambda": six times the function's timeout.
QUEUE_VISIBILITY_TIMEOUT = Duration.seconds(60)

OVERSIZE_FIELDS = (
    "transcripts",
    "transcript",
    "decoratedTranscript",
    "words",
    "decoratedWords",
    "messages",
    "text",
    "body",
    "content",
    "attachments",
)


@dataclass(frozen=True, kw_only=True)
class IngestProps(Props, at="ingest"):
    """How events are taken in, whichever way they come.

    Attributes:
        event_id_field: The field, or dotted path, that identifies an event. Default: messageId.
        oversize_fields: The fields that move out of an event above Firehose's record limit of 1,000 KiB (Amazon Data
            Firehose Developer Guide, "Amazon Data Firehose quota"). Default: transcripts, message bodies, attachments.
        max_events: How many events a request or a message of the queue may hold, 1 to 10,000: each becomes a record of
            its own, billed as 5 KB at least (Amazon Data Firehose pricing). A request with more gets HTTP 413, a
            message with more goes to the dead-letter queue. Default: 1,000.
        queue_max_concurrency: How many invocations drain the queue at once; 2 to 1,000 (AWS Lambda Developer Guide,
            "Configuring scaling behavior for SQS event source mappings"). Default: 10.
        memory_size: Of the function, 128 to 10,240 MB (AWS Lambda Developer Guide, "Lambda quotas"). Default: 512.

    Raises:
        InvalidPropertyError: A field name can't be one, or a number is out of range.
    """

    event_id_field: str = "messageId"
    oversize_fields: Sequence[str] = OVERSIZE_FIELDS
    max_events: int = 1000
    queue_max_concurrency: int = 10
    memory_size: int = 512

    def validate(self) -> None:
        """Check names and numbers."""
        check_field_names(self.name_of("event_id_field"), self.event_id_field.split("."))
        if not self.oversize_fields:
            raise InvalidPropertyError(
                self.name_of("oversize_fields"),
                "is empty",
                "name at least one field, or an event above Firehose's record limit has nowhere to go",
            )
        check_field_names(self.name_of("oversize_fields"), self.oversize_fields)
        reason = "to be stored before the sender gives up"
        check_range(self.name_of("max_events"), self.max_events, 1, 10_000, "events", reason)
        name = self.name_of("queue_max_concurrency")
        check_range(name, self.queue_max_concurrency, 2, 1000, "invocations", "Lambda's own limit")
        check_memory_size(self.name_of("memory_size"), self.memory_size)


class IngestFunction(LeastPrivilegeFunction):
    """A Lambda function that takes signed events and puts them to Firehose, or else into the buffer queue.

    It answers the webhook, answers the health check, and consumes the buffer queue. Whoever may invoke it directly gets
    more of its health from the payload `{"operatorView": true}`: the signing key's age, and the forged requests.

    Attributes:
        function: The function.
        log_group: Its log group.
        policy: The one policy of its role.
        messages_at_once: How many messages of the queue it works on at once, at most.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        context: PipelineContext,
        streams: Sequence[firehose.IDeliveryStream],
        bucket: DataLakeBucket,
        buffer_queue: BufferQueue,
        stream_encryption_key: kms.IKey | None = None,
        signing_key: HmacKey | None = None,
        webhook: WebhookProps | None = None,
        props: IngestProps | None = None,
        traced: bool = False,
    ) -> None:
        """Create the function with its log group and role, and let it consume the queue.

        Args:
            scope: The parent construct.
            id: The construct's id.
            context: What the pipeline's constructs share.
            streams: The delivery streams that events are put to; an event's key chooses one of them.
            bucket: Where the originals of oversize events are written to.
            buffer_queue: Takes what Firehose does not; its visibility timeout must be 54 s or more.
            stream_encryption_key: The customer managed key of the streams. Default: none, AWS owns it.
            signing_key: The key that the sender signs with. Default: none, events come by the queue alone, and no
                request is accepted.
            webhook: How requests are signed, and how long they may be. Default: WebhookProps().
            props: Default: IngestProps().
            traced: Whether Lambda traces it; behind a REST API as often as the API says. Default: False.
        """
        props = props or IngestProps()
        webhook = webhook or WebhookProps()
        oversize = bucket.bucket.arn_for_objects(f"{OVERSIZE_PREFIX}*")
        super().__init__(
            scope,
            id,
            context=context,
            package="ingest",
            description="Verifies Genesys Cloud events and puts them to Firehose",
            statements=[
                *_statements(streams, bucket, buffer_queue, signing_key, oversize),
                *([] if stream_encryption_key is None else [stream_key_statement(stream_encryption_key)]),
            ],
            environment={
                "STREAM_NAMES": ",".join(stream.delivery_stream_name for stream in streams),
                "BUFFER_QUEUE_URL": buffer_queue.queue.queue_url,
                "DEAD_LETTER_QUEUE_URL": buffer_queue.dead_letter_queue.queue_url,
                "RETRY_DELAY_SECONDS": str(int(QUEUE_VISIBILITY_TIMEOUT.to_seconds())),
                "SIGNING_SECRET_ARN": signing_key.secret.secret_arn if signing_key else "",
                "BUCKET_NAME": bucket.bucket.bucket_name,
                "RAW_KEY_ARN": bucket.raw_key.key_arn,
                "EVENT_ID_FIELD": props.event_id_field,
                "OVERSIZE_FIELDS": ",".join(props.oversize_fields),
                "MAX_EVENTS": str(props.max_events),
                "PREVIOUS_KEY_VALIDITY_HOURS": str(int(webhook.signature.previous_key_validity.to_hours())),
                "MAX_BODY_BYTES": str(webhook.body_limit),
                **webhook.signature.environment,
                **context.environment,
            },
            timeout=TIMEOUT,
            memory_size=props.memory_size,
            traced=traced,
        )
        if signing_key is not None:
            webhook.signature.warn_of_shared_key(self)
        self.messages_at_once = _BATCH_SIZE * props.queue_max_concurrency
        self._consume(buffer_queue, props.queue_max_concurrency)
        acknowledge_wildcard(
            self.policy,
            oversize,
            "The objects are named at run time; the wildcard is one prefix of one bucket, for writing.",
        )

    def _consume(self, buffer_queue: BufferQueue, max_concurrency: int) -> None:
        mapping = lambda_.EventSourceMapping(
            self,
            "BufferQueue",
            target=self.function,
            event_source_arn=buffer_queue.queue.queue_arn,
            batch_size=_BATCH_SIZE,
            max_batching_window=Duration.seconds(1),
            max_concurrency=max_concurrency,
            report_batch_item_failures=True,
        )
        # Lambda checks the role's rights to the queue when the mapping is made.
        mapping.node.add_dependency(self.policy)
        acknowledge(
            mapping,
            "LambdaEventSourceMappingDestination",
            SERVERLESS,
            reason="Lambda knows no failure destination for a queue; the queue has a dead-letter queue.",
        )


def _statements(
    streams: Sequence[firehose.IDeliveryStream],
    bucket: DataLakeBucket,
    buffer_queue: BufferQueue,
    signing_key: HmacKey | None,
    oversize: str,
) -> list[iam.PolicyStatement]:
    return [
        iam.PolicyStatement(
            sid="PutEvents",
            actions=["firehose:PutRecordBatch", "firehose:DescribeDeliveryStream"],
            resources=[stream.delivery_stream_arn for stream in streams],
        ),
        iam.PolicyStatement(
            sid="Buffer",
            actions=[
                "sqs:SendMessage",
                "sqs:ReceiveMessage",
                "sqs:DeleteMessage",
                "sqs:ChangeMessageVisibility",
                "sqs:GetQueueAttributes",
            ],
            resources=[buffer_queue.queue.queue_arn],
        ),
        iam.PolicyStatement(
            sid="SetAside", actions=["sqs:SendMessage"], resources=[buffer_queue.dead_letter_queue.queue_arn]
        ),
        key_statement("BufferKey", buffer_queue.encryption_key, "kms:Decrypt", "kms:GenerateDataKey", via="sqs"),
        *(signing_key.read_statements if signing_key else []),
        iam.PolicyStatement(sid="WriteOversize", actions=["s3:PutObject"], resources=[oversize]),
        key_statement(
            "EncryptOversize",
            bucket.raw_key,
            "kms:GenerateDataKey",
            via="s3",
            encryption_context={"aws:s3:arn": [bucket.bucket.bucket_arn, oversize]},
        ),
    ]


def stream_key_statement(key: kms.IKey) -> iam.PolicyStatement:
    """Let the role put records to a stream under a customer managed key.

    Since April 2026 Firehose checks the rights of the caller of PutRecordBatch on the key (seen in AWS's notices to
    customers). That the caller's use carries the condition kms:ViaService is documented nowhere, so none is set.
    """
    return iam.PolicyStatement(sid="StreamKey", actions=["kms:Decrypt", "kms:GenerateDataKey"], resources=[key.key_arn])
