"""One organization of the local Genesys Cloud: what it holds, and what each call does to it."""

import re
import secrets
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from genesys_firehose_tools.library_files import published_topics
from genesys_firehose_tools.local.directory import DIRECTORY
from genesys_firehose_tools.local.genesys.conversations import ConversationHistory
from genesys_firehose_tools.local.genesys.errors import ApiError
from genesys_firehose_tools.local.genesys.names import LISTINGS
from genesys_firehose_tools.local.genesys.partner import EventPartner, SourceExistsError, SourceKey

EVENTBRIDGE_SOURCE = "amazon-eventbridge-source"
EVENTBRIDGE_PROPERTIES = ("eventSourceSuffix", "awsAccountId", "awsAccountRegion", "eventFilter")
SUBSCRIPTIONS_PATH = "/api/v2/notifications/eventSubscriptions"
TOPICS_PATH = "/api/v2/notifications/availabletopics"
INTEGRATION_TYPES = (EVENTBRIDGE_SOURCE, "purecloud-data-actions")
REQUESTS_PER_MINUTE = 300

_SUFFIX = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ACCOUNT = re.compile(r"\d{12}")

DEFAULT_IP_RANGES = tuple(
    {"cidr": cidr, "service": service, "region": region, "direction": direction}
    for cidr, service, region, direction in (
        ("192.0.2.0/28", "open-messaging", "us-east-1", "outbound"),
        ("198.51.100.0/24", "data-actions", "us-east-1", "outbound"),
        ("203.0.113.64/26", "data-actions", "us-east-1", "inbound"),
        ("203.0.113.0/26", "api", "us-east-1", "both"),
        ("2001:db8:ca11::/48", "open-messaging", "us-east-1", "outbound"),
    )
)


def _not_found(what: str) -> ApiError:
    return ApiError(HTTPStatus.NOT_FOUND, "not.found", f"The requested {what} was not found.")


@dataclass
class Integration:
    """An installed integration.

    Attributes:
        source: The partner event source that it keeps while enabled.
        reads: How often it was read since it was enabled: it is ACTIVATING at the first and ACTIVE from then on.
    """

    id: str
    name: str
    type: str
    version: int = 1
    properties: dict[str, Any] = field(default_factory=dict)
    advanced: dict[str, Any] = field(default_factory=dict)
    notes: str = ""
    intended_state: str = "DISABLED"
    error: str = ""
    source: SourceKey | None = None
    reads: int = 0


