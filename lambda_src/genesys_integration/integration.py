"""An Amazon EventBridge Source integration of Genesys Cloud, and the partner event source that comes of it."""

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Protocol

from botocore.exceptions import ClientError

from genesys.client import GenesysClient, GenesysError, error_code, uuid_of
from genesys.lifecycle import NotYetError, Properties, PropertyError, ResourceError, overtaking_is_not_yet
from genesys_integration.topics import TOPIC, check_topics

# What AWS and Genesys Cloud allow, by property: its name at the construct, its form, and the form in words. The
# construct checks the same where it knows the value.
_FORMS: Mapping[str, tuple[str, re.Pattern[str], str]] = {
    "Host": ("region", re.compile(r"[a-z0-9.-]+\.[a-z]+"), "the host of a Genesys Cloud region"),
    "OrgId": ("org_id", re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "a UUID in lower case"),
    "Account": ("account", re.compile(r"\d{12}"), "an AWS account of 12 digits"),
    "Region": ("aws_region", re.compile(r"[a-z]{2}(-[a-z]+)+-\d"), "an AWS region such as eu-central-1"),
    "Suffix": ("event_source_suffix", re.compile(r"[A-Za-z0-9._-]{1,64}"), "a word of 1 to 64 letters, digits and ._-"),
}
_SOURCE = ("eventSourceSuffix", "awsAccountId", "awsAccountRegion")
_USABLE_SOURCE_STATES = ("PENDING", "ACTIVE")
_NOTES = "Managed by AWS CloudFormation, marker"


class EventBridge(Protocol):
    """The one call used of EventBridge's client."""

    def describe_event_source(self, *, Name: str) -> dict[str, Any]:  # noqa: N803 - AWS's name
        """Describe a partner event source."""
        ...


