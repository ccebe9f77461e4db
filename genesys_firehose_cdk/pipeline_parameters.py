"""What a pipeline tells other stacks about itself."""

from collections.abc import Mapping

from aws_cdk import Names, Stack
from aws_cdk import aws_ssm as ssm
from constructs import Construct


class PipelineParameters(Construct):
    """Parameters of AWS Systems Manager by which another stack of the account and region finds the pipeline.

    Exports would do that as well, but CloudFormation replaces nothing whose export is in use. The parameters' names
    are made of the names of the stack and of the pipeline in it, so two pipelines can share an account, and another
    stack can know them.

    Attributes:
        names: The parameters' names in Systems Manager, by the keys of `values`.
    """

    def __init__(self, scope: Construct, id: str, *, values: Mapping[str, str]) -> None:
        """Create the parameters.

        Args:
            scope: The pipeline.
            id: The construct's id.
            values: Each parameter's value; 4,096 characters at most (AWS Systems Manager User Guide, "Managing
                parameter tiers").
        """
        super().__init__(scope, id)
        prefix = f"/genesys-firehose/{root_stack(scope).stack_name}/{Names.unique_resource_name(scope, max_length=100)}"
        self.names: Mapping[str, str] = {key: f"{prefix}/{key}" for key in values}
        for key, value in values.items():
            ssm.StringParameter(
                self,
                key,
                parameter_name=self.names[key],
                string_value=value,
                description="Genesys Firehose pipeline: written by its stack, read by its verification",
            )


def root_stack(scope: Construct) -> Stack:
    """Return the stack of a construct that has a name of its own: of nested stacks, the one around them all."""
    stack = Stack.of(scope)
    while stack.nested_stack_parent is not None:
        stack = stack.nested_stack_parent
    return stack
