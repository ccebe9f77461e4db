"""What a user says of the lake."""

from dataclasses import dataclass

from aws_cdk import aws_s3 as s3

from genesys_firehose_cdk.common.props import Props
from genesys_firehose_cdk.lake.data_lake_bucket import DataLakeBucketProps
from genesys_firehose_cdk.lake.lake_catalog import LakeCatalogProps
from genesys_firehose_cdk.lake.lake_manifests import LakeManifestsProps
from genesys_firehose_cdk.lake.lake_tables import LakeTablesProps


@dataclass(frozen=True, kw_only=True)
class LakeProps(Props, at="lake"):
    """Where events are kept, and how they are queried.

    Attributes:
        bucket: Retention and lifecycle of a new bucket. Default: GOVERNANCE for 30 days.
        existing_bucket: A bucket instead of a new one. It must come with its `encryption_key`, and its owner sees to
            access block, TLS, lifecycle and logs. Default: a new bucket.
        existing_bucket_is_locked_and_versioned: Must be True with `existing_bucket`: its owner says that it has Object
            Lock and versioning, which synthesis cannot see. Default: False.
        catalog: How the lake is queried; there is a catalog with dynamic partitioning alone, because its tables follow
            the partitions. Default: LakeCatalogProps().
        tables: How the typed tables over `clean/` are kept; None for no tables. They need a catalog. Default:
            LakeTablesProps() where there is a catalog.
        manifests: Write down, signed, what `raw/` holds of each closed day of arrival, so that an auditor can check it
            with `genesys-firehose verify`. It costs about $2 a month, and reads every object of `raw/` once. Default:
            no manifests.
    """

    bucket: DataLakeBucketProps | None = None
    existing_bucket: s3.IBucket | None = None
    existing_bucket_is_locked_and_versioned: bool = False
    catalog: LakeCatalogProps | None = None
    tables: LakeTablesProps | None = LakeTablesProps()
    manifests: LakeManifestsProps | None = None
