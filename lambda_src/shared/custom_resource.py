"""What a custom resource's function tells CloudFormation."""

import json
from collections.abc import Mapping
from typing import Any


def response_body(
    request: Mapping[str, Any], physical_id: str, attributes: Mapping[str, str], problem: str | None
) -> bytes:
    """Make the answer to a request (AWS CloudFormation User Guide, "Custom resource response objects").

    Args:
        request: the request.
        physical_id: the id that the resource gets when it is created. Later it keeps the one it has, so that no update
            is a replacement.
        attributes: the resource's attributes.
        problem: why the request failed; None for success. The whole answer may have 4,096 bytes.
    """
    return json.dumps(
        {
            "Status": "SUCCESS" if problem is None else "FAILED",
            "Reason": problem or "",
            "PhysicalResourceId": request.get("PhysicalResourceId") or physical_id,
            "StackId": request["StackId"],
            "RequestId": request["RequestId"],
            "LogicalResourceId": request["LogicalResourceId"],
            "Data": attributes,
        }
    ).encode()
