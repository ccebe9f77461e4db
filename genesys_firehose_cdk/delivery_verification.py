"""Whether a deployed pipeline delivers: tried by the deployment itself, in a stack of its own."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import jsii
from aws_cdk import (
    ArnFormat,
    CfnResource,
    CustomResource,
    Duration,
    Fn,
    IResolveContext,
    IStringProducer,
    Lazy,
    Stack,
    Stage,
    Token,
)
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_ssm as ssm
from constructs import Construct, IConstruct

from genesys_firehose_cdk.common.acknowledgements import acknowledge_wildcard
from genesys_firehose_cdk.common.keys import key_statement
from genesys_firehose_cdk.common.lambda_function import LeastPrivilegeFunction
from genesys_firehose_cdk.common.validation import InvalidPropertyError
from genesys_firehose_cdk.lake.data_lake_bucket import CLEAN_PREFIX, RAW_PREFIX, RetentionMode
from genesys_firehose_cdk.pipeline import GenesysFirehosePipeline
from genesys_firehose_cdk.pipeline_parameters import root_stack

# The longest that a Lambda function runs (AWS Lambda Developer Guide, "Lambda quotas").
_TIMEOUT = Duration.minutes(15)
# CloudFormation gives up a function that died a minute later.
_SERVICE_TIMEOUT = Duration.minutes(16)
# What an event may take beside its buffers: with the default ones it has four minutes.
_WORK_SECONDS = 130
# Of the function's time, for a new role's propagation before and the answer after.
_RESERVE_SECONDS = 120
# Where the transform function puts marked events; lambda_src/shared/envelope.py.
_PARTITION = "event_type=verification"
# Every year's folder, and so no object of raw/oversize/.
_RAW_YEARS = f"{RAW_PREFIX}2*"
# On the way, but without a say in whether something arrives.
_BESIDE_THE_WAY = ("AWS::Logs::",)
_FINGERPRINT_DIGITS = 16


class VerificationFunction(LeastPrivilegeFunction):
    """The function that tries the delivery."""

    _NO_DEAD_LETTER_QUEUE = (
        "CloudFormation waits for its answer, and reports a failure when none comes. A queued request of a past "
        "deployment would need no action."
    )
    _NO_RESERVED_CONCURRENCY = (
        "CloudFormation alone calls it, once for a deployment. A reservation would take from the account's other "
        "functions."
    )
    _NO_VPC = (
        "It calls AWS APIs and CloudFormation's answer URL alone, over TLS, and listens on no network; a VPC would add "
        "a path to other hosts that it does not have."
    )


class DeliveryVerification(Construct):
    """Tries a pipeline's delivery whenever a deployment has changed something on its way.

    It belongs in a stack of its own, deployed after the pipeline's: a failure fails that stack alone, and the pipeline
    stays as it is. One marked event goes to each delivery stream, through the buffer queue, the ingest function and the
    transform function. New objects under `raw/` and `clean/`, locked as `lake.bucket.retention_mode` says, are the
    proof. Without them the deployment fails after the longest time of the buffers and 130 s, four minutes by default,
    with one sentence that names the cause in Firehose's log and the property to change.

    The custom resource's logical id holds a fingerprint of everything on the way. So it is created anew when any of it
    changes, and left alone otherwise. The function lists objects and reads their retention and encryption; it has no
    right to the lake's keys, and so reads no event.

    Attributes:
        function: The function.
        resource: The custom resource; its attributes are `Seconds`, `RawRetention`, `RawEncryption`, `CleanRetention`
            and `CleanEncryption`.
    """

    def __init__(self, scope: Construct, id: str, *, pipeline: GenesysFirehosePipeline) -> None:
        """Create the function and its custom resource.

        Args:
            scope: A stack other than the pipeline's, created after it in the same app and stage, for the same account
                and region; or a construct inside one.
            id: The construct's id.
            pipeline: Whose delivery is tried.

        Raises:
            InvalidPropertyError: The stack can't be deployed after the pipeline's, or the pipeline's buffers hold
                events for longer than a Lambda function can wait.
        """
        super().__init__(scope, id)
        stack, of_pipeline = root_stack(self), root_stack(pipeline)
        _check_stacks(stack, of_pipeline)
        wait_seconds = _wait_seconds(pipeline)
        stack.add_stack_dependency(of_pipeline, "tries what it has deployed")
        parameters = {
            key: ssm.StringParameter.value_for_string_parameter(self, name)
            for key, name in pipeline.parameters.names.items()
        }
        self._bucket_arn = stack.format_arn(service="s3", account="", region="", resource=parameters["BucketName"])
        # There is a catalog with partitions alone.
        is_partitioned = pipeline.catalog is not None
        self._clean = f"{CLEAN_PREFIX}{_PARTITION}/*" if is_partitioned else f"{CLEAN_PREFIX}*"
        key = kms.Key.from_key_arn(self, "OperationsKey", parameters["OperationsKeyArn"])
        queue = sqs.Queue.from_queue_arn(self, "BufferQueue", parameters["BufferQueueArn"])
        log_groups = Fn.split(",", parameters["DeliveryLogGroups"])
        self._log_group_arns = [
            Stack.of(self).format_arn(
                service="logs",
                resource="log-group",
                resource_name=f"{Fn.select(index, log_groups)}:*",
                arn_format=ArnFormat.COLON_RESOURCE_NAME,
            )
            for index in range(len(pipeline.delivery_streams))
        ]
        function = VerificationFunction(
            self,
            "Function",
            context=replace(pipeline.context, operations_key=key),
            package="verification",
            description="Tries whether a deployed pipeline delivers",
            statements=list(self._statements(queue, key)),
            environment={
                "BUFFER_QUEUE_URL": queue.queue_url,
                "BUCKET_NAME": parameters["BucketName"],
                "STREAM_NAMES": parameters["StreamNames"],
                "DELIVERY_LOG_GROUPS": parameters["DeliveryLogGroups"],
                "RAW_PREFIX": f"{RAW_PREFIX}%Y/%m/%d/%H/",
                "CLEAN_PREFIX": f"{CLEAN_PREFIX}{f'{_PARTITION}/date=%Y-%m-%d' if is_partitioned else '%Y/%m/%d'}/",
                "RETENTION_MODE": _demanded(pipeline.retention_mode),
                "WAIT_SECONDS": str(wait_seconds),
            },
            timeout=_TIMEOUT,
            memory_size=256,
        )
        self.function = function.function
        self._acknowledge_wildcards(function.policy)
        self.resource = CustomResource(
            self,
            "Resource",
            resource_type="Custom::DeliveryVerification",
            service_token=self.function.function_arn,
            service_timeout=_SERVICE_TIMEOUT,
        )
        resource = cast(CfnResource, self.resource.node.default_child)
        beginning = Stack.of(self).get_logical_id(resource)
        resource.override_logical_id(Lazy.uncached_string(_LogicalId(beginning, pipeline)))

    def _statements(self, queue: sqs.IQueue, key: kms.IKey) -> Iterator[iam.PolicyStatement]:
        yield iam.PolicyStatement(
            sid="SendEvent", actions=["sqs:SendMessage", "sqs:GetQueueAttributes"], resources=[queue.queue_arn]
        )
        yield key_statement("QueueKey", key, "kms:Decrypt", "kms:GenerateDataKey", via="sqs")
        yield iam.PolicyStatement(
            sid="ListObjects",
            actions=["s3:ListBucket"],
            resources=[self._bucket_arn],
            conditions={"StringLike": {"s3:prefix": [_RAW_YEARS, self._clean]}},
        )
        # HeadObject takes s3:GetObject. Without a right to the keys it is no right to read what is in an object.
        yield iam.PolicyStatement(
            sid="LookAtObjects",
            actions=["s3:GetObject", "s3:GetObjectRetention"],
            resources=[f"{self._bucket_arn}/{prefix}" for prefix in (_RAW_YEARS, self._clean)],
        )
        yield iam.PolicyStatement(
            sid="ReadDeliveryLogs", actions=["logs:FilterLogEvents"], resources=self._log_group_arns
        )

    def _acknowledge_wildcards(self, policy: IConstruct) -> None:
        for prefix in (_RAW_YEARS, self._clean):
            acknowledge_wildcard(
                policy,
                f"{self._bucket_arn}/{prefix}",
                "Firehose names its objects itself; the wildcard is one prefix of one bucket, without a right to the "
                "keys of what is in it.",
            )
        for arn in self._log_group_arns:
            acknowledge_wildcard(policy, arn, "The wildcard is the log streams of one log group, for reading.")


def _demanded(mode: RetentionMode | None) -> str:
    return "" if mode is None or mode is RetentionMode.NONE else mode.value


def _wait_seconds(pipeline: GenesysFirehosePipeline) -> int:
    longest = max(delivery.longest_delay_seconds for delivery in pipeline.delivery_streams)
    most = _TIMEOUT.to_seconds() - _RESERVE_SECONDS - _WORK_SECONDS
    if longest > most:
        raise InvalidPropertyError(
            "delivery.buffering.interval",
            f"keeps an event for up to {longest:,.0f} s, which a DeliveryVerification can't wait for",
            f"an interval with which it is {most:,.0f} s at most is allowed, or a pipeline without verification",
        )
    return round(longest) + _WORK_SECONDS


def _check_stacks(stack: Stack, of_pipeline: Stack) -> None:
    """Refuse a stack that CloudFormation could not deploy after the pipeline's, or the CDK would write before it."""
    name = "scope"
    if stack is of_pipeline:
        raise InvalidPropertyError(
            name,
            "is in the pipeline's own stack",
            "another one is allowed, because a failed verification would roll the pipeline back",
        )
    for what in ("account", "region"):
        there, here = getattr(of_pipeline, what), getattr(stack, what)
        if there != here and not (Token.is_unresolved(there) and Token.is_unresolved(here)):
            raise InvalidPropertyError(
                name, f"is in another {what} than the pipeline", f"a stack for the pipeline's own {what} is allowed"
            )
    constructs = [each.node.path for each in stack.node.root.node.find_all() if isinstance(each, Stack)]
    same_stage = Stage.of(stack) is Stage.of(of_pipeline)
    if not same_stage or constructs.index(stack.node.path) < constructs.index(of_pipeline.node.path):
        raise InvalidPropertyError(
            name,
            "is in another stage than the pipeline, or in a stack that was created before the pipeline's",
            "a stack created after the pipeline's, in the same stage, is allowed",
        )


