"""Checks of the bucket, and of the newest objects in it."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from genesys_firehose_tools.library_files import function_module
from genesys_firehose_tools.operations.doctor.findings import Finding, fault, not_applicable, warning
from genesys_firehose_tools.operations.doctor.inspection import Inspection

# What S3 answers for what is not there.
_NOT_THERE = {
    "NoSuchObjectLockConfiguration",
    "ObjectLockConfigurationNotFoundError",
    "ServerSideEncryptionConfigurationNotFoundError",
    "NoSuchPublicAccessBlockConfiguration",
    "NoSuchBucketPolicy",
    "InvalidRequest",
}
# A retention on arrival follows its object within seconds.
_LOCKED_WITHIN = timedelta(minutes=10)
_EXISTING = "an existing bucket, whose settings are its owner's"
_AGAIN = "Deploy the stack again; CloudFormation puts back what drift detection shows."


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A bucket, and where its settings differ from the template's.

    Attributes:
        name: Its name.
        is_existing: Whether it is in no template.
        versioning: The status of its versioning.
        lock: Differences of Object Lock and default retention.
        encryption: Differences of the default encryption.
        access: Differences of the public access block.
        missing_statements: Statements of the template's bucket policy that it has not, in words.
    """

    name: str
    is_existing: bool
    versioning: str
    lock: tuple[str, ...]
    encryption: tuple[str, ...]
    access: tuple[str, ...]
    missing_statements: tuple[str, ...]


def look_at_bucket(inspection: Inspection) -> Bucket:
    """Ask for the settings of the lake's bucket."""
    name, s3, resources = inspection.bucket, inspection.client("s3"), inspection.resources
    bucket = resources.locked_bucket
    versioning = s3.get_bucket_versioning(Bucket=name).get("Status", "Off")
    lock = _answer(s3.get_object_lock_configuration, "ObjectLockConfiguration", name)
    if bucket is None:
        is_locked = lock.get("ObjectLockEnabled") == "Enabled"
        return Bucket(
            name=name,
            is_existing=True,
            versioning=versioning,
            lock=() if is_locked else ("Object Lock is off",),
            encryption=(),
            access=(),
            missing_statements=(),
        )
    declared = bucket.properties
    wanted_lock = {"ObjectLockEnabled": "Enabled", **declared.get("ObjectLockConfiguration", {})}
    access = _answer(s3.get_public_access_block, "PublicAccessBlockConfiguration", name)
    return Bucket(
        name=name,
        is_existing=False,
        versioning=versioning,
        lock=tuple(resources.differences(wanted_lock, lock)),
        encryption=tuple(
            resources.differences(
                [_as_answered(rule) for rule in declared["BucketEncryption"]["ServerSideEncryptionConfiguration"]],
                _answer(s3.get_bucket_encryption, "ServerSideEncryptionConfiguration", name).get("Rules", []),
                "BucketEncryption",
            )
        ),
        access=tuple(resources.differences(declared["PublicAccessBlockConfiguration"], access)),
        missing_statements=_missing_statements(inspection, bucket.logical_id),
    )


def _answer(call: Any, part: str, bucket: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = call(Bucket=bucket)[part]
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NOT_THERE:
            raise
        return {}
    return found


def _as_answered(rule: dict[str, Any]) -> dict[str, Any]:
    """Name the parts of a rule of encryption as S3's answers do."""
    return {
        "ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"],
        "BucketKeyEnabled": rule.get("BucketKeyEnabled", False),
    }


def _missing_statements(inspection: Inspection, logical_id: str) -> tuple[str, ...]:
    wanted = [
        statement
        for policy in inspection.resources.of_type("AWS::S3::BucketPolicy")
        if policy.properties["Bucket"] == {"Ref": logical_id}
        for statement in policy.properties["PolicyDocument"]["Statement"]
    ]
    try:
        text = inspection.client("s3").get_bucket_policy(Bucket=inspection.bucket)["Policy"]
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NOT_THERE:
            raise
        text = '{"Statement": []}'
    present = json.loads(text)["Statement"]
    return tuple(
        str(statement.get("Sid", f"{statement['Effect']} {statement['Action']}"))
        for statement in wanted
        if all(list(inspection.resources.differences(statement, each)) for each in present)
    )


