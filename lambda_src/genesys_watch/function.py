"""The function put together: questions to Amazon EventBridge and Genesys Cloud, each a metric of 1 or 0."""

from collections.abc import Callable
from typing import Any, Protocol

from botocore.exceptions import ClientError

from genesys.client import Deadline, GenesysClient, GenesysError
from genesys.connection import CredentialsError, connect, read_credentials
from genesys_watch.settings import WatchSettings
from shared.telemetry import Metrics, log, log_exception

WORK_SECONDS = 45.0


class EventBridge(Protocol):
    """The one call used of EventBridge's client."""

    def describe_event_source(self, *, Name: str) -> dict[str, Any]:  # noqa: N803 - AWS's name
        """Describe a partner event source."""
        ...


class WatchHandler:
    """Asks whether events can still come.

    A question without an answer gives no metric: the alarms treat missing data as breaching.

    Args:
        settings: what the construct told the function.
        make_client: makes the client of an AWS service.
        make_genesys: makes the client of Genesys Cloud from the host, the credentials and the deadline.
    """

    def __init__(
        self,
        settings: WatchSettings,
        make_client: Callable[[str], Any],
        make_genesys: Callable[..., GenesysClient] = connect,
    ) -> None:
        self._settings = settings
        self._make_client = make_client
        self._make_genesys = make_genesys

    def ask(self) -> None:
        """Ask all questions and write the answers."""
        metrics = Metrics()
        if self._settings.event_source_name:
            self._ask("PartnerSourceActive", self._partner_source_is_active, metrics)
        if self._settings.integration_suffix:
            self._ask("IntegrationActive", self._integration_is_active, metrics)
        if self._settings.subscription_path:
            self._ask("SubscriptionActive", self._subscription_is_active, metrics)
        metrics.flush()

    def _ask(self, name: str, question: Callable[[], bool], metrics: Metrics) -> None:
        try:
            answer = question()
        except (GenesysError, CredentialsError) as error:
            # Their texts may be shown.
            log("ERROR", "a question got no answer", question=name, reason=str(error))
        except Exception as error:
            # A failed question must not keep the others from being asked.
            log_exception(f"{name} could not be asked", error)
        else:
            metrics.count(name, int(answer))

    def _partner_source_is_active(self) -> bool:
        events: EventBridge = self._make_client("events")
        try:
            state = events.describe_event_source(Name=self._settings.event_source_name)["State"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            state = "DELETED"
        if state != "ACTIVE":
            log("ERROR", "the partner event source is not active", state=state)
        return bool(state == "ACTIVE")

    def _integration_is_active(self) -> bool:
        suffix = self._settings.integration_suffix
        states = [
            (integration.get("intendedState"), (integration.get("reportedState") or {}).get("code"))
            for integration in self._genesys().integrations()
            if suffix in _values_of("eventSourceSuffix", integration)
        ]
        if ("ENABLED", "ACTIVE") in states:
            return True
        log("ERROR", "no active integration has the event source suffix", found=len(states))
        return False

    def _subscription_is_active(self) -> bool:
        found = [
            subscription
            for subscription in self._genesys().pages(self._settings.subscription_path)
            if self._settings.subscription_url in _values_of("url", subscription)
        ]
        if any(True in _values_of("active", subscription) for subscription in found):
            return True
        log("ERROR", "no active event subscription has the webhook's URL", found=len(found))
        return False

    def _genesys(self) -> GenesysClient:
        settings = self._settings
        credentials = read_credentials(self._make_client("secretsmanager"), settings.credentials_secret_arn)
        return self._make_genesys(settings.genesys_host, credentials, Deadline(WORK_SECONDS))


def _values_of(name: str, value: Any) -> list[Any]:
    """Return the values of every field of this name, at any depth: some of these shapes are not published."""
    match value:
        case dict():
            inner = [found for each in value.values() for found in _values_of(name, each)]
            return [value[name], *inner] if name in value else inner
        case list():
            return [found for each in value for found in _values_of(name, each)]
        case _:
            return []
