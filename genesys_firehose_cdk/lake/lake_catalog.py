"""Makes the lake queryable in place with Amazon Athena."""

import runpy
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from aws_cdk import ArnFormat, Duration, Names, RemovalPolicy, Size, Stack
from aws_cdk import aws_athena as athena
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from genesys_firehose_cdk.common.acknowledgements import AWS_SOLUTIONS, HIPAA, NIST, PCI, acknowledge
from genesys_firehose_cdk.common.function_code import source_directory
from genesys_firehose_cdk.common.props import Props
from genesys_firehose_cdk.common.validation import (
    InvalidPropertyError,
    check_auto_delete,
    check_range,
    check_removal_policy,
)
from genesys_firehose_cdk.lake.data_lake_bucket import CLEAN_PREFIX, RAW_PREFIX, DataLakeBucket

CLEAN_TABLE = "clean"
RAW_TABLE = "raw"
EVENTS_VIEW = "events"
# Amazon Athena API Reference, "WorkGroupConfiguration": 10,000,000 bytes at least.
_SMALLEST_LIMIT_MIB = 10
_LARGEST_LIMIT_MIB = 100 * 1024 * 1024
_QUERIES = Path(__file__).parent / "queries"
_QUERIES_OF_TABLES = Path(__file__).parent / "tables" / "queries"
_ATHENA_ACTIONS = (
    "athena:GetWorkGroup",
    "athena:StartQueryExecution",
    "athena:StopQueryExecution",
    "athena:GetQueryExecution",
    "athena:GetQueryResults",
    "athena:ListQueryExecutions",
    "athena:BatchGetQueryExecution",
    "athena:ListNamedQueries",
    "athena:GetNamedQuery",
    "athena:BatchGetNamedQuery",
)


@dataclass(frozen=True, kw_only=True)
class LakeCatalogProps(Props, at="lake.catalog"):
    """How the lake is queried with Amazon Athena.

    Attributes:
        first_day: The first day that queries look at; every day since is a partition to them. Default: 2026-01-01.
        bytes_scanned_limit: A query that reads more is cancelled; 10 MiB to 100 TiB. The least is Athena's own limit
            (Amazon Athena API Reference, "WorkGroupConfiguration"). Default: 100 GiB.
        results_expiration_days: After how many days query results expire; 1 to 365. Default: 30.

    Raises:
        InvalidPropertyError: A value is out of range.
    """

    first_day: date = date(2026, 1, 1)
    bytes_scanned_limit: Size = Size.gibibytes(100)
    results_expiration_days: int = 30

    def validate(self) -> None:
        """Check limit and expiration."""
        check_bytes_scanned_limit(self.name_of("bytes_scanned_limit"), self.bytes_scanned_limit)
        name = self.name_of("results_expiration_days")
        check_range(name, self.results_expiration_days, 1, 365, "days", "because a query can be run again")


def check_bytes_scanned_limit(name: str, limit: Size) -> None:
    """Refuse a limit of the bytes that a query reads which Athena would refuse.

    Raises:
        InvalidPropertyError: It is out of range.
    """
    if limit.is_unresolved():
        raise InvalidPropertyError(name, "is known at deployment only", "a size known at synthesis is allowed")
    mebibytes = round(limit.to_bytes() / 1024 / 1024, 3)
    if mebibytes.is_integer():
        mebibytes = int(mebibytes)
    check_range(name, mebibytes, _SMALLEST_LIMIT_MIB, _LARGEST_LIMIT_MIB, "MiB", "the least is Athena's own limit")


