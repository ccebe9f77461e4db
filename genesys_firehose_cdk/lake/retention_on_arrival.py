"""Gives every new object version its retention seconds after it has landed."""

from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from genesys_firehose_cdk.common.acknowledgements import SERVERLESS, acknowledge, acknowledge_wildcard
from genesys_firehose_cdk.common.alarm import AlarmSection, AlarmSeverity, PipelineAlarm
from genesys_firehose_cdk.common.context import PERIOD, PipelineContext
from genesys_firehose_cdk.common.keys import key_statement
from genesys_firehose_cdk.common.lambda_function import LeastPrivilegeFunction
from genesys_firehose_cdk.common.validation import InvalidPropertyError
from genesys_firehose_cdk.lake.data_lake_bucket import LOCKED_PREFIXES, DataLakeBucket, DataLakeBucketProps

_TIMEOUT = Duration.minutes(1)
# AWS Lambda Developer Guide, "Configuring a queue to use with Lambda": six times the function's timeout.
_VISIBILITY_TIMEOUT = Duration.minutes(6)
# The longest Amazon SQS keeps a message (Amazon SQS Developer Guide, "Amazon SQS message quotas").
_QUEUE_RETENTION = Duration.days(14)
_MAX_RECEIVE_COUNT = 10
_SWEEP_INTERVAL = Duration.days(1)
_MOST_WAITING = 500
_LONGEST_LAG = Duration.minutes(5)


