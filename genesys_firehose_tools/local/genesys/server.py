"""The local Genesys Cloud as an HTTP server: tokens and the Platform API, and a small control beside them.

Control, for tests and the local run, without a token:

- `GET /_local/state` answers what the organization holds (see `Organization.state`).
- `POST /_local/events` sends a JSON array of events through the enabled integrations, each with `detail-type` and
  `detail`, and answers how many were sent.
- `PUT /_local/ipranges` replaces the address ranges by a JSON array of them.
- `PUT /_local/missing-permissions` replaces the permissions that the OAuth client lacks by a JSON array of them.
- `PUT /_local/conversations` changes what is known of conversations (see `ConversationHistory.control`), and
  `GET /_local/conversations` answers the details records that are known now.
- `GET /_local/faults` answers the faults still to come, `PUT /_local/faults` replaces them (see `Fault`).
"""

import base64
import binascii
import json
import logging
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from genesys_firehose_tools.local.genesys.conversations import JOBS_PATH, PERMISSION, ConversationHistory
from genesys_firehose_tools.local.genesys.errors import ApiError
from genesys_firehose_tools.local.genesys.faults import Fault, FaultPlan
from genesys_firehose_tools.local.genesys.names import LISTINGS
from genesys_firehose_tools.local.genesys.organization import SUBSCRIPTIONS_PATH, TOPICS_PATH, Organization

logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.05
_TOKEN_SECONDS = 86_399

Query = Mapping[str, str]
Operation = Callable[[Organization, str, Any, Query], Any]
"""Takes the organization, the id in the path, the body and the query; returns the answer."""

_ROUTES: tuple[tuple[str, str, Operation], ...] = (
    ("GET", "/api/v2/integrations", lambda org, _id, _body, query: org.list_integrations(query)),
    ("POST", "/api/v2/integrations", lambda org, _id, body, _query: org.create_integration(body)),
    ("GET", "/api/v2/integrations/{id}", lambda org, id, _body, _query: org.read_integration(id)),
    ("PATCH", "/api/v2/integrations/{id}", lambda org, id, body, _query: org.change_integration(id, body)),
    ("DELETE", "/api/v2/integrations/{id}", lambda org, id, _body, _query: org.delete_integration(id)),
    ("GET", "/api/v2/integrations/{id}/config/current", lambda org, id, _body, _query: org.read_configuration(id)),
    ("PUT", "/api/v2/integrations/{id}/config/current", lambda org, id, body, _query: org.configure(id, body)),
    ("GET", "/api/v2/organizations/me", lambda org, _id, _body, _query: org.describe()),
    ("GET", "/api/v2/ipranges", lambda org, _id, _body, _query: {"entities": org.ip_ranges}),
    ("GET", TOPICS_PATH, lambda org, _id, _body, query: org.list_topics(query)),
    ("GET", SUBSCRIPTIONS_PATH, lambda org, _id, _body, query: org.list_subscriptions(query)),
    ("POST", SUBSCRIPTIONS_PATH, lambda org, _id, body, _query: org.create_subscription(body)),
    ("GET", f"{JOBS_PATH}/availability", lambda org, _id, _body, _query: _history(org).availability()),
    ("POST", JOBS_PATH, lambda org, _id, body, _query: _history(org).start_job(body, org.caller)),
    ("GET", f"{JOBS_PATH}/{{id}}", lambda org, id, _body, _query: _history(org).job(id)),
    ("GET", f"{JOBS_PATH}/{{id}}/results", lambda org, id, _body, query: _history(org).results(id, query)),
    ("GET", f"{SUBSCRIPTIONS_PATH}/{{id}}", lambda org, id, _body, _query: org.read_subscription(id)),
    ("PUT", f"{SUBSCRIPTIONS_PATH}/{{id}}", lambda org, id, body, _query: org.replace_subscription(id, body)),
    ("DELETE", f"{SUBSCRIPTIONS_PATH}/{{id}}", lambda org, id, _body, _query: org.delete_subscription(id)),
)


def _history(organization: Organization) -> ConversationHistory:
    organization.check_permission(PERMISSION)
    return organization.conversations


def _listing(path: str) -> Operation:
    return lambda org, _id, _body, query: org.list_names(path, query)


_COMPILED = [
    (method, re.compile(re.escape(path).replace(r"\{id\}", "([^/]+)")), operation)
    for method, path, operation in (*_ROUTES, *(("GET", path, _listing(path)) for path in LISTINGS))
]


