"""AWS clients of an embedded AWS."""

from typing import Any

import boto3
from botocore.config import Config

from genesys_firehose_tools.local.aws import ACCOUNT, REGION, SECRET_ACCESS_KEY


def embedded_client(service: str, endpoint_url: str) -> Any:
    """Make a boto3 client of an embedded AWS's account."""
    return boto3.client(
        service,
        endpoint_url=endpoint_url,
        region_name=REGION,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key=SECRET_ACCESS_KEY,
        # A proxy of the environment is for the world outside, not for the loopback interface.
        config=Config(proxies={}),
    )