def judge_lock(bucket: Bucket) -> Iterator[Finding]:
    """Object Lock must be on, with the template's default retention."""
    if bucket.lock:
        yield fault(
            f"The lock of {bucket.name} is not as it should be: {'; '.join(bucket.lock)}.",
            means="New objects can be deleted or overwritten.",
            fix=_AGAIN if not bucket.is_existing else "Turn Object Lock on, or name another lake.existing_bucket.",
        )


def judge_versioning(bucket: Bucket) -> Iterator[Finding]:
    """Versioning must be on."""
    if bucket.versioning != "Enabled":
        yield fault(
            f"The versioning of {bucket.name} is {bucket.versioning}.",
            means="A retry of Firehose may overwrite an object, and Object Lock has no effect.",
            fix="Turn it on: aws s3api put-bucket-versioning --versioning-configuration Status=Enabled.",
        )


def judge_bucket_encryption(bucket: Bucket) -> Iterator[Finding]:
    """The default encryption must be the template's."""
    if bucket.is_existing:
        yield not_applicable(_EXISTING)
    elif bucket.encryption:
        yield fault(
            f"The default encryption of {bucket.name} is not the template's.",
            means="What is written without naming a key is encrypted with another one, or none of KMS.",
            fix=_AGAIN,
        )


def judge_access(bucket: Bucket) -> Iterator[Finding]:
    """Nothing may be public, and the template's statements must stand in the bucket policy."""
    if bucket.is_existing:
        yield not_applicable(_EXISTING)
    if bucket.access:
        yield fault(
            f"The public access block of {bucket.name} is not complete: {'; '.join(bucket.access)}.",
            means="A policy or an ACL could make events public.",
            fix=_AGAIN,
        )
    if bucket.missing_statements:
        yield fault(
            f"The policy of {bucket.name} lacks {', '.join(bucket.missing_statements)}.",
            means="Plain HTTP, another encryption or a deletion may no longer be refused.",
            fix=_AGAIN,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewObject:
    """One of the newest objects.

    Attributes:
        key: Its key.
        age: How old it is.
        mode: The mode of its retention, or ``none``.
        until: When its retention ends; None without one.
        encryption: Its algorithm, or ``unreadable``.
        key_arn: Its KMS key's ARN, or empty.
        wanted_keys: The keys that the streams encrypt its layer with.
    """

    key: str
    age: timedelta
    mode: str
    until: datetime | None
    encryption: str
    key_arn: str
    wanted_keys: frozenset[str]


@dataclass(frozen=True, slots=True)
class NewObjects:
    """The newest objects of both layers, and the retention that they must have.

    Attributes:
        objects: The objects.
        mode: GOVERNANCE, COMPLIANCE, or empty where none is demanded.
        now: The time, UTC.
    """

    objects: tuple[NewObject, ...]
    mode: str
    now: datetime


def look_at_objects(inspection: Inspection) -> NewObjects:
    """Ask for retention and encryption of the newest objects, without reading one."""
    wanted: dict[str, set[str]] = {"raw/": set(), "clean/": set()}
    for stream in inspection.streams:
        [destination] = inspection.described_stream(stream)["Destinations"]
        clean = destination["ExtendedS3DestinationDescription"]
        for layer, description in (("clean/", clean), ("raw/", clean.get("S3BackupDescription", {}))):
            key = description.get("EncryptionConfiguration", {}).get("KMSEncryptionConfig", {}).get("AWSKMSKeyARN")
            wanted[layer] |= {key} if key else set()
    found = [
        _look_at_object(inspection, each.key, inspection.now - each.written, frozenset(wanted[layer]))
        for layer in wanted
        for each in inspection.newest_objects(layer)
    ]
    return NewObjects(tuple(found), inspection.resources.retention_mode, inspection.now)


def _look_at_object(inspection: Inspection, key: str, age: timedelta, wanted_keys: frozenset[str]) -> NewObject:
    s3 = inspection.client("s3")
    place = {"Bucket": inspection.bucket, "Key": key}
    retention: dict[str, Any] = {}
    try:
        retention = s3.get_object_retention(**place)["Retention"]
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NOT_THERE:
            raise
    try:
        head = s3.head_object(**place)
    except ClientError as error:
        # HeadObject takes s3:GetObject; its answers have no body, so their code is the status.
        if error.response["Error"]["Code"] != "403":
            raise
        head = {"ServerSideEncryption": "unreadable"}
    return NewObject(
        key=key,
        age=age,
        mode=retention.get("Mode", "none"),
        until=retention.get("RetainUntilDate"),
        encryption=head.get("ServerSideEncryption", "none"),
        key_arn=head.get("SSEKMSKeyId", ""),
        wanted_keys=wanted_keys,
    )


def judge_object_retention(found: NewObjects) -> Iterator[Finding]:
    """The newest objects must be locked as the template demands."""
    if not found.mode:
        yield not_applicable("the template demands no retention")
    elif not found.objects:
        yield not_applicable("no object has come yet")
    for each in found.objects:
        if not found.mode or each.mode == found.mode or (each.mode == "none" and each.age < _LOCKED_WITHIN):
            continue
        yield fault(
            f"{each.key} has the retention {each.mode}, not {found.mode}.",
            means="It can be deleted before its time.",
            fix="See whether bucket-lock is ok; with retention on arrival read the retention function's log.",
        )


def judge_object_encryption(found: NewObjects) -> Iterator[Finding]:
    """The newest objects must be encrypted with the keys of their layers."""
    if not found.objects:
        yield not_applicable("no object has come yet")
    for each in found.objects:
        if each.encryption == "unreadable":
            yield warning(
                f"The encryption of {each.key} can't be read.",
                means="Nothing is known of it.",
                fix="Let pipeline.grant_operate give you the rights.",
            )
        elif not each.encryption.startswith("aws:kms") or (each.wanted_keys and each.key_arn not in each.wanted_keys):
            yield fault(
                f"{each.key} is encrypted with {each.key_arn or each.encryption}.",
                means="Who may use that key, or none, can read it.",
                fix="See whether stream-destination and bucket-encryption are ok.",
            )


def look_at_manifests(inspection: Inspection) -> list[date] | None:
    """Return the closed days of the last week that have no manifest; None where the pipeline makes none."""
    settings = inspection.function_settings("manifest")
    if not settings:
        return None
    days = function_module("manifest.days")
    closed_after = timedelta(hours=int(settings["CLOSED_AFTER_HOURS"]))
    return [
        day
        for day in days.closed_days(inspection.now, closed_after)
        if not any(each.key == days.manifest_key(day) for each in inspection.objects(days.folder_of(day)))
    ]


def judge_manifests(missing: list[date] | None) -> Iterator[Finding]:
    """Every closed day of the last week must have its manifest."""
    if missing is None:
        yield not_applicable("the pipeline makes no manifests")
    elif missing:
        yield warning(
            f"{len(missing)} closed days of the last week have no manifest, the first {missing[0]}.",
            means="Nobody can prove later what raw/ held of them.",
            fix="A run every six hours makes them: wait for the next, or read the log of the manifests' function.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The de-duplication table.

    Attributes:
        name: Its name.
        status: Its status.
        forgets: The status of its time to live.
        recovers: The status of its point-in-time recovery.
        wants_recovery: Whether the template asks for that.
    """

    name: str
    status: str
    forgets: str
    recovers: str
    wants_recovery: bool


def look_at_tables(inspection: Inspection) -> list[Table]:
    """Ask for the table."""
    dynamodb, found = inspection.client("dynamodb"), []
    for table in inspection.resources.of_type("AWS::DynamoDB::Table"):
        name = table.physical_id
        recovery = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        wanted = table.properties.get("PointInTimeRecoverySpecification", {})
        found.append(
            Table(
                name=name,
                status=dynamodb.describe_table(TableName=name)["Table"]["TableStatus"],
                forgets=dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]["TimeToLiveStatus"],
                recovers=recovery["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"],
                wants_recovery=wanted.get("PointInTimeRecoveryEnabled", False),
            )
        )
    return found


def judge_tables(tables: Iterable[Table]) -> Iterator[Finding]:
    """The table must answer, and forget."""
    for table in tables:
        if table.status not in ("ACTIVE", "UPDATING"):
            yield fault(
                f"The table {table.name} is {table.status}.",
                means='Events are delivered without a check for duplicates, marked "deduplicated": false.',
                fix="Deploy the stack again, or restore the table.",
            )
        if table.forgets not in ("ENABLED", "ENABLING"):
            yield warning(
                f"The time to live of {table.name} is {table.forgets}.",
                means="The table grows without end.",
                fix="aws dynamodb update-time-to-live, with the attribute expires_at.",
            )
        if table.wants_recovery and table.recovers != "ENABLED":
            yield warning(
                f"The point-in-time recovery of {table.name} is {table.recovers}.",
                means="A deleted key can't be brought back; nothing is lost but the memory of copies.",
                fix="aws dynamodb update-continuous-backups.",
            )
