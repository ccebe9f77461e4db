"""Settings of a bucket that the embedded AWS's CloudFormation passes over and its S3 knows: Object Lock and tags."""

from collections.abc import Mapping
from typing import Any


def apply_bucket_settings(cloudformation: Any, s3: Any, stack: str) -> None:
    """Give the buckets of a stack the Object Lock and the tags that its template asks for."""
    resources = cloudformation.get_template(StackName=stack)["TemplateBody"]["Resources"]
    for resource in cloudformation.describe_stack_resources(StackName=stack)["StackResources"]:
        if resource["ResourceType"] == "AWS::S3::Bucket":
            _apply(s3, resource["PhysicalResourceId"], resources[resource["LogicalResourceId"]]["Properties"])


def _apply(s3: Any, bucket: str, properties: Mapping[str, Any]) -> None:
    if properties.get("ObjectLockEnabled"):
        configuration = {"ObjectLockEnabled": "Enabled", **properties.get("ObjectLockConfiguration", {})}
        s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=configuration)
    if tags := properties.get("Tags"):
        s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
