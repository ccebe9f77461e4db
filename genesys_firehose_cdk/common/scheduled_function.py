"""A function that runs again and again, and that Genesys Cloud is asked by."""

from collections.abc import Mapping, Sequence

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from constructs import Construct

from genesys_firehose_cdk.common.acknowledgements import SERVERLESS, acknowledge
from genesys_firehose_cdk.common.lambda_function import LeastPrivilegeFunction
from genesys_firehose_cdk.common.log_settings import LogSettings

_MEMORY_SIZE = 256


class ScheduledFunction(LeastPrivilegeFunction):
    """A Lambda function with a closed role that a schedule invokes.

    Lambda repeats a run that fails twice, and the next one does its work. An alarm on what the runs report has to
    tell that they succeed no more.

    Attributes:
        function: The function.
        log_group: Its log group.
        policy: The one policy of its role.
        schedule: The rule that invokes it.
    """

    _NO_DEAD_LETTER_QUEUE = (
        "Its schedule comes again soon and the next run does what this one did not; an alarm reports when none "
        "succeeds. A message about a run that is over would ask somebody to do nothing."
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
        package: str,
        description: str,
        statements: Sequence[iam.PolicyStatement],
        environment: Mapping[str, str],
        interval: Duration,
        timeout: Duration,
        log_settings: LogSettings,
    ) -> None:
        """Create the function with its schedule.

        Args:
            scope: The parent construct.
            id: The construct's id.
            package: The package of the function's code, which may import the Genesys Cloud client.
            description: What the function does.
            statements: What it may do.
            environment: Its environment variables, no secret among them.
            interval: How often it runs, whole minutes.
            timeout: How long a run may take.
            log_settings: How the log group is encrypted, kept and removed.
        """
        super().__init__(
            scope,
            id,
            package=package,
            libraries=["genesys"],
            description=description,
            statements=statements,
            environment=environment,
            timeout=timeout,
            memory_size=_MEMORY_SIZE,
            log_settings=log_settings,
        )
        self.schedule = events.Rule(
            self,
            "Schedule",
            description=f"{description}: again and again",
            schedule=events.Schedule.rate(interval),
            targets=[targets.LambdaFunction(self.function)],
        )
        acknowledge(self.schedule, "EventBusDLQ", SERVERLESS, reason=self._NO_DEAD_LETTER_QUEUE)
