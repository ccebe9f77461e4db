"""An environment that is thrown away leaves nothing behind, whatever its buckets hold."""

from collections.abc import Callable, Iterator

import pytest

from genesys_firehose_tools.local.deployment import Deployment
from genesys_firehose_tools.local.pipeline import LocalPipeline
from genesys_firehose_tools.local.values import GeneratedEvent
from tests.e2e.conftest import Sender, pipeline_with

BOOTSTRAP = "cdk-hnb659fds-"


@pytest.fixture(scope="module")
def pipeline() -> Iterator[LocalPipeline]:
    with pipeline_with(retention_mode="NONE", auto_delete_objects=True) as pipeline:
        yield pipeline


def buckets(deployment: Deployment) -> set[str]:
    names = {bucket["Name"] for bucket in deployment.client("s3").list_buckets()["Buckets"]}
    return {name for name in names if not name.startswith(BOOTSTRAP)}


def left_behind(deployment: Deployment, stack_id: str) -> list[str]:
    """Return what of the stack is still there, and what holds data and is nobody's."""
    resources = deployment.client("cloudformation").describe_stack_resources(StackName=stack_id)["StackResources"]
    return [
        *(each["LogicalResourceId"] for each in resources if each["ResourceStatus"] != "DELETE_COMPLETE"),
        *buckets(deployment),
        *deployment.client("sqs").list_queues().get("QueueUrls", []),
        *deployment.client("dynamodb").list_tables()["TableNames"],
        *(each["FunctionName"] for each in deployment.client("lambda").list_functions()["Functions"]),
    ]


def test_a_stack_goes_clean_with_events_access_logs_and_query_results_in_its_buckets(
    sender: Sender, generate: Callable[[str], GeneratedEvent]
) -> None:
    deployment, event = sender.deployment, generate("call")
    sender.post_events(event, generate("email"))
    assert len(sender.landings(event)) == 1
    s3, cloudformation = deployment.client("s3"), deployment.client("cloudformation")
    # The lake, its access log, the queries' results, the tables.
    assert len(buckets(deployment)) == 4
    # What S3 and Athena would write.
    for bucket in buckets(deployment) - {deployment.bucket}:
        for body in (b"a version", b"another version"):
            s3.put_object(Bucket=bucket, Key="some/object", Body=body)
    s3.delete_object(Bucket=deployment.bucket, Key=next(iter(sender.lakes["clean/"].objects)))

    [stack] = cloudformation.describe_stacks(StackName=deployment.stack)["Stacks"]
    for name in (f"{deployment.stack}-Verification", deployment.stack):
        cloudformation.delete_stack(StackName=name)
        cloudformation.get_waiter("stack_delete_complete").wait(
            StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
    assert left_behind(deployment, stack["StackId"]) == []
