"""The webhook's front door in an embedded AWS, which serves it elsewhere than AWS does."""

from enum import StrEnum
from typing import NamedTuple
from urllib.parse import urlsplit

from genesys_firehose_tools.local.aws import EmbeddedAws
from genesys_firehose_tools.operations.deployed_pipeline import DeployedPipeline
from genesys_firehose_tools.operations.deployed_resources import DeployedResources


class FrontDoorKind(StrEnum):
    """What the app of this package has as the webhook's front door."""

    REST_API = "rest-api"
    LOAD_BALANCER = "load-balancer"


class Address(NamedTuple):
    """Where something is served, and the Host header that goes with it where the URL's own will not do."""

    url: str | None
    host_header: str | None


def address_of(aws: EmbeddedAws, pipeline: DeployedPipeline, resources: DeployedResources, output: str) -> Address:
    """Return where the embedded AWS serves a URL of the pipeline's front door, whose host it does not have."""
    url = pipeline.outputs.get(output)
    if url is None:
        return Address(None, None)
    host, path = urlsplit(url).hostname or "", urlsplit(url).path
    for balancer in resources.of_type("AWS::ElasticLoadBalancingV2::LoadBalancer"):
        # Its ARN ends with its name and a number.
        name = balancer.physical_id.split("/")[-2]
        return Address(f"{aws.endpoint_url}/_alb/{name}{path}", host)
    for mapping in resources.of_type("AWS::ApiGateway::BasePathMapping"):
        if resources.physical_id(mapping.properties["DomainName"]) == host:
            stage = resources.physical_id(mapping.properties["Stage"])
            api = resources.physical_id(mapping.properties["RestApiId"])
            return Address(f"{aws.endpoint_url}/_aws/execute-api/{api}/{stage}{path}", None)
    # API Gateway's own URL begins with the API's id, and its path with the stage.
    return Address(f"{aws.endpoint_url}/_aws/execute-api/{host.partition('.')[0]}{path}", None)