class IntegrationResource:
    """The integrations of type ``amazon-eventbridge-source``.

    The properties are ``Host``, ``OrgId``, ``Account``, ``Region``, ``Suffix``, ``Name`` and ``Topics``. Name and
    topics are changed in place; another account, region or suffix is another partner event source.

    Args:
        events: makes EventBridge's client when it is first needed.
    """

    def __init__(self, events: Callable[[], EventBridge]) -> None:
        self._events = events

    def identity(self, properties: Properties) -> str:
        """Return ``<host>/<organization>/<account>/<region>/<suffix>``."""
        for key, (name, form, allowed) in _FORMS.items():
            if not form.fullmatch(str(properties.get(key, ""))):
                raise PropertyError(f"{name} is {properties.get(key)!r}: {allowed} is allowed.")
        for topic in properties["Topics"]:
            if not TOPIC.fullmatch(topic):
                raise PropertyError(
                    f"topics holds {topic!r}: names such as v2.detail.events.conversation.{{id}}.acd.end are allowed."
                )
        return "/".join(properties[key] for key in _FORMS)

    def place(self, identity: str) -> str:
        """Return ``<host>/<organization>``."""
        return "/".join(identity.split("/")[:2])

    def inspect(self, client: GenesysClient, properties: Properties, marker: str) -> None:
        """Refuse an organization that is not the credentials' own, and a suffix that another integration has."""
        organization = client.organization_id()
        if organization not in (None, properties["OrgId"]):
            raise PropertyError(
                f"org_id is {properties['OrgId']!r}: the organization of the credentials is allowed, "
                f"{uuid_of(organization) or 'whose id has another form'}."
            )
        wanted = _configuration(properties)
        for other in client.integrations():
            configured = ((other.get("config") or {}).get("current") or {}).get("properties") or {}
            is_taken = all(configured.get(name) == wanted[name] for name in _SOURCE)
            if is_taken and not _has_marker(other, marker):
                raise PropertyError(
                    f"event_source_suffix is {properties['Suffix']!r}, which the integration {_shown(other['id'])} "
                    "has: a suffix that no other integration has for this account and region is allowed."
                )

    def apply(self, client: GenesysClient, properties: Properties, marker: str, *, create: bool) -> dict[str, str]:
        """Create, configure and enable the one integration, and wait for its partner event source."""
        integration_id = self._only(client, properties, marker, create=create)["id"]
        with overtaking_is_not_yet():
            is_changed = _configure(client, integration_id, properties, marker)
            is_changed |= _enable(client, integration_id)
            state = client.integration(integration_id)["reportedState"]
        if state["code"] == "ERROR":
            code = error_code((state.get("detail") or {}).get("localizableMessageCode"))
            failure = (
                f"Genesys Cloud reports an error of the integration {_shown(integration_id)}"
                f"{f' ({code})' if code else ''}: look there for its reason"
            )
            # Right after a change the report may still be about the state before it.
            raise NotYetError(failure) if is_changed else ResourceError(failure)
        source = f"aws.partner/genesys.com/cloud/{properties['OrgId']}/{properties['Suffix']}"
        self._check_source(source)
        return {"EventSourceName": source, "IntegrationId": integration_id}

    def remove(self, client: GenesysClient, identity: str, marker: str) -> None:
        """Delete the integration; Genesys Cloud then deletes its partner event source."""
        for integration in _with_marker(client, marker):
            client.delete_integration(integration["id"])
        if _with_marker(client, marker):
            raise NotYetError(f"the integration of {identity} is still listed")

    def _only(self, client: GenesysClient, properties: Properties, marker: str, *, create: bool) -> dict[str, Any]:
        """Return the integration, created if need be; of twins that two passes at once created, only one stays."""
        found = _with_marker(client, marker)
        if not found and create:
            with overtaking_is_not_yet():
                created = client.create_integration(_name(properties, marker))
            # The list may be out of date; only the configuration is sure to have the name.
            found = list({each["id"]: each for each in [created, *_with_marker(client, marker)]}.values())
        if not found:
            raise NotYetError("the integration is not listed")
        only, *twins = sorted(found, key=_rank)
        for twin in twins:
            client.delete_integration(twin["id"])
        return only

    def _check_source(self, name: str) -> None:
        """Wait until AWS knows the partner event source: PENDING until a bus of its name exists, ACTIVE then."""
        try:
            state = self._events().describe_event_source(Name=name)["State"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            raise NotYetError(f"the partner event source {name} is not in this account and region") from None
        if state not in _USABLE_SOURCE_STATES:
            raise NotYetError(f"the partner event source {name} is {state}")


def _configure(client: GenesysClient, integration_id: str, properties: Properties, marker: str) -> bool:
    """Configure the integration unless it is configured so, and tell whether it was not.

    Topics are checked when they are new to it: what it has already must never block a rollback.

    Raises:
        PropertyError: a new topic cannot work, or Genesys Cloud refuses the configuration and topics need permissions.
    """
    current = client.integration_configuration(integration_id)
    known = current.get("properties") or {}
    properties_wanted = {**known, **_configuration(properties)}
    if sorted(known.get("eventFilter") or []) == properties_wanted["eventFilter"]:
        properties_wanted["eventFilter"] = known["eventFilter"]  # the order of topics means nothing
    wanted = {
        "name": _name(properties, marker),
        "notes": f"{_NOTES} {marker}",
        "properties": properties_wanted,
    }
    if all(current.get(name) == value for name, value in wanted.items()):
        return False
    added = set(properties_wanted["eventFilter"]).difference(known.get("eventFilter") or ())
    permissions = check_topics(client, added) if added else {}
    kept = {name: current.get(name) or {} for name in ("advanced", "credentials")}
    try:
        client.configure_integration(integration_id, {**kept, **wanted, "version": current["version"]})
    except GenesysError as error:
        if error.status != HTTPStatus.FORBIDDEN or not permissions:
            raise
        needed = "; ".join(f"{topic!r} needs {', '.join(names)}" for topic, names in permissions.items())
        raise PropertyError(f"topics need permissions that the credentials may lack ({needed}): {error}") from None
    return True


def _enable(client: GenesysClient, integration_id: str) -> bool:
    """Enable the integration unless it is enabled, and tell whether it was not."""
    if client.integration(integration_id)["intendedState"] == "ENABLED":
        return False
    client.set_intended_state(integration_id, "ENABLED")
    return True


def _configuration(properties: Properties) -> dict[str, Any]:
    return {
        "eventSourceSuffix": properties["Suffix"],
        "awsAccountId": properties["Account"],
        "awsAccountRegion": properties["Region"],
        "eventFilter": sorted(properties["Topics"]),
    }


def _name(properties: Properties, marker: str) -> str:
    return f"{properties['Name']} ({marker})"


def _with_marker(client: GenesysClient, marker: str) -> list[dict[str, Any]]:
    return [each for each in client.integrations() if _has_marker(each, marker)]


def _has_marker(integration: Mapping[str, Any], marker: str) -> bool:
    # In the name from its creation on, and in the notes should someone rename it.
    return any(marker in (integration.get(place) or "") for place in ("name", "notes"))


def _shown(integration_id: str) -> str:
    return uuid_of(integration_id) or "of another id"


def _rank(integration: Mapping[str, Any]) -> tuple[bool, bool, str]:
    """Order twins: one that works first, then by id, so that every pass chooses the same."""
    reported = (integration.get("reportedState") or {}).get("code")
    return reported == "ERROR", integration.get("intendedState") != "ENABLED", integration["id"]
