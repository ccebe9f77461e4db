"""Takes conversations' details records from Genesys Cloud into the lake: what was missed, and what was before."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from aws_cdk import Aws, Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesisfirehose as firehose
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from genesys_firehose_cdk.common.acknowledgements import SERVERLESS, acknowledge, acknowledge_wildcard
from genesys_firehose_cdk.common.alarm import AlarmSeverity, PipelineAlarm
from genesys_firehose_cdk.common.context import PipelineContext
from genesys_firehose_cdk.common.keys import key_statement
from genesys_firehose_cdk.common.lambda_function import LeastPrivilegeFunction
from genesys_firehose_cdk.common.props import Props
from genesys_firehose_cdk.common.state_machine import LeastPrivilegeStateMachine
from genesys_firehose_cdk.common.validation import check_range
from genesys_firehose_cdk.genesys.connection import GenesysConnectionProps
from genesys_firehose_cdk.ingress.ingest_function import stream_key_statement
from genesys_firehose_cdk.lake.data_lake_bucket import OVERSIZE_PREFIX, DataLakeBucket
from genesys_firehose_cdk.lake.lake_tables import LakeTables

# Lambda's limit (AWS Lambda Developer Guide, "Lambda quotas"); a call ends within it by itself.
_TIMEOUT = Duration.minutes(15)
# A page of 1,000 conversations, each some ten thousand bytes, is held whole.
_MEMORY_SIZE = 1024
# Firehose writes 500 partitions at once by default (Amazon Data Firehose Developer Guide, "Quota"), and every day is
# one for as long as it is collected. A fifth of them is the backfill's.
_PARTITIONS_AT_ONCE = 100
# What the transform function and a retry take at most, beside Firehose's intervals.
_DELIVERY_SLACK_SECONDS = 180
_RUN_SECONDS = 7 * 24 * 3600
_MOST_DAYS_AGO = 31
_MISSED_DAYS = 2


@dataclass(frozen=True, kw_only=True)
class BackfillProps(Props, at="genesys.backfill"):
    """Who may ask for conversations' details, and whether every day is settled.

    Attributes:
        credentials: The secret of an OAuth client of its own, which only needs to read: the permission
            `analytics:conversationDetail:view`, for all divisions. Its form is that of GenesysConnectionProps.
        settle_after_days: Put the details records of every day into the lake so many days later, 1 to 31. From the
            fourth day on Genesys Cloud's nightly corrections are in them. It brings in whatever was missed of the
            day, and costs a record for every conversation. Default: none, backfills are started by hand.

    Raises:
        InvalidPropertyError: `settle_after_days` is out of range.
    """

    credentials: secretsmanager.ISecret
    settle_after_days: int | None = None

    def validate(self) -> None:
        """Check the days."""
        if self.settle_after_days is not None:
            name = self.name_of("settle_after_days")
            reason = "Genesys Cloud's corrections come on the third"
            check_range(name, self.settle_after_days, 1, _MOST_DAYS_AGO, "days", reason)


class Backfill(Construct):
    """A state machine that puts the details records of days' conversations to the delivery streams.

    Its input is `{"from": "2026-11-23", "to": "2026-11-25"}`, days on which conversations started, or
    `{"days_ago": 4}`. With `"only": {"2026-11-23": ["<conversation id>", ...]}` it takes these alone, and with
    `"dry_run": true` it counts them. `genesys-firehose backfill` writes it. The days are worked on one after the other,
    so that they open few partitions at once. At the end it waits until Firehose has delivered, and starts the tables'
    state machine for the days.

    Each record goes the way of all events, in an envelope of the ingress `backfill`, which no sender can write, and
    lands under `clean/event_type=backfill/` on the day on which its conversation started, however long ago. One that
    is there already, with the same content, is a copy.

    Attributes:
        function: The function that asks Genesys Cloud and puts records.
        log_group: The function's log group.
        policy: The one policy of the function's role.
        state_machine: The state machine.
        state_machine_log_group: Its log group; it holds no ids.
        schedule: The rule that settles every day; None without.
        alarms: The alarms, by name.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        context: PipelineContext,
        connection: GenesysConnectionProps,
        streams: Sequence[firehose.IDeliveryStream],
        bucket: DataLakeBucket,
        delivery_interval: Duration,
        props: BackfillProps,
        stream_encryption_key: kms.IKey | None = None,
        tables: LakeTables | None = None,
    ) -> None:
        """Create the function, the state machine, and what `props` asks for.

        Args:
            scope: The parent construct.
            id: The construct's id.
            context: What the pipeline's constructs share.
            connection: Where to ask; `props` has the OAuth client.
            streams: The delivery streams that records are put to.
            bucket: The lake, which takes the originals of records above Firehose's limit.
            delivery_interval: How long the streams collect records.
            props: The OAuth client, and whether every day is settled.
            stream_encryption_key: The customer managed key of the streams. Default: none, AWS owns it.
            tables: What is brought up to date at the end. Default: no tables.

        Raises:
            InvalidPropertyError: The stack is where the region's data may not go.
        """
        super().__init__(scope, id)
        connection.region.check_pairing(self)
        connection = replace(connection, credentials=props.credentials)
        oversize = bucket.bucket.arn_for_objects(f"{OVERSIZE_PREFIX}*")
        seconds = delivery_interval.to_seconds()
        worker = LeastPrivilegeFunction(
            self,
            "Function",
            context=context,
            package="genesys_backfill",
            libraries=("genesys", "ingest"),
            description="Takes conversations' details records from Genesys Cloud",
            statements=[
                *connection.read_statements,
                *_statements(streams, bucket, oversize),
                *([] if stream_encryption_key is None else [stream_key_statement(stream_encryption_key)]),
            ],
            environment={
                "GENESYS_HOST": connection.region.host,
                "CREDENTIALS_SECRET_ARN": connection.credentials.secret_arn,
                "STREAM_NAMES": ",".join(stream.delivery_stream_name for stream in streams),
                "BUCKET_NAME": bucket.bucket.bucket_name,
                "RAW_KEY_ARN": bucket.raw_key.key_arn,
                # Dynamic partitioning collects for 1.5 times the interval.
                "PAUSE_SECONDS": str(math.ceil(1.5 * seconds / _PARTITIONS_AT_ONCE)),
                **context.environment,
            },
            timeout=_TIMEOUT,
            memory_size=_MEMORY_SIZE,
        )
        acknowledge_wildcard(
            worker.policy,
            oversize,
            "The objects are named at run time; the wildcard is one prefix of one bucket, for writing.",
        )
        self.function = worker.function
        self.log_group = worker.log_group
        self.policy = worker.policy
        self._machine = self._create_machine(context, tables, math.ceil(2.5 * seconds) + _DELIVERY_SLACK_SECONDS)
        self.state_machine = self._machine.state_machine
        self.state_machine_log_group = self._machine.log_group
        days_ago = props.settle_after_days
        self.schedule = None if days_ago is None else self._create_schedule(days_ago)
        self.alarms = {} if days_ago is None else self._create_alarms(context)

    def grant_start(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` start a backfill, list the backfills of this lake, and follow them."""
        return self._machine.grant_start(grantee)

    def _create_machine(
        self, context: PipelineContext, tables: LakeTables | None, delivery_seconds: int
    ) -> LeastPrivilegeStateMachine:
        substitutions = {"FunctionArn": self.function.function_arn}
        statements = [
            iam.PolicyStatement(
                sid="AskGenesys", actions=["lambda:InvokeFunction"], resources=[self.function.function_arn]
            )
        ]
        if tables is not None:
            tables_arn = tables.state_machine.state_machine_arn
            substitutions |= {"Partition": Aws.PARTITION, "TablesStateMachineArn": tables_arn}
            statements.append(
                iam.PolicyStatement(sid="RefreshTables", actions=["states:StartExecution"], resources=[tables_arn])
            )
        return LeastPrivilegeStateMachine(
            self,
            context=context,
            comment="Takes conversations' details records from Genesys Cloud, day by day",
            definition=_definition(None if tables is None else delivery_seconds),
            substitutions=substitutions,
            statements=statements,
        )

    def _create_schedule(self, days_ago: int) -> events.Rule:
        role = self._machine.create_schedule_role()
        rule = events.Rule(
            self,
            "Settle",
            description="Puts the details records of a day's conversations into the lake",
            # Before the day is held against Genesys Cloud for the last time, with two hours for the records to land.
            schedule=events.Schedule.cron(hour="3", minute="7"),
            targets=[
                targets.SfnStateMachine(
                    self.state_machine,
                    input=events.RuleTargetInput.from_object({"days_ago": days_ago}),
                    role=role.without_policy_updates(),
                )
            ],
        )
        acknowledge(
            rule,
            "EventBusDLQ",
            SERVERLESS,
            reason="An alarm reports where days are not settled, and any day can be backfilled by hand.",
        )
        return rule

    def _create_alarms(self, context: PipelineContext) -> dict[str, PipelineAlarm]:
        return {
            "DaysNotSettled": context.report_alarm(
                self,
                "DaysNotSettled",
                metric=context.metric("DaysBackfilled", statistic="Maximum", period=Duration.days(1)),
                severity=AlarmSeverity.TICKET,
                section="days-not-settled",
                missed=_MISSED_DAYS,
                description="Genesys Cloud's details records of past days are not put into the lake any more. The "
                "state machine's last execution says why.",
            ),
        }


def _statements(
    streams: Sequence[firehose.IDeliveryStream], bucket: DataLakeBucket, oversize: str
) -> list[iam.PolicyStatement]:
    return [
        iam.PolicyStatement(
            sid="PutRecords",
            actions=["firehose:PutRecordBatch"],
            resources=[stream.delivery_stream_arn for stream in streams],
        ),
        iam.PolicyStatement(sid="WriteOversize", actions=["s3:PutObject"], resources=[oversize]),
        key_statement(
            "EncryptOversize",
            bucket.raw_key,
            "kms:GenerateDataKey",
            via="s3",
            encryption_context={"aws:s3:arn": [bucket.bucket.bucket_arn, oversize]},
        ),
    ]


def _definition(delivery_seconds: int | None) -> dict[str, Any]:
    """Write the state machine in the Amazon States Language; CloudFormation fills in what stands in ${}.

    Args:
        delivery_seconds: How long it takes until what was put has landed; None where there are no tables to be brought
            up to date then.
    """
    has_tables = delivery_seconds is not None
    return {
        "Comment": "Takes conversations' details records from Genesys Cloud, day by day",
        "TimeoutSeconds": _RUN_SECONDS,
        "StartAt": "Fetch",
        "States": {
            # The function answers how far it is, and takes that to go on.
            "Fetch": {
                "Type": "Task",
                "Resource": "${FunctionArn}",
                "Retry": [
                    {"ErrorEquals": ["BackfillError"], "MaxAttempts": 0},
                    {
                        "ErrorEquals": ["States.ALL"],
                        "IntervalSeconds": 20,
                        "BackoffRate": 2,
                        "MaxAttempts": 6,
                        "JitterStrategy": "FULL",
                    },
                ],
                "Next": "Fetched?",
            },
            "Fetched?": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.done", "BooleanEquals": True, "Next": "Put?" if has_tables else "Done"}],
                "Default": "Pause",
            },
            "Pause": {"Type": "Wait", "SecondsPath": "$.wait", "Next": "Fetch"},
            **(_refresh_tables(delivery_seconds) if delivery_seconds is not None else {}),
            "Done": {"Type": "Succeed"},
        },
    }


def _refresh_tables(delivery_seconds: int) -> dict[str, Any]:
    """Start the tables' state machine for the days, once their records have landed."""
    return {
        "Put?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.put", "NumericGreaterThan": 0, "Next": "Deliver"}],
            "Default": "Done",
        },
        "Deliver": {"Type": "Wait", "Seconds": delivery_seconds, "Next": "Tables"},
        "Tables": {
            "Type": "Task",
            "Resource": "arn:${Partition}:states:::states:startExecution",
            "Parameters": {
                "StateMachineArn": "${TablesStateMachineArn}",
                "Input": {"from.$": "$.from", "to.$": "$.to", "optimize": True},
            },
            "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 2, "BackoffRate": 2, "MaxAttempts": 4}],
            "ResultPath": None,
            "Next": "Done",
        },
    }
