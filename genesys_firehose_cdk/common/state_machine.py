"""A state machine whose definition and rights are written by hand, with its log."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import ArnFormat, Fn, Names, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from genesys_firehose_cdk.common.acknowledgements import acknowledge_wildcard
from genesys_firehose_cdk.common.context import PipelineContext

_NO_RESOURCE = (
    "X-Ray and the delivery of Step Functions' logs have no resource to name (AWS Step Functions Developer Guide, "
    "'Using CloudWatch Logs to log execution history in Step Functions')."
)


class LeastPrivilegeStateMachine:
    """A state machine with a closed role, a log without execution data, and tracing.

    Its resources stand directly below the construct that it is made for, which is why it is no construct itself.

    Attributes:
        state_machine: The state machine.
        log_group: Its log group.
        role: Its role.
        policy: The policy with the given statements.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        context: PipelineContext,
        comment: str,
        definition: Mapping[str, Any],
        substitutions: Mapping[str, str],
        statements: Sequence[iam.PolicyStatement],
    ) -> None:
        """Create the state machine, its log group and its role.

        Args:
            scope: The construct it is made for.
            context: What the pipeline's constructs share.
            comment: What it does.
            definition: In the Amazon States Language; CloudFormation fills in what stands in ${}.
            substitutions: What it fills in.
            statements: What the state machine may do beside writing its log and traces.
        """
        self._scope = scope
        self.log_group: logs.LogGroup = context.log_group(scope, "LogGroup", name=_log_group_name(scope))
        self.role = iam.Role(scope, "Role", assumed_by=iam.ServicePrincipal("states.amazonaws.com"))
        self.policy = iam.ManagedPolicy(
            scope, "Policy", roles=[self.role], statements=[*statements, *_observation_statements()]
        )
        acknowledge_wildcard(self.policy, "*", _NO_RESOURCE)
        self.state_machine = sfn.StateMachine(
            scope,
            "StateMachine",
            comment=comment,
            definition_body=sfn.DefinitionBody.from_string(json.dumps(definition)),
            definition_substitutions=dict(substitutions),
            role=self.role.without_policy_updates(),
            # No execution data: the bucket's access log has the objects' keys already.
            logs=sfn.LogOptions(destination=self.log_group, level=sfn.LogLevel.ALL, include_execution_data=False),
            tracing_enabled=True,
        )
        self.state_machine.node.add_dependency(self.policy)

    @property
    def executions_arn(self) -> str:
        """The ARN of all its executions, with a wildcard."""
        return Stack.of(self._scope).format_arn(
            service="states",
            resource="execution",
            resource_name=f"{self.state_machine.state_machine_name}:*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )

    def grant_start(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` start it, list its executions, and follow them."""
        machine = iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["states:StartExecution", "states:ListExecutions", "states:DescribeStateMachine"],
            resource_arns=[self.state_machine.state_machine_arn],
        )
        executions = iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["states:DescribeExecution", "states:GetExecutionHistory"],
            resource_arns=[self.executions_arn],
        )
        return machine.combine(executions)

    def create_schedule_role(self) -> iam.Role:
        """Create the role with which EventBridge's rules start it, and do nothing else."""
        role = iam.Role(self._scope, "ScheduleRole", assumed_by=iam.ServicePrincipal("events.amazonaws.com"))
        iam.ManagedPolicy(
            self._scope,
            "SchedulePolicy",
            roles=[role],
            statements=[
                iam.PolicyStatement(
                    sid="Start",
                    actions=["states:StartExecution"],
                    resources=[self.state_machine.state_machine_arn],
                )
            ],
        )
        return role

    def allow_executions(self, id: str, *statements: iam.PolicyStatement) -> None:
        """Give its role rights on itself and its executions.

        A policy of its own, because it names the state machine, which needs the other one first.
        """
        policy = iam.ManagedPolicy(self._scope, id, roles=[self.role], statements=list(statements))
        acknowledge_wildcard(
            policy,
            self.executions_arn,
            "Executions are named at run time; the wildcard is those of one state machine.",
        )


def _log_group_name(scope: Construct) -> str:
    """Return a name under /aws/vendedlogs/, which no other deployment has or had.

    Step Functions lets itself into a log group by a resource policy of the account, which ends at 5,120
    characters unless the groups' names begin so (AWS Step Functions Developer Guide, "Avoiding Amazon CloudWatch
    Logs resource policy size restrictions"). The stack's own id is in it, because the group outlives its stack
    and would block the next one of that name.
    """
    stack_id = Fn.select(2, Fn.split("/", Stack.of(scope).stack_id))
    return f"/aws/vendedlogs/states/{Names.unique_resource_name(scope, max_length=100)}-{stack_id}"


def _observation_statements() -> list[iam.PolicyStatement]:
    return [
        iam.PolicyStatement(
            sid="LogDelivery",
            actions=[
                "logs:CreateLogDelivery",
                "logs:GetLogDelivery",
                "logs:UpdateLogDelivery",
                "logs:DeleteLogDelivery",
                "logs:ListLogDeliveries",
                "logs:PutResourcePolicy",
                "logs:DescribeResourcePolicies",
                "logs:DescribeLogGroups",
            ],
            resources=["*"],
        ),
        iam.PolicyStatement(
            sid="Tracing",
            actions=[
                "xray:PutTraceSegments",
                "xray:PutTelemetryRecords",
                "xray:GetSamplingRules",
                "xray:GetSamplingTargets",
            ],
            resources=["*"],
        ),
    ]
