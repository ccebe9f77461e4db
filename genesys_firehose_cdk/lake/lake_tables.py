"""Keeps the tables of the lake: Apache Iceberg in Glue, written by Athena alone."""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import Aws, Duration, RemovalPolicy, Size, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from genesys_firehose_cdk.common.acknowledgements import (
    AWS_SOLUTIONS,
    HIPAA,
    NIST,
    PCI,
    SERVERLESS,
    acknowledge,
    acknowledge_wildcard,
)
from genesys_firehose_cdk.common.alarm import AlarmSeverity
from genesys_firehose_cdk.common.context import PipelineContext
from genesys_firehose_cdk.common.keys import key_statement
from genesys_firehose_cdk.common.props import Props
from genesys_firehose_cdk.common.state_machine import LeastPrivilegeStateMachine
from genesys_firehose_cdk.common.validation import (
    check_auto_delete,
    check_duration,
    check_removal_policy,
)
from genesys_firehose_cdk.lake.data_lake_bucket import CLEAN_PREFIX, DataLakeBucket
from genesys_firehose_cdk.lake.lake_catalog import CLEAN_TABLE, LakeCatalog, check_bytes_scanned_limit
from genesys_firehose_cdk.lake.tables.machine import definition
from genesys_firehose_cdk.lake.tables.model import TABLES, VIEWS

RESULTS_PREFIX = "tables/"
"""Where Athena leaves what it says of the tables' statements, in the catalog's bucket of results."""

TABLE_NAMES = (*(table.name for table in TABLES), *(view.name for view in VIEWS))
"""The names of the tables and views."""

# With dynamic partitioning Firehose writes an object for each type and day at least every 15 minutes.
_SHORTEST_INTERVAL_MINUTES = 15
_LONGEST_INTERVAL_MINUTES = 24 * 60
_MISSED_RUNS = 3


@dataclass(frozen=True, kw_only=True)
class LakeTablesProps(Props, at="lake.tables"):
    """How the tables are kept.

    Attributes:
        interval: How often today's and yesterday's events are brought in; 15 minutes to 24 hours, whole minutes. Each
            run reads all objects of these days in `clean/`, so its price goes with their number: a longer
            `delivery.buffering.interval` makes fewer. Default: 1 hour.
        bytes_scanned_limit: A statement that reads more is cancelled, and the run fails; 10 MiB to 100 TiB. The least
            is Athena's own limit (Amazon Athena API Reference, "WorkGroupConfiguration"). The weekly run reads 32 days.
            Default: 1 TiB.

    Raises:
        InvalidPropertyError: A value is out of range.
    """

    interval: Duration = Duration.hours(1)
    bytes_scanned_limit: Size = Size.tebibytes(1)

    def validate(self) -> None:
        """Check interval and limit."""
        check_duration(
            self.name_of("interval"),
            self.interval,
            _SHORTEST_INTERVAL_MINUTES,
            _LONGEST_INTERVAL_MINUTES,
            "minutes",
            "because each run reads whole days",
        )
        check_bytes_scanned_limit(self.name_of("bytes_scanned_limit"), self.bytes_scanned_limit)


