"""The write-once bucket that every event ends in."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from genesys_firehose_cdk.common.access_logs import access_log_bucket
from genesys_firehose_cdk.common.acknowledgements import HIPAA, NIST, PCI, acknowledge
from genesys_firehose_cdk.common.keys import rotated_key
from genesys_firehose_cdk.common.props import Props
from genesys_firehose_cdk.common.validation import (
    InvalidPropertyError,
    check_auto_delete,
    check_exclusive,
    check_range,
    check_removal_policy,
)

RAW_PREFIX = "raw/"
OVERSIZE_PREFIX = "raw/oversize/"
CLEAN_PREFIX = "clean/"
ERRORS_PREFIX = "errors/"
JOURNAL_PREFIX = "errors/redriven/"
MANIFESTS_PREFIX = "manifests/"
LOCKED_PREFIXES = (RAW_PREFIX, CLEAN_PREFIX, MANIFESTS_PREFIX)
"""What has a retention with RetentionApplied.ON_ARRIVAL."""

# Amazon S3 API Reference, "DefaultRetention": at most 100 years, given in days.
_MAX_RETENTION_DAYS = 36_500
_ACCESS_LOG_DAYS = 400


class RetentionMode(Enum):
    """How firmly S3 Object Lock holds a new object version."""

    GOVERNANCE = "GOVERNANCE"
    """Whoever holds s3:BypassGovernanceRetention may still delete it."""
    COMPLIANCE = "COMPLIANCE"
    """Nobody deletes it before its time, not even the account's root user."""
    NONE = "NONE"
    """Object Lock stays enabled, no version is locked by default: for environments that are thrown away."""


class RetentionApplied(Enum):
    """How a new object version gets its retention."""

    BY_DEFAULT = "BY_DEFAULT"
    """By the bucket's default retention, with the upload itself, under every prefix. S3 then takes no upload without a
    checksum (Amazon S3 User Guide, "Object Lock considerations"); AWS does not document that Firehose sends one."""
    ON_ARRIVAL = "ON_ARRIVAL"
    """By a function, seconds after it has landed, under raw/ and clean/; see RetentionOnArrival. It works whatever
    Firehose sends."""


