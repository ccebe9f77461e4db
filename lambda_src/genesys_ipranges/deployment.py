"""Answers CloudFormation, which has a deployment wait for the IP sets."""

from collections.abc import Callable, Mapping
from typing import Any

import urllib3
from botocore.exceptions import ClientError

from genesys.client import GenesysError
from genesys.connection import CredentialsError
from genesys_ipranges.ip_sets import MissingSetError
from genesys_ipranges.ranges import RefusedError
from shared.custom_resource import response_body
from shared.telemetry import log_exception

# AWS CloudFormation User Guide, "Custom resource response objects": 4,096 bytes in all.
MAX_REASON_CHARACTERS = 1000
_ANSWER_SECONDS = 10.0
# Their texts may be shown.
_TOLD = (GenesysError, CredentialsError, MissingSetError, RefusedError)


def answer(request: dict[str, Any], physical_id: str, work: Callable[[], Mapping[str, str]], http: Any = None) -> None:
    """Do the work and tell CloudFormation whether it is done, and if not, why.

    Args:
        request: CloudFormation's request.
        physical_id: the same for the resource's whole life, so that an update is never a replacement.
        work: what is to do, which returns the resource's attributes; what it raises is the reason.
        http: sends the answer; urllib3's pool manager by default.
    """
    attributes: dict[str, str] = {}
    problem: str | None = None
    try:
        attributes = dict(work())
    except Exception as error:
        log_exception("the deployment fails", error)
        problem = _reason(error)[:MAX_REASON_CHARACTERS]
    (http or urllib3.PoolManager()).request(
        "PUT",
        request["ResponseURL"],
        body=response_body(request, physical_id, attributes, problem),
        # The URL is signed for a request without a content type.
        headers={"Content-Type": ""},
        timeout=_ANSWER_SECONDS,
        retries=3,
    )


def _reason(error: Exception) -> str:
    if isinstance(error, _TOLD):
        return str(error)
    if isinstance(error, ClientError):
        return f"AWS answered {error.response['Error']['Code']} to {error.operation_name}: see the function's log"
    return f"{type(error).__name__}: see the function's log"
