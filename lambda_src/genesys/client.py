"""A small client of the Genesys Cloud Platform API, on the HTTP library that the Lambda runtime has with botocore.

Every call ends by a deadline. Within it a call is repeated when that can help and can do no harm: after 429 as soon as
Retry-After allows (Genesys Cloud Developer Center, "Rate limits": 300 requests a minute and token), after 5xx, a lost
connection or a time-out with growing random pauses, after 401 once with a new token.
"""

import base64
import json
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import quote, urlencode

import urllib3

EVENTBRIDGE_SOURCE = "amazon-eventbridge-source"
"""The type of the integration "Amazon EventBridge Source"."""

PAGE_SIZE = 100
CONNECT_SECONDS = 3.0
READ_SECONDS = 10.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 8.0
_MESSAGE_CHARACTERS = 500


class Deadline:
    """The end of the time for a piece of work.

    Args:
        seconds: how long from now.
        clock: seconds, monotonic.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = clock() + seconds

    def seconds_left(self) -> float:
        """Return how many seconds are left; 0 when none are."""
        return max(0.0, self._end - self._clock())


@dataclass(frozen=True, slots=True)
class Credentials:
    """An OAuth client of the grant type client credentials."""

    client_id: str
    client_secret: str = field(repr=False)


class GenesysError(Exception):
    """A call that failed for good, or for all the time it had.

    The text holds Genesys Cloud's own status, code and message, and no credential, token or secret.

    Attributes:
        status: The HTTP status; None when there was no answer.
        code: Genesys Cloud's error code, such as ``bad.request``; empty when it gave none.
        message: Genesys Cloud's own message.
    """

    def __init__(self, call: str, status: int | None, code: str, message: str) -> None:
        answered = "did not answer" if status is None else f"answered {status}{f' ({code})' if code else ''} to"
        super().__init__(f"Genesys Cloud {answered} {call}: {message}")
        self.status = status
        self.code = code
        self.message = message

    @property
    def is_transient(self) -> bool:
        """Whether the same call may succeed later."""
        return self.status is None or self.status in (408, 429) or self.status >= 500


class Http(Protocol):
    """What is used of urllib3's pool manager."""

    def request(self, method: str, url: str, **options: Any) -> Any:
        """Send a request and read the answer."""
        ...


@dataclass(frozen=True, slots=True)
class _Answer:
    """An HTTP answer, or the lack of one: then there is no status."""

    status: int | None
    content: bytes
    retry_after: str = ""
    was_sent: bool = True