@dataclass(frozen=True, kw_only=True)
class DataLakeBucketProps(Props, at="lake.bucket"):
    """Retention and lifecycle of a new bucket; all times in days.

    CloudFormation never takes a default retention off a bucket. A bucket with one and a bucket without one, which is
    ON_ARRIVAL or NONE, are therefore two: changing from the one to the other creates a new bucket, and the old one
    stays unless the removal policy is DESTROY.

    Attributes:
        retention_mode: Default: GOVERNANCE.
        retention_days: How long a new object version is locked; 1 to 36,500 (Amazon S3 API Reference,
            "DefaultRetention"). Not with NONE. Default: 30.
        retention_applied: With the upload, or seconds after it. Not with NONE. Default: BY_DEFAULT.
        break_glass_role: With ON_ARRIVAL, the one role that the bucket's policy lets delete versions under raw/ and
            clean/. It needs the right of its own, and s3:BypassGovernanceRetention for a locked version. Default: no
            role.
        acknowledge_compliance: Must be True with COMPLIANCE: nothing in the bucket, and so not the
            bucket, can be deleted before the retention ends, whoever asks and whatever it costs. Default: False.
        raw_archive_after_days: When objects under raw/ move to S3 Glacier Instant Retrieval; None for
            never. Default: 90, or never where they expire before that.
        raw_expiration_days: When objects under raw/ expire; None for never. Default: None.
        clean_expiration_days: When objects under clean/ expire; None for never. Default: None.
        errors_expiration_days: When objects under errors/ expire. Default: 400, or the retention where it
            is longer.
        noncurrent_expiration_days: When overwritten or deleted versions are removed for good. Default:
            the end of the retention, 30 days at least.

    Raises:
        InvalidPropertyError: A value is out of range, an expiration comes before the retention ends,
            COMPLIANCE is not acknowledged, or a property would have no effect.
    """

    retention_mode: RetentionMode = RetentionMode.GOVERNANCE
    retention_days: int = 30
    retention_applied: RetentionApplied = RetentionApplied.BY_DEFAULT
    break_glass_role: iam.IRole | None = None
    acknowledge_compliance: bool = False
    raw_archive_after_days: int | None = 90
    raw_expiration_days: int | None = None
    clean_expiration_days: int | None = None
    errors_expiration_days: int | None = None
    noncurrent_expiration_days: int | None = None

    def validate(self) -> None:
        """Check retention and lifecycle."""
        mode = self.retention_mode
        name = self.name_of("retention_days")
        check_range(name, self.retention_days, 1, _MAX_RETENTION_DAYS, "days", "S3's own limit")
        if mode is RetentionMode.NONE:
            allowed = "it is allowed with GOVERNANCE and COMPLIANCE alone"
            self.refuse_given(["retention_days", "retention_applied"], "is given with retention_mode NONE", allowed)
        if not self.is_applied_on_arrival:
            self.refuse_given(
                ["break_glass_role"],
                f"is given with retention_applied {self.retention_applied.value}",
                "it is allowed with ON_ARRIVAL alone",
            )
        if mode is RetentionMode.COMPLIANCE and not self.acknowledge_compliance:
            raise InvalidPropertyError(
                self.name_of("retention_mode"),
                "is COMPLIANCE",
                "set acknowledge_compliance=True as well, because not even the account's root user can "
                f"delete a version, or the bucket, for {self.retention_days:,} days",
            )
        if mode is not RetentionMode.COMPLIANCE:
            problem = f"is given with retention_mode {mode.value}"
            self.refuse_given(["acknowledge_compliance"], problem, "it is allowed with COMPLIANCE alone")
        for field in (
            "raw_expiration_days",
            "clean_expiration_days",
            "errors_expiration_days",
            "noncurrent_expiration_days",
        ):
            self._check_expiration(field)
        self._check_archive()

    def _check_expiration(self, field: str) -> None:
        days = getattr(self, field)
        shortest = 1 if self.retention_mode is RetentionMode.NONE else self.retention_days
        if days is not None and not shortest <= days <= _MAX_RETENTION_DAYS:
            raise InvalidPropertyError(
                self.name_of(field),
                f"is {days:,} days",
                f"{shortest:,} to {_MAX_RETENTION_DAYS:,} days are allowed, because the retention locks a version for "
                f"{shortest:,}",
            )

    def _check_archive(self) -> None:
        """Refuse an archive at or after the expiry; where the default comes too late, there is none."""
        archive, expiration = self.raw_archive_after_days, self.raw_expiration_days
        if archive is None:
            return
        if expiration is not None and archive >= expiration and "raw_archive_after_days" not in self.given():
            object.__setattr__(self, "raw_archive_after_days", None)
            return
        check_range(
            self.name_of("raw_archive_after_days"),
            archive,
            0,
            (expiration or _MAX_RETENTION_DAYS + 1) - 1,
            "days",
            "before the objects expire, or None for never",
        )

    @property
    def is_applied_on_arrival(self) -> bool:
        """Whether versions get their retention after they have landed."""
        return self.retention_applied is RetentionApplied.ON_ARRIVAL

    @property
    def default_retention(self) -> s3.ObjectLockRetention | None:
        """The bucket's default Object Lock retention."""
        if self.is_applied_on_arrival:
            return None
        match self.retention_mode:
            case RetentionMode.GOVERNANCE:
                return s3.ObjectLockRetention.governance(Duration.days(self.retention_days))
            case RetentionMode.COMPLIANCE:
                return s3.ObjectLockRetention.compliance(Duration.days(self.retention_days))
            case RetentionMode.NONE:
                return None

    @property
    def lifecycle_rules(self) -> list[s3.LifecycleRule]:
        """The bucket's lifecycle rules."""
        old_versions = s3.LifecycleRule(
            id="noncurrent-versions",
            noncurrent_version_expiration=Duration.days(
                self.noncurrent_expiration_days or max(30, self.retention_days)
            ),
            abort_incomplete_multipart_upload_after=Duration.days(7),
        )
        errors_expiration_days = self.errors_expiration_days or max(400, self.retention_days)
        by_prefix = (
            (RAW_PREFIX, self.raw_archive_after_days, self.raw_expiration_days),
            (CLEAN_PREFIX, None, self.clean_expiration_days),
            (ERRORS_PREFIX, None, errors_expiration_days),
        )
        return [
            old_versions,
            *(
                _lifecycle_rule(prefix, archive_after, expiration)
                for prefix, archive_after, expiration in by_prefix
                if archive_after is not None or expiration is not None
            ),
        ]