class LocalGenesys:
    """A running local Genesys Cloud on the loopback interface.

    Attributes:
        organization: What it holds.
        faults: What goes wrong.
        requests: The requests so far, such as ``POST /oauth/token``; no control among them.
    """

    def __init__(self, organization: Organization, port: int = 0) -> None:
        """Create a server; nothing is answered before `start`.

        Args:
            organization: The one organization that it serves.
            port: The TCP port; default 0, any free one.
        """
        self.organization = organization
        self.faults = FaultPlan()
        self.requests: list[str] = []
        self._http = _HttpServer(("127.0.0.1", port), _Handler)
        self._http.genesys = self
        self._thread = threading.Thread(target=self._http.serve_forever, args=(_POLL_SECONDS,), daemon=True)

    @property
    def url(self) -> str:
        """The URL of the API and of the login service."""
        return f"http://127.0.0.1:{self._http.server_port}"

    def start(self) -> None:
        """Answer requests, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    genesys: LocalGenesys


class _Handler(BaseHTTPRequestHandler):
    server: _HttpServer
    protocol_version = "HTTP/1.1"
    # The answer's head and body are two writes: without this the second one waits for the client's ACK.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Answer a call that reads."""
        self._serve()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the base class's names

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Log no request line."""

    def _serve(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        path = urlsplit(self.path).path
        try:
            body = json.loads(content) if content and self._is_json() else None
        except ValueError:
            self._fail(ApiError(HTTPStatus.BAD_REQUEST, "bad.request", "The body is not JSON."))
            return
        if path.startswith("/_local/"):
            self._control(path, body)
            return
        genesys = self.server.genesys
        genesys.requests.append(f"{self.command} {path}")
        fault = genesys.faults.strike(self.command, path)
        if fault is not None:
            time.sleep(fault.delay_seconds)
            if not fault.after_effect:
                self._answer_fault(fault)
                return
        try:
            with genesys.organization.lock:
                answer = self._token() if path == "/oauth/token" else self._call(path, body)
        except ApiError as error:
            self._fail(error)
        except Exception:
            logger.exception("%s %s failed", self.command, path)
            self._fail(ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "internal.server.error", "See the log."))
        else:
            if fault is not None:
                self._answer_fault(fault)
            elif answer is None:
                self._answer(HTTPStatus.NO_CONTENT, None)
            else:
                self._answer(HTTPStatus.OK, answer)

    def _is_json(self) -> bool:
        return self.headers.get("Content-Type", "").startswith("application/json")

    def _token(self) -> dict[str, Any]:
        scheme, _, encoded = self.headers.get("Authorization", "").partition(" ")
        try:
            client_id, _, client_secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            scheme = ""
        if scheme != "Basic":
            raise ApiError(HTTPStatus.BAD_REQUEST, "invalid_request", "client credentials are missing")
        token = self.server.genesys.organization.grant_token(unquote(client_id), unquote(client_secret))
        return {"access_token": token, "token_type": "bearer", "expires_in": _TOKEN_SECONDS}

    def _call(self, path: str, body: Any) -> Any:
        organization = self.server.genesys.organization
        organization.check_token(self.headers.get("Authorization", "").removeprefix("Bearer "))
        # A parameter that is repeated has several values.
        query = {name: ",".join(values) for name, values in parse_qs(urlsplit(self.path).query).items()}
        for method, pattern, operation in _COMPILED:
            match = pattern.fullmatch(path)
            if match is not None and method == self.command:
                if method in ("POST", "PUT", "PATCH") and not isinstance(body, dict):
                    raise ApiError(HTTPStatus.BAD_REQUEST, "bad.request", "The body must be a JSON object.")
                return operation(organization, unquote(match[1]) if pattern.groups else "", body, query)
        raise ApiError(HTTPStatus.NOT_FOUND, "not.found", f"There is no {self.command} {path}.")

    def _control(self, path: str, body: Any) -> None:
        genesys = self.server.genesys
        match self.command, path:
            case "GET", "/_local/state":
                self._answer(HTTPStatus.OK, genesys.organization.state())
            case "POST", "/_local/events":
                self._answer(HTTPStatus.OK, {"sent": genesys.organization.publish(body)})
            case "PUT", "/_local/ipranges":
                genesys.organization.ip_ranges = body
                self._answer(HTTPStatus.OK, {"entities": body})
            case "PUT", "/_local/missing-permissions":
                genesys.organization.missing_permissions = set(body)
                self._answer(HTTPStatus.OK, sorted(body))
            case "GET", "/_local/conversations":
                self._answer(HTTPStatus.OK, genesys.organization.conversations.known())
            case "PUT", "/_local/conversations":
                try:
                    genesys.organization.conversations.control(body)
                except (ValueError, TypeError, KeyError) as error:
                    self._fail(ApiError(HTTPStatus.BAD_REQUEST, "bad.request", str(error)))
                else:
                    self._answer(HTTPStatus.OK, genesys.organization.conversations.availability())
            case "PUT", "/_local/faults":
                try:
                    genesys.faults.set([Fault(**each) for each in body])
                except (ValueError, TypeError) as error:
                    self._fail(ApiError(HTTPStatus.BAD_REQUEST, "bad.request", str(error)))
                else:
                    self._answer(HTTPStatus.OK, [asdict(each) for each in genesys.faults.faults])
            case "GET", "/_local/faults":
                self._answer(HTTPStatus.OK, [asdict(each) for each in genesys.faults.faults])
            case _:
                self._fail(ApiError(HTTPStatus.NOT_FOUND, "not.found", f"There is no control {self.command} {path}."))

    def _answer_fault(self, fault: Fault) -> None:
        if fault.status == 0:
            self.close_connection = True
        else:
            self._fail(ApiError(fault.status, "fault", fault.message, fault.retry_after))

    def _fail(self, error: ApiError) -> None:
        if urlsplit(self.path).path == "/oauth/token":
            body: dict[str, Any] = {"error": error.code, "description": str(error), "error_description": str(error)}
        else:
            body = {
                "message": str(error),
                "code": error.code,
                "status": int(error.status),
                "contextId": "00000000-0000-4000-8000-000000000000",
                "details": [],
                "errors": [],
            }
        self._answer(error.status, body, error.retry_after)

    def _answer(self, status: int, answer: Any, retry_after: int | None = None) -> None:
        content = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        if retry_after is not None:
            self.send_header("Retry-After", str(retry_after))
        if content:
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
