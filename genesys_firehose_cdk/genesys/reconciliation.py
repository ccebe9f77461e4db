"""Holds the lake against Genesys Cloud day by day: is every conversation that it knows in the tables?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from aws_cdk import Aws, Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from genesys_firehose_cdk.common.acknowledgements import SERVERLESS, acknowledge, acknowledge_wildcard
from genesys_firehose_cdk.common.alarm import AlarmSeverity, PipelineAlarm
from genesys_firehose_cdk.common.context import PipelineContext
from genesys_firehose_cdk.common.keys import key_statement
from genesys_firehose_cdk.common.lambda_function import LeastPrivilegeFunction
from genesys_firehose_cdk.common.props import Props
from genesys_firehose_cdk.common.state_machine import LeastPrivilegeStateMachine
from genesys_firehose_cdk.common.validation import InvalidPropertyError, check_one_of
from genesys_firehose_cdk.genesys.connection import GenesysConnectionProps
from genesys_firehose_cdk.genesys.reconciliation_machine import LAST_CHECK_DAYS, definition
from genesys_firehose_cdk.lake.data_lake_bucket import DataLakeBucket
from genesys_firehose_cdk.lake.lake_catalog import LakeCatalog
from genesys_firehose_cdk.lake.lake_tables import RESULTS_PREFIX, LakeTables
from genesys_firehose_cdk.lake.tables.model import COMPLETENESS_TABLES, EVENTS, EXPECTED_CONVERSATIONS

MEDIA = ("voice", "callback", "chat", "email", "message")
_OTHER_MEDIA = ("cobrowse", "internalmessage", "screenmonitoring", "screenshare", "video")
EXPECTED_PREFIX = f"{EXPECTED_CONVERSATIONS}/"
"""Where in the tables' bucket lies what Genesys Cloud listed; the objects expire."""

_EXPECTED_DAYS = 90
_MISSED_CHECKS = 2
# Lambda's limit (AWS Lambda Developer Guide, "Lambda quotas"); a run ends within it by itself.
_TIMEOUT = Duration.minutes(15)
# A listing is held whole: about 300 bytes a session, so a million sessions a day.
_MEMORY_SIZE = 1024
_NAMES = tuple(table.name for table in COMPLETENESS_TABLES)
# The participants whose detail events the topics bring, by the word after the conversation's id.
_PURPOSES = {"customer": "customer", "acd": "acd", "user": "agent"}
_DETAIL_EVENTS = "v2.detail.events.conversation.{id}."


@dataclass(frozen=True, kw_only=True)
class ReconciliationProps(Props, at="genesys.reconciliation"):
    """Whose conversations are expected in the lake, and who may ask for them.

    Attributes:
        credentials: The secret of an OAuth client of its own, which only needs to read: the permission
            `analytics:conversationDetail:view`, for all divisions. Its form is that of GenesysConnectionProps.
        media: The media of the sessions that are expected: voice, callback, chat, email, message, cobrowse,
            internalmessage, screenmonitoring, screenshare and video (Genesys Cloud's SDK, "AnalyticsSession"). A topic
            brings all media, so leave out those whose events your topics do not bring. Default: the first five.

    Raises:
        InvalidPropertyError: There is no such medium, one comes twice or there is none.
    """

    credentials: secretsmanager.ISecret
    media: Sequence[str] = MEDIA

    def validate(self) -> None:
        """Check the media."""
        name, allowed = self.name_of("media"), (*MEDIA, *_OTHER_MEDIA)
        if not self.media:
            raise InvalidPropertyError(name, "is empty", f"allowed are {', '.join(allowed)}")
        for medium in self.media:
            check_one_of(name, medium, allowed)
            if self.media.count(medium) > 1:
                raise InvalidPropertyError(name, f"holds {medium!r} twice", "each medium is allowed once")


def expected_purposes(topics: Sequence[str]) -> tuple[str, ...]:
    """Return the purposes of participants whose sessions begin or end with an event of these topics."""
    words = {
        topic.removeprefix(_DETAIL_EVENTS).partition(".")[0]
        for topic in topics
        if topic.startswith(_DETAIL_EVENTS) and topic.endswith((".start", ".end"))
    }
    return tuple(purpose for word, purpose in _PURPOSES.items() if word in words)


