"""The queue between the front doors and Firehose."""

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from genesys_firehose_cdk.common.acknowledgements import SERVERLESS, acknowledge
from genesys_firehose_cdk.common.context import PipelineContext

# The longest Amazon SQS keeps a message (Amazon SQS Developer Guide, "Amazon SQS message quotas").
RETENTION = Duration.days(14)
# The consumer hides a message for up to 15 minutes after each failure: it is tried for five days, and has nine left in
# the dead-letter queue, because its 14 days go on there (Amazon SQS Developer Guide, "Setting-up dead-letter queue
# retention in Amazon SQS"). At most 1,000 is allowed (Amazon SQS API Reference, "SetQueueAttributes").
MAX_RECEIVE_COUNT = 500


class BufferQueue(Construct):
    """An SQS queue for accepted events that Firehose did not take, with a dead-letter queue behind it.

    Both are encrypted with the given key, refuse plain HTTP, and keep a message for 14 days. What failed is tried
    again after longer and longer times, 15 minutes at most. A message that failed 500 times, which takes five days,
    moves to the dead-letter queue, from where it can be redriven.

    Attributes:
        queue: The buffer.
        dead_letter_queue: Where a message goes after 500 failures, and at once when nobody can read it.
        encryption_key: The KMS key of both.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        context: PipelineContext,
        visibility_timeout: Duration,
    ) -> None:
        """Create both queues.

        Args:
            scope: The parent construct.
            id: The construct's id.
            context: The pipeline's operations key, which encrypts the messages, and its removal policy: what happens
                to the queues, and to events still in them, when the stack goes.
            visibility_timeout: At least six times the consuming function's timeout (AWS Lambda
                Developer Guide, "Configuring a queue to use with Lambda").
        """
        super().__init__(scope, id)
        self.encryption_key = context.operations_key
        self.dead_letter_queue = sqs.Queue(
            self,
            "DeadLetterQueue",
            encryption=sqs.QueueEncryption.KMS,
            encryption_master_key=context.operations_key,
            enforce_ssl=True,
            retention_period=RETENTION,
            removal_policy=context.removal_policy,
        )
        acknowledge(
            self.dead_letter_queue,
            "SQSRedrivePolicy",
            SERVERLESS,
            reason="It is the dead-letter queue itself; an alarm watches that it is empty.",
        )
        self.queue = sqs.Queue(
            self,
            "Queue",
            encryption=sqs.QueueEncryption.KMS,
            encryption_master_key=context.operations_key,
            enforce_ssl=True,
            retention_period=RETENTION,
            visibility_timeout=visibility_timeout,
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letter_queue, max_receive_count=MAX_RECEIVE_COUNT),
            removal_policy=context.removal_policy,
        )

    def grant_redrive(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` move messages from the dead-letter queue to the buffer."""
        # The CDK's own grants of a queue under a key bring the right to use the key along.
        return self.dead_letter_queue.grant_consume_messages(grantee).combine(self.queue.grant_send_messages(grantee))
