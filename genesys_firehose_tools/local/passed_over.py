"""Settings that the embedded AWS's CloudFormation passes over, and its services know.

Of buckets these are Object Lock, default encryption and tags, of tables the time to live and the recovery, of target
groups the targets.
"""

from collections.abc import Callable, Mapping
from typing import Any

from genesys_firehose_tools.local.aws import ACCOUNT, REGION


def apply_settings(client: Callable[[str], Any], stack: str) -> None:
    """Give the buckets and tables of a stack the settings that its template asks for.

    Args:
        client: Makes the client of an AWS service.
        stack: The stack's name.
    """
    cloudformation = client("cloudformation")
    declared = cloudformation.get_template(StackName=stack)["TemplateBody"]["Resources"]
    resources = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    names = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in resources}
    for logical_id, name in names.items():
        properties = declared[logical_id].get("Properties", {})
        match declared[logical_id]["Type"]:
            case "AWS::S3::Bucket":
                _apply_to_bucket(client("s3"), name, properties, names)
            case "AWS::DynamoDB::Table":
                _apply_to_table(client("dynamodb"), name, properties)
            case "AWS::ElasticLoadBalancingV2::TargetGroup":
                targets = [{"Id": _function_arn(target["Id"], names)} for target in properties.get("Targets", [])]
                client("elbv2").register_targets(TargetGroupArn=name, Targets=targets)


def _apply_to_bucket(s3: Any, bucket: str, properties: Mapping[str, Any], names: Mapping[str, str]) -> None:
    if properties.get("ObjectLockEnabled"):
        configuration = {"ObjectLockEnabled": "Enabled", **properties.get("ObjectLockConfiguration", {})}
        s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=configuration)
    rules = [
        {
            "ApplyServerSideEncryptionByDefault": _resolved(rule["ServerSideEncryptionByDefault"], names),
            "BucketKeyEnabled": rule.get("BucketKeyEnabled", False),
        }
        for rule in properties.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [])
    ]
    if rules:
        s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})
    if tags := properties.get("Tags"):
        s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})


def _resolved(encryption: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Name the key by its ARN where the template refers to it."""
    match encryption.get("KMSMasterKeyID"):
        case {"Fn::GetAtt": [key, "Arn"]}:
            return {**encryption, "KMSMasterKeyID": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{names[key]}"}
    return dict(encryption)


def _function_arn(target: Any, names: Mapping[str, str]) -> str:
    function, _ = target["Fn::GetAtt"]
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{names[function]}"


def _apply_to_table(dynamodb: Any, table: str, properties: Mapping[str, Any]) -> None:
    if forgets := properties.get("TimeToLiveSpecification"):
        dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=forgets)
    if recovery := properties.get("PointInTimeRecoverySpecification"):
        dynamodb.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=recovery)