class LakeTables(Construct):
    """The tables and views of the lake, and a state machine that keeps them.

    The state machine creates what is missing, tables, columns and views, and merges the events of given days into the
    tables. What it does may be repeated, stopped half-way and run for any days in any order: the tables are what
    `clean/` makes them. It runs alone: a run of the short interval ends where another is at work, any other waits for
    those before it. Where two runs miss each other, as they start in the same moment, Iceberg refuses the later commit,
    and the statement is tried again.

    Its input is `{"from": "2026-11-01", "to": "2026-11-30"}`, which "before" and "after" widen by some days, or
    `{"days": 2}` for the last days up to today. With
    `"optimize": true` it also creates the views anew, and rewrites small files of days that are over; with
    `"vacuum": true` it removes what no snapshot needs any more; with `"yield": true` it ends where another run is at
    work. Three schedules start it: every `interval` for two days, each night for three days with "optimize", each week
    for all days that a late event may be filed under, with both.

    The tables lie in a bucket of their own, without Object Lock, because VACUUM must be able to delete. Everything in
    it can be made anew from `clean/`.

    Attributes:
        bucket: The bucket of the tables.
        workgroup: The Athena workgroup that the tables are written in.
        state_machine: The state machine.
        log_group: Its log group; it holds no events.
        schedules: The rules that start it, by name.
        late_alarm: The alarm that goes off when no run has ended well for some intervals.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        context: PipelineContext,
        bucket: DataLakeBucket,
        catalog: LakeCatalog,
        props: LakeTablesProps | None = None,
        event_date_past_days: int = 30,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        auto_delete_objects: bool = False,
    ) -> None:
        """Create bucket, workgroup, state machine and schedules, and let `catalog.grant_query` include the tables.

        Args:
            scope: The parent construct.
            id: The construct's id.
            context: What the pipeline's constructs share.
            bucket: The lake.
            catalog: Its catalog, whose database the tables are in.
            props: Default: LakeTablesProps().
            event_date_past_days: How many days old an event may be that is filed under its own day; see TransformProps.
                Default: 30.
            removal_policy: What happens to the tables' bucket when the stack goes. Default:
                RETAIN_ON_UPDATE_OR_DELETE.
            auto_delete_objects: Empty the tables' bucket when the stack goes; only with DESTROY. Default: False.

        Raises:
            InvalidPropertyError: `removal_policy` is SNAPSHOT, or `auto_delete_objects` goes without DESTROY.
        """
        super().__init__(scope, id)
        check_removal_policy(removal_policy)
        check_auto_delete(auto_delete_objects, removal_policy)
        props = props or LakeTablesProps()
        # Log delivery by bucket policy, also in an app whose feature flags still say access control lists.
        self.node.set_context("@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy", True)
        self._lake = bucket
        self._catalog = catalog
        self.bucket = self._create_bucket(removal_policy, auto_delete_objects)
        self.workgroup = catalog.create_workgroup(
            self,
            "Workgroup",
            prefix=RESULTS_PREFIX,
            description="Writes the tables",
            key=bucket.clean_key,
            limit=props.bytes_scanned_limit,
        )
        catalog.add_tables(TABLE_NAMES, self.bucket)
        self._machine = LeastPrivilegeStateMachine(
            self,
            context=context,
            comment="Brings events from clean/ into the tables",
            definition=definition(),
            substitutions={
                "Partition": Aws.PARTITION,
                "Database": catalog.database_name,
                "Workgroup": self.workgroup.ref,
                "TablesBucket": self.bucket.bucket_name,
                "MetricsNamespace": context.metrics_namespace,
                "Pipeline": context.name,
            },
            statements=self._statements(context),
        )
        self.state_machine = self._machine.state_machine
        self.log_group = self._machine.log_group
        self._give_rights()
        self.schedules = self._create_schedules(props.interval, event_date_past_days)
        self.late_alarm = context.report_alarm(
            self,
            "TablesLate",
            metric=context.metric("TablesRefreshed", statistic="Maximum", period=props.interval),
            description="The tables of the lake are late: no run has brought today's events in for some time. "
            "`genesys-firehose tables status` says why.",
            severity=AlarmSeverity.TICKET,
            section="tables-late",
            missed=_MISSED_RUNS,
        )

    @property
    def executions_arn(self) -> str:
        """The ARN of all runs of the state machine, with a wildcard."""
        return self._machine.executions_arn

    @property
    def database_name(self) -> str:
        """The Glue database that the tables are in."""
        return self._catalog.database_name

    def grant_refresh(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` start the state machine, list its runs, and follow them."""
        return self._machine.grant_start(grantee)

    def read_statements(self, *tables: str) -> list[iam.PolicyStatement]:
        """Return the rights to ask for some tables in the tables' own workgroup."""
        stack = Stack.of(self)
        results = self._catalog.results_bucket
        return [
            iam.PolicyStatement(
                sid="Query",
                actions=["athena:StartQueryExecution", "athena:GetQueryExecution", "athena:GetQueryResults"],
                resources=[stack.format_arn(service="athena", resource="workgroup", resource_name=self.workgroup.ref)],
            ),
            iam.PolicyStatement(
                sid="ReadCatalog",
                actions=["glue:GetDatabase", "glue:GetTable"],
                # Amazon Athena User Guide, "Configure access to databases and tables in the AWS Glue Data Catalog".
                resources=[
                    *self._catalog.catalog_arns(tables),
                    stack.format_arn(service="glue", resource="database", resource_name="default"),
                ],
            ),
            iam.PolicyStatement(
                sid="ReadTables",
                actions=["s3:GetObject"],
                resources=[self.bucket.arn_for_objects(f"{table}/*") for table in tables],
            ),
            iam.PolicyStatement(
                sid="ListTables",
                actions=["s3:ListBucket", "s3:GetBucketLocation"],
                resources=[self.bucket.bucket_arn, results.bucket_arn],
            ),
            iam.PolicyStatement(
                sid="Results",
                actions=["s3:GetObject", "s3:PutObject"],
                resources=[results.arn_for_objects(f"{RESULTS_PREFIX}*")],
            ),
            key_statement("TablesKey", self._lake.clean_key, "kms:Decrypt", "kms:GenerateDataKey", via="s3"),
        ]

    def _create_bucket(self, removal_policy: RemovalPolicy, auto_delete_objects: bool) -> s3.Bucket:
        access_logs = self._lake.access_log_bucket
        bucket = s3.Bucket(
            self,
            "Bucket",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self._lake.clean_key,
            bucket_key_enabled=True,
            # Nothing expires: Iceberg's snapshots say what a table still needs.
            lifecycle_rules=[s3.LifecycleRule(id="uploads", abort_incomplete_multipart_upload_after=Duration.days(7))],
            server_access_logs_bucket=access_logs,
            server_access_logs_prefix="tables/" if access_logs else None,
            removal_policy=removal_policy,
            auto_delete_objects=auto_delete_objects,
        )
        for rule in ("S3BucketReplicationEnabled", "S3BucketVersioningEnabled"):
            acknowledge(
                bucket,
                rule,
                HIPAA,
                NIST,
                PCI,
                reason="The tables can be made anew from the lake; old versions would make VACUUM free nothing.",
            )
        if access_logs is None:
            reason = "The lake is an existing bucket, whose owner keeps the access logs; Athena's history is here."
            acknowledge(bucket, "S1", AWS_SOLUTIONS, reason=reason)
            acknowledge(bucket, "S3BucketLoggingEnabled", HIPAA, NIST, PCI, reason=reason)
        return bucket

    def _statements(self, context: PipelineContext) -> list[iam.PolicyStatement]:
        clean = self._lake.bucket.arn_for_objects(f"{CLEAN_PREFIX}*")
        tables = self.bucket.arn_for_objects("*")
        results = self._catalog.results_bucket.arn_for_objects(f"{RESULTS_PREFIX}*")
        buckets = [each.bucket_arn for each in (self._lake.bucket, self.bucket, self._catalog.results_bucket)]
        stack = Stack.of(self)
        return [
            # AWS Step Functions Developer Guide, "Run Athena queries with Step Functions", for .sync.
            iam.PolicyStatement(
                sid="Query",
                actions=["athena:StartQueryExecution", "athena:StopQueryExecution", "athena:GetQueryExecution"],
                resources=[stack.format_arn(service="athena", resource="workgroup", resource_name=self.workgroup.ref)],
            ),
            iam.PolicyStatement(
                sid="AthenasCatalog",
                actions=["athena:GetDataCatalog"],
                resources=[stack.format_arn(service="athena", resource="datacatalog", resource_name="AwsDataCatalog")],
            ),
            iam.PolicyStatement(sid="ReadClean", actions=["s3:GetObject"], resources=[clean]),
            iam.PolicyStatement(
                sid="ListClean",
                actions=["s3:ListBucket"],
                resources=[self._lake.bucket.bucket_arn],
                conditions={"StringLike": {"s3:prefix": f"{CLEAN_PREFIX}*"}},
            ),
            iam.PolicyStatement(sid="Locate", actions=["s3:GetBucketLocation"], resources=buckets),
            iam.PolicyStatement(
                sid="List",
                actions=["s3:ListBucket", "s3:ListBucketMultipartUploads"],
                resources=[self.bucket.bucket_arn, self._catalog.results_bucket.bucket_arn],
            ),
            iam.PolicyStatement(
                sid="Write",
                actions=["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
                resources=[tables, results],
            ),
            iam.PolicyStatement(sid="Vacuum", actions=["s3:DeleteObject"], resources=[tables]),
            key_statement("Key", self._lake.clean_key, "kms:Decrypt", "kms:GenerateDataKey", via="s3"),
            # CloudWatch knows no resource for it (Service Authorization Reference, "Amazon CloudWatch").
            iam.PolicyStatement(
                sid="Report",
                actions=["cloudwatch:PutMetricData"],
                resources=["*"],
                conditions={"StringEquals": {"cloudwatch:namespace": context.metrics_namespace}},
            ),
        ]

    def _give_rights(self) -> None:
        """Acknowledge the wildcards, and give the role its rights on the Glue catalog and on the machine's runs.

        Policies of their own: a managed policy ends at 6,144 characters (AWS IAM User Guide, "IAM and AWS STS quotas"),
        and the state machine needs its first policy before it can be named.
        """
        for arn in (
            self._lake.bucket.arn_for_objects(f"{CLEAN_PREFIX}*"),
            self.bucket.arn_for_objects("*"),
            self._catalog.results_bucket.arn_for_objects(f"{RESULTS_PREFIX}*"),
        ):
            acknowledge_wildcard(
                self._machine.policy,
                arn,
                "Athena and Firehose name their objects themselves; the wildcard is one bucket, or one prefix of it.",
            )
        catalog_arns = self._catalog.catalog_arns
        iam.ManagedPolicy(
            self,
            "CatalogPolicy",
            roles=[self._machine.role],
            statements=[
                iam.PolicyStatement(
                    sid="ReadCatalog",
                    actions=["glue:GetDatabase", "glue:GetTable", "glue:GetTables"],
                    resources=catalog_arns([CLEAN_TABLE, *TABLE_NAMES]),
                ),
                iam.PolicyStatement(
                    sid="WriteCatalog",
                    actions=["glue:CreateTable", "glue:UpdateTable"],
                    resources=catalog_arns(TABLE_NAMES),
                ),
                # Amazon Athena User Guide, "Configure access to databases and tables in the AWS Glue Data Catalog".
                iam.PolicyStatement(
                    sid="LookAtDefault",
                    actions=["glue:GetDatabase"],
                    resources=[
                        Stack.of(self).format_arn(service="glue", resource="database", resource_name="default"),
                    ],
                ),
            ],
        )
        iam.ManagedPolicy(
            self,
            "RunsPolicy",
            roles=[self._machine.role],
            statements=[
                iam.PolicyStatement(
                    sid="ListRuns",
                    actions=["states:ListExecutions"],
                    resources=[self.state_machine.state_machine_arn],
                )
            ],
        )

    def _create_schedules(self, interval: Duration, event_date_past_days: int) -> dict[str, events.Rule]:
        role = self._machine.create_schedule_role()
        schedules: Mapping[str, tuple[events.Schedule, Mapping[str, int | bool]]] = {
            "Refresh": (events.Schedule.rate(interval), {"days": 2, "yield": True}),
            "Nightly": (events.Schedule.cron(hour="2", minute="22"), {"days": 3, "optimize": True}),
            "Weekly": (
                events.Schedule.cron(week_day="SUN", hour="4", minute="22"),
                {"days": event_date_past_days + 2, "optimize": True, "vacuum": True},
            ),
        }
        return {name: self._create_schedule(name, role, *each) for name, each in schedules.items()}

    def _create_schedule(
        self, name: str, role: iam.Role, schedule: events.Schedule, run: Mapping[str, int | bool]
    ) -> events.Rule:
        rule = events.Rule(
            self,
            name,
            description="Brings events from clean/ into the tables",
            schedule=schedule,
            targets=[
                targets.SfnStateMachine(
                    self.state_machine,
                    input=events.RuleTargetInput.from_object(run),
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
