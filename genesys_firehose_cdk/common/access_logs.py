"""The buckets that hold who accessed what."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_s3 as s3
from constructs import Construct

from genesys_firehose_cdk.common.acknowledgements import HIPAA, NIST, PCI, acknowledge


def access_log_bucket(
    scope: Construct,
    construct_id: str,
    *,
    of: str,
    days: int,
    encryption: str,
    removal_policy: RemovalPolicy,
    auto_delete_objects: bool,
) -> s3.Bucket:
    """Create a bucket for access logs, encrypted by S3's own key.

    Args:
        scope: The construct that makes it.
        construct_id: Its id there.
        of: What the logs are of.
        days: For how many days a log is kept.
        encryption: Why it has no key of its own.
        removal_policy: What happens to it when the stack goes.
        auto_delete_objects: Whether it is emptied then.
    """
    bucket = s3.Bucket(
        scope,
        construct_id,
        versioned=True,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        encryption=s3.BucketEncryption.S3_MANAGED,
        lifecycle_rules=[
            s3.LifecycleRule(
                expiration=Duration.days(days),
                noncurrent_version_expiration=Duration.days(30),
                abort_incomplete_multipart_upload_after=Duration.days(7),
            )
        ],
        removal_policy=removal_policy,
        auto_delete_objects=auto_delete_objects,
    )
    reason = f"The access logs of one {of} in one region; they hold no event."
    acknowledge(bucket, "S3BucketReplicationEnabled", HIPAA, NIST, PCI, reason=reason)
    acknowledge(bucket, "S3DefaultEncryptionKMS", HIPAA, NIST, PCI, reason=encryption)
    return bucket