class Organization:
    """An organization of Genesys Cloud.

    Args:
        partner: How it shares event sources.
        organization_id: Its id. Default: a random one.
        clients: Its OAuth clients, secrets by id. Default: one, ``client`` with ``secret``.
        requests_per_minute: The rate limit of a token.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        partner: EventPartner,
        organization_id: str = "",
        clients: Mapping[str, str] | None = None,
        requests_per_minute: int = REQUESTS_PER_MINUTE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.id = organization_id or str(uuid.uuid4())
        self.clients = dict(clients or {"client": "secret"})
        self.integrations: dict[str, Integration] = {}
        self.subscriptions: dict[str, dict[str, Any]] = {}
        self.ip_ranges: list[dict[str, str]] = [dict(each) for each in DEFAULT_IP_RANGES]
        self.topics: list[dict[str, Any]] = [_available_topic(topic) for topic in published_topics()]
        self.directory = DIRECTORY
        self.missing_permissions: set[str] = set()
        self.conversations = ConversationHistory()
        self.caller = ""
        self._partner = partner
        self._requests_per_minute = requests_per_minute
        self._clock = clock
        self._tokens: dict[str, tuple[float, int]] = {}
        self._client_of: dict[str, str] = {}
        self.lock = threading.RLock()

    def state(self) -> dict[str, Any]:
        """Return all that it holds, but for tokens and headers, which are secrets."""
        with self.lock:
            return {
                "organization_id": self.id,
                "integrations": [
                    {
                        "id": each.id,
                        "name": each.name,
                        "type": each.type,
                        "intended_state": each.intended_state,
                        "error": each.error,
                        "properties": each.properties,
                        "source": each.source.name if each.source else None,
                    }
                    for each in self.integrations.values()
                ],
                "subscriptions": [
                    {name: value for name, value in each.items() if name != "headers"}
                    for each in self.subscriptions.values()
                ],
                "ip_ranges": self.ip_ranges,
            }

    def grant_token(self, client_id: str, client_secret: str) -> str:
        """Give a token to an OAuth client.

        Raises:
            ApiError: There is no such client, or its secret is another.
        """
        expected = self.clients.get(client_id)
        if expected is None or not secrets.compare_digest(expected, client_secret):
            raise ApiError(HTTPStatus.BAD_REQUEST, "invalid_client", "client authentication failed")
        token = secrets.token_urlsafe(32)
        self._tokens[token] = (self._clock(), 0)
        self._client_of[token] = client_id
        return token

    @property
    def tokens(self) -> list[str]:
        """The tokens given out and not revoked."""
        return list(self._tokens)

    def revoke_tokens(self) -> None:
        """Make every token worthless."""
        self._tokens.clear()

    def limit_rate(self, requests_per_minute: int, clock: Callable[[], float]) -> None:
        """Let each token make so many requests a minute, by this clock, from now on."""
        self._requests_per_minute, self._clock = requests_per_minute, clock

    def check_token(self, token: str) -> None:
        """Count a request of a token, and note whose it is.

        Raises:
            ApiError: There is no such token, or it made too many requests.
        """
        if token not in self._tokens:
            raise ApiError(HTTPStatus.UNAUTHORIZED, "bad.credentials", "Invalid login credentials.")
        began, count = self._tokens[token]
        now = self._clock()
        if now - began >= 60:
            began, count = now, 0
        if count >= self._requests_per_minute:
            wait = int(60 - (now - began)) + 1
            message = f"Rate limit exceeded the maximum. Retry the request in [{wait}] seconds"
            raise ApiError(HTTPStatus.TOO_MANY_REQUESTS, "too.many.requests", message, retry_after=wait)
        self._tokens[token] = (began, count + 1)
        self.caller = self._client_of[token]

    def describe(self) -> dict[str, Any]:
        """Describe the organization itself."""
        return {"id": self.id, "name": "Local", "selfUri": f"/api/v2/organizations/{self.id}"}

    def list_integrations(self, query: Mapping[str, str]) -> dict[str, Any]:
        """List a page of integrations."""
        wanted = query.get("integrationType")
        found = [each for each in self.integrations.values() if wanted in (None, each.type)]
        with_configuration = query.get("expand") == "config.current"
        return _page("/api/v2/integrations", [self._describe(each, with_configuration) for each in found], query)

    def create_integration(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Install an integration."""
        kind = body.get("integrationType")
        kind_id = kind.get("id") if isinstance(kind, Mapping) else None
        if kind_id not in INTEGRATION_TYPES:
            raise ApiError(HTTPStatus.BAD_REQUEST, "bad.request", "integrationType.id names no type.")
        name = str(body.get("name") or "Amazon EventBridge Source")
        if any(each.name == name and each.type == kind_id for each in self.integrations.values()):
            raise ApiError(HTTPStatus.CONFLICT, "conflict", "There is an integration of this name and type.")
        integration = Integration(str(uuid.uuid4()), name, kind_id)
        self.integrations[integration.id] = integration
        return self._describe(integration)

    def read_integration(self, integration_id: str) -> dict[str, Any]:
        """Describe an integration."""
        return self._describe(self._integration(integration_id))

    def change_integration(self, integration_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Enable or disable an integration."""
        integration = self._integration(integration_id)
        match body.get("intendedState"):
            case "ENABLED":
                self._enable(integration)
            case "DISABLED":
                self._disable(integration)
            case other:
                raise ApiError(HTTPStatus.BAD_REQUEST, "bad.request", f"intendedState can't be {other!r}.")
        return self._describe(integration)

    def delete_integration(self, integration_id: str) -> dict[str, Any]:
        """Remove an integration and its event source."""
        integration = self._integration(integration_id)
        self._disable(integration)
        del self.integrations[integration_id]
        return self._describe(integration)

    def read_configuration(self, integration_id: str) -> dict[str, Any]:
        """Describe an integration's configuration."""
        return self._configuration(self._integration(integration_id))

    def configure(self, integration_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Replace an integration's configuration."""
        integration = self._integration(integration_id)
        if body.get("version") != integration.version:
            raise ApiError(HTTPStatus.CONFLICT, "general.conflict", f"The current version is {integration.version}.")
        properties = body.get("properties")
        if not isinstance(properties, dict):
            raise ApiError(HTTPStatus.BAD_REQUEST, "bad.request", "properties must be an object.")
        if integration.type == EVENTBRIDGE_SOURCE:
            _check_eventbridge_properties(properties)
        integration.name = str(body.get("name") or integration.name)
        integration.notes = str(body.get("notes") or "")
        integration.properties = dict(properties)
        integration.advanced = dict(body.get("advanced") or {})
        integration.version += 1
        return self._configuration(integration)

    def list_topics(self, query: Mapping[str, str]) -> dict[str, Any]:
        """List the notification topics, each with its id and the fields that the query expands."""
        fields = {"id", *query.get("expand", "").split(",")}
        return {"entities": [{name: value for name, value in topic.items() if name in fields} for topic in self.topics]}

    def list_names(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        """List the things of the directory that are at a path."""
        listing = LISTINGS[path]
        self.check_permission(listing.permission)
        entities = listing.entities(self.directory, query)
        if listing.is_paged:
            return _page(path, entities, query)
        return {"total": len(entities), "entities": entities, "selfUri": path}

    def check_permission(self, permission: str) -> None:
        """Refuse a call without its permission.

        Raises:
            ApiError: The OAuth client lacks it.
        """
        if permission in self.missing_permissions:
            message = f"Unable to perform the requested action. You must have at least one of: [{permission}]"
            raise ApiError(HTTPStatus.FORBIDDEN, "missing.any.permissions", message)

    def list_subscriptions(self, query: Mapping[str, str]) -> dict[str, Any]:
        """List a page of event subscriptions."""
        return _page(SUBSCRIPTIONS_PATH, list(self.subscriptions.values()), query)

    def create_subscription(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create an event subscription."""
        subscription = {"id": str(uuid.uuid4()), **_subscription(body)}
        self.subscriptions[subscription["id"]] = subscription
        return {"eventSubscription": subscription}

    def read_subscription(self, subscription_id: str) -> dict[str, Any]:
        """Describe an event subscription."""
        return {"eventSubscription": self._subscription(subscription_id)}

    def replace_subscription(self, subscription_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Replace an event subscription."""
        self._subscription(subscription_id)
        self.subscriptions[subscription_id] = {"id": subscription_id, **_subscription(body)}
        return {"eventSubscription": self.subscriptions[subscription_id]}

    def delete_subscription(self, subscription_id: str) -> None:
        """Delete an event subscription."""
        self._subscription(subscription_id)
        del self.subscriptions[subscription_id]

    def publish(self, events: list[dict[str, Any]]) -> int:
        """Send events through every enabled integration that asks for their topic; return how many were sent.

        Args:
            events: Each with ``detail-type``, the topic's template, and ``detail``.
        """
        sent = 0
        for integration in list(self.integrations.values()):
            if integration.source is not None:
                topics = integration.properties["eventFilter"]
                chosen = [event for event in events if event["detail-type"] in topics]
                self._partner.put_events(integration.source, chosen)
                sent += len(chosen)
        return sent

    def _enable(self, integration: Integration) -> None:
        integration.error, integration.reads = "", 0
        if integration.type == EVENTBRIDGE_SOURCE and integration.source is None:
            properties = integration.properties
            if not properties:
                raise ApiError(HTTPStatus.BAD_REQUEST, "bad.request", "The integration has no configuration.")
            source = SourceKey(
                f"aws.partner/genesys.com/cloud/{self.id}/{properties['eventSourceSuffix']}",
                properties["awsAccountId"],
                properties["awsAccountRegion"],
            )
            try:
                self._partner.create_source(source)
                integration.source = source
            except SourceExistsError:
                integration.error = f"The event source suffix {properties['eventSourceSuffix']} is in use."
        integration.intended_state = "ENABLED"

    def _disable(self, integration: Integration) -> None:
        if integration.source is not None:
            self._partner.delete_source(integration.source)
            integration.source = None
        integration.error = ""
        integration.intended_state = "DISABLED"

    def _integration(self, integration_id: str) -> Integration:
        if integration_id not in self.integrations:
            raise _not_found("integration")
        return self.integrations[integration_id]

    def _subscription(self, subscription_id: str) -> dict[str, Any]:
        if subscription_id not in self.subscriptions:
            raise _not_found("event subscription")
        return self.subscriptions[subscription_id]

    def _describe(self, integration: Integration, with_configuration: bool = False) -> dict[str, Any]:
        path = f"/api/v2/integrations/{integration.id}"
        code = "INACTIVE"
        if integration.intended_state == "ENABLED":
            code = "ERROR" if integration.error else "ACTIVE" if integration.reads else "ACTIVATING"
            integration.reads += 1
        return {
            "id": integration.id,
            "name": integration.name,
            "integrationType": {"id": integration.type, "selfUri": f"/api/v2/integrations/types/{integration.type}"},
            "notes": integration.notes,
            "intendedState": integration.intended_state,
            "reportedState": {
                "code": code,
                **({"detail": {"message": integration.error}} if integration.error else {}),
            },
            **({"config": {"current": self._configuration(integration)}} if with_configuration else {}),
            "selfUri": path,
        }

    def _configuration(self, integration: Integration) -> dict[str, Any]:
        return {
            "id": integration.id,
            "name": integration.name,
            "version": integration.version,
            "properties": integration.properties,
            "advanced": integration.advanced,
            "notes": integration.notes,
            "credentials": {},
            "selfUri": f"/api/v2/integrations/{integration.id}/config/current",
        }


def _page(path: str, entities: list[dict[str, Any]], query: Mapping[str, str]) -> dict[str, Any]:
    size, number = int(query.get("pageSize", "25")), int(query.get("pageNumber", "1"))
    pages = -(-len(entities) // size)
    return {
        "entities": entities[(number - 1) * size : number * size],
        "pageSize": size,
        "pageNumber": number,
        "total": len(entities),
        "pageCount": pages,
        "selfUri": f"{path}?pageSize={size}&pageNumber={number}",
        **({"nextUri": f"{path}?pageSize={size}&pageNumber={number + 1}"} if number < pages else {}),
    }


def _available_topic(topic: str) -> dict[str, Any]:
    # Messages of a WebSocket about itself go nowhere else; which others Genesys Cloud keeps to it nobody publishes.
    is_of_websocket = topic.startswith(("v2.system.", "v2.subscription."))
    return {
        "id": topic,
        "transports": ["Websocket"] if is_of_websocket else ["Websocket", "EventBridge"],
        "requiresPermissions": [],
    }


def _check_eventbridge_properties(properties: Mapping[str, Any]) -> None:
    suffix, account, region, topics = (properties.get(name) for name in EVENTBRIDGE_PROPERTIES)
    if not isinstance(suffix, str) or not _SUFFIX.fullmatch(suffix):
        raise ApiError(HTTPStatus.BAD_REQUEST, "bad.request", "eventSourceSuffix must be 1 to 64 of A-Za-z0-9._-")
    if not isinstance(account, str) or not _ACCOUNT.fullmatch(account):
        raise ApiError(HTTPStatus.BAD_REQUEST, "bad.request", "awsAccountId must be 12 digits.")
    if not isinstance(region, str) or not region:
        raise ApiError(HTTPStatus.BAD_REQUEST, "bad.request", "awsAccountRegion must be given.")
    if not isinstance(topics, list) or not all(isinstance(each, str) and each.startswith("v2.") for each in topics):
        raise ApiError(HTTPStatus.BAD_REQUEST, "bad.request", "eventFilter must be a list of topics.")


def _subscription(body: Mapping[str, Any]) -> dict[str, Any]:
    """Check and return the event subscription of a request."""
    told = body.get("eventSubscription")
    if not isinstance(told, Mapping):
        raise ApiError(HTTPStatus.BAD_REQUEST, "bad.request", "eventSubscription must be an object.")
    if not str(told.get("url", "")).startswith("https://"):
        raise ApiError(HTTPStatus.BAD_REQUEST, "bad.request", "url must begin with https://")
    if not isinstance(told.get("events"), list) or not told["events"]:
        raise ApiError(HTTPStatus.BAD_REQUEST, "bad.request", "events must be a list that is not empty.")
    return {
        "name": str(told.get("name", "")),
        "url": told["url"],
        "events": told["events"],
        "filters": told.get("filters", {}),
        "active": bool(told.get("active", True)),
        "headers": told.get("headers", {}),
    }
