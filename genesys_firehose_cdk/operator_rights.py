"""The rights to look at a whole pipeline, and to change nothing of it."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from aws_cdk import ArnFormat, CfnResource, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesisfirehose as firehose
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import IConstruct

from genesys_firehose_cdk.lake.data_lake_bucket import CLEAN_PREFIX, ERRORS_PREFIX, MANIFESTS_PREFIX, RAW_PREFIX

Reading = tuple[type[CfnResource], Callable[[Any], str], tuple[str, ...]]

_ATTR_ARN: Callable[[Any], str] = lambda resource: resource.attr_arn  # noqa: E731 - one row's part of a table
_REF: Callable[[Any], str] = lambda resource: resource.ref  # noqa: E731

# Each kind of resource with how its ARN is had, and the actions that read its settings.
_READINGS: tuple[Reading, ...] = (
    (iam.CfnRole, _ATTR_ARN, ("GetRole", "GetRolePolicy", "ListAttachedRolePolicies", "ListRolePolicies")),
    (iam.CfnManagedPolicy, _REF, ("GetPolicy", "GetPolicyVersion")),
    (firehose.CfnDeliveryStream, _ATTR_ARN, ("DescribeDeliveryStream",)),
    (kms.CfnKey, _ATTR_ARN, ("DescribeKey", "GetKeyRotationStatus")),
    (sqs.CfnQueue, _ATTR_ARN, ("GetQueueAttributes",)),
    (lambda_.CfnFunction, _ATTR_ARN, ("GetFunctionConfiguration",)),
    (dynamodb.CfnTable, _ATTR_ARN, ("DescribeContinuousBackups", "DescribeTable", "DescribeTimeToLive")),
    (events.CfnRule, _ATTR_ARN, ("DescribeRule", "ListTargetsByRule")),
    (sfn.CfnStateMachine, _REF, ("DescribeStateMachine", "ListExecutions")),
)
_PREFIXES = {"kinesisfirehose": "firehose", "stepfunctions": "states"}


class Right(NamedTuple):
    """What may be asked of what, and under which conditions."""

    actions: list[str]
    resource_arns: list[str]
    conditions: dict[str, dict[str, Any]] | None = None


def operator_rights(
    pipeline: IConstruct,
    *,
    bucket_arn: str,
    secret_arns: list[str],
    topic_arn: str,
    event_source_arn: str | None,
    rest_api_id: str | None,
    has_load_balancer: bool = False,
) -> Iterator[Right]:
    """Yield the rights to look at everything below a pipeline, and at what it uses without having made it.

    Args:
        pipeline: The pipeline.
        bucket_arn: The lake's bucket.
        secret_arns: The secrets of its keys; their values are not read.
        topic_arn: The alarms' topic.
        event_source_arn: The partner event source; None without one.
        rest_api_id: The webhook's API; None without one.
        has_load_balancer: Whether a load balancer is the webhook's front door.
    """
    yield from _of_resources(pipeline)
    yield from _of_bucket(bucket_arn)
    yield from _of_stack(Stack.of(pipeline))
    yield Right(["secretsmanager:DescribeSecret", "secretsmanager:ListSecretVersionIds"], secret_arns)
    yield Right(["sns:ListSubscriptionsByTopic"], [topic_arn])
    if event_source_arn is not None:
        yield Right(["events:DescribeEventSource"], [event_source_arn])
    if rest_api_id is not None:
        # Amazon API Gateway Developer Guide, "Actions, resources, and condition keys for API Gateway Management".
        place = Stack.of(pipeline).format_arn(service="apigateway", account="", resource=f"/restapis/{rest_api_id}")
        yield Right(["apigateway:GET"], [place, f"{place}/stages/*"])
    if has_load_balancer:
        # AWS Service Authorization Reference, "AWS Elastic Load Balancing V2": these take no resource.
        described = (
            "DescribeListeners",
            "DescribeLoadBalancerAttributes",
            "DescribeLoadBalancers",
            "DescribeTargetHealth",
        )
        yield Right([f"elasticloadbalancing:{name}" for name in described], ["*"])


def _of_resources(pipeline: IConstruct) -> Iterator[Right]:
    resources = [each for each in pipeline.node.find_all() if isinstance(each, CfnResource)]
    for kind, arn, actions in _READINGS:
        arns = [arn(each) for each in resources if isinstance(each, kind)]
        if arns:
            service = kind.__module__.rpartition("aws_")[2]
            yield Right([f"{_PREFIXES.get(service, service)}:{action}" for action in actions], arns)


def _of_bucket(bucket_arn: str) -> Iterator[Right]:
    prefixes = (RAW_PREFIX, CLEAN_PREFIX)
    settings = (
        *("GetBucketObjectLockConfiguration", "GetBucketPolicy", "GetBucketPublicAccessBlock"),
        *("GetBucketVersioning", "GetEncryptionConfiguration"),
    )
    yield Right([f"s3:{action}" for action in settings], [bucket_arn])
    listed = [f"{prefix}*" for prefix in (*prefixes, ERRORS_PREFIX, MANIFESTS_PREFIX)]
    yield Right(["s3:ListBucket"], [bucket_arn], {"StringLike": {"s3:prefix": listed}})
    # HeadObject takes s3:GetObject. Without a right to the keys it is no right to read what is in an object.
    yield Right(["s3:GetObject", "s3:GetObjectRetention"], [f"{bucket_arn}/{prefix}*" for prefix in prefixes])


def _of_stack(stack: Stack) -> Iterator[Right]:
    reading = ("DescribeStacks", "GetTemplate", "ListStackResources")
    yield Right([f"cloudformation:{action}" for action in reading], [stack.stack_id])
    mappings = stack.format_arn(
        service="lambda",
        resource="event-source-mapping",
        # An id that AWS alone knows.
        resource_name="*",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
    yield Right(["lambda:GetEventSourceMapping"], [mappings])
    # AWS Service Authorization Reference: these take no resource. DescribeAlarms tells of composite alarms only where
    # it is allowed on every resource (Amazon CloudWatch API Reference, "DescribeAlarms").
    yield Right(["cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData", "lambda:GetAccountSettings"], ["*"])
