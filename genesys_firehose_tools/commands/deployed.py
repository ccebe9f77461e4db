"""The deployed pipeline that a command works on."""

import boto3
from botocore.config import Config

from genesys_firehose_tools.local.pipeline import LocalPipeline
from genesys_firehose_tools.operations.clients import Clients
from genesys_firehose_tools.operations.deployed_pipeline import DeployedPipeline, find_pipeline

# A network that does not answer is told within 15 s; the defaults wait for five minutes.
_SOON = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 2, "mode": "standard"})


def connect(
    stack: str | None, region: str | None, profile: str | None, pipeline: str | None, name: str
) -> tuple[Clients, DeployedPipeline]:
    """Return the AWS clients and the pipeline of a deployed stack, by default those of the local pipeline.

    Args:
        stack: The stack's name. Default: the stack of the local pipeline.
        region: The stack's region. Default: that of the AWS configuration.
        profile: The AWS profile. Default: that of the environment.
        pipeline: The pipeline's construct path, or the end of it. Default: the local pipeline, or
            the only pipeline of the stack.
        name: The local pipeline's name.

    Raises:
        LocalError: The local pipeline is not up.
        PipelineError: The stack can't be read, or the pipeline can't be told.
    """
    if stack is None:
        deployment = LocalPipeline.get(name).deployment
        return deployment, deployment.deployed(pipeline)
    clients = boto3.Session(region_name=region, profile_name=profile)
    return clients, find_pipeline(clients.client("cloudformation", config=_SOON), stack, pipeline)
