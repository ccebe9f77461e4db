"""AWS's endpoints on a local port, for the real AWS SDK: every call succeeds at once and is counted.

Run as a process of its own, so that its CPU time is not measured.
"""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from benchmarks.environment import ROOT, SIGNING_KEY

_SECRET = {"SecretString": SIGNING_KEY, "CreatedDate": 1577836800.0, "VersionId": "first"}
_ANSWERS: dict[str, dict[str, Any]] = {
    "PutRecord": {"RecordId": "1"},
    "PutRecordBatch": {"FailedPutCount": 0, "RequestResponses": []},
    "GetSecretValue": _SECRET,
    "PutItem": {},
    "UpdateItem": {},
}
_NOT_FOUND = {"__type": "ResourceNotFoundException", "message": "no such version"}


class _Endpoint(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    calls = 0

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        _Endpoint.calls += 1
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        if operation == "GetSecretValue" and b"AWSCURRENT" not in body and b"VersionStage" in body:
            self._answer(400, _NOT_FOUND)  # never rotated
        elif operation == "BatchExecuteStatement":
            self._answer(200, {"Responses": [{}] * len(json.loads(body)["Statements"])})
        elif operation == "UpdateItem" and "UPDATED_NEW" in (request := json.loads(body)).get("ReturnValues", ""):
            names, values = request["ExpressionAttributeNames"], request["ExpressionAttributeValues"]
            self._answer(200, {"Attributes": {name: values[f":{mark[1:]}"] for mark, name in names.items()}})
        else:
            self._answer(200, _ANSWERS[operation])

    def do_GET(self) -> None:
        self._answer(200, {"calls": _Endpoint.calls})

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@contextmanager
def aws_stub() -> Iterator[str]:
    """Run the endpoints and yield their URL."""
    command = [sys.executable, "-m", "benchmarks.aws_stub"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ourselves
        assert process.stdout is not None  # noqa: S101 - it is piped
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


def calls_of(url: str) -> int:
    """Return how many calls the endpoints have answered."""
    with urllib.request.urlopen(url) as answer:  # noqa: S310 - our own URL
        calls: int = json.load(answer)["calls"]
    return calls


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Endpoint)
    print(server.server_port, flush=True)
    server.serve_forever()
