"""A Lambda function that a schedule invokes."""

from collections.abc import Mapping, Sequence

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from constructs import Construct

from genesys_firehose_cdk.common.acknowledgements import SERVERLESS, acknowledge
from genesys_firehose_cdk.common.context import PipelineContext
from genesys_firehose_cdk.common.lambda_function import LeastPrivilegeFunction

_MEMORY_SIZE = 256


class ScheduledFunction(LeastPrivilegeFunction):
    """A Lambda function with a closed role that a schedule invokes.

    Lambda repeats a failed run twice, and the next scheduled run does its work. An alarm must watch what the runs
    report, to tell when none succeeds.

    Attributes:
        function: The function.
        log_group: Its log group.
        policy: The one policy of its role.
        schedule: The rule that invokes it.
    """

    _NO_DEAD_LETTER_QUEUE = (
        "The next scheduled run does what this one did not, and an alarm reports when none succeeds. A queued "
        "message about a past run would need no action."
    )
    _NO_RESERVED_CONCURRENCY = (
        "A schedule and a deployment alone invoke it, minutes apart, and each run is bounded in time. A reservation "
        "would take from the account's other functions."
    )
    _NO_VPC = (
        "It calls AWS APIs and Genesys Cloud's public API alone, over TLS, and listens on no network; a VPC would "
        "need a way out to the same public API."
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
        interval: Duration,
        timeout: Duration,
        libraries: Sequence[str] = ("genesys",),
    ) -> None:
        """Create the function with its schedule.

        Args:
            scope: The parent construct.
            id: The construct's id.
            context: The pipeline's log settings.
            package: The package of the function's code.
            description: What the function does.
            statements: What it may do.
            environment: Its environment variables, no secret among them.
            interval: How often it runs, whole minutes.
            timeout: How long a run may take.
            libraries: Further packages that the code imports from. Default: the Genesys Cloud client.
        """
        super().__init__(
            scope,
            id,
            context=context,
            package=package,
            libraries=libraries,
            description=description,
            statements=statements,
            environment=environment,
            timeout=timeout,
            memory_size=_MEMORY_SIZE,
        )
        self.schedule = events.Rule(
            self,
            "Schedule",
            description=f"{description}: again and again",
            schedule=events.Schedule.rate(interval),
            targets=[targets.LambdaFunction(self.function)],
        )
        acknowledge(self.schedule, "EventBusDLQ", SERVERLESS, reason=self._NO_DEAD_LETTER_QUEUE)