@jsii.implements(IStringProducer)
class _LogicalId:
    """The custom resource's logical id, known once the pipeline's template is written.

    The CDK writes the stacks of a stage in the order of their creation. It asks for ids before that, too, to find
    references; no answer of that time stays.
    """

    def __init__(self, beginning: str, pipeline: GenesysFirehosePipeline) -> None:
        self._beginning = beginning
        self._pipeline = pipeline

    def produce(self, context: IResolveContext) -> str:  # noqa: ARG002 - the CDK's signature
        """Return the id."""
        stack = Stack.of(self._pipeline)
        stage = Stage.of(stack)
        template = Path(stage.outdir if stage else "") / stack.template_file
        resources = json.loads(template.read_text())["Resources"] if template.is_file() else {}
        return f"{self._beginning}{_fingerprint(self._pipeline, resources)}"


def _fingerprint(pipeline: GenesysFirehosePipeline, resources: Mapping[str, Any]) -> str:
    """Return a hash of everything in the template that an event passes, or that decides whether it may."""
    stack = Stack.of(pipeline)
    ids = {
        str(stack.resolve(each.logical_id))
        for part in _way(pipeline)
        for each in part.node.find_all()
        if isinstance(each, CfnResource) and not each.cfn_resource_type.startswith(_BESIDE_THE_WAY)
    }
    content = {
        logical_id: [resources[logical_id]["Type"], _without_tags(resources[logical_id].get("Properties", {}))]
        for logical_id in sorted(ids & resources.keys())
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:_FINGERPRINT_DIGITS]


def _way(pipeline: GenesysFirehosePipeline) -> Iterator[IConstruct]:
    """Yield every part of the pipeline that has a say in whether an event arrives."""
    yield pipeline.operations_key
    yield pipeline.buffer_queue
    yield pipeline.ingest_function
    for delivery in pipeline.delivery_streams:
        yield delivery
        if delivery.encryption_key is not None:
            yield delivery.encryption_key
    yield pipeline.transform_function
    yield pipeline.deduplication_table
    yield pipeline.tokenization_key
    yield pipeline.bucket.bucket
    yield pipeline.bucket.raw_key
    yield pipeline.bucket.clean_key


def _without_tags(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if name != "Tags"}
