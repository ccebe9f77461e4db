"""The base of all Lambda functions of the pipeline."""

from collections.abc import Mapping, Sequence

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from genesys_firehose_cdk.common.acknowledgements import HIPAA, NIST, PCI, SERVERLESS, acknowledge, acknowledge_wildcard
from genesys_firehose_cdk.common.context import PipelineContext
from genesys_firehose_cdk.common.function_code import staged_code
from genesys_firehose_cdk.common.removal import keep_on_removal


class LeastPrivilegeFunction(Construct):
    """A Lambda function on the newest Python, arm64, with its own log group and a closed role.

    The role has exactly the statements it is given, besides logging to its own group and tracing;
    grants to it have no effect. Lambda itself logs what goes wrong, and nothing of an invocation that succeeds.

    Attributes:
        function: The function.
        log_group: Its log group.
        policy: The one policy of its role.
    """

    # Why these findings do not apply. A subclass for which a reason is not true overrides it.
    _NO_DEAD_LETTER_QUEUE = (
        "It is never invoked asynchronously, so Lambda would never use one. Its callers get the "
        "error and retry; behind them are a dead-letter queue and the prefix errors/."
    )
    _NO_RESERVED_CONCURRENCY = (
        "Its callers bound it: the API's throttling, the queue's maximum concurrency and "
        "Firehose's processor. A reservation would take from the account's other functions."
    )
    _NOT_TRACED = (
        "Lambda would trace the first invocation of every second, which costs more than it tells; "
        "`monitoring.active_tracing` does so."
    )
    _NO_VPC = (
        "It calls AWS APIs alone, over TLS with its role's credentials, and listens on no network; "
        "a VPC would add a path to other hosts that it does not have."
    )

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        context: PipelineContext,
        package: str,
        description: str,
        statements: Sequence[iam.PolicyStatement],
        environment: Mapping[str, str],
        timeout: Duration,
        memory_size: int,
        extra_files: Mapping[str, str] | None = None,
        libraries: Sequence[str] = (),
        recursive_loop: lambda_.RecursiveLoop | None = None,
        traced: bool = True,
    ) -> None:
        """Create the function with its log group and role.

        Args:
            scope: The parent construct.
            id: The construct's id.
            context: The pipeline's log settings.
            package: The package of the function's code; its handler is `<package>.handler.handle`.
            description: What the function does.
            statements: What it may do.
            environment: Its environment variables, no secret among them.
            timeout: How long it may run.
            memory_size: 128 to 10,240 MB (AWS Lambda Developer Guide, "Lambda quotas").
            extra_files: Text files to add to the code, by path.
            libraries: Further packages of the functions' source that the code imports from.
            recursive_loop: Whether Lambda stops a function that calls itself through a queue. Default: Lambda's own, to
                stop it.
            traced: Whether Lambda traces it with AWS X-Ray: as API Gateway says, and of what comes another way the
                first invocation of a second and 5 % of the others, which cannot be configured (AWS X-Ray Developer
                Guide, "AWS Lambda and AWS X-Ray"). Default: True.
        """
        super().__init__(scope, id)
        self.log_group = context.log_group(self, "LogGroup")
        self._role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        self.policy = self._create_policy(self._role, description, statements, traced)
        with staged_code(package, extra_files, libraries=libraries) as code:
            self.function = lambda_.Function(
                self,
                "Function",
                description=description,
                runtime=lambda_.Runtime.PYTHON_3_14,
                architecture=lambda_.Architecture.ARM_64,
                handler=f"{package}.handler.handle",
                code=code,
                timeout=timeout,
                memory_size=memory_size,
                tracing=lambda_.Tracing.ACTIVE if traced else lambda_.Tracing.PASS_THROUGH,
                log_group=self.log_group,
                # Lambda's three lines of an invocation that succeeds are dropped. What the functions write themselves
                # is no line of Lambda's, and stands as it is.
                logging_format=lambda_.LoggingFormat.JSON,
                system_log_level_v2=lambda_.SystemLogLevel.WARN,
                application_log_level_v2=lambda_.ApplicationLogLevel.INFO,
                role=self._role.without_policy_updates(),
                environment=dict(environment),
                recursive_loop=recursive_loop,
            )
        self.function.node.add_dependency(self.policy)
        self._acknowledge_findings(traced)

    def _keep_on_removal(self, removal_policy: RemovalPolicy) -> None:
        """Apply `removal_policy` to function, role and policy: something that stays invokes the function."""
        keep_on_removal(removal_policy, self.function, self._role, self.policy)

    def _create_policy(
        self, role: iam.Role, description: str, statements: Sequence[iam.PolicyStatement], traced: bool
    ) -> iam.ManagedPolicy:
        tracing = iam.PolicyStatement(
            sid="Tracing",
            actions=["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
            resources=["*"],
        )
        return iam.ManagedPolicy(
            self,
            "Policy",
            description=f"{description}: what the function may do",
            roles=[role],
            statements=[
                iam.PolicyStatement(
                    sid="Logs",
                    actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                    resources=[self.log_group.log_group_arn],
                ),
                *([tracing] if traced else []),
                *statements,
            ],
        )

    def _acknowledge_findings(self, traced: bool) -> None:
        if traced:
            reason = "X-Ray has no resource to name: both actions know the resource * alone."
            acknowledge_wildcard(self.policy, "*", reason)
        else:
            acknowledge(self.function, "LambdaTracing", SERVERLESS, reason=self._NOT_TRACED)
        acknowledge(self.function, "LambdaDLQ", HIPAA, NIST, SERVERLESS, reason=self._NO_DEAD_LETTER_QUEUE)
        acknowledge(self.function, "LambdaConcurrency", HIPAA, NIST, reason=self._NO_RESERVED_CONCURRENCY)
        acknowledge(self.function, "LambdaInsideVPC", HIPAA, NIST, PCI, reason=self._NO_VPC)
