"""A small client of the Genesys Cloud Platform API, on the HTTP library that the Lambda runtime has with botocore.

Every call ends by a deadline. Within it a call is repeated when that can help and can do no harm: after 429 as soon as
Retry-After allows (Genesys Cloud Developer Center, "Rate limits": 300 requests a minute and token), after 5xx, a lost
connection or a time-out with growing random pauses, after 401 once with a new token.
"""

import base64
import json
import random
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import quote, urlencode

import urllib3

EVENTBRIDGE_SOURCE = "amazon-eventbridge-source"
"""The type of the integration "Amazon EventBridge Source"."""

_INTEGRATION = "/api/v2/integrations/{id}"
_CONFIGURATION = "/api/v2/integrations/{id}/config/current"

PAGE_SIZE = 100
CONNECT_SECONDS = 3.0
READ_SECONDS = 10.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 8.0

# What may be shown of an answer: a code such as "bad.request" or "invalid_client", and a UUID.
_CODE = re.compile(r"(?=.{1,64}$)[a-z]+(?:[._-][a-z]+)*")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# A code that has so many characters in a row in common with a secret is not shown.
_SHARED_CHARACTERS = 8


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

    Of an answer the text holds its status, its code and its correlation id, each of a closed form. An answer's own
    sentences can repeat what was sent: a header, a key, a part of one. So no other text of an answer is in it.

    Attributes:
        status: The HTTP status; None when there was no answer.
        code: Genesys Cloud's error code, such as ``bad.request``; empty when it gave none of that form.
    """

    def __init__(
        self, call: str, status: int | None, code: str = "", *, correlation_id: str = "", reason: str = ""
    ) -> None:
        answered = "did not answer" if status is None else f"answered {status}{f' ({code})' if code else ''} to"
        trace = f", correlation id {correlation_id}" if correlation_id else ""
        super().__init__(f"Genesys Cloud {answered} {call}{f': {reason}' if reason else ''}{trace}")
        self.status = status
        self.code = code

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
    """An HTTP answer, or the lack of one: then there is no status, but our own reason."""

    status: int | None
    content: bytes = b""
    retry_after: str = ""
    correlation_id: str = ""
    reason: str = ""
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
        answer = self._send(
            "POST",
            f"{self._login_url}/oauth/token",
            {
                "Authorization": f"Basic {self._basic()}",
                "Content-Type": "application/x-www-form-urlencoded",
            },
            b"grant_type=client_credentials",
            call="POST /oauth/token",
            is_repeatable=True,
        )
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str):
            raise GenesysError("POST /oauth/token", 200, reason="the answer holds no access_token")
        self._token = token

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        identifier: str = "",
        query: Mapping[str, str | int | Sequence[str]] | None = None,
        secrets: Iterable[str] = (),
        is_harmless: bool = False,
    ) -> Any:
        """Make one call of the API and return the answer's JSON; None for an empty answer.

        A POST is repeated only when it can't have had an effect, or when a second effect does no harm.

        Args:
            method: the HTTP method.
            path: the path, such as ``/api/v2/ipranges``; ``{id}`` stands for the identifier, and errors show it so.
            body: what to send as JSON.
            identifier: what an answer called something, as one segment of the path.
            query: the query's parameters; one with several values is repeated.
            secrets: parts of the body, of which no error's code may repeat anything.
            is_harmless: whether a POST may have its effect twice.

        Raises:
            GenesysError: Genesys Cloud refused the call, or did not answer in time.
        """
        if not self._token:
            self.authenticate()
        url = (
            self._api_url
            + path.replace("{id}", quote(identifier, safe=""))
            + (f"?{urlencode(query, doseq=True)}" if query else "")
        )
        content = None if body is None else json.dumps(body).encode()

        def send() -> Any:
            return self._send(
                method,
                url,
                {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
                content,
                call=f"{method} {path}",
                is_repeatable=is_harmless or method != "POST",
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
        return [entity for listing in self.listings(path, query) for entity in listing["entities"]]

    def listings(self, path: str, query: Mapping[str, str] | None = None) -> Iterator[dict[str, Any]]:
        """Yield the pages of a listing one by one, each with its ``entities``."""
        page = 1
        while True:
            listing = self.call("GET", path, query={**(query or {}), "pageSize": PAGE_SIZE, "pageNumber": page})
            yield listing
            if not listing.get("nextUri"):
                return
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
        integration: dict[str, Any] = self.call("GET", _INTEGRATION, identifier=integration_id)
        return integration

    def integration_configuration(self, integration_id: str) -> dict[str, Any]:
        """Return an integration's current configuration."""
        configuration: dict[str, Any] = self.call("GET", _CONFIGURATION, identifier=integration_id)
        return configuration

    def configure_integration(self, integration_id: str, configuration: Mapping[str, Any]) -> dict[str, Any]:
        """Replace an integration's configuration, of which ``version`` must be the current one."""
        written: dict[str, Any] = self.call("PUT", _CONFIGURATION, dict(configuration), identifier=integration_id)
        return written

    def set_intended_state(self, integration_id: str, state: str) -> dict[str, Any]:
        """Ask for an integration to be ``ENABLED`` or ``DISABLED``."""
        body = {"intendedState": state}
        integration: dict[str, Any] = self.call("PATCH", _INTEGRATION, body, identifier=integration_id)
        return integration

    def delete_integration(self, integration_id: str) -> None:
        """Delete an integration; one that is gone already is no error."""
        self.delete(_INTEGRATION, integration_id)

    def delete(self, path: str, identifier: str) -> None:
        """Delete what is at a path; what is gone already is no error."""
        try:
            self.call("DELETE", path, identifier=identifier)
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
            return _Answer(None, reason="no time is left for the call", was_sent=False)
        timeout = urllib3.Timeout(connect=min(CONNECT_SECONDS, left), read=min(READ_SECONDS, left))
        try:
            response = self._http.request(
                method, url, body=content, headers=headers, timeout=timeout, retries=False, redirect=False
            )
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError):
            return _Answer(None, reason="no connection could be made", was_sent=False)
        except urllib3.exceptions.TimeoutError:
            return _Answer(None, reason="the answer did not come in time")
        except urllib3.exceptions.HTTPError:
            return _Answer(None, reason="the connection broke")
        told = response.headers
        return _Answer(response.status, response.data, told.get("Retry-After", ""), told.get("ININ-Correlation-Id", ""))

    def _parse(self, answer: _Answer, call: str) -> Any:
        if not answer.content:
            return None
        try:
            return json.loads(answer.content)
        except ValueError:
            raise GenesysError(call, answer.status, reason="the answer is not JSON") from None

    def _error(self, call: str, answer: _Answer, secrets: Iterable[str]) -> GenesysError:
        try:
            told = json.loads(answer.content)
        except ValueError:
            told = None
        # Of the API, and of the login service.
        told = told if isinstance(told, dict) else {}
        hidden = (self._token, self._credentials.client_secret, self._basic(), *secrets)
        return GenesysError(
            call,
            answer.status,
            error_code(told.get("code") or told.get("error"), hidden),
            correlation_id=uuid_of(answer.correlation_id) or uuid_of(told.get("contextId")),
            reason=answer.reason,
        )

    def _basic(self) -> str:
        """Return the credentials as Basic authentication writes them."""
        pair = f"{self._credentials.client_id}:{self._credentials.client_secret}"
        return base64.b64encode(pair.encode()).decode()


def error_code(value: Any, hidden: Iterable[str] = ()) -> str:
    """Return a code of an answer that may be shown, such as ``bad.request``; empty for anything else.

    Args:
        value: what the answer holds.
        hidden: secrets of which a code may hold no part.
    """
    if not isinstance(value, str) or not _CODE.fullmatch(value):
        return ""
    parts = [value[at : at + _SHARED_CHARACTERS] for at in range(max(1, len(value) - _SHARED_CHARACTERS + 1))]
    return "" if any(part in secret for part in parts for secret in hidden) else value


def uuid_of(value: Any) -> str:
    """Return an identifier of an answer that may be shown, a UUID; empty for anything else."""
    return value if isinstance(value, str) and _UUID.fullmatch(value) else ""


def _retry_after(header: str) -> float:
    """Return the seconds that Retry-After names; 0 when it names none."""
    try:
        return max(0.0, float(header))
    except ValueError:
        return 0.0
