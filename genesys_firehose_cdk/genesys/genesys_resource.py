"""The base of the custom resources that live at Genesys Cloud."""

from collections.abc import Mapping, Sequence
from typing import cast

from aws_cdk import CfnResource, CustomResource, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import custom_resources as cr
from constructs import Construct, IConstruct

from genesys_firehose_cdk.common.acknowledgements import (
    AWS_SOLUTIONS,
    HIPAA,
    NIST,
    PCI,
    SERVERLESS,
    acknowledge,
    acknowledge_wildcard,
)
from genesys_firehose_cdk.common.context import PipelineContext
from genesys_firehose_cdk.common.lambda_function import LeastPrivilegeFunction
from genesys_firehose_cdk.common.validation import check_duration
from genesys_firehose_cdk.genesys.connection import GenesysConnectionProps

# A pass of the functions ends within 45 s, and may wait for a minute before it until AWS allows its calls.
_TIMEOUT = Duration.seconds(120)
_PASS_INTERVAL = Duration.seconds(10)
# The function gives up first and says why. The framework ends one that hangs. CloudFormation waits for an hour.
_FRAMEWORK_RESERVE = Duration.minutes(5)
_FRAMEWORK = "The provider framework of AWS CDK makes it so; its code is part of aws-cdk-lib."
_FRAMEWORK_FUNCTIONS = ("framework-onEvent", "framework-isComplete", "framework-onTimeout")


def check_give_up_after(name: str, value: Duration) -> None:
    """Refuse a patience that does not fit CloudFormation's hour."""
    check_duration(name, value, 60, 2400, "seconds", "within CloudFormation's hour")


class GenesysFunction(LeastPrivilegeFunction):
    """A function that makes changes at Genesys Cloud, in short runs until a change is complete."""

    _NO_DEAD_LETTER_QUEUE = (
        "The provider framework waits for its answer and CloudFormation reports a failure; what a schedule calls it "
        "for is done again at the next time."
    )
    _NO_RESERVED_CONCURRENCY = (
        "CloudFormation and at most one schedule call it, one after the other. A reservation would take from the "
        "account's other functions."
    )
    _NO_VPC = (
        "It calls Genesys Cloud's public API and AWS APIs, over TLS with its own credentials, and listens on no "
        "network; a VPC would need a NAT gateway for the same calls."
    )


class GenesysResource(Construct):
    """A custom resource with its function, on AWS CDK's provider framework.

    The function has the resource's properties in its own configuration, and refuses a request with others. So whoever
    may invoke it cannot lead it, its credentials or a key to another place.

    Attributes:
        function: The function that makes the changes.
        resource: The custom resource.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        context: PipelineContext,
        connection: GenesysConnectionProps,
        package: str,
        description: str,
        properties: Mapping[str, object],
        statements: Sequence[iam.PolicyStatement],
        environment: Mapping[str, str],
        give_up_after: Duration,
    ) -> None:
        """Create the function, the framework around it, and the custom resource.

        Args:
            scope: The parent construct.
            id: The construct's id.
            context: The pipeline's log settings. The resource itself always goes with the stack.
            connection: Where the organization is.
            package: The package of the function's code.
            description: What the function does.
            properties: The custom resource's properties, beside the region's host: texts and lists of texts. As JSON
                they are in the function's environment, of 4 KB in all (AWS Lambda Developer Guide, "Lambda quotas").
            statements: What the function may do, beside reading the credentials.
            environment: The function's environment, beside that of all such functions.
            give_up_after: When a resource that is not complete fails; 1 to 40 minutes.

        Raises:
            InvalidPropertyError: The stack is where the region's data may not go.
        """
        super().__init__(scope, id)
        connection.region.check_pairing(self)
        stack = Stack.of(self)
        properties = {"Host": connection.region.host, **properties}
        function = GenesysFunction(
            self,
            "Handler",
            context=context,
            package=package,
            libraries=["genesys"],
            description=description,
            statements=[*connection.read_statements, *statements],
            environment={
                "CREDENTIALS_SECRET_ARN": connection.credentials.secret_arn,
                "GIVE_UP_AFTER_SECONDS": str(int(give_up_after.to_seconds())),
                "STACK_ID": stack.stack_id,
                "PROPERTIES": stack.to_json_string(properties),
                **environment,
            },
            timeout=_TIMEOUT,
            memory_size=256,
        )
        self.function = function.function
        provider = cr.Provider(
            self,
            "Provider",
            on_event_handler=self.function,
            is_complete_handler=self.function,
            query_interval=_PASS_INTERVAL,
            total_timeout=give_up_after.plus(_FRAMEWORK_RESERVE),
            log_group=function.log_group,
        )
        self._acknowledge_findings(provider)
        self.resource = CustomResource(
            self,
            "Resource",
            service_token=provider.service_token,
            properties=properties,
        )
        logical_id = stack.get_logical_id(cast(CfnResource, self.resource.node.default_child))
        self.function.add_environment("LOGICAL_ID", logical_id)

    def _acknowledge_findings(self, provider: cr.Provider) -> None:
        for name in _FRAMEWORK_FUNCTIONS:
            self._acknowledge_function(provider.node.find_child(name))
        waiter = provider.node.find_child("waiter-state-machine")
        policy = waiter.node.find_child("Role").node.find_child("DefaultPolicy")
        for name in _FRAMEWORK_FUNCTIONS[1:]:
            called = cast(lambda_.IFunction, provider.node.find_child(name))
            acknowledge_wildcard(
                policy, f"{called.function_arn}:*", f"{_FRAMEWORK} The wildcard is the versions of one function."
            )
        acknowledge(policy, "IAMNoInlinePolicy", HIPAA, NIST, PCI, reason=f"{_FRAMEWORK} It belongs to one role.")
        for pack, rule in (
            (AWS_SOLUTIONS, "SF1"),
            (AWS_SOLUTIONS, "SF2"),
            (SERVERLESS, "StepFunctionStateMachineXray"),
        ):
            acknowledge(
                waiter.node.find_child("Resource"),
                rule,
                pack,
                reason=f"{_FRAMEWORK} It only waits between two calls of one function, which is logged and traced.",
            )

    def _acknowledge_function(self, function: IConstruct) -> None:
        """Acknowledge what is found on one function of the framework, its role and its policy."""
        role = function.node.find_child("ServiceRole")
        policy = role.node.find_child("DefaultPolicy")
        acknowledge(
            role,
            "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]",
            AWS_SOLUTIONS,
            reason=f"{_FRAMEWORK} The managed policy allows to write logs and nothing else.",
        )
        acknowledge_wildcard(
            policy,
            f"{self.function.function_arn}:*",
            f"{_FRAMEWORK} The wildcard is the versions of one function.",
        )
        acknowledge(policy, "IAMNoInlinePolicy", HIPAA, NIST, PCI, reason=f"{_FRAMEWORK} It belongs to one role.")
        for rule, packs, reason in (
            ("LambdaConcurrency", (HIPAA, NIST), "CloudFormation calls it once per change of the stack."),
            (
                "LambdaDLQ",
                (HIPAA, NIST, SERVERLESS),
                "It reports its own failures to CloudFormation, which times out without an answer.",
            ),
            ("LambdaInsideVPC", (HIPAA, NIST, PCI), "It calls Lambda, Step Functions and CloudFormation alone."),
            ("LambdaDefaultMemorySize", (SERVERLESS,), "It passes one request on, which needs little memory."),
            ("LambdaTracing", (SERVERLESS,), "The function that does the work behind it is traced."),
        ):
            acknowledge(function, rule, *packs, reason=f"{_FRAMEWORK} {reason}")
