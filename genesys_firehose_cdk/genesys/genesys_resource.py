"""What the custom resources that live at Genesys Cloud have in common."""

from collections.abc import Mapping, Sequence
from typing import cast

from aws_cdk import CustomResource, Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import custom_resources as cr
from constructs import Construct

from genesys_firehose_cdk.common.acknowledgements import (
    AWS_SOLUTIONS,
    HIPAA,
    NIST,
    PCI,
    SERVERLESS,
    acknowledge,
    acknowledge_wildcard,
)
from genesys_firehose_cdk.common.lambda_function import LeastPrivilegeFunction
from genesys_firehose_cdk.common.log_settings import LogSettings
from genesys_firehose_cdk.common.validation import check_range
from genesys_firehose_cdk.genesys.connection import GenesysConnection

# A pass of the functions ends within 45 s.
_TIMEOUT = Duration.seconds(60)
_PASS_INTERVAL = Duration.seconds(10)
# The function gives up first and says why. What hangs, the framework behind it ends, and CloudFormation after an hour.
_FRAMEWORK_RESERVE = Duration.minutes(5)
_FRAMEWORK_FUNCTIONS = ("framework-onEvent", "framework-isComplete", "framework-onTimeout")


class GenesysFunction(LeastPrivilegeFunction):
    """A function that makes changes at Genesys Cloud, in passes."""

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

    Attributes:
        function: The function that makes the changes.
        resource: The custom resource.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        connection: GenesysConnection,
        package: str,
        description: str,
        properties: Mapping[str, object],
        statements: Sequence[iam.PolicyStatement],
        environment: Mapping[str, str],
        give_up_after: Duration,
        log_settings: LogSettings,
    ) -> None:
        """Create the function, the framework around it, and the custom resource.

        Args:
            scope: The parent construct.
            id: The construct's id.
            connection: Where the organization is.
            package: The package of the function's code.
            description: What the function does.
            properties: The custom resource's properties, beside the region's host.
            statements: What the function may do, beside reading the credentials.
            environment: The function's environment, beside that of all such functions.
            give_up_after: When a resource that is not complete fails; 1 to 40 minutes.
            log_settings: How the log group is encrypted, kept and removed.

        Raises:
            InvalidPropertyError: `give_up_after` is out of range, or the stack is where the region's data may not go.
        """
        super().__init__(scope, id)
        seconds = give_up_after.to_seconds()
        check_range("give_up_after", seconds, 60, 2400, "seconds", "within CloudFormation's hour")
        connection.region.check_pairing(self)
        function = GenesysFunction(
            self,
            "Handler",
            package=package,
            libraries=["genesys"],
            description=description,
            statements=[*connection.read_statements, *statements],
            environment={
                "CREDENTIALS_SECRET_ARN": connection.credentials.secret_arn,
                "GIVE_UP_AFTER_SECONDS": str(int(seconds)),
                **environment,
            },
            timeout=_TIMEOUT,
            memory_size=256,
            log_settings=log_settings,
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
            properties={"Host": connection.region.host, **properties},
        )

    def _acknowledge_findings(self, provider: cr.Provider) -> None:
        framework = "The provider framework of AWS CDK makes it so; its code is part of aws-cdk-lib."
        for name in _FRAMEWORK_FUNCTIONS:
            function = provider.node.find_child(name)
            role = function.node.find_child("ServiceRole")
            policy = role.node.find_child("DefaultPolicy")
            acknowledge(
                role,
                "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]",
                AWS_SOLUTIONS,
                reason=f"{framework} The managed policy allows to write logs and nothing else.",
            )
            acknowledge_wildcard(
                policy,
                f"{self.function.function_arn}:*",
                f"{framework} The wildcard is the versions of one function.",
            )
            acknowledge(policy, "IAMNoInlinePolicy", HIPAA, NIST, PCI, reason=f"{framework} It belongs to one role.")
            acknowledge(
                function,
                "LambdaConcurrency",
                HIPAA,
                NIST,
                reason=f"{framework} CloudFormation calls it once per change of the stack.",
            )
            acknowledge(
                function,
                "LambdaDLQ",
                HIPAA,
                NIST,
                SERVERLESS,
                reason=f"{framework} It reports its own failures to CloudFormation, which times out without an answer.",
            )
            acknowledge(
                function,
                "LambdaInsideVPC",
                HIPAA,
                NIST,
                PCI,
                reason=f"{framework} It calls Lambda, Step Functions and CloudFormation alone.",
            )
            acknowledge(
                function,
                "LambdaDefaultMemorySize",
                SERVERLESS,
                reason=f"{framework} It passes one request on, which needs little memory.",
            )
            acknowledge(
                function,
                "LambdaTracing",
                SERVERLESS,
                reason=f"{framework} The function that does the work behind it is traced.",
            )
        waiter = provider.node.find_child("waiter-state-machine")
        policy = waiter.node.find_child("Role").node.find_child("DefaultPolicy")
        for name in _FRAMEWORK_FUNCTIONS[1:]:
            called = cast(lambda_.IFunction, provider.node.find_child(name))
            acknowledge_wildcard(
                policy, f"{called.function_arn}:*", f"{framework} The wildcard is the versions of one function."
            )
        acknowledge(policy, "IAMNoInlinePolicy", HIPAA, NIST, PCI, reason=f"{framework} It belongs to one role.")
        for pack, rule in (
            (AWS_SOLUTIONS, "SF1"),
            (AWS_SOLUTIONS, "SF2"),
            (SERVERLESS, "StepFunctionStateMachineXray"),
        ):
            acknowledge(
                waiter.node.find_child("Resource"),
                rule,
                pack,
                reason=f"{framework} It only waits between two calls of one function, which is logged and traced.",
            )