class RetentionOnArrival(Construct):
    """Locks every new version under `raw/` and `clean/` of a bucket with RetentionApplied.ON_ARRIVAL.

    S3 tells EventBridge of a new object, typically within seconds (Amazon S3 User Guide, "Amazon S3 Event
    Notifications"), a rule puts it into a queue, and the function puts the version's retention: mode and days of the
    bucket's properties, from the moment it was created. A repeated event asks for the same end. Until then the bucket's
    policy keeps the version. Once a day the function lists the versions of the last two days, locks those without a
    retention and counts them in the metric `RetentionsEscaped`; a long listing goes on by messages to its own queue.

    Attributes:
        function: The function with its role and log group.
        queue: The queue of new versions.
        dead_letter_queue: Where a message goes that failed ten times. The sweep finds its version.
        rules: The rules that lead into the queue: `Arrivals` and `Sweep`.
        alarms: The alarms, by name.
    """

    def __init__(self, scope: Construct, id: str, *, context: PipelineContext, bucket: DataLakeBucket) -> None:
        """Create queue, function, rules and alarms.

        Args:
            scope: The parent construct.
            id: The construct's id.
            context: What the pipeline's constructs share. EventBridge must be allowed to use its key.
            bucket: A bucket with RetentionApplied.ON_ARRIVAL.

        Raises:
            InvalidPropertyError: The bucket's versions get their retention another way.
        """
        super().__init__(scope, id)
        props = bucket.props
        if props is None or not props.is_applied_on_arrival:
            raise InvalidPropertyError(
                DataLakeBucketProps.name_of("retention_applied"),
                "is not ON_ARRIVAL with a RetentionOnArrival",
                "give both or neither",
            )
        self.dead_letter_queue = self._create_queue("DeadLetterQueue", context)
        acknowledge(
            self.dead_letter_queue,
            "SQSRedrivePolicy",
            SERVERLESS,
            reason="It is the dead-letter queue itself; an alarm watches that it is empty.",
        )
        self.queue = self._create_queue(
            "Queue",
            context,
            visibility_timeout=_VISIBILITY_TIMEOUT,
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letter_queue, max_receive_count=_MAX_RECEIVE_COUNT),
        )
        self.function = self._create_function(context, bucket, props)
        self.rules = {"Arrivals": self._create_arrivals_rule(bucket), "Sweep": self._create_sweep_rule()}
        for queue in (self.queue, self.dead_letter_queue):
            self._let_rules_send(queue)
        self.alarms: dict[str, PipelineAlarm] = {}
        self._watch(context)

    def _create_queue(self, id: str, context: PipelineContext, **properties: Any) -> sqs.Queue:
        return sqs.Queue(
            self,
            id,
            encryption=sqs.QueueEncryption.KMS,
            encryption_master_key=context.operations_key,
            enforce_ssl=True,
            retention_period=_QUEUE_RETENTION,
            removal_policy=context.removal_policy,
            **properties,
        )

    def _create_function(
        self, context: PipelineContext, bucket: DataLakeBucket, props: DataLakeBucketProps
    ) -> LeastPrivilegeFunction:
        objects = [bucket.bucket.arn_for_objects(f"{prefix}*") for prefix in LOCKED_PREFIXES]
        function = LeastPrivilegeFunction(
            self,
            "Function",
            context=context,
            package="retention",
            description="Puts the retention of new object versions",
            statements=[
                iam.PolicyStatement(
                    sid="Retention", actions=["s3:PutObjectRetention", "s3:GetObjectRetention"], resources=objects
                ),
                # To who may not list, S3 says of a version that is gone that access is denied.
                iam.PolicyStatement(
                    sid="Versions",
                    actions=["s3:ListBucketVersions", "s3:ListBucket"],
                    resources=[bucket.bucket.bucket_arn],
                ),
                iam.PolicyStatement(
                    sid="Queue",
                    actions=["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
                    resources=[self.queue.queue_arn],
                ),
                key_statement("QueueKey", context.operations_key, "kms:Decrypt", "kms:GenerateDataKey", via="sqs"),
            ],
            environment={
                "BUCKET_NAME": bucket.bucket.bucket_name,
                "RETENTION_MODE": props.retention_mode.value,
                "RETENTION_DAYS": str(props.retention_days),
                "QUEUE_URL": self.queue.queue_url,
                **context.environment,
            },
            timeout=_TIMEOUT,
            memory_size=256,
            # A sweep sends what is left of it to its own queue. Lambda stops such a chain after some 16 calls unless
            # told otherwise (AWS Lambda Developer Guide, "Use Lambda recursive loop detection"). It ends with the
            # listing.
            recursive_loop=lambda_.RecursiveLoop.ALLOW,
        )
        for arn in objects:
            acknowledge_wildcard(
                function.policy,
                arn,
                "Firehose names its objects itself; the wildcard is every object under one prefix of one bucket.",
            )
        self._consume(function)
        return function

    def _consume(self, function: LeastPrivilegeFunction) -> None:
        mapping = lambda_.EventSourceMapping(
            function,
            "Mapping",
            target=function.function,
            event_source_arn=self.queue.queue_arn,
            batch_size=10,
            max_concurrency=5,
            report_batch_item_failures=True,
        )
        # Lambda checks the role's rights to the queue when the mapping is made.
        mapping.node.add_dependency(function.policy)
        acknowledge(
            mapping,
            "LambdaEventSourceMappingDestination",
            SERVERLESS,
            reason="Lambda knows no failure destination for a queue; the queue has a dead-letter queue.",
        )

    def _create_arrivals_rule(self, bucket: DataLakeBucket) -> events.CfnRule:
        return events.CfnRule(
            self,
            "Arrivals",
            description="New object versions of the data lake to the retention queue",
            event_pattern={
                "source": ["aws.s3"],
                "detail-type": ["Object Created"],
                "detail": {
                    "bucket": {"name": [bucket.bucket.bucket_name]},
                    "object": {"key": [{"prefix": prefix} for prefix in LOCKED_PREFIXES]},
                },
            },
            targets=[self._target("Queue")],
        )

    def _create_sweep_rule(self) -> events.CfnRule:
        return events.CfnRule(
            self,
            "Sweep",
            description="Looks for object versions of the data lake without a retention",
            schedule_expression=events.Schedule.rate(_SWEEP_INTERVAL).expression_string,
            targets=[
                self._target(prefix.rstrip("/").title(), input=f'{{"sweep":["{prefix}"]}}')
                for prefix in LOCKED_PREFIXES
            ],
        )

    def _target(self, id: str, **properties: str) -> events.CfnRule.TargetProperty:
        # No role: with one, sending to an encrypted queue may fail (Amazon EventBridge User Guide, "Using
        # resource-based policies for Amazon EventBridge").
        return events.CfnRule.TargetProperty(
            id=id,
            arn=self.queue.queue_arn,
            dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=self.dead_letter_queue.queue_arn),
            **properties,  # type: ignore[arg-type]
        )

    def _let_rules_send(self, queue: sqs.Queue) -> None:
        queue.add_to_resource_policy(
            iam.PolicyStatement(
                sid="Rules",
                principals=[iam.ServicePrincipal("events.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[queue.queue_arn],
                conditions={"ArnEquals": {"aws:SourceArn": [rule.attr_arn for rule in self.rules.values()]}},
            )
        )

    def _watch(self, context: PipelineContext) -> None:
        queue = self.queue
        unlocked = "The bucket's policy keeps unlocked versions from deletion."
        alarms: dict[str, tuple[cloudwatch.Metric, float, AlarmSection, str]] = {
            "RetentionLag": (
                context.metric("RetentionLag", statistic="Maximum"),
                _LONGEST_LAG.to_milliseconds(),
                "retention-lag",
                f"New versions get their retention late. {unlocked} Look at the retention queue.",
            ),
            "RetentionQueueAge": (
                queue.metric_approximate_age_of_oldest_message(period=PERIOD),
                _LONGEST_LAG.to_seconds(),
                "retention-queue-age",
                f"New versions wait for their retention. {unlocked} Read the retention function's log.",
            ),
            # A message that was received three times leaves the age (Amazon SQS Developer Guide, "Available CloudWatch
            # metrics for Amazon SQS").
            "RetentionQueueDepth": (
                queue.metric_approximate_number_of_messages_visible(period=PERIOD, statistic="Maximum"),
                _MOST_WAITING,
                "retention-queue-depth",
                f"Many new versions wait for their retention. {unlocked} Read the retention function's log.",
            ),
            "RetentionFailed": (
                context.metric("RetentionsFailed"),
                1,
                "retention-failed",
                f"A retention could not be put; it is tried again. {unlocked} Read the retention function's log.",
            ),
            "RetentionDeadLetters": (
                self.dead_letter_queue.metric_approximate_number_of_messages_visible(
                    period=PERIOD, statistic="Maximum"
                ),
                1,
                "retention-dead-letters",
                f"Retentions could not be put in ten tries. {unlocked} Mend the cause, then move the messages back.",
            ),
            "RetentionEscaped": (
                context.metric("RetentionsEscaped"),
                1,
                "retention-escaped",
                "The daily sweep found versions without a retention, and locked them. Look at the rule Arrivals.",
            ),
        }
        for name, (metric, threshold, section, description) in alarms.items():
            self.alarms[name] = context.alarm(
                self,
                name,
                metric=metric,
                threshold=threshold,
                description=description,
                severity=AlarmSeverity.TICKET,
                section=section,
            )
