"""The data lake bucket keeps its objects, and is private."""

import pytest
from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_iam as iam

from genesys_firehose_cdk import DataLakeBucket, DataLakeBucketProps, LakeProps, RetentionMode
from genesys_firehose_cdk.lake.data_lake_bucket import JOURNAL_PREFIX
from genesys_firehose_tools.operations import redrive_journal
from tests.library.synthesis import Template, as_list, flat, new_stack, statements, synthesize, template_of

BUCKETS = ["DataLake/Bucket", "DataLake/AccessLogBucket"]


def test_bucket_is_versioned_and_locked_under_governance_for_30_days(default: Template) -> None:
    bucket = default.properties("AWS::S3::Bucket", "DataLake/Bucket")
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["ObjectLockEnabled"] is True
    assert bucket["ObjectLockConfiguration"]["Rule"] == {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 30}}


def test_compliance_is_used_when_it_is_acknowledged(maximal: Template) -> None:
    bucket = maximal.properties("AWS::S3::Bucket", "DataLake/Bucket")
    assert bucket["ObjectLockConfiguration"]["Rule"] == {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 365}}


def test_without_retention_object_lock_stays_enabled_and_every_bucket_is_emptied_when_the_stack_goes() -> None:
    template = synthesize(
        lake=LakeProps(bucket=DataLakeBucketProps(retention_mode=RetentionMode.NONE)),
        removal_policy=RemovalPolicy.DESTROY,
        auto_delete_objects=True,
    )
    bucket = template.properties("AWS::S3::Bucket", "DataLake/BucketWithoutDefaultRetention")
    assert bucket["ObjectLockEnabled"] is True
    assert "Rule" not in bucket.get("ObjectLockConfiguration", {})
    emptied = {
        flat(resource["Properties"]["BucketName"])
        for resource in template.resources("Custom::S3AutoDeleteObjects").values()
    }
    assert emptied == {f"<{name}>" for name in template.resources("AWS::S3::Bucket")}
    assert len(emptied) == 4


@pytest.mark.parametrize("path", BUCKETS)
def test_no_bucket_can_become_public(default: Template, path: str) -> None:
    bucket = default.properties("AWS::S3::Bucket", path)
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


@pytest.mark.parametrize("path", BUCKETS)
def test_every_bucket_refuses_plain_http_and_old_tls(default: Template, path: str) -> None:
    policy = default.properties("AWS::S3::BucketPolicy", f"{path}/Policy")["PolicyDocument"]
    denied = [
        statement["Condition"]
        for statement in policy["Statement"]
        if statement["Effect"] == "Deny" and statement["Action"] == "s3:*"
    ]
    assert {"Bool": {"aws:SecureTransport": "false"}} in denied
    assert {"NumericLessThan": {"s3:TlsVersion": 1.2}} in denied