class LakeCatalog(Construct):
    """A Glue database over the lake, and an Athena workgroup for each layer of it.

    Both tables know their partitions by projection, so no crawler runs and a new day or hour is there at
    once (Amazon Athena User Guide, "Use partition projection with Amazon Athena"). A row is one line, a
    JSON text: whatever the sender wrote, no row can fail a query, while the JSON SerDes refuse keys that
    differ in case alone. The saved queries take the lines apart and count every event once.

    A workgroup's users cannot change where results go or how they are encrypted. The results of each layer
    have a prefix of their own and the key of their layer, so that whoever may read masked events does not
    find originals in somebody's results.

    Attributes:
        database: The Glue database.
        database_name: Its name.
        clean_table: The table `clean` over `clean/`, by `event_type` and `date`.
        raw_table: The table `raw` over `raw/`, by `hour` of arrival, such as 2026/11/23/10.
        results_bucket: The bucket of query results; they expire.
        workgroup: The workgroup for `clean/`.
        raw_workgroup: The workgroup for `raw/`.
        queries: The saved queries of the workgroup, by name.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        bucket: DataLakeBucket,
        props: LakeCatalogProps | None = None,
        has_tables: bool = False,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        auto_delete_objects: bool = False,
    ) -> None:
        """Create database, tables, workgroups and queries.

        Args:
            scope: The parent construct.
            id: The construct's id.
            bucket: The lake.
            props: Default: LakeCatalogProps().
            has_tables: Whether `LakeTables` keeps tables of this catalog; the saved queries then read those. Default:
                False.
            removal_policy: What happens to the results bucket when the stack goes. Default:
                RETAIN_ON_UPDATE_OR_DELETE.
            auto_delete_objects: Empty the results bucket when the stack goes; only with DESTROY. Default: False.

        Raises:
            InvalidPropertyError: `removal_policy` is SNAPSHOT, or `auto_delete_objects` goes without DESTROY.
        """
        super().__init__(scope, id)
        check_removal_policy(removal_policy)
        check_auto_delete(auto_delete_objects, removal_policy)
        props = props or LakeCatalogProps()
        # Log delivery by bucket policy, also in an app whose feature flags still say access control lists.
        self.node.set_context("@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy", True)
        self._bucket = bucket
        self._first_day = props.first_day
        self._tables: Sequence[str] = ()
        self._tables_bucket: s3.IBucket | None = None
        # Athena's names are lower case, digits and underscores (Amazon Athena User Guide, "Name databases, tables, and
        # columns"); derived from the path, so that a second pipeline has others.
        self.database_name = Names.unique_resource_name(self, max_length=100, separator="_").lower()
        self.database = glue.CfnDatabase(
            self,
            "Database",
            catalog_id=Stack.of(self).account,
            database_name=self.database_name,
            database_input=glue.CfnDatabase.DatabaseInputProperty(
                name=self.database_name, description="Genesys Cloud events as received and masked"
            ),
        )
        self.clean_table = self._create_clean_table()
        self.raw_table = self._create_raw_table(props.first_day)
        self.results_bucket = self._create_results_bucket(
            props.results_expiration_days, removal_policy, auto_delete_objects
        )
        limit = props.bytes_scanned_limit
        self.workgroup, self.raw_workgroup = (
            self.create_workgroup(self, id, prefix=prefix, description=f"Queries of {prefix}", key=key, limit=limit)
            for id, prefix, key in (
                ("Workgroup", CLEAN_PREFIX, bucket.clean_key),
                ("RawWorkgroup", RAW_PREFIX, bucket.raw_key),
            )
        )
        queries = saved_queries(has_tables=has_tables)
        self.queries = {name: self._create_query(name, text) for name, text in queries.items()}

    def grant_query(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` query masked events, and the tables made of them, in `workgroup`, and nothing else."""
        readable = dict.fromkeys((CLEAN_TABLE, EVENTS_VIEW, *self._tables))
        whole = self._bucket.grant_read_clean(grantee).combine(
            self._grant(grantee, self.workgroup, CLEAN_PREFIX, self._bucket.clean_key, list(readable))
        )
        if self._tables_bucket is None:
            return whole
        # The key is that of clean/.
        bucket = self._tables_bucket
        for action, arn in (
            ("s3:GetBucketLocation", bucket.bucket_arn),
            ("s3:ListBucket", bucket.bucket_arn),
            ("s3:GetObject", bucket.arn_for_objects("*")),
        ):
            grant = iam.Grant.add_to_principal(grantee=grantee, actions=[action], resource_arns=[arn])
            whole = whole.combine(grant)
        return whole

    def add_tables(self, names: Sequence[str], bucket: s3.IBucket) -> None:
        """Let `grant_query` from now on include the tables and views of these names, too, which lie in a bucket."""
        self._tables = (*self._tables, *names)
        self._tables_bucket = bucket

    def grant_query_raw(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` query events as received in `raw_workgroup`, and read `errors/`: personal data in clear."""
        return self._bucket.grant_read_raw(grantee).combine(
            self._grant(grantee, self.raw_workgroup, RAW_PREFIX, self._bucket.raw_key, (RAW_TABLE,))
        )

    def _grant(
        self,
        grantee: iam.IGrantable,
        workgroup: athena.CfnWorkGroup,
        prefix: str,
        key: kms.IKey,
        tables: Sequence[str],
    ) -> iam.Grant:
        stack = Stack.of(self)
        workgroup_arn = stack.format_arn(service="athena", resource="workgroup", resource_name=workgroup.ref)
        results = self.results_bucket

        def allow(
            actions: Sequence[str], resource_arns: Sequence[str], conditions: dict[str, dict[str, str]] | None = None
        ) -> iam.Grant:
            return iam.Grant.add_to_principal(
                grantee=grantee, actions=list(actions), resource_arns=list(resource_arns), conditions=conditions
            )

        grants = [
            allow(_ATHENA_ACTIONS, [workgroup_arn]),
            # Amazon Athena User Guide, "Configure access to databases and tables in the AWS Glue Data Catalog": a table
            # is read through its catalog and its database, and Athena looks at the database `default` as well.
            allow(["glue:GetDatabase", "glue:GetTable", "glue:GetTables"], self.catalog_arns(tables)),
            allow(["glue:GetDatabase"], [self._database_arn("default")]),
            allow(["s3:GetBucketLocation"], [results.bucket_arn, self._bucket.bucket.bucket_arn]),
            allow(["s3:ListBucket"], [results.bucket_arn], {"StringLike": {"s3:prefix": f"{prefix}*"}}),
            # This action knows no condition on the prefix (Service Authorization Reference, "Amazon S3"). It lists the
            # names of results that are being written.
            allow(["s3:ListBucketMultipartUploads"], [results.bucket_arn]),
            allow(
                ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
                [results.arn_for_objects(f"{prefix}*")],
            ),
            key.grant_encrypt_decrypt(grantee),
        ]
        whole = grants[0]
        for grant in grants[1:]:
            whole = whole.combine(grant)
        return whole

    def catalog_arns(self, tables: Sequence[str]) -> list[str]:
        """Return the ARNs of the catalog, the database and these tables of it."""
        stack = Stack.of(self)
        return [
            stack.format_arn(service="glue", resource="catalog", arn_format=ArnFormat.NO_RESOURCE_NAME),
            self._database_arn(self.database_name),
            *(
                stack.format_arn(service="glue", resource="table", resource_name=f"{self.database_name}/{table}")
                for table in tables
            ),
        ]

    def _database_arn(self, name: str) -> str:
        return Stack.of(self).format_arn(service="glue", resource="database", resource_name=name)

    def days(self, *, until: str) -> dict[str, str]:
        """Return the projection of a partition that is a day, such as 2026-11-23, from the first day on."""
        return {
            "type": "date",
            "format": "yyyy-MM-dd",
            "range": f"{self._first_day.isoformat()},{until}",
            "interval": "1",
            "interval.unit": "DAYS",
        }

    def _create_clean_table(self) -> glue.CfnTable:
        return self.create_line_table(
            self,
            CLEAN_TABLE,
            "Masked events: one JSON text per line; query the view `events` for every event once",
            bucket=self._bucket.bucket,
            location=CLEAN_PREFIX,
            template=f"{CLEAN_PREFIX}event_type=${{event_type}}/date=${{date}}/",
            partitions={
                "event_type": {"type": "enum", "values": ",".join(_event_types())},
                # A sender's clock may be ahead, by 30 days at most.
                "date": self.days(until="NOW+30DAYS"),
            },
        )

    def _create_raw_table(self, first_day: date) -> glue.CfnTable:
        return self.create_line_table(
            self,
            RAW_TABLE,
            "Events as received, personal data in clear: one JSON text per line",
            bucket=self._bucket.bucket,
            location=RAW_PREFIX,
            template=f"{RAW_PREFIX}${{hour}}/",
            partitions={
                "hour": {
                    "type": "date",
                    "format": "yyyy/MM/dd/HH",
                    "range": f"{first_day:%Y/%m/%d}/00,NOW",
                    "interval": "1",
                    "interval.unit": "HOURS",
                },
            },
        )

    def create_line_table(
        self,
        scope: Construct,
        name: str,
        description: str,
        *,
        bucket: s3.IBucket,
        location: str,
        template: str,
        partitions: dict[str, dict[str, str]],
    ) -> glue.CfnTable:
        """Create a table over GZIP objects of text lines, whose partitions are projected.

        Args:
            scope: The parent construct.
            name: The table's name.
            description: What a line is.
            bucket: Where the objects lie.
            location: The prefix that they have in common, such as clean/.
            template: That of a partition, with `${...}` in the place of each value.
            partitions: The projection of each partition column (Amazon Athena User Guide, "Set up partition
                projection").
        """
        root = bucket.s3_url_for_object()
        parameters = {"EXTERNAL": "TRUE", "projection.enabled": "true"}
        parameters["storage.location.template"] = f"{root}/{template}"
        for column, projection in partitions.items():
            parameters.update({f"projection.{column}.{key}": value for key, value in projection.items()})
        table = glue.CfnTable(
            scope,
            f"{name.title().replace('_', '')}Table",
            catalog_id=Stack.of(self).account,
            database_name=self.database_name,
            table_input=glue.CfnTable.TableInputProperty(
                name=name,
                description=description,
                table_type="EXTERNAL_TABLE",
                parameters=parameters,
                partition_keys=[glue.CfnTable.ColumnProperty(name=column, type="string") for column in partitions],
                storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                    location=f"{root}/{location}",
                    columns=[glue.CfnTable.ColumnProperty(name="line", type="string")],
                    compressed=True,
                    input_format="org.apache.hadoop.mapred.TextInputFormat",
                    output_format="org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                    serde_info=glue.CfnTable.SerdeInfoProperty(
                        serialization_library="org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                        # Fields end with the character U+0001, which JSON forbids: so a line is one field.
                        parameters={"serialization.format": "1"},
                    ),
                ),
            ),
        )
        table.add_resource_dependency(self.database)
        return table

    def _create_results_bucket(
        self, expiration_days: int, removal_policy: RemovalPolicy, auto_delete_objects: bool
    ) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            "Results",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self._bucket.clean_key,
            bucket_key_enabled=True,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="results",
                    expiration=Duration.days(expiration_days),
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                )
            ],
            server_access_logs_bucket=self._bucket.access_log_bucket,
            server_access_logs_prefix="query-results/" if self._bucket.access_log_bucket else None,
            removal_policy=removal_policy,
            auto_delete_objects=auto_delete_objects,
        )
        acknowledge(
            bucket,
            "S3BucketReplicationEnabled",
            HIPAA,
            NIST,
            PCI,
            reason="Query results that can be had again from the lake; they expire.",
        )
        acknowledge(
            bucket,
            "S3BucketVersioningEnabled",
            HIPAA,
            NIST,
            PCI,
            reason="Query results that can be had again from the lake; an old version would outlive its expiry.",
        )
        if self._bucket.access_log_bucket is None:
            reason = "The lake is an existing bucket, whose owner keeps the access logs; Athena's history is here."
            acknowledge(bucket, "S1", AWS_SOLUTIONS, reason=reason)
            acknowledge(bucket, "S3BucketLoggingEnabled", HIPAA, NIST, PCI, reason=reason)
        return bucket

    def create_workgroup(
        self, scope: Construct, id: str, *, prefix: str, description: str, key: kms.IKey, limit: Size
    ) -> athena.CfnWorkGroup:
        """Create a workgroup whose results lie in the results bucket.

        Args:
            scope: The parent construct.
            id: The workgroup's id.
            prefix: Where its results lie, such as clean/; its name ends so, too.
            description: What it is for.
            key: Encrypts its results.
            limit: A query that reads more is cancelled.
        """
        return athena.CfnWorkGroup(
            scope,
            id,
            name=f"{Names.unique_resource_name(self, max_length=100)}-{prefix.rstrip('/')}",
            description=description,
            # A workgroup holds its settings and a history of queries, no results.
            recursive_delete_option=True,
            work_group_configuration=athena.CfnWorkGroup.WorkGroupConfigurationProperty(
                bytes_scanned_cutoff_per_query=int(limit.to_bytes()),
                enforce_work_group_configuration=True,
                publish_cloud_watch_metrics_enabled=True,
                engine_version=athena.CfnWorkGroup.EngineVersionProperty(
                    selected_engine_version="Athena engine version 3"
                ),
                result_configuration=athena.CfnWorkGroup.ResultConfigurationProperty(
                    output_location=self.results_bucket.s3_url_for_object(prefix),
                    encryption_configuration=athena.CfnWorkGroup.EncryptionConfigurationProperty(
                        encryption_option="SSE_KMS", kms_key=key.key_arn
                    ),
                ),
            ),
        )

    def _create_query(self, name: str, text: str) -> athena.CfnNamedQuery:
        query = athena.CfnNamedQuery(
            self,
            f"Query{name.title().replace('_', '')}",
            name=name.replace("_", " "),
            description=description_of(text),
            database=self.database_name,
            query_string=text,
            work_group=self.workgroup.ref,
        )
        query.add_resource_dependency(self.database)
        return query


def _event_types() -> list[str]:
    """Return every partition that is to be read: the event types that the functions know, and names."""
    known = runpy.run_path(str(source_directory() / "shared" / "event_types.py"))
    return sorted({*known["EVENT_TYPES"], known["NAMES"], known["BACKFILL"]})


def saved_queries(*, has_tables: bool = False) -> dict[str, str]:
    """Return the saved queries, by name, as Athena runs them.

    Args:
        has_tables: Whether the lake has tables. The queries then read those; else they read `clean`, and contain the
            definition of the view `events`, so that they run without the view and without the right to create one,
            and `create_view` makes it, for queries of your own. Default: False.
    """
    if has_tables:
        return _files_of(_QUERIES_OF_TABLES)
    queries = _files_of(_QUERIES)
    events = queries.pop(EVENTS_VIEW)
    return {
        "create_view": f"{_comment_of(events)}CREATE OR REPLACE VIEW {EVENTS_VIEW} AS\n{_body_of(events)}",
        **{
            name: f"{_comment_of(text)}WITH {EVENTS_VIEW} AS (\n{_body_of(events)})\n{_body_of(text)}"
            for name, text in queries.items()
        },
    }


def _files_of(directory: Path) -> dict[str, str]:
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(directory.glob("*.sql"))}


def description_of(query: str) -> str:
    """Return what a query says of itself in its first lines."""
    return " ".join(line.removeprefix("--").strip() for line in _comment_of(query).splitlines())


def _comment_of(query: str) -> str:
    return "".join(line for line in query.splitlines(keepends=True) if line.startswith("--"))


def _body_of(query: str) -> str:
    return "".join(line for line in query.splitlines(keepends=True) if not line.startswith("--"))
