"""Clients on real sockets: a silent service is given up in time, and botocore retries nothing by itself."""

import importlib
import json
import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http import HTTPStatus
from types import ModuleType
from typing import Any, BinaryIO

import botocore.session
import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from shared import aws
from tests.wired_functions import INGEST_ENVIRONMENT, request

CONNECT_SECONDS = 0.3
READ_SECONDS = 0.4
# What a busy machine may add.
SLACK_SECONDS = 1.0

# What a service does with a request: what it answers, and whether it then keeps the connection open.
Answer = tuple[bytes, bool]


def http(status: HTTPStatus, content: dict[str, Any]) -> bytes:
    body = json.dumps(content).encode()
    return b"HTTP/1.1 %d %s\r\nContent-Length: %d\r\n\r\n%s" % (status, status.phrase.encode(), len(body), body)


SILENT: Answer = (b"", True)
HANGS_UP: Answer = (b"", False)
STOPS_IN_THE_HEAD: Answer = (b"HTTP/1.1 200 OK\r\nContent-", True)
STOPS_IN_THE_BODY: Answer = (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", True)


class Service:
    """A service on a loopback socket that answers each request as it is told, and counts them."""

    def __init__(self, answer_to: Callable[[bytes], Answer]) -> None:
        self.requests = 0
        self._answer_to = answer_to
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._socket.getsockname()
        return host, port

    def close(self) -> None:
        # Closing alone would leave the accepting thread its socket.
        self._socket.shutdown(socket.SHUT_RDWR)
        for connection in (self._socket, *self._open):
            connection.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _address = self._socket.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._converse, args=[connection], daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        keep = True
        with connection, connection.makefile("rb") as incoming, suppress(OSError):
            while keep and (request := _read_request(incoming)):
                self.requests += 1
                answer, keep = self._answer_to(request)
                connection.sendall(answer)


def _read_request(incoming: BinaryIO) -> bytes:
    head = b""
    while (line := incoming.readline()) not in (b"\r\n", b""):
        head += line
    lengths = [line.split(b":")[1] for line in head.splitlines() if line.lower().startswith(b"content-length:")]
    return head + incoming.read(int(lengths[0])) if lengths else head


def let_clients_call(address: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Direct all clients that are made from now on to one address."""
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{address[0]}:{address[1]}",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }.items():
        monkeypatch.setenv(name, value)


@contextmanager
def service(answer_to: Callable[[bytes], Answer], monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """Run a service that all clients call."""
    running = Service(answer_to)
    let_clients_call(running.address, monkeypatch)
    try:
        yield running
    finally:
        running.close()


def describe_stream(attempts: int = 1) -> tuple[BotoCoreError | ClientError, float]:
    """Call a service that can't answer, and return the error with the seconds it took."""
    client = aws.client("firehose", connect_seconds=CONNECT_SECONDS, read_seconds=READ_SECONDS, attempts=attempts)
    started = time.monotonic()
    with pytest.raises((BotoCoreError, ClientError)) as error:
        client.describe_delivery_stream(DeliveryStreamName="stream")
    return error.value, time.monotonic() - started


@pytest.mark.parametrize("answer", [SILENT, STOPS_IN_THE_HEAD, STOPS_IN_THE_BODY])
def test_a_service_that_falls_silent_is_given_up_in_time(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    with service(lambda _request: answer, monkeypatch):
        error, seconds = describe_stream()
    assert isinstance(error, ReadTimeoutError)
    assert READ_SECONDS <= seconds < CONNECT_SECONDS + READ_SECONDS + SLACK_SECONDS


def test_a_service_that_does_not_take_the_connection_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as open_sockets:
        full = open_sockets.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        # Nobody accepts: once the backlog is full, further connections wait.
        for _ in range(4):
            waiting = open_sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        let_clients_call(full.getsockname(), monkeypatch)
        error, seconds = describe_stream()
    assert isinstance(error, ConnectTimeoutError)
    assert seconds < CONNECT_SECONDS + READ_SECONDS + SLACK_SECONDS


def test_a_service_that_is_not_there_is_given_up_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as not_listening:
        not_listening.bind(("127.0.0.1", 0))
        let_clients_call(not_listening.getsockname(), monkeypatch)
        error, seconds = describe_stream()
    assert isinstance(error, EndpointConnectionError)
    assert seconds < SLACK_SECONDS


@pytest.mark.parametrize("attempts", [1, 3])
@pytest.mark.parametrize(
    "answer",
    [
        SILENT,
        HANGS_UP,
        (http(HTTPStatus.INTERNAL_SERVER_ERROR, {}), True),
        (http(HTTPStatus.BAD_REQUEST, {"__type": "ThrottlingException"}), True),
    ],
    ids=["silent", "hangs up", "broken", "throttles"],
)
def test_a_call_is_tried_as_often_as_is_said(answer: Answer, attempts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hidden retry of a put would be copies of records that nobody counts on."""
    # The waits between attempts are botocore's own.
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _seconds: None)
    with service(lambda _request: answer, monkeypatch) as running:
        describe_stream(attempts)
    assert running.requests == attempts


def test_a_call_says_which_sdk_makes_it_and_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EXECUTION_ENV", "AWS_Lambda_python3.14")
    sent: list[bytes] = []

    def answer_to(request: bytes) -> Answer:
        sent.append(request)
        return http(HTTPStatus.OK, {"DeliveryStreamDescription": {}}), True

    with service(answer_to, monkeypatch):
        client = aws.client("firehose", connect_seconds=CONNECT_SECONDS, read_seconds=READ_SECONDS)
        client.describe_delivery_stream(DeliveryStreamName="stream")
    [agent] = [line for line in sent[0].splitlines() if line.startswith(b"User-Agent: ")]
    assert re.match(rb"User-Agent: Botocore/[\d.]+ Python/[\d.]+ .*exec-env/AWS_Lambda_python3\.14", agent)


@pytest.mark.parametrize("service", ["secretsmanager", "dynamodb", "firehose", "sqs", "s3", "events"])
def test_a_client_has_the_endpoint_that_botocore_finds(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "cn-north-1")
    ours = aws.client(service, connect_seconds=CONNECT_SECONDS, read_seconds=READ_SECONDS)
    botocores = botocore.session.get_session().create_client(service)
    assert ours.meta.endpoint_url == botocores.meta.endpoint_url
    assert ours.meta.partition == botocores.meta.partition == "aws-cn"


def test_a_service_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(BotoCoreError):
        aws.client("no-such-service", connect_seconds=CONNECT_SECONDS, read_seconds=READ_SECONDS)


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], ModuleType]]:
    """Start the ingest function's real entry anew, as a cold start does."""
    for name, value in INGEST_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)

    def start() -> ModuleType:
        return importlib.import_module("ingest.handler")

    yield start
    sys.modules.pop("ingest.handler", None)


@pytest.mark.soak
@pytest.mark.parametrize("knows_the_secret", [True, False])
def test_while_every_service_hangs_the_request_is_answered_within_eight_seconds(
    handler: Callable[[], ModuleType], knows_the_secret: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer_to(sent: bytes) -> Answer:
        if not knows_the_secret or b"secretsmanager.GetSecretValue" not in sent:
            return SILENT
        if b"AWSPREVIOUS" in sent:
            return http(HTTPStatus.BAD_REQUEST, {"__type": "ResourceNotFoundException"}), True
        return http(HTTPStatus.OK, {"SecretString": "the-key", "CreatedDate": 1795428000}), True

    with service(answer_to, monkeypatch):
        started = time.monotonic()
        answer = handler().handle(request(b'{"messageId":"a"}'), None)
        seconds = time.monotonic() - started
    assert answer["statusCode"] == 503
    assert seconds < 8
