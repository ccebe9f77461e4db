"""The sender signs and repeats requests as Genesys Cloud does."""

import base64
import hashlib
import hmac
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from genesys_firehose_tools.local.sender import Encoding, Message, Sender, Tally, Target, is_accepted


class Listener(ThreadingHTTPServer):
    """Answers with the statuses it is told, 0 being none at all, and keeps what it got."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.statuses: list[int] = []
        self.requests: list[tuple[dict[str, str], bytes]] = []


class Handler(BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((dict(self.headers.items()), body))
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        if status:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def target(listener: Listener, **settings: object) -> Target:
    return Target(url=f"http://127.0.0.1:{listener.server_port}/ingest", key=b"key", **settings)  # type: ignore[arg-type]


def send(listener: Listener, *statuses: int) -> int | None:
    listener.statuses.extend(statuses)
    [(_, status)] = Sender(target(listener), retry_delay=0).send([Message([{"a": 1}])])
    return status


def test_one_event_is_sent_as_an_object_and_more_as_an_array(listener: Listener) -> None:
    list(Sender(target(listener), concurrency=1).send([Message([{"a": 1}]), Message([{"b": 2}, {"c": "ü"}])]))

    assert [body for _, body in listener.requests] == [b'{"a":1}', '[{"b":2},{"c":"ü"}]'.encode()]


def test_the_signature_is_the_hmac_of_the_bytes_sent(listener: Listener) -> None:
    list(Sender(target(listener)).send([Message([{"a": 1}])]))
    [(headers, body)] = listener.requests

    assert headers["X-Genesys-Signature"] == hmac.new(b"key", body, hashlib.sha256).hexdigest()


def test_open_messaging_signs_in_its_own_way() -> None:
    settings = Target(
        url="", key=b"key", header="X-Hub-Signature-256", prefix="sha256=", encoding=Encoding.BASE64, host_header="api"
    )
    digest = base64.b64encode(hmac.digest(b"key", b"body", "sha256")).decode()

    assert settings.headers(b"body")["X-Hub-Signature-256"] == f"sha256={digest}"
    assert settings.headers(b"body")["Host"] == "api"


def test_a_forged_message_is_signed_with_another_key(listener: Listener) -> None:
    list(Sender(target(listener)).send([Message([{"a": 1}], forged=True)]))
    [(headers, body)] = listener.requests

    assert headers["X-Genesys-Signature"] != hmac.new(b"key", body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize("status", [429, 500, 503, 0])
def test_no_answer_429_and_5xx_are_repeated_until_there_is_a_better_one(listener: Listener, status: int) -> None:
    assert send(listener, status, status, 200) == 200
    assert len(listener.requests) == 3


@pytest.mark.parametrize("status", [200, 400, 401, 413])
def test_any_other_answer_is_final(listener: Listener, status: int) -> None:
    assert send(listener, status) == status
    assert len(listener.requests) == 1


def test_after_five_repeats_it_gives_up(listener: Listener) -> None:
    assert send(listener, *[503] * 10) is None
    assert len(listener.requests) == 6


def test_events_are_counted_by_the_answer_of_their_message() -> None:
    tally = Tally()
    for status, events in ((200, 3), (401, 2), (None, 1)):
        tally.add(Message([{}] * events), status)

    assert tally == Tally(sent=6, accepted=3, refused=2, unanswered=1)
    assert not is_accepted(None)


def test_why_requests_stay_unanswered_is_counted_by_their_last_try(listener: Listener) -> None:
    listener.statuses = [500] * 5 + [503]
    sender = Sender(target(listener), retry_delay=0)
    assert [status for _, status in sender.send([Message([{}])])] == [None]
    assert sender.unanswered == {"HTTP 503": 1}


def test_that_nobody_listens_is_a_reason() -> None:
    sender = Sender(Target(url="http://127.0.0.1:1/", key=b"key"), retry_delay=0)
    assert [status for _, status in sender.send([Message([{}]), Message([{}])])] == [None, None]
    assert sender.unanswered == {"nobody listens at the address": 2}
