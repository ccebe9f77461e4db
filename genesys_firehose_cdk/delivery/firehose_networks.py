"""Keeps the CDK's table of Firehose's networks out of a stack."""

from collections.abc import Iterator
from contextlib import contextmanager

from aws_cdk import CfnMapping, Stack, Token
from aws_cdk.region_info import RegionInfo

# The id of the mapping that the CDK's delivery stream makes, as the construct tree keeps it (seen in 2.275.0).
_MAPPING = "@aws-cdk--aws-kinesisfirehose.CidrBlocks"


@contextmanager
def without_networks(stack: Stack) -> Iterator[None]:
    """Create delivery streams inside without the mapping that each adds to its stack.

    The CDK's delivery stream looks its region's networks up in a mapping of the stack, for a destination in a VPC,
    which S3 is not. It fails in a region that the mapping does not know, such as mx-central-1. Where the region is not
    known at synthesis it leaves a mapping behind that nothing uses. A mapping that another stream of the stack has
    made stays.
    """
    if stack.node.try_find_child(_MAPPING) is not None:
        yield
        return
    region = stack.region
    if not Token.is_unresolved(region) and RegionInfo.get(region).firehose_cidr_block is None:
        # Never in the template: it is taken away again before anything can use it.
        CfnMapping(stack, _MAPPING, mapping={region: {"FirehoseCidrBlock": "0.0.0.0/32"}}, lazy=True)
    yield
    stack.node.try_remove_child(_MAPPING)
