"""The role with which Firehose transforms, delivers and logs."""

from collections.abc import Sequence

from aws_cdk import ArnFormat, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from genesys_firehose_cdk.common.acknowledgements import acknowledge_wildcard
from genesys_firehose_cdk.common.keys import key_statement
from genesys_firehose_cdk.common.removal import keep_on_removal
from genesys_firehose_cdk.common.validation import check_removal_policy
from genesys_firehose_cdk.lake.data_lake_bucket import CLEAN_PREFIX, ERRORS_PREFIX, RAW_PREFIX, DataLakeBucket


class DeliveryRole(Construct):
    """What Firehose needs to deliver into the data lake, and nothing else.

    It writes and reads under `raw/`, `clean/` and `errors/`, uses both keys for this bucket through S3
    alone, invokes the transform function and writes to its log streams (Amazon Data Firehose Developer
    Guide, "Controlling access with Amazon Data Firehose"). It can neither delete an object nor change a
    retention.

    Attributes:
        role: The role, for a delivery stream; grants to it have no effect.
        policy: Its one policy; the delivery stream must depend on it.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        bucket: DataLakeBucket,
        transform_function: lambda_.IFunction,
        restrict_trust_to_account: bool = False,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    ) -> None:
        """Create the role.

        Args:
            scope: The parent construct.
            id: The construct's id.
            bucket: Where Firehose delivers to.
            transform_function: The processor that Firehose invokes.
            restrict_trust_to_account: See DeliveryProps. Default: False.
            removal_policy: What happens to the role and its policy when the stack goes: a stream that stays needs them.
                Default: RETAIN_ON_UPDATE_OR_DELETE.
        """
        super().__init__(scope, id)
        check_removal_policy(removal_policy)
        of_this_account = {"StringEquals": {"aws:SourceAccount": Stack.of(self).account}}
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal(
                "firehose.amazonaws.com", conditions=of_this_account if restrict_trust_to_account else None
            ),
        )
        self.role = role.without_policy_updates()
        prefixes = [bucket.bucket.arn_for_objects(f"{prefix}*") for prefix in (RAW_PREFIX, CLEAN_PREFIX, ERRORS_PREFIX)]
        self.policy = iam.ManagedPolicy(
            self,
            "Policy",
            description="Firehose: deliver into the data lake, transform and log",
            roles=[role],
            statements=_statements(bucket, prefixes, transform_function.function_arn),
        )
        keep_on_removal(removal_policy, role, self.policy)
        for prefix in prefixes:
            acknowledge_wildcard(
                self.policy,
                prefix,
                "Firehose names its objects itself; the wildcard is every object under one prefix of one bucket.",
            )

    def allow_log_streams(self, log_group: logs.ILogGroup, *log_streams: logs.ILogStream) -> None:
        """Let Firehose write to these streams of `log_group`."""
        stack = Stack.of(self)
        self.policy.add_statements(
            iam.PolicyStatement(
                sid="Logs",
                actions=["logs:PutLogEvents"],
                resources=[
                    stack.format_arn(
                        service="logs",
                        resource=f"log-group:{log_group.log_group_name}:log-stream:{stream.log_stream_name}",
                        arn_format=ArnFormat.NO_RESOURCE_NAME,
                    )
                    for stream in log_streams
                ],
            )
        )


def _statements(bucket: DataLakeBucket, prefixes: Sequence[str], function_arn: str) -> list[iam.PolicyStatement]:
    # With S3 Bucket Keys the encryption context is the bucket, without them the object.
    context = {"aws:s3:arn": [bucket.bucket.bucket_arn, bucket.bucket.arn_for_objects("*")]}
    return [
        iam.PolicyStatement(
            sid="Bucket",
            actions=["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
            resources=[bucket.bucket.bucket_arn],
        ),
        iam.PolicyStatement(
            sid="Objects",
            actions=["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
            resources=list(prefixes),
        ),
        *(
            key_statement(sid, key, "kms:Decrypt", "kms:GenerateDataKey", via="s3", encryption_context=context)
            for sid, key in (("CleanKey", bucket.clean_key), ("RawKey", bucket.raw_key))
        ),
        iam.PolicyStatement(
            sid="Transform",
            actions=["lambda:InvokeFunction", "lambda:GetFunctionConfiguration"],
            # Firehose may name the function with its version.
            resources=[function_arn, f"{function_arn}:$LATEST"],
        ),
    ]
