"""Answers CloudFormation, which has a deployment wait for the first run."""

import json
from collections.abc import Callable
from typing import Any

import urllib3

from shared.telemetry import log_exception

# AWS CloudFormation User Guide, "Custom resource response objects": 4,096 bytes in all.
MAX_REASON_CHARACTERS = 1000
_ANSWER_SECONDS = 10.0


def answer(request: dict[str, Any], work: Callable[[], object], http: Any = None) -> None:
    """Do the work and tell CloudFormation whether it is done, and if not, why.

    Args:
        request: CloudFormation's request.
        work: what is to do; what it raises is the reason.
        http: sends the answer; urllib3's pool manager by default.
    """
    status, reason = "SUCCESS", ""
    try:
        work()
    except Exception as error:
        log_exception("the deployment fails", error)
        status, reason = "FAILED", f"{error}"[:MAX_REASON_CHARACTERS]
    body = {
        "Status": status,
        "Reason": reason,
        # The same id for the resource's whole life, so that an update is never a replacement.
        "PhysicalResourceId": request.get("PhysicalResourceId") or request["LogicalResourceId"],
        "StackId": request["StackId"],
        "RequestId": request["RequestId"],
        "LogicalResourceId": request["LogicalResourceId"],
    }
    (http or urllib3.PoolManager()).request(
        "PUT",
        request["ResponseURL"],
        body=json.dumps(body).encode(),
        # The URL is signed for a request without a content type.
        headers={"Content-Type": ""},
        timeout=_ANSWER_SECONDS,
        retries=3,
    )
