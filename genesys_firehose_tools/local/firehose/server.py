"""The local Firehose as an HTTP server: Firehose's JSON 1.1 protocol for the SDKs, and a small control beside it.

Control, for tests and the demo:

- `GET /_local/streams` answers what each stream holds (see `StreamState`).
- `POST /_local/flush` transforms and delivers all that the streams hold, and answers what is left.
- `POST /_local/forget` ends the sessions of the roles, as an hour's end does; they are assumed anew.
- `GET /_local/faults` answers the faults in force, `PUT /_local/faults` replaces them (see `Faults`).
"""

import json
import logging
import threading
import uuid
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from genesys_firehose_tools.local.firehose.clients import CONFIG, AssumedRoles
from genesys_firehose_tools.local.firehose.clock import Clock
from genesys_firehose_tools.local.firehose.description import StreamDescriptions
from genesys_firehose_tools.local.firehose.faults import Faults, FaultSwitch
from genesys_firehose_tools.local.firehose.metrics import publish
from genesys_firehose_tools.local.firehose.service import FirehoseService, ServiceError

logger = logging.getLogger(__name__)

_TARGET_PREFIX = "Firehose_20150804."
_POLL_SECONDS = 0.05
_MEASURE_SECONDS = 0.5


class LocalFirehose:
    """A running local Firehose on the loopback interface."""

    def __init__(
        self,
        service: FirehoseService,
        port: int = 0,
        cloudwatch: Any = None,
        forget: Callable[[], None] = lambda: None,
    ) -> None:
        """Create a server; nothing is answered before `start`.

        Args:
            service: The operations.
            port: The TCP port; default 0, any free one.
            cloudwatch: The client that takes the streams' metrics; default None, nobody does.
            forget: Ends the sessions of the roles; default, there are none.
        """
        self.service = service
        self._cloudwatch = cloudwatch
        self._http = _HttpServer(("127.0.0.1", port), _Handler)
        self._http.service = service
        self._http.forget = forget
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._http.serve_forever, args=(_POLL_SECONDS,), daemon=True),
            threading.Thread(target=self._work, daemon=True),
            threading.Thread(target=self._measure, daemon=True),
        ]

    @classmethod
    def of_endpoint(cls, endpoint_url: str, *, region: str, port: int = 0, speed: float = 1.0) -> "LocalFirehose":
        """Create a server for all streams of an AWS endpoint.

        Args:
            endpoint_url: The embedded AWS.
            region: The streams' region.
            port: The TCP port; default 0, any free one.
            speed: How many seconds of buffering pass in one real second; above 0, default 1.
        """
        firehose, cloudformation, kms, cloudwatch = (
            boto3.client(service, endpoint_url=endpoint_url, region_name=region, config=CONFIG)
            for service in ("firehose", "cloudformation", "kms", "cloudwatch")
        )
        describe = StreamDescriptions(firehose, cloudformation, kms).read
        clients = AssumedRoles(endpoint_url, region)
        service = FirehoseService(describe, clients, Clock(speed), FaultSwitch())
        return cls(service, port, cloudwatch, clients.forget)

    @property
    def url(self) -> str:
        """The endpoint to give to an SDK."""
        return f"http://127.0.0.1:{self._http.server_port}"

    def start(self) -> None:
        """Answer requests and deliver what is due, in threads of its own."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> bool:
        """Take no more records, deliver what is held; return whether nothing is left."""
        self._http.shutdown()
        self._http.server_close()
        # Connections that are still open are served on: from here they are refused.
        self.service.close()
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        self.service.tick(flush=True)
        return all(stream.state().is_empty for stream in self.service.streams.values())

    def _work(self) -> None:
        while not self._stopping.wait(_POLL_SECONDS):
            try:
                self.service.tick()
            except Exception:
                logger.exception("A delivery step failed")

    def _measure(self) -> None:
        while self._cloudwatch is not None and not self._stopping.wait(_MEASURE_SECONDS):
            for stream in self.service.streams.values():
                stream.measure_freshness()
            try:
                publish(self.service.measurements, self._cloudwatch)
            except (BotoCoreError, ClientError) as error:
                logger.warning("The metrics are not published: %s", error)


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    service: FirehoseService
    forget: Callable[[], None]


class _Handler(BaseHTTPRequestHandler):
    server: _HttpServer
    protocol_version = "HTTP/1.1"
    # The answer's head and body are two writes: without this the second one waits for the client's ACK.
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Answer an API call or the flush control."""
        body = self._body()
        if self.path == "/_local/flush":
            self.server.service.tick(flush=True)
            self._answer(200, self._streams())
            return
        if self.path == "/_local/forget":
            self.server.forget()
            self._answer(200, {})
            return
        operation = self.headers.get("X-Amz-Target", "").removeprefix(_TARGET_PREFIX)
        service = self.server.service
        try:
            request = json.loads(body)
            if not isinstance(request, dict):
                raise TypeError
            answer = service.call(operation, request)
        except ServiceError as error:
            self._answer(error.status, {"__type": error.code, "message": str(error)})
        except (ValueError, TypeError):
            self._answer(400, {"__type": "SerializationException", "message": "The body is no JSON object."})
        except Exception:
            logger.exception("%s failed", operation)
            self._answer(500, {"__type": "InternalFailure", "message": "See the local Firehose's log."})
        else:
            if operation != "DescribeDeliveryStream" and service.faults.strikes(service.faults.faults.lost_response):
                self.close_connection = True
                return
            self._answer(200, answer)

    def do_GET(self) -> None:
        """Answer the controls that read."""
        if self.path == "/_local/faults":
            self._answer(200, asdict(self.server.service.faults.faults))
        elif self.path == "/_local/streams":
            self._answer(200, self._streams())
        else:
            self._answer(404, {"message": "Not found."})

    def do_PUT(self) -> None:
        """Replace the faults."""
        body = self._body()
        if self.path != "/_local/faults":
            self._answer(404, {"message": "Not found."})
            return
        try:
            self.server.service.faults.faults = Faults(**json.loads(body))
        except (ValueError, TypeError) as error:
            self._answer(400, {"message": str(error)})
        else:
            self._answer(200, asdict(self.server.service.faults.faults))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Log no request line: at a soak test's rate they would drown the rest."""

    def _streams(self) -> dict[str, Any]:
        return {name: asdict(stream.state()) for name, stream in self.server.service.streams.items()}

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def _answer(self, status: int, answer: dict[str, Any]) -> None:
        body = json.dumps(answer, default=_json_value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-amzn-RequestId", str(uuid.uuid4()))
        self.end_headers()
        self.wfile.write(body)


def _json_value(value: Any) -> float:
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"{type(value).__name__} is no JSON value.")
