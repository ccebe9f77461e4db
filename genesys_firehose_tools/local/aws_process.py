"""The process of an embedded AWS; started by `genesys_firehose_tools.local.aws.EmbeddedAws.start` alone."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from ministack import app
from ministack.services import eventbridge

from genesys_firehose_tools.local.aws import FIREHOSE_URL_FILE, GENESYS_URL_FILE, LIFELINE, ORGANIZATION, REGION, SPEED


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


def _start_services() -> None:
    """Start the local Firehose and Genesys Cloud, and let every function take them for the real ones."""
    speed, organization = os.environ.pop(SPEED), os.environ.pop(ORGANIZATION)
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
    _start_services()
    _serve_partner_sources()
    signal.signal(signal.SIGUSR1, _enforce_iam)
    app.main()
