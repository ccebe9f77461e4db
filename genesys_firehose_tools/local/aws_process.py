"""The process of an embedded AWS; started by `genesys_firehose_tools.local.aws.EmbeddedAws.start` alone."""

import base64
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from ministack import app
from ministack.core import iam_evaluator
from ministack.services import eventbridge, s3
from ministack.services.cloudformation import provisioners

from genesys_firehose_tools.local.athena.service import serve_athena, serve_state_machines
from genesys_firehose_tools.local.aws import (
    FIREHOSE_URL_FILE,
    GENESYS_URL_FILE,
    LIFELINE,
    ORGANIZATION,
    REGION,
    SPEED,
    SUPPORTED_TYPES_FILE,
)
from genesys_firehose_tools.local.aws_metrics import record_metrics

_CHECKSUM_IS_MISSING = (
    "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters"
)


def _end_with_caller() -> None:
    """Wait for the end of the caller's pipe, which the kernel closes however the caller ends."""
    sys.stdin.read()
    os.killpg(0, signal.SIGKILL)


def _enforce_iam(*_: object) -> None:
    app.AUTH = True


def _serve_partner_sources() -> None:
    """Bring a partner's events to the bus of their source's name, and tell what becomes of the source.

    ministack answers PutPartnerEvents and drops the events; DescribeEventSource finds every source active.
    """

    def put(data: dict[str, Any]) -> Any:
        entries = [{**entry, "EventBusName": entry["Source"]} for entry in data["Entries"]]
        return eventbridge._put_events({"Entries": entries}, allow_aws_source=True)

    def describe(data: dict[str, Any]) -> Any:
        name = data["Name"]
        if all(source["Name"] != name for source in eventbridge._partner_event_sources.values()):
            message = f"Event source {name} does not exist."
            return eventbridge.error_response_json("ResourceNotFoundException", message, HTTPStatus.BAD_REQUEST)
        state = "ACTIVE" if name in eventbridge._event_buses else "PENDING"
        return eventbridge.json_response({"Name": name, "State": state})

    eventbridge._put_partner_events = put
    eventbridge._describe_event_source = describe


def _demand_checksums() -> None:
    """Refuse an upload without a checksum where it would get a retention, as S3 does.

    Amazon S3 API Reference, "PutObject": the header Content-MD5 or a checksum is required under Object Lock.
    """
    put, handle = s3._put_object, s3.handle_request

    def put_object(bucket: str, key: str, body: bytes, headers: dict[str, str]) -> Any:
        gets_retention = (s3._bucket_object_lock.get(bucket) or {}).get("default_retention") or headers.get(
            "x-amz-object-lock-mode"
        )
        has_checksum = any(
            name == "content-md5" or name.startswith("x-amz-checksum-") or name == "x-amz-trailer" for name in headers
        )
        if gets_retention and not has_checksum:
            return s3._error("InvalidRequest", _CHECKSUM_IS_MISSING, HTTPStatus.BAD_REQUEST)
        return put(bucket, key, body, headers)

    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, *rest: Any, internal: bool = False
    ) -> Any:
        if internal:
            # ministack's own services send none.
            digest = hashlib.md5(body, usedforsecurity=False).digest()
            headers = {**headers, "content-md5": base64.b64encode(digest).decode()}
        return await handle(method, path, headers, body, *rest, internal=internal)

    s3._put_object = put_object
    s3.handle_request = handle_request


def _keep_full_buckets() -> None:
    """Let CloudFormation fail to delete a bucket that holds anything, as on AWS; ministack's deletes it."""
    handler = provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"]
    delete = handler["delete"]

    def delete_bucket(name: str, properties: dict[str, Any]) -> None:
        if name in s3._buckets and (s3._buckets[name]["objects"] or s3._bucket_has_versions(name)):
            raise ValueError("The bucket you tried to delete is not empty. You must delete all versions in the bucket.")
        delete(name, properties)

    handler["delete"] = delete_bucket


def _name_versions() -> None:
    """Name the version in what S3 tells EventBridge of an object, which ministack leaves out.

    Amazon S3 User Guide, "EventBridge event message structure".
    """
    fire, dispatch = s3._fire_s3_event, eventbridge._dispatch_event
    # An event is dispatched in the thread that fires it.
    fired = threading.local()

    def fire_s3_event(*arguments: Any, **options: Any) -> None:
        fired.version_id = options.get("version_id")
        fire(*arguments, **options)

    def dispatch_event(event: dict[str, Any], *arguments: Any) -> Any:
        if event["Source"] == "aws.s3" and (version_id := getattr(fired, "version_id", None)):
            detail = json.loads(event["Detail"])
            detail["object"]["version-id"] = version_id
            event = {**event, "Detail": json.dumps(detail)}
        return dispatch(event, *arguments)

    s3._fire_s3_event = fire_s3_event
    eventbridge._dispatch_event = dispatch_event


def _name_roles() -> None:
    """Name the role in a condition on aws:PrincipalArn, where ministack names the session.

    AWS IAM User Guide, "AWS global condition context keys": of a role, the key has the role's ARN.
    """
    resolve = iam_evaluator._resolve_condition_key

    def resolve_condition_key(key: str, context: Any) -> Any:
        value = resolve(key, context)
        if key.lower() != "aws:principalarn":
            return value
        return re.sub(r":sts:(:\d*):assumed-role/([^/]+)/.+", r":iam:\1:role/\2", str(value))

    iam_evaluator._resolve_condition_key = resolve_condition_key


def _start(service: str, *options: str) -> Callable[[], str]:
    """Start a local service, and return a function that waits until it answers and gives its URL."""
    endpoint = f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}"
    command = [sys.executable, "-m", f"genesys_firehose_tools.local.{service}", "--endpoint-url", endpoint, *options]
    reading_end, writing_end = os.pipe()
    subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=writing_end)  # noqa: S603 - our own module
    os.close(writing_end)

    def url() -> str:
        with open(reading_end) as output:
            return str(json.loads(output.readline())["url"])

    return url


def _start_services(speed: str) -> None:
    """Start the local Firehose and Genesys Cloud, and let every function take them for the real ones."""
    organization = os.environ.pop(ORGANIZATION)
    firehose = _start("firehose", "--region", REGION, "--speed", speed)
    if organization:
        genesys = _start("genesys", "--organization-id", organization)()
        os.environ["GENESYS_API_URL"] = os.environ["GENESYS_LOGIN_URL"] = genesys
        Path(GENESYS_URL_FILE).write_text(genesys)
    os.environ["AWS_ENDPOINT_URL_FIREHOSE"] = firehose()
    Path(FIREHOSE_URL_FILE).write_text(os.environ["AWS_ENDPOINT_URL_FIREHOSE"])


if __name__ == "__main__":
    if os.environ.pop(LIFELINE):
        threading.Thread(target=_end_with_caller, daemon=True).start()
    Path(SUPPORTED_TYPES_FILE).write_text("\n".join(provisioners._RESOURCE_HANDLERS))
    speed = os.environ.pop(SPEED)
    _start_services(speed)
    record_metrics(float(speed))
    _serve_partner_sources()
    _demand_checksums()
    _keep_full_buckets()
    _name_versions()
    _name_roles()
    endpoint_url = f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}"
    serve_athena(endpoint_url, Path(os.environ["TMPDIR"], "athena"))
    serve_state_machines(endpoint_url)
    signal.signal(signal.SIGUSR1, _enforce_iam)
    app.main()
