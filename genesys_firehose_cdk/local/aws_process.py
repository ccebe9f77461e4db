"""The process of an embedded AWS; started by `genesys_firehose_cdk.local.aws.EmbeddedAws.start` alone."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from ministack import app
from ministack.services import eventbridge

from genesys_firehose_cdk.local.aws import FIREHOSE_URL_FILE, LIFELINE, REGION, SPEED


def _end_with_caller() -> None:
    """Wait for the end of the caller's pipe, which the kernel closes however the caller ends."""
    sys.stdin.read()
    os.killpg(0, signal.SIGKILL)


def _enforce_iam(*_: object) -> None:
    app.AUTH = True


def _carry_partner_events() -> None:
    """Bring a partner's events to the bus of their source's name; ministack answers PutPartnerEvents and drops them."""

    def put(data: dict[str, Any]) -> Any:
        entries = [{**entry, "EventBusName": entry["Source"]} for entry in data["Entries"]]
        return eventbridge._put_events({"Entries": entries}, allow_aws_source=True)

    eventbridge._put_partner_events = put


def _start_firehose() -> None:
    """Start the local Firehose, and let every function take it for Firehose."""
    endpoint, speed = f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}", os.environ.pop(SPEED)
    command = [sys.executable, "-m", "genesys_firehose_cdk.local.firehose"]
    options = ["--endpoint-url", endpoint, "--region", REGION, "--speed", speed]
    reading_end, writing_end = os.pipe()
    subprocess.Popen([*command, *options], stdin=subprocess.DEVNULL, stdout=writing_end)  # noqa: S603 - our own module
    os.close(writing_end)
    with open(reading_end) as output:
        url = json.loads(output.readline())["url"]
    os.environ["AWS_ENDPOINT_URL_FIREHOSE"] = url
    Path(FIREHOSE_URL_FILE).write_text(url)


if __name__ == "__main__":
    if os.environ.pop(LIFELINE):
        threading.Thread(target=_end_with_caller, daemon=True).start()
    _start_firehose()
    _carry_partner_events()
    signal.signal(signal.SIGUSR1, _enforce_iam)
    app.main()