def test_bucket_is_encrypted_with_the_clean_key_and_a_bucket_key(default: Template) -> None:
    bucket = default.properties("AWS::S3::Bucket", "DataLake/Bucket")
    [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["BucketKeyEnabled"] is True
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert "CleanKey" in flat(rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"])


def test_bucket_refuses_another_encryption_only_when_a_request_names_one(default: Template) -> None:
    policy = statements(default.properties("AWS::S3::BucketPolicy", "DataLake/Bucket/Policy")["PolicyDocument"])
    header = "s3:x-amz-server-side-encryption"
    assert policy["DenyOtherEncryption"]["Condition"] == {
        "StringNotEquals": {header: "aws:kms"},
        "Null": {header: "false"},
    }
    for sid, keys, prefixes in (
        ("DenyOtherKeyForRaw", ["RawKey"], ["/raw/*"]),
        ("DenyOtherKeyForClean", ["CleanKey"], ["/clean/*"]),
        # Firehose writes errors of the backup with the backup's key, and those of the destination with its own.
        ("DenyOtherKeyForErrors", ["RawKey", "CleanKey"], ["/errors/*"]),
    ):
        statement = policy[sid]
        assert statement["Effect"] == "Deny"
        assert statement["Action"] == "s3:PutObject"
        assert [flat(resource).partition(">")[2] for resource in as_list(statement["Resource"])] == prefixes
        assert statement["Condition"]["Null"] == {f"{header}-aws-kms-key-id": "false"}
        allowed = [flat(key) for key in as_list(statement["Condition"]["StringNotEquals"][f"{header}-aws-kms-key-id"])]
        assert [key in arn for key, arn in zip(keys, allowed, strict=True)] == [True] * len(keys)


def test_access_logs_go_to_a_second_bucket_that_is_not_locked(default: Template) -> None:
    bucket = default.properties("AWS::S3::Bucket", "DataLake/Bucket")
    assert "AccessLogBucket" in flat(bucket["LoggingConfiguration"]["DestinationBucketName"])
    log_bucket = default.properties("AWS::S3::Bucket", "DataLake/AccessLogBucket")
    assert "ObjectLockEnabled" not in log_bucket
    assert "AccessControl" not in log_bucket


def test_lifecycle_covers_every_prefix_and_old_versions(maximal: Template) -> None:
    rules = {
        rule["Id"]: rule
        for rule in maximal.properties("AWS::S3::Bucket", "DataLake/Bucket")["LifecycleConfiguration"]["Rules"]
    }
    assert rules["raw"]["Transitions"] == [{"StorageClass": "GLACIER_IR", "TransitionInDays": 90}]
    assert (rules["raw"]["Prefix"], rules["raw"]["ExpirationInDays"]) == ("raw/", 3650)
    assert (rules["clean"]["Prefix"], rules["clean"]["ExpirationInDays"]) == ("clean/", 1825)
    assert (rules["errors"]["Prefix"], rules["errors"]["ExpirationInDays"]) == ("errors/", 730)
    assert rules["noncurrent-versions"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 400}


def test_by_default_raw_and_clean_never_expire_and_old_versions_outlive_the_retention(default: Template) -> None:
    rules = {
        rule["Id"]: rule
        for rule in default.properties("AWS::S3::Bucket", "DataLake/Bucket")["LifecycleConfiguration"]["Rules"]
    }
    assert "ExpirationInDays" not in rules["raw"]
    assert "clean" not in rules
    assert rules["noncurrent-versions"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}


def test_a_longer_retention_prolongs_what_would_expire_before_it() -> None:
    template = synthesize(lake=LakeProps(bucket=DataLakeBucketProps(retention_days=500)))
    rules = template.properties("AWS::S3::Bucket", "DataLake/Bucket")["LifecycleConfiguration"]["Rules"]
    [errors] = [rule for rule in rules if rule["Id"] == "errors"]
    [noncurrent] = [rule for rule in rules if rule["Id"] == "noncurrent-versions"]
    assert errors["ExpirationInDays"] == 500
    assert noncurrent["NoncurrentVersionExpiration"] == {"NoncurrentDays": 500}


def _reader_policy(stack: Stack, bucket: DataLakeBucket, method: str) -> str:
    reader = iam.Role(stack, "Reader", assumed_by=iam.AccountRootPrincipal())
    getattr(bucket, method)(reader)
    policy = template_of(stack).properties("AWS::IAM::Policy", "Reader/DefaultPolicy")["PolicyDocument"]
    return "\n".join(
        f"{as_list(statement['Action'])} {[flat(resource) for resource in as_list(statement['Resource'])]} "
        f"{statement.get('Condition', '')}"
        for statement in policy["Statement"]
    )


@pytest.mark.parametrize(
    ("method", "prefixes", "keys"),
    [
        ("grant_read_clean", {"clean"}, {"CleanKey"}),
        ("grant_read_raw", {"raw", "errors"}, {"RawKey", "CleanKey"}),
        ("grant_read_errors", {"errors"}, {"RawKey", "CleanKey"}),
    ],
)
def test_a_reader_gets_some_prefixes_and_their_keys_alone(method: str, prefixes: set[str], keys: set[str]) -> None:
    stack = new_stack()
    policy = _reader_policy(stack, DataLakeBucket(stack, "Lake"), method)
    for prefix in ("raw", "clean", "errors"):
        is_granted = prefix in prefixes
        assert (f"Arn>/{prefix}/*" in policy) is is_granted
        assert (f"'{prefix}/*'" in policy) is is_granted
    assert {key for key in ("RawKey", "CleanKey") if key in policy} == keys
    assert "Put" not in policy
    assert "Delete" not in policy


def test_the_library_and_redrive_have_one_name_for_the_journal() -> None:
    # The tools do not import the library for it: that would load the CDK.
    assert redrive_journal.JOURNAL_PREFIX == JOURNAL_PREFIX