def _lifecycle_rule(prefix: str, archive_after: int | None, expiration: int | None) -> s3.LifecycleRule:
    archive = s3.StorageClass.GLACIER_INSTANT_RETRIEVAL
    return s3.LifecycleRule(
        id=prefix.rstrip("/"),
        prefix=prefix,
        expiration=None if expiration is None else Duration.days(expiration),
        transitions=None
        if archive_after is None
        else [s3.Transition(storage_class=archive, transition_after=Duration.days(archive_after))],
    )


class DataLakeBucket(Construct):
    """A versioned bucket under S3 Object Lock, private, TLS only, encrypted with two keys.

    `raw/` (events as received, and under `raw/oversize/` the originals that exceed a Firehose record) is
    encrypted with the raw key, `clean/` with the clean key, the bucket's default. So whoever reads masked events
    cannot read the originals.

    `errors/` holds events as received, too, and belongs to those who may read `raw/`. What the source record backup
    and a rebuild write there is under the raw key. What Firehose could not transform or partition is under the clean
    key, because a Firehose destination has one key for its objects and its errors (Amazon Data Firehose API Reference,
    "ExtendedS3DestinationConfiguration"); there the grants by prefix alone keep it from who reads `clean/`.

    Server access logs go to a second, unlocked bucket.

    With ON_ARRIVAL the bucket only reports its new objects to Amazon EventBridge and denies the deletion of versions;
    a RetentionOnArrival beside it gives them their retention.

    Attributes:
        bucket: The bucket. With ON_ARRIVAL, take its events from EventBridge: `add_event_notification` would take the
            bucket's reports to EventBridge away.
        props: Retention and lifecycle; None with an existing bucket.
        clean_key: The KMS key of `clean/`, and of what Firehose could not transform or partition.
        raw_key: The KMS key of `raw/`, and of all else under `errors/`.
        access_log_bucket: The bucket of the server access logs; None with an existing bucket.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        props: DataLakeBucketProps | None = None,
        existing_bucket: s3.IBucket | None = None,
        existing_bucket_is_locked_and_versioned: bool = False,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        auto_delete_objects: bool = False,
    ) -> None:
        """Create the bucket, or wrap an existing one.

        Args:
            scope: The parent construct.
            id: The construct's id.
            props: Retention and lifecycle of a new bucket. Default: DataLakeBucketProps().
            existing_bucket: See LakeProps.
            existing_bucket_is_locked_and_versioned: See LakeProps.
            removal_policy: What happens to the buckets and keys when the stack goes. Default:
                RETAIN_ON_UPDATE_OR_DELETE.
            auto_delete_objects: Empty the buckets when the stack goes; only with DESTROY and retention_mode
                NONE. Default: False.

        Raises:
            InvalidPropertyError: The combination cannot work; the message says why.
        """
        super().__init__(scope, id)
        check_removal_policy(removal_policy)
        _check_existing(existing_bucket, existing_bucket_is_locked_and_versioned, props, auto_delete_objects)
        # Log delivery by bucket policy, also in an app whose feature flags still say access control lists.
        self.node.set_context("@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy", True)
        self.raw_key = rotated_key(
            self,
            "RawKey",
            description="Genesys Firehose pipeline: events as received",
            removal_policy=removal_policy,
        )
        self.access_log_bucket: s3.IBucket | None = None
        self.props: DataLakeBucketProps | None = None
        if existing_bucket is not None:
            self.bucket = existing_bucket
            self.clean_key = _key_of(existing_bucket)
            return
        self.props = props = props or DataLakeBucketProps()
        _check_removal(props, removal_policy, auto_delete_objects)
        self.clean_key = rotated_key(
            self,
            "CleanKey",
            description="Genesys Firehose pipeline: masked events and delivery errors",
            removal_policy=removal_policy,
        )
        self.access_log_bucket = self._create_access_log_bucket(removal_policy, auto_delete_objects)
        bucket = self._create_bucket(props, self.access_log_bucket, removal_policy, auto_delete_objects)
        self.bucket = bucket
        self._refuse_other_encryption()
        if props.is_applied_on_arrival:
            self._prepare_retention_on_arrival(bucket, props.break_glass_role, removal_policy)

    def grant_read_clean(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` list and read masked events under `clean/`, and nothing else."""
        return self._grant_read(grantee, (CLEAN_PREFIX,), (self.clean_key,))

    def grant_read_raw(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` list and read events as received under `raw/` and `errors/`: personal data in clear."""
        return self._grant_read(grantee, (RAW_PREFIX, ERRORS_PREFIX), (self.raw_key, self.clean_key))

    def grant_read_errors(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` list and read records that were not delivered under `errors/`: personal data in clear."""
        return self._grant_read(grantee, (ERRORS_PREFIX,), (self.raw_key, self.clean_key))

    def grant_redrive(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` read `errors/`, and note there which of its records were put again."""
        noting = iam.Grant.add_to_principal(
            grantee=grantee, actions=["s3:PutObject"], resource_arns=[self.bucket.arn_for_objects(f"{JOURNAL_PREFIX}*")]
        )
        key_use = self.clean_key.grant(grantee, "kms:GenerateDataKey")
        return self.grant_read_errors(grantee).combine(noting).combine(key_use)

    def _grant_read(self, grantee: iam.IGrantable, prefixes: Sequence[str], keys: Sequence[kms.IKey]) -> iam.Grant:
        listing = iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["s3:ListBucket"],
            resource_arns=[self.bucket.bucket_arn],
            conditions={"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in prefixes]}},
        )
        reading = iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["s3:GetObject", "s3:GetObjectVersion"],
            resource_arns=[self.bucket.arn_for_objects(f"{prefix}*") for prefix in prefixes],
        )
        whole = listing.combine(reading)
        for key in keys:
            whole = whole.combine(key.grant_decrypt(grantee))
        return whole

    def _create_bucket(
        self,
        props: DataLakeBucketProps,
        access_log_bucket: s3.IBucket,
        removal_policy: RemovalPolicy,
        auto_delete_objects: bool,
    ) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            # CloudFormation never takes a default retention off a bucket: one with and one without are not the same.
            "BucketWithoutDefaultRetention" if props.default_retention is None else "Bucket",
            versioned=True,
            object_lock_enabled=True,
            object_lock_default_retention=props.default_retention,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.clean_key,
            bucket_key_enabled=True,
            lifecycle_rules=props.lifecycle_rules,
            server_access_logs_bucket=access_log_bucket,
            server_access_logs_prefix="data-lake/",
            removal_policy=removal_policy,
            auto_delete_objects=auto_delete_objects,
        )
        acknowledge(
            bucket,
            "S3BucketReplicationEnabled",
            HIPAA,
            NIST,
            PCI,
            reason="S3 keeps every object in at least three zones and Object Lock keeps it from deletion; a "
            "second region is the owner's decision, about residency of personal data as well, and can be "
            "added to the bucket.",
        )
        return bucket

    def _create_access_log_bucket(self, removal_policy: RemovalPolicy, auto_delete_objects: bool) -> s3.Bucket:
        return access_log_bucket(
            self,
            "AccessLogBucket",
            of="bucket",
            days=_ACCESS_LOG_DAYS,
            encryption="S3 delivers server access logs only to buckets whose default encryption is SSE-S3.",
            removal_policy=removal_policy,
            auto_delete_objects=auto_delete_objects,
        )

    def _prepare_retention_on_arrival(
        self, bucket: s3.Bucket, break_glass_role: iam.IRole | None, removal_policy: RemovalPolicy
    ) -> None:
        """Report every new object, and let nobody delete a version that waits for its retention.

        S3 itself refuses the other ways: who has no s3:BypassGovernanceRetention shortens no retention, versioning
        cannot be suspended, and the lifecycle deletes no locked version (Amazon S3 User Guide, "Object Lock
        considerations").
        """
        l1 = bucket.node.default_child
        assert isinstance(l1, s3.CfnBucket)  # noqa: S101 - tells mypy what every new bucket of the CDK has
        # Not by the L2, which has a function with rights on every bucket write this one setting.
        l1.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
        )
        but_break_glass = (
            None if break_glass_role is None else {"ArnNotEquals": {"aws:PrincipalArn": break_glass_role.role_arn}}
        )
        bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid="DenyDeletionOfVersions",
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=["s3:DeleteObjectVersion"],
                resources=[bucket.arn_for_objects(f"{prefix}*") for prefix in LOCKED_PREFIXES],
                conditions=but_break_glass,
            )
        )
        if bucket.policy is not None:
            # A bucket that stays keeps what protects it.
            bucket.policy.apply_removal_policy(removal_policy)

    def _refuse_other_encryption(self) -> None:
        """Refuse uploads that name another encryption than the bucket's.

        A request that names none gets the bucket's default. No header is demanded, because it is not documented whether
        Firehose sends one.
        """
        header = "s3:x-amz-server-side-encryption"
        key_header = f"{header}-aws-kms-key-id"
        for sid, name, allowed, prefixes in (
            ("DenyOtherEncryption", header, "aws:kms", ("",)),
            ("DenyOtherKeyForRaw", key_header, self.raw_key.key_arn, (RAW_PREFIX,)),
            ("DenyOtherKeyForClean", key_header, self.clean_key.key_arn, (CLEAN_PREFIX,)),
            ("DenyOtherKeyForErrors", key_header, [self.raw_key.key_arn, self.clean_key.key_arn], (ERRORS_PREFIX,)),
        ):
            self.bucket.add_to_resource_policy(
                iam.PolicyStatement(
                    sid=sid,
                    effect=iam.Effect.DENY,
                    principals=[iam.AnyPrincipal()],
                    actions=["s3:PutObject"],
                    resources=[self.bucket.arn_for_objects(f"{prefix}*") for prefix in prefixes],
                    conditions={"StringNotEquals": {name: allowed}, "Null": {name: "false"}},
                )
            )