class GenesysClient:
    """The calls of the Platform API that the pipeline needs.

    Args:
        api_url: where the API is, such as ``https://api.mypurecloud.com``.
        login_url: where tokens are, such as ``https://login.mypurecloud.com``.
        credentials: the OAuth client.
        deadline: no call starts or waits beyond it.
        http: sends the requests.
        sleep: waits between attempts.
    """

    def __init__(
        self,
        api_url: str,
        login_url: str,
        credentials: Credentials,
        deadline: Deadline,
        *,
        http: Http | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._api_url = api_url.rstrip("/")
        self._login_url = login_url.rstrip("/")
        self._credentials = credentials
        self._deadline = deadline
        self._http = http or urllib3.PoolManager()
        self._sleep = sleep
        self._token = ""

    def authenticate(self) -> None:
        """Get a token, which every other call does by itself when it has none.

        Raises:
            GenesysError: the credentials are refused, or Genesys Cloud can't be reached.
        """
        pair = f"{self._credentials.client_id}:{self._credentials.client_secret}".encode()
        answer = self._send(
            "POST",
            f"{self._login_url}/oauth/token",
            {
                "Authorization": f"Basic {base64.b64encode(pair).decode()}",
                "Content-Type": "application/x-www-form-urlencoded",
            },
            b"grant_type=client_credentials",
            call="POST /oauth/token",
            is_repeatable=True,
        )
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str):
            raise GenesysError("POST /oauth/token", 200, "", "the answer holds no access_token")
        self._token = token

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str | int | Sequence[str]] | None = None,
        secrets: Iterable[str] = (),
    ) -> Any:
        """Make one call of the API and return the answer's JSON; None for an empty answer.

        A POST is repeated only when it can't have had an effect.

        Args:
            method: the HTTP method.
            path: the path, such as ``/api/v2/ipranges``.
            body: what to send as JSON.
            query: the query's parameters; one with several values is repeated.
            secrets: parts of the body that no error may repeat.

        Raises:
            GenesysError: Genesys Cloud refused the call, or did not answer in time.
        """
        if not self._token:
            self.authenticate()
        url = f"{self._api_url}{path}" + (f"?{urlencode(query, doseq=True)}" if query else "")
        content = None if body is None else json.dumps(body).encode()

        def send() -> Any:
            return self._send(
                method,
                url,
                {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
                content,
                call=f"{method} {path}",
                is_repeatable=method != "POST",
                secrets=secrets,
            )

        try:
            return send()
        except GenesysError as error:
            if error.status != HTTPStatus.UNAUTHORIZED:
                raise
        # A token may be revoked before its time.
        self.authenticate()
        return send()

    def pages(self, path: str, query: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        """Return the entities of all pages of a listing."""
        found: list[dict[str, Any]] = []
        page = 1
        while True:
            listing = self.call("GET", path, query={**(query or {}), "pageSize": PAGE_SIZE, "pageNumber": page})
            found += listing["entities"]
            if not listing.get("nextUri"):
                return found
            page += 1

    def integrations(self, integration_type: str = EVENTBRIDGE_SOURCE) -> list[dict[str, Any]]:
        """Return all integrations of a type, each with its current configuration."""
        query = {"expand": "config.current", "integrationType": integration_type}
        found = self.pages("/api/v2/integrations", query)
        # An API that does not know the filter by type answers with all types.
        return [each for each in found if each["integrationType"]["id"] == integration_type]

    def create_integration(self, name: str, integration_type: str = EVENTBRIDGE_SOURCE) -> dict[str, Any]:
        """Create an integration, disabled and without configuration."""
        body = {"name": name, "integrationType": {"id": integration_type}}
        integration: dict[str, Any] = self.call("POST", "/api/v2/integrations", body)
        return integration

    def integration(self, integration_id: str) -> dict[str, Any]:
        """Return an integration."""
        integration: dict[str, Any] = self.call("GET", f"/api/v2/integrations/{_segment(integration_id)}")
        return integration

    def integration_configuration(self, integration_id: str) -> dict[str, Any]:
        """Return an integration's current configuration."""
        path = f"/api/v2/integrations/{_segment(integration_id)}/config/current"
        configuration: dict[str, Any] = self.call("GET", path)
        return configuration

    def configure_integration(self, integration_id: str, configuration: Mapping[str, Any]) -> dict[str, Any]:
        """Replace an integration's configuration, of which ``version`` must be the current one."""
        path = f"/api/v2/integrations/{_segment(integration_id)}/config/current"
        written: dict[str, Any] = self.call("PUT", path, dict(configuration))
        return written

    def set_intended_state(self, integration_id: str, state: str) -> dict[str, Any]:
        """Ask for an integration to be ``ENABLED`` or ``DISABLED``."""
        path = f"/api/v2/integrations/{_segment(integration_id)}"
        integration: dict[str, Any] = self.call("PATCH", path, {"intendedState": state})
        return integration

    def delete_integration(self, integration_id: str) -> None:
        """Delete an integration; one that is gone already is no error."""
        self.delete(f"/api/v2/integrations/{_segment(integration_id)}")

    def delete(self, path: str) -> None:
        """Delete what is at a path; what is gone already is no error."""
        try:
            self.call("DELETE", path)
        except GenesysError as error:
            if error.status not in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
                raise

    def organization_id(self) -> str | None:
        """Return the id of the credentials' organization; None when they are not allowed to know it."""
        try:
            organization_id: str = self.call("GET", "/api/v2/organizations/me")["id"]
        except GenesysError as error:
            if error.status == HTTPStatus.FORBIDDEN:
                return None
            raise
        return organization_id

    def ip_ranges(self) -> list[dict[str, Any]]:
        """Return the address ranges of Genesys Cloud: ``cidr``, ``service``, ``region``, ``direction`` of each."""
        ranges: list[dict[str, Any]] = self.call("GET", "/api/v2/ipranges")["entities"]
        return ranges

    def available_topics(self) -> list[dict[str, Any]]:
        """Return the notification topics of the organization: ``id``, ``transports``, ``requiresPermissions`` of each.

        The call needs a token and no permission (Genesys Cloud's SDK, "getNotificationsAvailabletopics").
        """
        query = {"expand": ("transports", "requiresPermissions"), "includePreview": "true"}
        listing = self.call("GET", "/api/v2/notifications/availabletopics", query=query)
        return list((listing or {}).get("entities") or ())

    def _send(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        content: bytes | None,
        *,
        call: str,
        is_repeatable: bool,
        secrets: Iterable[str] = (),
    ) -> Any:
        pause = FIRST_PAUSE_SECONDS
        while True:
            answer = self._attempt(method, url, headers, content)
            if answer.status is not None and 200 <= answer.status < 300:
                return self._parse(answer, call)
            error = self._error(call, answer, secrets)
            # A POST that got no answer or 5xx may have had its effect: the caller must look.
            had_no_effect = not answer.was_sent or answer.status == HTTPStatus.TOO_MANY_REQUESTS
            if not error.is_transient or not (is_repeatable or had_no_effect):
                raise error
            wait = _retry_after(answer.retry_after) or random.uniform(pause / 2, pause)  # noqa: S311 - spreads load
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            if wait >= self._deadline.seconds_left():
                raise error
            self._sleep(wait)

    def _attempt(self, method: str, url: str, headers: dict[str, str], content: bytes | None) -> _Answer:
        left = self._deadline.seconds_left()
        if not left:
            return _Answer(None, b"no time is left for the call", was_sent=False)
        timeout = urllib3.Timeout(connect=min(CONNECT_SECONDS, left), read=min(READ_SECONDS, left))
        try:
            response = self._http.request(
                method, url, body=content, headers=headers, timeout=timeout, retries=False, redirect=False
            )
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError):
            return _Answer(None, b"no connection could be made", was_sent=False)
        except urllib3.exceptions.TimeoutError:
            return _Answer(None, b"the answer did not come in time")
        except urllib3.exceptions.HTTPError:
            return _Answer(None, b"the connection broke")
        return _Answer(response.status, response.data, response.headers.get("Retry-After", ""))

    def _parse(self, answer: _Answer, call: str) -> Any:
        if not answer.content:
            return None
        try:
            return json.loads(answer.content)
        except ValueError:
            raise GenesysError(call, answer.status, "", "the answer is not JSON") from None

    def _error(self, call: str, answer: _Answer, secrets: Iterable[str]) -> GenesysError:
        code, message = "", answer.content.decode("utf-8", "replace")
        try:
            told = json.loads(answer.content)
        except ValueError:
            told = None
        if isinstance(told, dict):
            # Of the API, and of the login service.
            code = str(told.get("code") or told.get("error") or "")
            message = str(told.get("message") or told.get("description") or told.get("error_description") or "")
        if answer.status is not None and not message.strip():
            message = "no message"
        hidden = (self._token, self._credentials.client_secret, *secrets)
        for secret in filter(None, hidden):
            message, code = message.replace(secret, "***"), code.replace(secret, "***")
        return GenesysError(call, answer.status, code[:100], message[:_MESSAGE_CHARACTERS])


def _segment(identifier: str) -> str:
    """Return an identifier as one segment of a path."""
    return quote(identifier, safe="")


def _retry_after(header: str) -> float:
    """Return the seconds that Retry-After names; 0 when it names none."""
    try:
        return max(0.0, float(header))
    except ValueError:
        return 0.0
