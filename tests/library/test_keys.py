"""Whoever may use what is under a customer managed key may use the key: every role of every template is asked."""

import copy
import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, NamedTuple

import pytest
from aws_cdk import aws_iam as iam

from genesys_firehose_cdk import GenesysFirehosePipeline
from genesys_firehose_cdk.lake.data_lake_bucket import JOURNAL_PREFIX
from tests.library.synthesis import Template, as_list, flat, new_stack, template_of
from tests.library.templates import KINDS

READING, WRITING, BOTH = {"kms:Decrypt"}, {"kms:GenerateDataKey"}, {"kms:Decrypt", "kms:GenerateDataKey"}
# What the caller must be allowed on the key for an action on the data. AWS Key Management Service Developer Guide and
# the services' own: Amazon S3 User Guide, "Protecting data with SSE-KMS" (a single upload); Amazon SQS Developer Guide,
# "Key management"; Amazon SNS Developer Guide, "Managing Amazon SNS encryption keys and costs"; AWS Secrets Manager User
# Guide, "Secret encryption and decryption"; Amazon DynamoDB Developer Guide, "DynamoDB encryption at rest". Firehose: see
# DataLakeDeliveryStream.grant_put.
NEEDS = {
    "s3:GetObject": READING,
    "s3:GetObjectVersion": READING,
    "s3:PutObject": WRITING,
    "sqs:ReceiveMessage": READING,
    "sqs:SendMessage": BOTH,
    "sns:Publish": BOTH,
    "secretsmanager:GetSecretValue": READING,
    "secretsmanager:PutSecretValue": BOTH,
    "firehose:PutRecord": BOTH,
    "firehose:PutRecordBatch": BOTH,
    "dynamodb:BatchGetItem": READING,
    "dynamodb:GetItem": READING,
    "dynamodb:PartiQLInsert": READING,
    "dynamodb:PutItem": READING,
    "dynamodb:Query": READING,
    "dynamodb:UpdateItem": READING,
}
# The properties that name the key of a resource with data, for the kinds whose users need the key.
KEY_PROPERTIES = {
    "AWS::SQS::Queue": ("KmsMasterKeyId",),
    "AWS::SNS::Topic": ("KmsMasterKeyId",),
    "AWS::SecretsManager::Secret": ("KmsKeyId",),
    "AWS::DynamoDB::Table": ("SSESpecification", "KMSMasterKeyId"),
    "AWS::KinesisFirehose::DeliveryStream": ("DeliveryStreamEncryptionConfigurationInput", "KeyARN"),
}
# CloudWatch Logs uses the key in its own name, by the key's policy (Amazon CloudWatch Logs User Guide, "Encrypt log data
# in CloudWatch Logs using AWS KMS"). A bucket's key is looked up by prefix, from who writes there.
NO_DATA = ("AWS::IAM::", "AWS::KMS::", "AWS::Lambda::", "AWS::S3::BucketPolicy", "AWS::SSM::Parameter")
"""Kinds that name a key and keep nothing under it."""
OTHER_KINDS = {"AWS::Logs::LogGroup", "AWS::S3::Bucket", "AWS::Athena::WorkGroup"}


class Data(NamedTuple):
    """Something under a key: its ARN up to what varies, and the key's ARN."""

    arn: str
    key: str


# Those of "every grant" are added here to each.
PIPELINES = [name for name in KINDS if name != "every grant"]


@cache
def _template(name: str) -> Template:
    """The template of a pipeline, with a role for every grant that there is."""
    stack = new_stack()
    KINDS[name](stack)
    for pipeline in [each for each in stack.node.find_all() if isinstance(each, GenesysFirehosePipeline)]:
        grants = [pipeline.grant_read_clean, pipeline.grant_read_raw, pipeline.grant_redrive]
        grants += [pipeline.bucket.grant_read_errors]
        if pipeline.catalog is not None:
            grants += [pipeline.catalog.grant_query, pipeline.catalog.grant_query_raw]
        if pipeline.manifests is not None:
            grants += [pipeline.manifests.grant_verify]
        if pipeline.signing_key is not None:
            grants += [pipeline.signing_key.grant_read]
        for grant in grants:
            # A logical id drops the underscores.
            grant(iam.Role(stack, f"{pipeline.node.id}-{grant.__name__}-", assumed_by=iam.AccountRootPrincipal()))
    return template_of(stack)


