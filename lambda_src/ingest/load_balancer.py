"""What an Application Load Balancer asks and wants to be answered, where API Gateway's form is another.

After the Elastic Load Balancing User Guide for Application Load Balancers, "Use Lambda functions as targets of an
Application Load Balancer", with multi-value headers.
"""

from http import HTTPStatus
from typing import Any


def is_from_load_balancer(request: dict[str, Any]) -> bool:
    """Tell whether a load balancer hands over this request."""
    return "elb" in (request.get("requestContext") or {})


def client_address(request: dict[str, Any]) -> str:
    """Return the address that the load balancer itself saw: it appends it to what the sender wrote of others."""
    headers = request.get("multiValueHeaders") or {}
    forwarded = headers.get("x-forwarded-for") or [""]
    address: str = forwarded[-1].rpartition(",")[2].strip()
    return address


def as_load_balancer_answer(answer: dict[str, Any]) -> dict[str, Any]:
    """Give an answer the form that a load balancer takes: each header has several values."""
    status = HTTPStatus(answer["statusCode"])
    return {
        "statusCode": int(status),
        "statusDescription": f"{int(status)} {status.phrase}",
        "multiValueHeaders": {name: [value] for name, value in answer["headers"].items()},
        "body": answer["body"],
        "isBase64Encoded": answer["isBase64Encoded"],
    }