def _check_existing(
    existing_bucket: s3.IBucket | None,
    is_acknowledged: bool,
    props: DataLakeBucketProps | None,
    auto_delete_objects: bool,
) -> None:
    check_exclusive(**{"lake.existing_bucket": existing_bucket, "lake.bucket": props})
    acknowledgement = "lake.existing_bucket_is_locked_and_versioned"
    if existing_bucket is None:
        if is_acknowledged:
            raise InvalidPropertyError(acknowledgement, "is given without existing_bucket", "give both or neither")
        return
    if not is_acknowledged:
        raise InvalidPropertyError(
            acknowledgement,
            "is False with an existing_bucket",
            "set it to True once the bucket has Object Lock and versioning, which synthesis cannot see",
        )
    if auto_delete_objects:
        raise InvalidPropertyError(
            "auto_delete_objects",
            "is True with an existing_bucket",
            "only a bucket of this stack can be emptied with it",
        )


def _key_of(bucket: s3.IBucket) -> kms.IKey:
    if bucket.encryption_key is None:
        raise InvalidPropertyError(
            "lake.existing_bucket",
            "comes without its encryption_key",
            "import it with Bucket.from_bucket_attributes(..., encryption_key=...), because the delivery "
            "role must be allowed to use that key",
        )
    return bucket.encryption_key


def _check_removal(props: DataLakeBucketProps, removal_policy: RemovalPolicy, auto_delete: bool) -> None:
    if props.retention_mode is RetentionMode.COMPLIANCE and removal_policy is RemovalPolicy.DESTROY:
        raise InvalidPropertyError(
            "removal_policy",
            "is DESTROY with retention_mode COMPLIANCE",
            "RETAIN and RETAIN_ON_UPDATE_OR_DELETE are allowed, because S3 refuses to delete locked versions and the "
            "stack would be stuck half deleted",
        )
    if auto_delete and props.retention_mode is not RetentionMode.NONE:
        raise InvalidPropertyError(
            "auto_delete_objects",
            f"is True with retention_mode {props.retention_mode.value}",
            "it is allowed with retention_mode NONE alone, because S3 refuses to delete locked versions "
            "and the stack would be stuck half deleted",
        )
    check_auto_delete(auto_delete, removal_policy)
