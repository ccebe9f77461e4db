"""Object Lock by the bucket's default retention: with the upload, which needs a checksum."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from genesys_firehose_tools.local.deployment import Deployment
from genesys_firehose_tools.local.firehose.faults import Faults
from genesys_firehose_tools.local.soak import set_faults
from genesys_firehose_tools.local.values import GeneratedEvent
from tests.e2e.conftest import Sender, eventually

Generate = Callable[[str], GeneratedEvent]
LAYERS = ("raw/", "clean/")


def versions(deployment: Deployment, prefix: str) -> list[tuple[str, str]]:
    found = deployment.client("s3").list_object_versions(Bucket=deployment.bucket, Prefix=prefix).get("Versions", [])
    return [(version["Key"], version["VersionId"]) for version in found]


def retention(deployment: Deployment, key: str, version_id: str) -> dict[str, Any] | None:
    head = deployment.client("s3").head_object(Bucket=deployment.bucket, Key=key, VersionId=version_id)
    if "ObjectLockMode" not in head:
        return None
    kept = head["ObjectLockRetainUntilDate"] - head["LastModified"]
    return {"Mode": head["ObjectLockMode"], "Kept": kept}


def is_locked(deployment: Deployment, key: str, version_id: str) -> bool:
    """Tell whether a version is locked as the properties say: under GOVERNANCE for 30 days from its creation."""
    found = retention(deployment, key, version_id)
    if found is None:
        return False
    assert found["Mode"] == "GOVERNANCE"
    assert abs(found["Kept"] - timedelta(days=30)) < timedelta(minutes=5)
    return True


def delivery_errors(deployment: Deployment) -> list[dict[str, Any]]:
    """Return what Firehose has logged."""
    logs = deployment.client("logs")
    [group] = [
        each["logGroupName"]
        for each in logs.describe_log_groups()["logGroups"]
        if "DeliveryLogGroup" in each["logGroupName"]
    ]
    return [json.loads(event["message"]) for event in logs.filter_log_events(logGroupName=group)["events"]]


def test_an_upload_with_a_checksum_is_locked_from_the_first_moment(sender: Sender, generate: Generate) -> None:
    event = generate("call")
    sender.post_events(event)
    assert len(sender.landings(event)) == 1
    for prefix in LAYERS:
        found = versions(sender.deployment, prefix)
        assert found
        assert all(is_locked(sender.deployment, *version) for version in found)


def test_an_upload_without_a_checksum_fails_and_the_error_log_says_what_is_missing(
    deployment: Deployment, generate: Generate
) -> None:
    sender = Sender(deployment, settled_within_seconds=5)
    event = generate("call")
    set_faults(deployment, Faults(missing_checksum=1))
    try:
        sender.post_events(event)
        assert sender.landings(event) == sender.landings(event, "raw/") == []
    finally:
        set_faults(deployment, Faults())
    [error] = {error["errorCode"]: error for error in delivery_errors(deployment)}.values()
    assert error["errorCode"] == "S3.InvalidRequest"
    assert "Content-MD5 OR x-amz-checksum- HTTP header is required" in error["message"]
    assert event.marker not in error["message"]
    # Firehose tries again for a day: what the cause is mended within is not lost.
    assert eventually(lambda: len(sender.landings(event)) == 1)