class Reconciliation(Construct):
    """A state machine that checks each day twice, and keeps what it found in the table `completeness`.

    A run is for one day: the one of its input, `{"day": "2026-11-23"}`, or `{"days_ago": 1}`. It waits until Genesys
    Cloud has the whole day, lets asynchronous jobs list its conversations until two in a row list the same, brings the
    tables up to date for the day and the four after it, and compares. A day is checked on the next day and again on
    the fourth, when Genesys Cloud's corrections are in; only then it may be `complete`. What can't be checked, for
    want of a right, a job that fails or whatever else, is `unknown`, with the reason in the row.

    Attributes:
        function: The function that asks Genesys Cloud.
        state_machine: The state machine.
        log_group: Its log group; it holds no ids.
        schedules: The rules that start it, by name.
        alarms: The alarms, by name.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        context: PipelineContext,
        connection: GenesysConnectionProps,
        topics: Sequence[str],
        bucket: DataLakeBucket,
        catalog: LakeCatalog,
        tables: LakeTables,
        props: ReconciliationProps,
    ) -> None:
        """Create the function, the state machine with its schedules, and the alarms.

        Args:
            scope: The parent construct.
            id: The construct's id.
            context: What the pipeline's constructs share.
            connection: Where to ask; `props` has the OAuth client.
            topics: The topics whose events come into the lake.
            bucket: The lake.
            catalog: Its catalog.
            tables: Its tables, which are compared.
            props: The OAuth client, and what is expected.

        Raises:
            InvalidPropertyError: No topic brings the events of customers, queues or agents, or the stack is where the
                region's data may not go.
        """
        super().__init__(scope, id)
        connection.region.check_pairing(self)
        purposes = expected_purposes(topics)
        if not purposes:
            raise InvalidPropertyError(
                "genesys.reconciliation",
                "is given without a topic of customers, queues or agents",
                "it is allowed with topics such as those of the preset conversation_details",
            )
        self._bucket, self._catalog, self._tables = bucket, catalog, tables
        self._expected_arn = tables.bucket.arn_for_objects(f"{EXPECTED_PREFIX}*")
        catalog.add_tables(_NAMES, tables.bucket)
        self._create_expected_table()
        self.function = self._create_function(
            context, replace(connection, credentials=props.credentials), purposes, props.media
        )
        self._machine = LeastPrivilegeStateMachine(
            self,
            context=context,
            comment="Holds a day of the lake against Genesys Cloud",
            definition=definition(),
            substitutions={
                "Partition": Aws.PARTITION,
                "FunctionArn": self.function.function_arn,
                "TablesStateMachineArn": tables.state_machine.state_machine_arn,
                "Database": catalog.database_name,
                "Workgroup": tables.workgroup.ref,
                "TablesBucket": tables.bucket.bucket_name,
                "MetricsNamespace": context.metrics_namespace,
                "Pipeline": context.name,
            },
            statements=self._statements(context),
        )
        self.state_machine = self._machine.state_machine
        self.log_group = self._machine.log_group
        self._give_rights()
        self.schedules = self._create_schedules()
        self.alarms = self._create_alarms(context)

    def _create_expected_table(self) -> None:
        """Create the table of what Genesys Cloud listed, whose objects expire."""
        self._catalog.create_line_table(
            self,
            EXPECTED_CONVERSATIONS,
            "What Genesys Cloud listed of a day: one JSON text per line, without anything personal",
            bucket=self._tables.bucket,
            location=EXPECTED_PREFIX,
            template=f"{EXPECTED_PREFIX}day=${{day}}/",
            partitions={"day": self._catalog.days(until="NOW")},
        )
        self._tables.bucket.add_lifecycle_rule(
            id="expected", prefix=EXPECTED_PREFIX, expiration=Duration.days(_EXPECTED_DAYS)
        )

    def _create_function(
        self,
        context: PipelineContext,
        connection: GenesysConnectionProps,
        purposes: Sequence[str],
        media: Sequence[str],
    ) -> lambda_.Function:
        worker = LeastPrivilegeFunction(
            self,
            "Function",
            context=context,
            package="genesys_reconciliation",
            libraries=("genesys",),
            description="Lists what Genesys Cloud knows of a day's conversations",
            statements=[
                *connection.read_statements,
                iam.PolicyStatement(sid="Stage", actions=["s3:PutObject"], resources=[self._expected_arn]),
                key_statement("EncryptStaged", self._bucket.clean_key, "kms:GenerateDataKey", via="s3"),
            ],
            environment={
                "GENESYS_HOST": connection.region.host,
                "CREDENTIALS_SECRET_ARN": connection.credentials.secret_arn,
                "PURPOSES": ",".join(purposes),
                "MEDIA": ",".join(media),
                "TABLES_BUCKET_NAME": self._tables.bucket.bucket_name,
                "EXPECTED_PREFIX": EXPECTED_PREFIX,
            },
            timeout=_TIMEOUT,
            memory_size=_MEMORY_SIZE,
        )
        acknowledge_wildcard(
            worker.policy, self._expected_arn, "Runs name their objects; the wildcard is one prefix of one bucket."
        )
        return worker.function

    def grant_check(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` start the state machine for any day, list its runs, and follow them."""
        return self._machine.grant_start(grantee)

    def _statements(self, context: PipelineContext) -> list[iam.PolicyStatement]:
        stack, tables = Stack.of(self), self._tables
        results = self._catalog.results_bucket
        workgroup = tables.workgroup.ref
        return [
            iam.PolicyStatement(
                sid="AskGenesys", actions=["lambda:InvokeFunction"], resources=[self.function.function_arn]
            ),
            iam.PolicyStatement(
                sid="RefreshTables",
                actions=["states:StartExecution"],
                resources=[tables.state_machine.state_machine_arn],
            ),
            iam.PolicyStatement(
                sid="FollowTables", actions=["states:DescribeExecution"], resources=[tables.executions_arn]
            ),
            # AWS Step Functions Developer Guide, "Run Athena queries with Step Functions", for .sync.
            iam.PolicyStatement(
                sid="Query",
                actions=[
                    "athena:StartQueryExecution",
                    "athena:StopQueryExecution",
                    "athena:GetQueryExecution",
                    "athena:GetQueryResults",
                ],
                resources=[stack.format_arn(service="athena", resource="workgroup", resource_name=workgroup)],
            ),
            iam.PolicyStatement(
                sid="AthenasCatalog",
                actions=["athena:GetDataCatalog"],
                resources=[stack.format_arn(service="athena", resource="datacatalog", resource_name="AwsDataCatalog")],
            ),
            iam.PolicyStatement(
                sid="Locate",
                actions=["s3:GetBucketLocation"],
                resources=[tables.bucket.bucket_arn, results.bucket_arn],
            ),
            iam.PolicyStatement(
                sid="List",
                actions=["s3:ListBucket", "s3:ListBucketMultipartUploads"],
                resources=[tables.bucket.bucket_arn, results.bucket_arn],
            ),
            iam.PolicyStatement(sid="Read", actions=["s3:GetObject"], resources=self._read_arns),
            iam.PolicyStatement(
                sid="Write",
                actions=["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
                resources=[*self._written_arns, results.arn_for_objects(f"{RESULTS_PREFIX}*")],
            ),
            iam.PolicyStatement(sid="Vacuum", actions=["s3:DeleteObject"], resources=self._written_arns),
            key_statement("Key", self._bucket.clean_key, "kms:Decrypt", "kms:GenerateDataKey", via="s3"),
            # CloudWatch knows no resource for it (Service Authorization Reference, "Amazon CloudWatch").
            iam.PolicyStatement(
                sid="Report",
                actions=["cloudwatch:PutMetricData"],
                resources=["*"],
                conditions={"StringEquals": {"cloudwatch:namespace": context.metrics_namespace}},
            ),
        ]

    @property
    def _read_arns(self) -> list[str]:
        return [self._expected_arn, self._tables.bucket.arn_for_objects(f"{EVENTS.name}/*")]

    @property
    def _written_arns(self) -> list[str]:
        return [self._tables.bucket.arn_for_objects(f"{name}/*") for name in _NAMES]

    def _give_rights(self) -> None:
        """Acknowledge the wildcards, and give the role its rights on the Glue catalog, in a policy of their own.

        A managed policy ends at 6,144 characters (AWS IAM User Guide, "IAM and AWS STS quotas").
        """
        for arn in (
            *self._read_arns,
            *self._written_arns,
            self._catalog.results_bucket.arn_for_objects(f"{RESULTS_PREFIX}*"),
            self._tables.executions_arn,
        ):
            acknowledge_wildcard(
                self._machine.policy, arn, "Named at run time; the wildcard is one prefix, or one state machine's runs."
            )
        iam.ManagedPolicy(
            self,
            "CatalogPolicy",
            roles=[self._machine.role],
            statements=[
                iam.PolicyStatement(
                    sid="ReadCatalog",
                    actions=["glue:GetDatabase", "glue:GetTable", "glue:GetTables"],
                    resources=self._catalog.catalog_arns([EXPECTED_CONVERSATIONS, EVENTS.name, *_NAMES]),
                ),
                iam.PolicyStatement(
                    sid="WriteCatalog",
                    actions=["glue:CreateTable", "glue:UpdateTable"],
                    resources=self._catalog.catalog_arns(_NAMES),
                ),
                # Amazon Athena User Guide, "Configure access to databases and tables in the AWS Glue Data Catalog".
                iam.PolicyStatement(
                    sid="LookAtDefault",
                    actions=["glue:GetDatabase"],
                    resources=[Stack.of(self).format_arn(service="glue", resource="database", resource_name="default")],
                ),
            ],
        )

    def _create_schedules(self) -> dict[str, events.Rule]:
        role = self._machine.create_schedule_role()
        # After the night's run of the tables; the second brings in fewer days than the first.
        schedules: Mapping[str, tuple[str, int]] = {"LastCheck": ("5", LAST_CHECK_DAYS), "FirstCheck": ("6", 1)}
        return {name: self._create_schedule(name, role, *each) for name, each in schedules.items()}

    def _create_schedule(self, name: str, role: iam.Role, hour: str, days_ago: int) -> events.Rule:
        rule = events.Rule(
            self,
            name,
            description="Holds a day of the lake against Genesys Cloud",
            schedule=events.Schedule.cron(hour=hour, minute="22"),
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
            reason="An alarm reports where days are not checked, and any day can be checked again by hand.",
        )
        return rule

    def _create_alarms(self, context: PipelineContext) -> dict[str, PipelineAlarm]:
        day = Duration.days(1)
        return {
            "ConversationsMissing": context.alarm(
                self,
                "ConversationsMissing",
                metric=context.metric("ConversationsMissing", statistic="Maximum", period=day),
                severity=AlarmSeverity.TICKET,
                section="conversations-missing",
                threshold=1,
                description="Genesys Cloud knows conversations of which the lake has no event. "
                "`genesys-firehose completeness` shows the days.",
            ),
            "ConversationsPartial": context.alarm(
                self,
                "ConversationsPartial",
                metric=context.metric("ConversationsPartial", statistic="Maximum", period=day),
                severity=AlarmSeverity.TICKET,
                section="conversations-partial",
                threshold=1,
                description="Genesys Cloud knows sessions of conversations of which the lake has no event, although it "
                "has others of the same conversation. `genesys-firehose completeness` shows the days.",
            ),
            "DaysNotReconciled": context.report_alarm(
                self,
                "DaysNotReconciled",
                metric=context.metric("DaysReconciled", statistic="Minimum", period=day),
                severity=AlarmSeverity.TICKET,
                section="days-not-reconciled",
                missed=_MISSED_CHECKS,
                description="Days could not be held against Genesys Cloud, so nobody knows whether they are complete. "
                "`genesys-firehose completeness` says why.",
            ),
        }
