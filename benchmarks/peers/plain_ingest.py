"""An inbound webhook in the style of AWS's own samples: the standard library and boto3, one file, one handler.

After "Receiving inbound webhooks with AWS Lambda function URLs" (AWS Lambda Developer Guide, samples): the secret is
read once, the signature compared in constant time, and each event put for itself.
"""

import base64
import hashlib
import hmac
import json
import os
from typing import Any

import boto3

firehose = boto3.client("firehose")
secrets_manager = boto3.client("secretsmanager")

_secret: str | None = None


def get_secret() -> str:
    """Read the signing key once in the life of the execution environment."""
    global _secret
    if _secret is None:
        answer = secrets_manager.get_secret_value(SecretId=os.environ["SIGNING_SECRET_ARN"])
        _secret = answer["SecretString"]
    return _secret


def is_signed(body: bytes, signature: str) -> bool:
    """Compare the signature with that of the body."""
    expected = hmac.new(get_secret().encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.encode())


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's signature
    """Answer API Gateway's request."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    body = event.get("body") or ""
    raw_body = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
    if not is_signed(raw_body, headers.get("x-genesys-signature", "")):
        return {"statusCode": 401, "body": json.dumps({"error": "invalid signature"})}
    try:
        payload = json.loads(raw_body)
    except ValueError:
        return {"statusCode": 400, "body": json.dumps({"error": "invalid JSON"})}
    events = payload if isinstance(payload, list) else [payload]
    try:
        for item in events:
            firehose.put_record(
                DeliveryStreamName=os.environ["STREAM_NAME"],
                Record={"Data": (json.dumps(item) + "\n").encode()},
            )
    except Exception as error:
        print(f"put failed: {type(error).__name__}")
        return {"statusCode": 503, "body": json.dumps({"error": "try again"})}
    print(json.dumps({"message": "accepted", "events": len(events)}))
    return {"statusCode": 200, "body": json.dumps({"accepted": len(events)})}
