"""AWS clients that act with a role's own permissions, as Firehose does when it assumes the delivery role."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from genesys_firehose_tools.local.firehose import limits

ClientFactory = Callable[[str, str], Any]
"""Takes a service ("s3", "lambda", "logs") and a role's ARN; returns a boto3 client that acts as that role."""

# One attempt each: the local Firehose makes its own, documented retries. Lambda may take its full five minutes.
CONFIG = Config(retries={"total_max_attempts": 1}, read_timeout=limits.MAX_LAMBDA_SECONDS)

_SERVICE = "firehose.amazonaws.com"
_SESSION_NAME = "AWSFirehoseToS3"
_RENEW_BEFORE_END = timedelta(minutes=5)


class AssumedRoles:
    """A `ClientFactory` that assumes the roles at one endpoint and renews their credentials.

    The caller's own credentials come from the usual places and only have to be allowed to assume the roles. The
    account id goes along as the external id, which a trust policy may ask for (Amazon Data Firehose Developer Guide,
    "Controlling access with Amazon Data Firehose", assuming an IAM role).
    """

    def __init__(self, endpoint_url: str, region: str) -> None:
        self._endpoint_url = endpoint_url
        self._region = region
        self._clients: dict[tuple[str, str], tuple[Any, datetime]] = {}
        self._lock = Lock()

    def __call__(self, service: str, role_arn: str) -> Any:
        """Return a client of a service that acts as a role.

        Raises:
            botocore.exceptions.ClientError: The role cannot be assumed.
        """
        with self._lock:
            client, ends_at = self._clients.get((service, role_arn), (None, datetime.now(UTC)))
            if ends_at - datetime.now(UTC) < _RENEW_BEFORE_END:
                client, ends_at = self._assume(service, role_arn)
                self._clients[service, role_arn] = client, ends_at
            return client

    def forget(self) -> None:
        """End all sessions, so that each role is assumed anew."""
        with self._lock:
            self._clients.clear()

    def _assume(self, service: str, role_arn: str) -> tuple[Any, datetime]:
        self._check_trust(role_arn)
        sts = boto3.client("sts", endpoint_url=self._endpoint_url, region_name=self._region, config=CONFIG)
        credentials = sts.assume_role(
            RoleArn=role_arn, RoleSessionName=_SESSION_NAME, ExternalId=role_arn.split(":")[4]
        )["Credentials"]
        client = boto3.client(
            service,
            endpoint_url=self._endpoint_url,
            region_name=self._region,
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
            config=CONFIG,
        )
        return client, credentials["Expiration"]

    def _check_trust(self, role_arn: str) -> None:
        """Ask whether the role trusts Firehose: to the embedded AWS the caller is the account, not a service.

        Raises:
            botocore.exceptions.ClientError: It does not, or there is no such role in the account.
        """
        iam = boto3.client("iam", endpoint_url=self._endpoint_url, region_name=self._region, config=CONFIG)
        try:
            role = iam.get_role(RoleName=role_arn.rsplit("/", 1)[1])["Role"]
        except iam.exceptions.NoSuchEntityException:
            role = {}
        if role.get("Arn") != role_arn or _SERVICE not in json.dumps(role["AssumeRolePolicyDocument"]):
            message = f"{_SERVICE} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": message}}, "AssumeRole")
