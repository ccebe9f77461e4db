"""Rebuilds clean/ from raw/, after a change of the masking policy or of the transform's code."""

import json
from dataclasses import dataclass

from aws_cdk import ArnFormat, Aws, Duration, Fn, Names, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from genesys_firehose_cdk.common.acknowledgements import acknowledge_wildcard
from genesys_firehose_cdk.common.context import PipelineContext
from genesys_firehose_cdk.common.hmac_key import HmacKey
from genesys_firehose_cdk.common.keys import key_statement
from genesys_firehose_cdk.common.lambda_function import LeastPrivilegeFunction
from genesys_firehose_cdk.common.props import Props
from genesys_firehose_cdk.common.validation import check_memory_size, check_range
from genesys_firehose_cdk.delivery.transform_function import TransformProps
from genesys_firehose_cdk.lake.data_lake_bucket import CLEAN_PREFIX, ERRORS_PREFIX, RAW_PREFIX, DataLakeBucket

REBUILD_ERRORS_PREFIX = f"{ERRORS_PREFIX}rebuild/"
# AWS Lambda Developer Guide, "Lambda quotas": a function runs for 15 minutes at most. A raw object of 128 MiB, the
# largest that Firehose writes, takes a few.
_TIMEOUT = Duration.minutes(15)
# AWS Step Functions Developer Guide, "Quotas": a Map Run runs 10,000 child executions at once at most; Lambda's
# default quota is 1,000 concurrent executions of an account, which the pipeline needs too.
_MAX_CONCURRENCY = 1000


@dataclass(frozen=True, kw_only=True)
class LakeRebuildProps(Props, at="delivery.rebuild"):
    """How `clean/` is made anew from `raw/`.

    Attributes:
        max_concurrency: How many raw objects are worked on at once; 1 to 1,000. Default: 50.
        tolerated_failure_percentage: How many percent of an hour's raw objects may fail, after all retries, before
            the rebuild stops; 0 to 100. A record that fails is none of them. Default: 0.
        memory_size: Of the function, 128 to 10,240 MB (AWS Lambda Developer Guide, "Lambda quotas"). Default: 1,024.

    Raises:
        InvalidPropertyError: A number is out of range.
    """

    max_concurrency: int = 50
    tolerated_failure_percentage: int = 0
    memory_size: int = 1024

    def validate(self) -> None:
        """Check the numbers."""
        name = self.name_of("max_concurrency")
        check_range(name, self.max_concurrency, 1, _MAX_CONCURRENCY, "objects", "Lambda's default quota")
        name = self.name_of("tolerated_failure_percentage")
        check_range(name, self.tolerated_failure_percentage, 0, 100, "percent", "of an hour's raw objects")
        check_memory_size(self.name_of("memory_size"), self.memory_size)


