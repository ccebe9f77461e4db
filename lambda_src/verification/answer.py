"""CloudFormation's answer: one PUT to the URL that came with the request, and to no other host."""

import http.client
import time
import urllib.parse
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from shared.custom_resource import response_body

_ATTEMPTS = 5
_TIMEOUT_SECONDS = 10.0
# AWS CloudFormation User Guide, "Custom resource response objects": the whole answer is at most 4,096 bytes.
_LONGEST_REASON = 1500


class AnswerError(Exception):
    """CloudFormation did not take the answer."""


def answer(
    request: Mapping[str, Any],
    data: Mapping[str, str],
    problem: str | None = None,
    *,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Answer a request of CloudFormation.

    Args:
        request: the request.
        data: the resource's attributes.
        problem: why it failed; None for success.
        sleep: waits between attempts.

    Raises:
        AnswerError: CloudFormation did not take it. It then fails the resource itself, when its time is over.
    """
    reason = None if problem is None else problem[:_LONGEST_REASON]
    body = response_body(request, request["LogicalResourceId"], data, reason)
    for attempt in range(_ATTEMPTS):
        if attempt:
            sleep(2.0**attempt)
        try:
            if _put(request["ResponseURL"], body) == HTTPStatus.OK:
                return
        except (OSError, http.client.HTTPException):
            continue
    raise AnswerError("CloudFormation did not take the answer")


def _put(url: str, body: bytes) -> int:
    """PUT once. http.client follows no redirect, so the answer goes nowhere else."""
    parts = urllib.parse.urlsplit(url)
    connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = connect(parts.netloc, timeout=_TIMEOUT_SECONDS)
    try:
        # The URL is signed for an empty content type.
        connection.request("PUT", f"{parts.path}?{parts.query}", body, {"Content-Type": ""})
        return connection.getresponse().status
    finally:
        connection.close()
