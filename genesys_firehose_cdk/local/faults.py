"""A Firehose that fails: a loopback proxy in front of the real one, for functions whose code must not know.

The AWS SDKs take a service's endpoint from the environment (AWS SDKs and Tools Reference Guide,
"Service-specific endpoints"), so the deployed functions can be pointed at it without a change to their code.
"""

import http.client
import json
import random
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from genesys_firehose_cdk.local.deployment import Deployment

_ENDPOINT_VARIABLE = "AWS_ENDPOINT_URL_FIREHOSE"
_UPSTREAM_TIMEOUT_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """How often a PutRecordBatch call meets which fault, as shares of all calls that add up to 1 at most.

    Attributes:
        partial: Each record of the call is refused with even odds, and the others are taken.
        throttled: The call is refused as a whole.
        answer_lost: All records are taken, but the answer never arrives.
    """

    partial: float = 0.0
    throttled: float = 0.0
    answer_lost: float = 0.0


class FaultyFirehose:
    """The proxy's behaviour; every other call passes untouched.

    Args:
        endpoint_url: The Firehose behind it.
        faults: How often it fails; may be replaced at any time.
        seed: Same seed and same calls, same faults.
    """

    def __init__(self, endpoint_url: str, faults: Faults, seed: int = 0) -> None:
        self._upstream = urlsplit(endpoint_url).netloc
        self._random = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self._lock = threading.Lock()
        self.faults = faults
        self.met: Counter[str] = Counter()
        """How many calls met which fault so far."""

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes] | None:
        """Return the status and body of the answer to a request, or None to break the connection."""
        if not headers.get("X-Amz-Target", "").endswith(".PutRecordBatch"):
            return self._forward(path, headers, body)
        fault = self._draw()
        if fault == "throttled":
            refusal = {"__type": "ServiceUnavailableException", "message": "Slow down."}
            return HTTPStatus.SERVICE_UNAVAILABLE, json.dumps(refusal).encode()
        if fault == "partial":
            return self._put_some(path, headers, json.loads(body))
        answer = self._forward(path, headers, body)
        return None if fault == "answer_lost" else answer

    def _draw(self) -> str:
        with self._lock:
            draw = self._random.random()
            for fault in ("partial", "throttled", "answer_lost"):
                draw -= getattr(self.faults, fault)
                if draw < 0:
                    self.met[fault] += 1
                    return fault
        return ""

    def _put_some(self, path: str, headers: dict[str, str], request: dict[str, Any]) -> tuple[int, bytes]:
        with self._lock:
            taken = [self._random.random() < 0.5 for _ in request["Records"]]
        records = [record for record, take in zip(request["Records"], taken, strict=True) if take]
        answers = iter(())
        if records:
            status, answer = self._forward(path, headers, json.dumps({**request, "Records": records}).encode())
            if status != HTTPStatus.OK:
                return status, answer
            answers = iter(json.loads(answer)["RequestResponses"])
        refusal = {"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."}
        entries = [next(answers) if take else refusal for take in taken]
        failed = sum("ErrorCode" in entry for entry in entries)
        return HTTPStatus.OK, json.dumps({"FailedPutCount": failed, "RequestResponses": entries}).encode()

    def _forward(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self._upstream, timeout=_UPSTREAM_TIMEOUT_SECONDS)
        try:
            connection.request("POST", path, body, {**headers, "Content-Length": str(len(body))})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


@contextmanager
def faulty_firehose(deployment: Deployment, faults: Faults, seed: int = 0) -> Iterator[FaultyFirehose]:
    """Put a failing Firehose between the ingest function and the real one for the time of a ``with`` block."""
    lambda_client = deployment.client("lambda")
    function = _ingest_function(lambda_client)
    before: dict[str, str] = function["Environment"]["Variables"]
    firehose = FaultyFirehose(before.get(_ENDPOINT_VARIABLE, deployment.endpoint_url), faults, seed)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(firehose))
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def set_variables(variables: dict[str, str]) -> None:
        lambda_client.update_function_configuration(
            FunctionName=function["FunctionName"], Environment={"Variables": variables}
        )

    try:
        set_variables({**before, _ENDPOINT_VARIABLE: f"http://127.0.0.1:{server.server_port}"})
        yield firehose
    finally:
        set_variables(before)
        server.shutdown()
        server.server_close()


def _ingest_function(lambda_client: Any) -> dict[str, Any]:
    for page in lambda_client.get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            if "BUFFER_QUEUE_URL" in function.get("Environment", {}).get("Variables", {}):
                return dict(function)
    raise LookupError("the deployment has no ingest function")


def _handler(firehose: FaultyFirehose) -> Callable[..., BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name: value for name, value in self.headers.items() if name.lower() != "content-length"}
            answer = firehose.answer(self.path, headers, body)
            if answer is None:
                self.close_connection = True
                return
            status, content = answer
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("x-amzn-RequestId", str(uuid.uuid4()))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing: requests hold customers' data."""

    return Handler
