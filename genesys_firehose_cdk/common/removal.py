"""What happens to resources that others need after the stack is gone."""

from aws_cdk import CfnDeletionPolicy, CfnResource, RemovalPolicy, Resource


def keep_on_removal(removal_policy: RemovalPolicy, *resources: Resource) -> None:
    """Apply `removal_policy` to resources that hold no data themselves, but that something which stays works with.

    A replaced one is not kept: whatever used it uses its successor, and an old policy would go on to grant.
    """
    for resource in resources:
        target = resource.node.default_child
        if isinstance(target, CfnResource):
            target.apply_removal_policy(removal_policy)
            target.cfn_options.update_replace_policy = CfnDeletionPolicy.DELETE
