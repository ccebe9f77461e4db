"""Rebuilds clean/ from raw/, after a change of the masking policy or of the transform's code."""

from dataclasses import dataclass
from typing import Any

from aws_cdk import Aws, Duration
from aws_cdk import aws_iam as iam
from constructs import Construct

from genesys_firehose_cdk.common.acknowledgements import acknowledge_wildcard
from genesys_firehose_cdk.common.context import PipelineContext
from genesys_firehose_cdk.common.hmac_key import HmacKey
from genesys_firehose_cdk.common.keys import key_statement
from genesys_firehose_cdk.common.lambda_function import LeastPrivilegeFunction
from genesys_firehose_cdk.common.props import Props
from genesys_firehose_cdk.common.state_machine import LeastPrivilegeStateMachine
from genesys_firehose_cdk.common.validation import check_memory_size, check_range
from genesys_firehose_cdk.delivery.transform_function import TransformProps
from genesys_firehose_cdk.lake.data_lake_bucket import CLEAN_PREFIX, ERRORS_PREFIX, RAW_PREFIX, DataLakeBucket
from genesys_firehose_cdk.lake.lake_tables import LakeTables

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

    Its input is `{"prefixes": ["raw/2026/11/23/10/", ...], "arrived": {"from": "2026-11-23", "to": "2026-11-23"}}`, one
    prefix per hour, worked on one after the other, so that neither a state's output (256 KiB) nor the history (25,000
    entries) reaches its limit (AWS Step Functions Developer Guide, "Quotas"); `genesys-firehose rebuild` writes it.
    With "arrived", which may be left out, the tables' state machine is started at the end, for all days that an event
    which arrived on these may be filed under.

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
        tables: LakeTables | None = None,
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
            tables: What is brought up to date at the end. Default: no tables.
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
        machine = LeastPrivilegeStateMachine(
            self,
            context=context,
            comment="Rebuilds clean/ from raw/",
            definition=_definition(props, None if tables is None else transform),
            substitutions={
                "Partition": Aws.PARTITION,
                "BucketName": bucket.bucket.bucket_name,
                "FunctionArn": self.function.function_arn,
                **({} if tables is None else {"TablesStateMachineArn": tables.state_machine.state_machine_arn}),
            },
            statements=self._statements(bucket, tables),
        )
        self._machine = machine
        self.state_machine = machine.state_machine
        self.state_machine_log_group = machine.log_group
        self._allow_map_runs()

    def grant_start(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` start a rebuild, list the rebuilds of this lake, and follow them."""
        return self._machine.grant_start(grantee)

    def _statements(self, bucket: DataLakeBucket, tables: LakeTables | None) -> list[iam.PolicyStatement]:
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
            *(
                []
                if tables is None
                else [
                    iam.PolicyStatement(
                        sid="RefreshTables",
                        actions=["states:StartExecution"],
                        resources=[tables.state_machine.state_machine_arn],
                    )
                ]
            ),
        ]

    def _allow_map_runs(self) -> None:
        """Let the state machine start its own child executions and stop them.

        AWS Step Functions Developer Guide, "IAM policies for using Distributed Map states".
        """
        self._machine.allow_executions(
            "MapRunPolicy",
            iam.PolicyStatement(
                sid="StartChildren",
                actions=["states:StartExecution"],
                resources=[self.state_machine.state_machine_arn],
            ),
            iam.PolicyStatement(
                sid="StopChildren",
                actions=["states:DescribeExecution", "states:StopExecution"],
                resources=[self._machine.executions_arn],
            ),
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


def _definition(props: LakeRebuildProps, filed_by: TransformProps | None) -> dict[str, Any]:
    """Write the state machine in the Amazon States Language; CloudFormation fills in what stands in ${}.

    Args:
        props: The rebuild's.
        filed_by: What files an event under a day; None where there are no tables to be brought up to date.
    """
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
        "MaxConcurrency": props.max_concurrency,
        "ToleratedFailurePercentage": props.tolerated_failure_percentage,
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
        **({"End": True} if filed_by is None else {"Next": "TablesDue"}),
    }
    return {
        "Comment": "Rebuilds clean/ from the raw objects under the given prefixes, hour by hour",
        "StartAt": "Hours",
        "States": {"Hours": rebuild_hours, **({} if filed_by is None else _refresh_tables(filed_by))},
    }


def _refresh_tables(filed_by: TransformProps) -> dict[str, Any]:
    """Start the tables' state machine for all days under which what arrived may be filed."""
    return {
        "TablesDue": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.arrived", "IsPresent": True, "Next": "Tables"}],
            "Default": "Done",
        },
        "Tables": {
            "Type": "Task",
            "Resource": "arn:${Partition}:states:::states:startExecution",
            "Parameters": {
                "StateMachineArn": "${TablesStateMachineArn}",
                "Input": {
                    "from.$": "$.arrived.from",
                    "to.$": "$.arrived.to",
                    "before": filed_by.event_date_past_days,
                    "after": filed_by.event_date_future_days,
                    "optimize": True,
                },
            },
            "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 2, "BackoffRate": 2, "MaxAttempts": 4}],
            "End": True,
        },
        "Done": {"Type": "Succeed"},
    }