def _data(template: Template) -> Iterator[Data]:
    """Everything in the template that is under a key of a customer."""
    for type_name, path in KEY_PROPERTIES.items():
        for logical_id, resource in template.resources(type_name).items():
            key = resource.get("Properties", {})
            for name in path:
                key = key.get(name, {})
            if key:
                attribute = f"<{logical_id}>" if type_name in REFERRED_TO else f"<{logical_id}.Arn>"
                yield Data(attribute, flat(key))
    for stream in template.resources("AWS::KinesisFirehose::DeliveryStream").values():
        destination = stream["Properties"]["ExtendedS3DestinationConfiguration"]
        for part in (destination, destination["S3BackupConfiguration"]):
            key = flat(part["EncryptionConfiguration"]["KMSEncryptionConfig"]["AWSKMSKeyARN"])
            for prefix in (part["Prefix"], part["ErrorOutputPrefix"]):
                yield Data(f"{flat(part['BucketARN'])}/{prefix.partition('/')[0]}/", key)
    for logical_id, bucket in template.resources("AWS::S3::Bucket").items():
        [rule] = bucket["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        if bucket["Properties"].get("ObjectLockEnabled"):
            # The journal names no key, and so gets the bucket's own.
            key = flat(rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"])
            yield Data(f"<{logical_id}.Arn>/{JOURNAL_PREFIX}", key)
    for workgroup in template.resources("AWS::Athena::WorkGroup").values():
        results = workgroup["Properties"]["WorkGroupConfiguration"]["ResultConfiguration"]
        bucket, _, prefix = flat(results["OutputLocation"]).removeprefix("s3://").partition("/")
        yield Data(f"{bucket.removesuffix('>')}.Arn>/{prefix}", flat(results["EncryptionConfiguration"]["KmsKey"]))


# Their Ref is their ARN.
REFERRED_TO = {"AWS::SNS::Topic", "AWS::SecretsManager::Secret"}


def _statements_by_role(template: Template) -> dict[str, list[dict[str, Any]]]:
    """What each role of the template is allowed, by its own policies and by those of the keys."""
    allowed: dict[str, list[dict[str, Any]]] = {role: [] for role in template.resources("AWS::IAM::Role")}
    for type_name in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
        for policy in template.resources(type_name).values():
            for role in policy["Properties"].get("Roles", []):
                allowed[role["Ref"]] += policy["Properties"]["PolicyDocument"]["Statement"]
    for role, resource in template.resources("AWS::IAM::Role").items():
        for inline in resource["Properties"].get("Policies", []):
            allowed[role] += inline["PolicyDocument"]["Statement"]
    for key, resource in template.resources("AWS::KMS::Key").items():
        for statement in resource["Properties"]["KeyPolicy"]["Statement"]:
            for principal in as_list(statement["Principal"].get("AWS", [])):
                name = flat(principal).removeprefix("<").removesuffix(".Arn>")
                if name in allowed:
                    allowed[name].append({**statement, "Resource": {"Fn::GetAtt": [key, "Arn"]}})
    return allowed


def _allows(statement: Mapping[str, Any], action: str) -> bool:
    return statement["Effect"] == "Allow" and any(fnmatchcase(action, each) for each in as_list(statement["Action"]))


def _names(statement: Mapping[str, Any], data: Data) -> bool:
    for resource in as_list(statement["Resource"]):
        arn = flat(resource).partition("*")[0]
        if JOURNAL_PREFIX in arn and JOURNAL_PREFIX not in data.arn:
            continue
        if arn.startswith(data.arn) or data.arn.startswith(arn):
            return True
    return False


def _may_use(statement: Mapping[str, Any], action: str, data: Data, service: str) -> bool:
    """Whether a statement lets a role use the key of some data through the service that keeps them."""
    if not _allows(statement, action) or data.key not in [flat(each) for each in as_list(statement["Resource"])]:
        return False
    conditions = {key: value for each in statement.get("Condition", {}).values() for key, value in each.items()}
    services = [flat(each).partition(".")[0] for each in as_list(conditions.pop("kms:ViaService", f"{service}."))]
    # With S3 Bucket Keys the encryption context is the bucket.
    buckets = [
        flat(each) for each in as_list(conditions.pop("kms:EncryptionContext:aws:s3:arn", data.arn.split("/")[0]))
    ]
    assert not conditions, conditions
    return service in services and data.arn.split("/")[0] in buckets


def _without_key(template: Template) -> list[str]:
    """Say who may use data and not their key."""
    findings = set()
    for data in _data(template):
        for role, allowed in _statements_by_role(template).items():
            for action, needed in NEEDS.items():
                if not any(_allows(statement, action) and _names(statement, data) for statement in allowed):
                    continue
                service = action.partition(":")[0]
                for use in needed:
                    if not any(_may_use(statement, use, data, service) for statement in allowed):
                        findings.add(f"{role} may {action} on {data.arn} without {use} on {data.key}")
    return sorted(findings)


@pytest.mark.parametrize("name", PIPELINES)
def test_every_role_that_may_use_data_may_use_their_key(name: str) -> None:
    template = _template(name)
    kinds = {data.arn.partition("/")[2] for data in _data(template)}
    assert {"raw/", "clean/", "errors/"} <= kinds
    assert _without_key(template) == []


@pytest.mark.parametrize("name", PIPELINES)
def test_every_kind_of_resource_that_has_a_key_is_known_here(name: str) -> None:
    keys = {flat({"Fn::GetAtt": [key, "Arn"]}) for key in _template(name).resources("AWS::KMS::Key")}
    users = {
        resource["Type"]
        for resource in _template(name).content["Resources"].values()
        if not resource["Type"].startswith(NO_DATA)
        if any(f'["{key[1:-5]}", "Arn"]' in json.dumps(resource.get("Properties", {})) for key in keys)
    }
    assert users
    assert users <= KEY_PROPERTIES.keys() | OTHER_KINDS


def _policies_with_keys(template: Template) -> Iterator[tuple[str, int]]:
    """Every statement about a key in the policy of a role."""
    for type_name in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
        for logical_id, policy in template.resources(type_name).items():
            for number, statement in enumerate(policy["Properties"]["PolicyDocument"]["Statement"]):
                actions = set(as_list(statement["Action"]))
                # Nothing is encrypted with the key that signs.
                if any(action.startswith("kms:") for action in actions - {"kms:GetPublicKey", "kms:Sign"}):
                    yield logical_id, number


@pytest.mark.parametrize("name", ["default", "maximal", "bus alone", "existing bucket"])
def test_a_key_that_is_taken_from_any_role_is_missed(name: str) -> None:
    whole = _template(name)
    taken = list(_policies_with_keys(whole))
    assert len(taken) > 10
    for logical_id, number in taken:
        broken = Template(copy.deepcopy(dict(whole.content)))
        statements = broken.content["Resources"][logical_id]["Properties"]["PolicyDocument"]["Statement"]
        statement = statements.pop(number)
        assert _without_key(broken), (logical_id, statement)


def test_a_key_that_may_be_used_through_another_service_alone_is_missed() -> None:
    broken = Template(copy.deepcopy(dict(_template("default").content)))
    [policy] = [
        policy
        for logical_id, policy in broken.resources("AWS::IAM::ManagedPolicy").items()
        if "TransformPolicy" in logical_id
    ]
    for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
        if statement["Sid"] == "DecryptOversize":
            statement["Condition"]["StringEquals"]["kms:ViaService"] = "sqs.eu-west-1.amazonaws.com"
    [finding] = _without_key(broken)
    assert "TransformRole" in finding
    assert "s3:GetObject on" in finding


@pytest.mark.parametrize("name", PIPELINES)
def test_who_may_read_masked_events_alone_may_read_no_errors(name: str) -> None:
    template = _template(name)
    errors = [data for data in _data(template) if data.arn.endswith("/errors/")]
    readers = {
        role: any(_allows(each, "s3:GetObject") and _names(each, data) for each in allowed for data in errors)
        for role, allowed in _statements_by_role(template).items()
        if "grant" in role
    }
    of_clean = {role for role in readers if "grantreadclean" in role or ("grantquery" in role and "raw" not in role)}
    of_raw = {role for role in readers if "raw" in role or "redrive" in role or "errors" in role}
    assert of_clean
    assert {role for role, may_read in readers.items() if may_read} == of_raw
