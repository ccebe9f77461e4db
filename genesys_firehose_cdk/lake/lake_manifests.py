"""Writes down, signed, what raw/ held of each day of arrival."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from genesys_firehose_cdk.common.acknowledgements import SERVERLESS, acknowledge, acknowledge_wildcard
from genesys_firehose_cdk.common.alarm import AlarmSeverity
from genesys_firehose_cdk.common.context import PipelineContext
from genesys_firehose_cdk.common.keys import key_statement
from genesys_firehose_cdk.common.lambda_function import LeastPrivilegeFunction
from genesys_firehose_cdk.common.props import Props
from genesys_firehose_cdk.common.state_machine import LeastPrivilegeStateMachine
from genesys_firehose_cdk.common.validation import check_duration
from genesys_firehose_cdk.lake.data_lake_bucket import MANIFESTS_PREFIX, RAW_PREFIX, DataLakeBucket
from genesys_firehose_cdk.lake.lake_tables import LakeTables

# Amazon Data Firehose Developer Guide, "Troubleshoot errors in Amazon Data Firehose": a Direct PUT stream retains
# records for 24 hours, and tries S3 again for so long. A buffer waits for 900 seconds at most.
_SHORTEST_HOURS = 25
_LONGEST_HOURS = 30 * 24
_CLOSED_AFTER = Duration.hours(26)
_CLOSED_AFTER_WITH_LAST_CHECK = Duration.days(5)
# AWS Lambda Developer Guide, "Lambda quotas": the longest that a function runs.
_TIMEOUT = Duration.minutes(15)
# AWS Lambda Developer Guide, "Configure Lambda function memory": a whole processor.
_MEMORY_SIZE = 1769
_INTERVAL = Duration.hours(6)
_MISSED_RUNS = 2
# What is asked: what arrived on the day; and how complete the day is, where the lake has a table of that.
_TABLES = ("events", "completeness")


@dataclass(frozen=True, kw_only=True)
class LakeManifestsProps(Props, at="lake.manifests"):
    """When a day of arrival gets its manifest.

    Attributes:
        closed_after: How long after its end a day is closed; 25 hours to 30 days, whole hours. Firehose tries to
            deliver for 24 hours (Amazon Data Firehose Developer Guide, "Troubleshoot errors in Amazon Data Firehose"),
            into the folder of a record's arrival. Default: 26 hours; with `genesys.reconciliation` 5 days, so that
            the manifest holds what the day's last check found, which begins on the fourth day after it and may wait
            for Genesys Cloud's data for a day.

    Raises:
        InvalidPropertyError: A value is out of range.
    """

    closed_after: Duration | None = None

    def validate(self) -> None:
        """Check when a day is closed."""
        if self.closed_after is None:
            return
        check_duration(
            self.name_of("closed_after"),
            self.closed_after,
            _SHORTEST_HOURS,
            _LONGEST_HOURS,
            "hours",
            "because Firehose delivers into a day for up to 24 hours after it",
        )


class LakeManifests(Construct):
    """A state machine that writes a manifest of each closed day of arrival, and signs it.

    A manifest lists every version of every object under a day of `raw/`, delete markers too, with size and SHA-256, in
    parts; counts records by type, and what the tables hold of the day; and names the manifest of the day before by its
    SHA-256. It lies under `manifests/` of the lake, with the lake's retention and the key of `raw/`: a SHA-256 is of
    what is personal. `genesys-firehose verify` holds a day against it.

    The function alone may sign: the key's policy refuses everybody else, and the bucket's policy refuses everybody else
    to write under `manifests/`, unless the bucket is an existing one.

    A run, every six hours, makes the manifests of the closed days of the last week that have none, one step of the
    function after another. Started with `{"day": "2026-11-23"}` it makes that of an earlier day first. A day that has
    or had a manifest gets no other.

    Attributes:
        key: The key that signs. It is asymmetric, and KMS does not rotate such a key.
        function: The function.
        log_group: The function's log group.
        policy: The one policy of the function's role.
        state_machine: The state machine.
        state_machine_log_group: The state machine's log group; it holds no names of objects.
        schedule: The rule that starts it.
        missing_alarm: The alarm that goes off when closed days have no manifest.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        context: PipelineContext,
        bucket: DataLakeBucket,
        tables: LakeTables | None = None,
        props: LakeManifestsProps | None = None,
        is_reconciled: bool = False,
        event_date_past_days: int = 30,
        event_date_future_days: int = 1,
    ) -> None:
        """Create key, function, state machine, schedule and alarm.

        Args:
            scope: The parent construct.
            id: The construct's id.
            context: What the pipeline's constructs share; its removal policy is the key's.
            bucket: The lake.
            tables: Its tables, whose counts a manifest notes. Default: no tables.
            props: Default: LakeManifestsProps().
            is_reconciled: Whether the days are held against Genesys Cloud, whose last word a manifest then waits for.
                Default: False.
            event_date_past_days: How many days before its arrival an event may be filed under; see TransformProps.
                Default: 30.
            event_date_future_days: How many days after it. Default: 1.
        """
        super().__init__(scope, id)
        props = props or LakeManifestsProps()
        self._bucket = bucket
        # KMS rotates no asymmetric key.
        self.key = kms.Key(
            self,
            "Key",
            description="Genesys Firehose pipeline: signs the manifests of raw/",
            key_spec=kms.KeySpec.ECC_NIST_P256,
            key_usage=kms.KeyUsage.SIGN_VERIFY,
            removal_policy=context.removal_policy,
        )
        closed_after = props.closed_after or (_CLOSED_AFTER_WITH_LAST_CHECK if is_reconciled else _CLOSED_AFTER)
        days = {
            "CLOSED_AFTER_HOURS": str(int(closed_after.to_hours())),
            "EVENT_DATE_PAST_DAYS": str(event_date_past_days),
            "EVENT_DATE_FUTURE_DAYS": str(event_date_future_days),
        }
        worker = self._create_function(context, tables, days)
        self.function = worker.function
        self.log_group = worker.log_group
        self.policy = worker.policy
        self._refuse_others()
        self._machine = self._create_machine(context)
        self.state_machine = self._machine.state_machine
        self.state_machine_log_group = self._machine.log_group
        self.schedule = self._create_schedule()
        self.missing_alarm = context.report_alarm(
            self,
            "ManifestMissing",
            metric=context.metric("ManifestsWhole", statistic="Maximum", period=_INTERVAL),
            description="Closed days of arrival have no manifest, so nobody can prove later what they held. The log of "
            "the manifests' function says why.",
            severity=AlarmSeverity.TICKET,
            section="manifest-missing",
            missed=_MISSED_RUNS,
        )

    def grant_start(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` start the state machine for a day, list its runs, and follow them."""
        return self._machine.grant_start(grantee)

    def grant_verify(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` run `genesys-firehose verify`: list and read every version under `raw/` and `manifests/`.

        That is personal data in clear: a SHA-256 is made of the bytes.
        """
        prefixes = (RAW_PREFIX, MANIFESTS_PREFIX)
        listing = iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["s3:ListBucketVersions"],
            resource_arns=[self._bucket.bucket.bucket_arn],
            conditions={"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in prefixes]}},
        )
        reading = iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["s3:GetObjectVersion"],
            resource_arns=[self._bucket.bucket.arn_for_objects(f"{prefix}*") for prefix in prefixes],
        )
        whole = listing.combine(reading).combine(self._bucket.raw_key.grant_decrypt(grantee))
        return whole.combine(self.key.grant(grantee, "kms:GetPublicKey"))

    def _create_function(
        self,
        context: PipelineContext,
        tables: LakeTables | None,
        days: Mapping[str, str],
    ) -> LeastPrivilegeFunction:
        statements = [*self._statements(), *([] if tables is None else tables.read_statements(*_TABLES))]
        function = LeastPrivilegeFunction(
            self,
            "Function",
            context=context,
            package="manifest",
            description="Signs what raw/ held of a day of arrival",
            statements=statements,
            environment={
                "BUCKET_NAME": self._bucket.bucket.bucket_name,
                "RAW_KEY_ARN": self._bucket.raw_key.key_arn,
                "SIGNING_KEY_ARN": self.key.key_arn,
                "WORKGROUP": "" if tables is None else tables.workgroup.ref,
                "DATABASE": "" if tables is None else tables.database_name,
                **days,
                **context.environment,
            },
            timeout=_TIMEOUT,
            memory_size=_MEMORY_SIZE,
        )
        for arn in dict.fromkeys(arn for each in statements for arn in each.resources if arn.endswith("*")):
            acknowledge_wildcard(
                function.policy,
                arn,
                "Firehose and Athena name their objects themselves, and a part is named by its content; the wildcard "
                "is one prefix of one bucket.",
            )
        return function

    def _create_machine(self, context: PipelineContext) -> LeastPrivilegeStateMachine:
        function_arn = self.function.function_arn
        return LeastPrivilegeStateMachine(
            self,
            context=context,
            comment="Signs what raw/ held of each closed day of arrival",
            definition=_definition(),
            substitutions={"FunctionArn": function_arn},
            statements=[iam.PolicyStatement(sid="Invoke", actions=["lambda:InvokeFunction"], resources=[function_arn])],
        )

    def _statements(self) -> list[iam.PolicyStatement]:
        bucket = self._bucket.bucket
        raw, manifests = (bucket.arn_for_objects(f"{prefix}*") for prefix in (RAW_PREFIX, MANIFESTS_PREFIX))
        return [
            iam.PolicyStatement(
                sid="ListVersions",
                actions=["s3:ListBucketVersions"],
                resources=[bucket.bucket_arn],
                conditions={"StringLike": {"s3:prefix": [f"{RAW_PREFIX}*", f"{MANIFESTS_PREFIX}*"]}},
            ),
            iam.PolicyStatement(sid="ReadVersions", actions=["s3:GetObjectVersion"], resources=[raw, manifests]),
            iam.PolicyStatement(sid="Write", actions=["s3:PutObject"], resources=[manifests]),
            key_statement(
                "RawKey",
                self._bucket.raw_key,
                "kms:Decrypt",
                "kms:GenerateDataKey",
                via="s3",
                encryption_context={"aws:s3:arn": [bucket.bucket_arn, raw, manifests]},
            ),
            iam.PolicyStatement(sid="Sign", actions=["kms:Sign"], resources=[self.key.key_arn]),
        ]

    def _refuse_others(self) -> None:
        """Refuse everybody but the function to sign, and to write manifests."""
        role = self.function.role
        assert role is not None  # noqa: S101 - tells mypy what every function of the CDK has
        but_the_function = {"ArnNotEquals": {"aws:PrincipalArn": role.role_arn}}
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="DenyOtherSigner",
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=["kms:Sign"],
                resources=["*"],
                conditions=but_the_function,
            )
        )
        self._bucket.bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid="DenyOtherWriterOfManifests",
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=["s3:PutObject"],
                resources=[self._bucket.bucket.arn_for_objects(f"{MANIFESTS_PREFIX}*")],
                conditions=but_the_function,
            )
        )

    def _create_schedule(self) -> events.Rule:
        role = self._machine.create_schedule_role()
        rule = events.Rule(
            self,
            "Schedule",
            description="Makes the manifests of the days that are closed",
            schedule=events.Schedule.rate(_INTERVAL),
            targets=[
                targets.SfnStateMachine(
                    self.state_machine,
                    input=events.RuleTargetInput.from_object({}),
                    role=role.without_policy_updates(),
                )
            ],
        )
        acknowledge(
            rule,
            "EventBusDLQ",
            SERVERLESS,
            reason="The next scheduled run does what this one did not, and an alarm reports when none succeeds.",
        )
        return rule


def _definition() -> dict[str, Any]:
    """Write the state machine in the Amazon States Language; CloudFormation fills in what stands in ${}.

    A step takes up to a thousand versions, and seven entries of the history, which ends at 25,000 (AWS Step Functions
    Developer Guide, "Quotas"), so a run ends with some three million versions.
    """
    return {
        "Comment": "Makes the manifests of the days that are closed, step by step",
        "StartAt": "Step",
        "States": {
            "Step": {
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
            },
            # The function answers what to go on with, and nothing when every closed day has its manifest.
            "Done?": {
                "Type": "Choice",
                "Choices": [{"Variable": "$", "IsNull": True, "Next": "Done"}],
                "Default": "Step",
            },
            "Done": {"Type": "Succeed"},
        },
    }
