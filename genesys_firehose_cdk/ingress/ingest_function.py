"""The function behind both front doors: the webhook and the buffer queue."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesisfirehose as firehose
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from genesys_firehose_cdk.common.acknowledgements import SERVERLESS, acknowledge, acknowledge_wildcard
from genesys_firehose_cdk.common.hmac_key import HmacKey
from genesys_firehose_cdk.common.keys import key_statement
from genesys_firehose_cdk.common.lambda_function import LeastPrivilegeFunction
from genesys_firehose_cdk.common.log_settings import LogSettings
from genesys_firehose_cdk.common.validation import InvalidPropertyError, check_header_name, check_range
from genesys_firehose_cdk.ingress.buffer_queue import BufferQueue
from genesys_firehose_cdk.lake.data_lake_bucket import OVERSIZE_PREFIX, DataLakeBucket

# The sender gives up after ten seconds; the function ends its work within eight.
TIMEOUT = Duration.seconds(9)
# AWS Lambda Developer Guide, "Configuring a queue to use with Lambda": six times the function's timeout.
QUEUE_VISIBILITY_TIMEOUT = Duration.seconds(60)
# API Gateway hands the body over in base64, and Lambda takes a request of 6 MB at most (AWS Lambda
# Developer Guide, "Lambda quotas"): 4 MiB become 5.6 MB.
MAX_BODY_BYTES = 4 * 1024 * 1024

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

_FIELD_NAME = re.compile(r"[^\s,.]+")


class SignatureEncoding(Enum):
    """How the sender writes the HMAC."""

    HEX = "hex"
    BASE64 = "base64"


@dataclass(frozen=True, kw_only=True)
class SignatureSettings:
    """How a request is signed: an HMAC-SHA256 of its body in a header.

    Attributes:
        header: The header that holds the signature. Default: X-Genesys-Signature.
        prefix: What stands before the signature in the header. Default: nothing.
        encoding: Default: HEX.
        timestamp_header: A header that holds the time in seconds since 1970; the signed bytes are then
            `<timestamp>.<body>`, because a timestamp that is not signed proves nothing. Default: none.
        timestamp_tolerance: How far the timestamp may be from now; 1 to 3,600 s. Default: 300 s.

        previous_key_validity: How long after a rotation the secret's version AWSPREVIOUS still counts; 0
            to 720 hours. Default: 24 hours.

    Raises:
        InvalidPropertyError: A header is no HTTP header name, or a time is out of range.
    """

    header: str = "X-Genesys-Signature"
    prefix: str = ""
    encoding: SignatureEncoding = SignatureEncoding.HEX
    timestamp_header: str | None = None
    timestamp_tolerance: Duration = Duration.seconds(300)
    previous_key_validity: Duration = Duration.hours(24)

    def __post_init__(self) -> None:
        check_header_name("signature.header", self.header)
        if not (self.prefix.isascii() and self.prefix.isprintable() and self.prefix == self.prefix.strip()):
            raise InvalidPropertyError(
                "signature.prefix", f"is {self.prefix!r}", "printable ASCII without outer blanks is allowed"
            )
        if self.timestamp_header is not None:
            check_header_name("signature.timestamp_header", self.timestamp_header)
            if self.timestamp_header.lower() == self.header.lower():
                raise InvalidPropertyError(
                    "signature.timestamp_header",
                    "is the signature's own header",
                    "another header is allowed",
                )
        check_range(
            "signature.timestamp_tolerance",
            self.timestamp_tolerance.to_seconds(),
            1,
            3600,
            "seconds",
            "because a longer window is no protection against replay",
        )
        check_range(
            "signature.previous_key_validity",
            self.previous_key_validity.to_hours(),
            0,
            720,
            "hours",
            "because a rotation that never ends is none",
        )

    @classmethod
    def open_messaging(cls) -> "SignatureSettings":
        """Return what Genesys Cloud Open Messaging signs with: `X-Hub-Signature-256: sha256=<base64>`."""
        return cls(header="X-Hub-Signature-256", prefix="sha256=", encoding=SignatureEncoding.BASE64)


class IngestFunction(LeastPrivilegeFunction):
    """A Lambda function that takes signed events and puts them to Firehose, or else into the buffer queue.

    It answers the webhook, answers the health check, and consumes the buffer queue.

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
        streams: Sequence[firehose.IDeliveryStream],
        bucket: DataLakeBucket,
        buffer_queue: BufferQueue,
        signing_key: HmacKey | None,
        log_settings: LogSettings,
        pipeline_name: str,
        signature: SignatureSettings | None = None,
        max_body_bytes: int = MAX_BODY_BYTES,
        event_id_field: str = "messageId",
        oversize_fields: Sequence[str] = OVERSIZE_FIELDS,
        queue_max_concurrency: int = 10,
        metrics_namespace: str = "GenesysFirehose",
        memory_size: int = 512,
    ) -> None:
        """Create the function with its log group and role, and let it consume the queue.

        Args:
            scope: The parent construct.
            id: The construct's id.
            streams: The delivery streams that events are put to; an event's key chooses one of them.
            bucket: Where the originals of oversize events are written to.
            buffer_queue: Takes what Firehose does not; its visibility timeout must be 54 s or more.
            signing_key: The key that the sender signs with; None when events come by the queue alone, and
                then no request is accepted.
            log_settings: How the log group is encrypted, kept and removed.
            pipeline_name: The value of the metrics' dimension `Pipeline`.
            signature: Default: the guide's header, hexadecimal.
            max_body_bytes: A longer body is answered with 413; 1,024 to 4,194,304 bytes. Default:
                4,194,304.
            event_id_field: The field, or dotted path, that identifies an event. Default: messageId.
            oversize_fields: The fields that move out of an event above Firehose's record limit of
                1,000 KiB. Default: transcripts, message bodies and attachments.
            queue_max_concurrency: How many invocations drain the queue at once; 2 to 1,000 (AWS Lambda
                Developer Guide, "Configuring scaling behavior for SQS event source mappings"). Default: 10.
            metrics_namespace: Default: GenesysFirehose.
            memory_size: 128 to 10,240 MB. Default: 512.

        Raises:
            InvalidPropertyError: A value that cannot work; the message says why.
        """
        signature = signature or SignatureSettings()
        check_range("max_body_bytes", max_body_bytes, 1024, MAX_BODY_BYTES, "bytes", "to fit a Lambda request")
        check_range("queue_max_concurrency", queue_max_concurrency, 2, 1000, "invocations", "Lambda's own limit")
        _check_field_path("event_id_field", event_id_field)
        if not oversize_fields:
            raise InvalidPropertyError(
                "oversize_fields",
                "is empty",
                "name at least one field, or an event above Firehose's record limit has nowhere to go",
            )
        for name in oversize_fields:
            _check_field_name("oversize_fields", name)
        oversize = bucket.bucket.arn_for_objects(f"{OVERSIZE_PREFIX}*")
        super().__init__(
            scope,
            id,
            package="ingest",
            description="Verifies Genesys Cloud events and puts them to Firehose",
            statements=[
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
                        "sqs:GetQueueAttributes",
                    ],
                    resources=[buffer_queue.queue.queue_arn],
                ),
                key_statement(
                    "BufferKey",
                    buffer_queue.encryption_key,
                    "kms:Decrypt",
                    "kms:GenerateDataKey",
                    via="sqs",
                ),
                *(signing_key.read_statements if signing_key else []),
                iam.PolicyStatement(sid="WriteOversize", actions=["s3:PutObject"], resources=[oversize]),
                key_statement(
                    "EncryptOversize",
                    bucket.raw_key,
                    "kms:GenerateDataKey",
                    via="s3",
                    encryption_context={"aws:s3:arn": [bucket.bucket.bucket_arn, oversize]},
                ),
            ],
            environment={
                "STREAM_NAMES": ",".join(stream.delivery_stream_name for stream in streams),
                "BUFFER_QUEUE_URL": buffer_queue.queue.queue_url,
                "SIGNING_SECRET_ARN": signing_key.secret.secret_arn if signing_key else "",
                "BUCKET_NAME": bucket.bucket.bucket_name,
                "RAW_KEY_ARN": bucket.raw_key.key_arn,
                "SIGNATURE_HEADER": signature.header,
                "SIGNATURE_PREFIX": signature.prefix,
                "SIGNATURE_ENCODING": signature.encoding.value,
                "TIMESTAMP_HEADER": signature.timestamp_header or "",
                "TIMESTAMP_TOLERANCE_SECONDS": str(int(signature.timestamp_tolerance.to_seconds())),
                "PREVIOUS_KEY_VALIDITY_HOURS": str(int(signature.previous_key_validity.to_hours())),
                "MAX_BODY_BYTES": str(max_body_bytes),
                "EVENT_ID_FIELD": event_id_field,
                "OVERSIZE_FIELDS": ",".join(oversize_fields),
                "METRICS_NAMESPACE": metrics_namespace,
                "PIPELINE_NAME": pipeline_name,
            },
            timeout=TIMEOUT,
            memory_size=memory_size,
            log_settings=log_settings,
        )
        mapping = lambda_.EventSourceMapping(
            self,
            "BufferQueue",
            target=self.function,
            event_source_arn=buffer_queue.queue.queue_arn,
            batch_size=10,
            max_batching_window=Duration.seconds(1),
            max_concurrency=queue_max_concurrency,
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
        acknowledge_wildcard(
            self.policy,
            oversize,
            "The objects are named at run time; the wildcard is one prefix of one bucket, for writing.",
        )


def _check_field_path(name: str, path: str) -> None:
    for part in path.split("."):
        _check_field_name(name, part)


def _check_field_name(name: str, value: str) -> None:
    if not _FIELD_NAME.fullmatch(value):
        raise InvalidPropertyError(
            name, f"holds {value!r}", "field names without blanks, commas or empty parts are allowed"
        )