class LakeRebuild(Construct):
    """A state machine that makes `clean/` anew from the raw objects of given hours.

    It runs the transform's own code on each raw object and writes what comes out beside what is there
    (nothing under Object Lock can be replaced), under names derived from the raw object and the
    transform's version: a second run changes nothing, and one that was stopped goes on when started
    again. The view `events` of the catalog takes the newest version of each event.

    Its input is `{"prefixes": ["raw/2026/11/23/10/", ...]}`, one prefix per hour, worked on one after the
    other, so that neither a state's output (256 KiB) nor the history (25,000 entries) reaches its limit
    (AWS Step Functions Developer Guide, "Quotas"); `genesys-firehose rebuild` writes it.

    Attributes:
        function: The function that rebuilds one raw object, in parts where it has many oversize events.
        log_group: The function's log group.
        policy: The one policy of the function's role.
        state_machine: The state machine.
        state_machine_log_group: The state machine's log group; it holds keys of objects, no events.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        context: PipelineContext,
        bucket: DataLakeBucket,
        tokenization_key: HmacKey,
        transform: TransformProps | None = None,
        props: LakeRebuildProps | None = None,
    ) -> None:
        """Create the state machine, its function and their roles.

        Args:
            scope: The parent construct.
            id: The construct's id.
            context: What the pipeline's constructs share.
            bucket: The lake to rebuild.
            tokenization_key: The pipeline's own, so that a person keeps their token.
            transform: The pipeline's own. Default: TransformProps().
            props: Default: LakeRebuildProps().
        """
        super().__init__(scope, id)
        transform = transform or TransformProps()
        props = props or LakeRebuildProps()
        worker = LeastPrivilegeFunction(
            self,
            "Worker",
            context=context,
            package="rebuild",
            libraries=("transform",),
            description="Rebuilds the clean objects of one raw object",
            statements=_worker_statements(bucket, tokenization_key),
            environment={
                **transform.environment(bucket, tokenization_key),
                "RAW_KEY_ARN": bucket.raw_key.key_arn,
                **context.environment,
            },
            timeout=_TIMEOUT,
            memory_size=props.memory_size,
            extra_files=transform.files,
        )
        self.function = worker.function
        self.log_group = worker.log_group
        self.policy = worker.policy
        for prefix in (RAW_PREFIX, CLEAN_PREFIX, REBUILD_ERRORS_PREFIX):
            acknowledge_wildcard(
                self.policy,
                bucket.bucket.arn_for_objects(f"{prefix}*"),
                "The objects are named at run time; the wildcard is one prefix of one bucket.",
            )
        self.state_machine_log_group = context.log_group(self, "LogGroup", name=self._log_group_name())
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("states.amazonaws.com"))
        self.state_machine = self._create_state_machine(role, bucket, props)
        self._allow_map_runs(role)

    def _create_state_machine(
        self, role: iam.Role, bucket: DataLakeBucket, props: LakeRebuildProps
    ) -> sfn.StateMachine:
        policy = iam.ManagedPolicy(self, "Policy", roles=[role], statements=self._statements(bucket))
        state_machine = sfn.StateMachine(
            self,
            "StateMachine",
            comment="Rebuilds clean/ from raw/",
            definition_body=sfn.DefinitionBody.from_string(
                _definition(props.max_concurrency, props.tolerated_failure_percentage)
            ),
            definition_substitutions={
                "Partition": Aws.PARTITION,
                "BucketName": bucket.bucket.bucket_name,
                "FunctionArn": self.function.function_arn,
            },
            role=role.without_policy_updates(),
            # No execution data: the bucket's access log has the objects' keys already.
            logs=sfn.LogOptions(
                destination=self.state_machine_log_group, level=sfn.LogLevel.ALL, include_execution_data=False
            ),
            tracing_enabled=True,
        )
        state_machine.node.add_dependency(policy)
        acknowledge_wildcard(
            policy,
            "*",
            "X-Ray and the delivery of Step Functions' logs have no resource to name (AWS Step Functions Developer "
            "Guide, 'Using CloudWatch Logs to log execution history in Step Functions').",
        )
        return state_machine

    def grant_start(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` start a rebuild, list the rebuilds of this lake, and follow them."""
        machine = iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["states:StartExecution", "states:ListExecutions", "states:DescribeStateMachine"],
            resource_arns=[self.state_machine.state_machine_arn],
        )
        executions = iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["states:DescribeExecution", "states:GetExecutionHistory"],
            resource_arns=[self._executions_arn()],
        )
        return machine.combine(executions)

    def _executions_arn(self) -> str:
        return Stack.of(self).format_arn(
            service="states",
            resource="execution",
            resource_name=f"{self.state_machine.state_machine_name}:*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )

    def _log_group_name(self) -> str:
        """Return a name under /aws/vendedlogs/, which no other deployment has or had.

        Step Functions lets itself into a log group by a resource policy of the account, which ends at 5,120
        characters unless the groups' names begin so (AWS Step Functions Developer Guide, "Avoiding Amazon CloudWatch
        Logs resource policy size restrictions"). The stack's own id is in it, because the group outlives its stack
        and would block the next one of that name.
        """
        stack_id = Fn.select(2, Fn.split("/", Stack.of(self).stack_id))
        return f"/aws/vendedlogs/states/{Names.unique_resource_name(self, max_length=100)}-{stack_id}"

    def _statements(self, bucket: DataLakeBucket) -> list[iam.PolicyStatement]:
        return [
            iam.PolicyStatement(
                sid="Invoke", actions=["lambda:InvokeFunction"], resources=[self.function.function_arn]
            ),
            iam.PolicyStatement(
                sid="ListRaw",
                actions=["s3:ListBucket"],
                resources=[bucket.bucket.bucket_arn],
                conditions={"StringLike": {"s3:prefix": f"{RAW_PREFIX}*"}},
            ),
            iam.PolicyStatement(
                sid="LogDelivery",
                actions=[
                    "logs:CreateLogDelivery",
                    "logs:GetLogDelivery",
                    "logs:UpdateLogDelivery",
                    "logs:DeleteLogDelivery",
                    "logs:ListLogDeliveries",
                    "logs:PutResourcePolicy",
                    "logs:DescribeResourcePolicies",
                    "logs:DescribeLogGroups",
                ],
                resources=["*"],
            ),
            iam.PolicyStatement(
                sid="Tracing",
                actions=[
                    "xray:PutTraceSegments",
                    "xray:PutTelemetryRecords",
                    "xray:GetSamplingRules",
                    "xray:GetSamplingTargets",
                ],
                resources=["*"],
            ),
        ]

    def _allow_map_runs(self, role: iam.Role) -> None:
        """Let the state machine start its own child executions and stop them.

        AWS Step Functions Developer Guide, "IAM policies for using Distributed Map states". A policy of its own,
        because it names the state machine, which needs the other one first.
        """
        executions = self._executions_arn()
        policy = iam.ManagedPolicy(
            self,
            "MapRunPolicy",
            roles=[role],
            statements=[
                iam.PolicyStatement(
                    sid="StartChildren",
                    actions=["states:StartExecution"],
                    resources=[self.state_machine.state_machine_arn],
                ),
                iam.PolicyStatement(
                    sid="StopChildren",
                    actions=["states:DescribeExecution", "states:StopExecution"],
                    resources=[executions],
                ),
            ],
        )
        acknowledge_wildcard(
            policy, executions, "Executions are named at run time; the wildcard is those of one state machine."
        )


def _worker_statements(bucket: DataLakeBucket, tokenization_key: HmacKey) -> list[iam.PolicyStatement]:
    raw, clean, errors = (
        bucket.bucket.arn_for_objects(f"{prefix}*") for prefix in (RAW_PREFIX, CLEAN_PREFIX, REBUILD_ERRORS_PREFIX)
    )
    return [
        *tokenization_key.read_statements,
        iam.PolicyStatement(sid="ReadRaw", actions=["s3:GetObject"], resources=[raw]),
        # Without s3:ListBucket, S3 answers 403 in place of 404 for an original that is gone (Amazon S3 API Reference,
        # "GetObject"). That request has no prefix, so a condition on s3:prefix would not hold for it.
        iam.PolicyStatement(sid="TellGone", actions=["s3:ListBucket"], resources=[bucket.bucket.bucket_arn]),
        iam.PolicyStatement(sid="Write", actions=["s3:PutObject"], resources=[clean, errors]),
        key_statement(
            "DecryptRaw",
            bucket.raw_key,
            "kms:Decrypt",
            via="s3",
            encryption_context={"aws:s3:arn": [bucket.bucket.bucket_arn, raw]},
        ),
        key_statement(
            "EncryptClean",
            bucket.clean_key,
            "kms:GenerateDataKey",
            via="s3",
            encryption_context={"aws:s3:arn": [bucket.bucket.bucket_arn, clean]},
        ),
        key_statement(
            "EncryptErrors",
            bucket.raw_key,
            "kms:GenerateDataKey",
            via="s3",
            encryption_context={"aws:s3:arn": [bucket.bucket.bucket_arn, errors]},
        ),
    ]


def _definition(max_concurrency: int, tolerated_failures: int) -> str:
    """Write the state machine in the Amazon States Language; CloudFormation fills in what stands in ${}."""
    rebuild_object = {
        "Type": "Task",
        "Resource": "${FunctionArn}",
        "Retry": [
            {
                "ErrorEquals": ["States.ALL"],
                "IntervalSeconds": 2,
                "BackoffRate": 2,
                "MaxAttempts": 4,
                "JitterStrategy": "FULL",
            }
        ],
        "Next": "Done?",
    }
    # The function answers what to go on with, and nothing after the last part.
    is_done = {
        "Type": "Choice",
        "Choices": [{"Variable": "$", "IsNull": True, "Next": "Done"}],
        "Default": "RebuildObject",
    }
    rebuild_hour = {
        "Type": "Map",
        "Label": "Objects",
        "ItemReader": {
            "Resource": "arn:${Partition}:states:::s3:listObjectsV2",
            "Parameters": {"Bucket": "${BucketName}", "Prefix.$": "$"},
        },
        "ItemSelector": {"key.$": "$$.Map.Item.Value.Key"},
        "MaxConcurrency": max_concurrency,
        "ToleratedFailurePercentage": tolerated_failures,
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "RebuildObject",
            "States": {"RebuildObject": rebuild_object, "Done?": is_done, "Done": {"Type": "Succeed"}},
        },
        "ResultPath": None,
        "End": True,
    }
    rebuild_hours = {
        "Type": "Map",
        "ItemsPath": "$.prefixes",
        "MaxConcurrency": 1,
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "INLINE"},
            "StartAt": "Objects",
            "States": {"Objects": rebuild_hour},
        },
        "ResultPath": None,
        "End": True,
    }
    return json.dumps(
        {
            "Comment": "Rebuilds clean/ from the raw objects under the given prefixes, hour by hour",
            "StartAt": "Hours",
            "States": {"Hours": rebuild_hours},
        }
    )
