"""An event subscription of Genesys Cloud, at an endpoint that no published SDK has.

So only what all collections of Genesys Cloud share is built in: POST to the collection creates, GET
lists ``entities`` that have an ``id``, PUT and DELETE take ``/<id>``. The body is the construct's template.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from genesys.client import GenesysClient
from genesys.connection import CredentialsError, SecretsManager, read_text, read_version
from genesys.lifecycle import NotYetError, Properties, PropertyError, overtaking_is_not_yet
from shared.secret_key import UnusableKeyError, usable_key
from shared.telemetry import log

SIGNING_KEY = "${signing_key}"
MARKER = "${marker}"

_HOST = re.compile(r"[a-z0-9.-]+\.[a-z]+")
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+")
_ITEM = "{}/{{id}}"


def read_signing_key(
    secrets_manager: SecretsManager,
    secret_id: str,
    known_after: timedelta,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> str:
    """Read the newest key that the webhook is sure to accept: while the secret is rotated, the next one.

    Args:
        secrets_manager: Secrets Manager's client.
        secret_id: the secret.
        known_after: how old a key must be until every environment of the ingest function knows it.
        now: the time, UTC.

    Raises:
        CredentialsError: it can't be read, or can't be a key.
    """
    asked = ("signing_key", "a secret with a text is allowed")
    try:
        version = read_version(secrets_manager, secret_id, "AWSPENDING", *asked)
    except CredentialsError as error:
        if error.code != "ResourceNotFoundException":
            raise
        version = {}
    # A version without a text is a rotation that has not made its key.
    text = version.get("SecretString")
    if not text or now() - version["CreatedDate"].astimezone(UTC) < known_after:
        text = read_text(secrets_manager, secret_id, *asked)
    try:
        return usable_key(text, "signing key").decode()
    except UnusableKeyError as error:
        raise CredentialsError(str(error)) from None


class SubscriptionResource:
    """The subscriptions at one path.

    The properties are ``Host``, ``Path`` and ``Body``, the JSON text of the body, in which ``${signing_key}`` stands
    for the signing key and ``${marker}`` for what tells the subscription from all others. The body is changed in
    place; another path is another subscription.

    Args:
        signing_key: reads the signing key.
    """

    def __init__(self, signing_key: Callable[[], str]) -> None:
        self._signing_key = signing_key

    def identity(self, properties: Properties) -> str:
        """Return ``<host><path>``."""
        host, path = properties.get("Host"), properties.get("Path")
        if not _HOST.fullmatch(str(host)):
            raise PropertyError(f"region is {host!r}: the host of a Genesys Cloud region is allowed.")
        if not _PATH.fullmatch(str(path)):
            raise PropertyError(f"path is {path!r}: segments of letters, digits and ._~- after slashes are allowed.")
        if not _is_template(properties.get("Body")):
            raise PropertyError(f"body is no JSON object that holds {MARKER}: a template with it is allowed.")
        return f"{host}{path}"

    def place(self, identity: str) -> str:
        """Return ``<host>``."""
        return identity.partition("/")[0]

    def inspect(self, client: GenesysClient, properties: Properties, marker: str) -> None:  # noqa: ARG002
        """Read the signing key and the list of subscriptions: a creation needs both."""
        self._signing_key()
        client.pages(properties["Path"])

    def apply(self, client: GenesysClient, properties: Properties, marker: str, *, create: bool) -> dict[str, str]:
        """Create the one subscription, or write it again where it differs from what it should be.

        That makes an inactive one active again, and carries a new signing key to Genesys Cloud. What the listing does
        not show counts as different.
        """
        key = self._signing_key()
        body = _fill(json.loads(properties["Body"]), {MARKER: marker, SIGNING_KEY: key})
        path = properties["Path"]
        found = _with_marker(client, path, marker)
        if not found and create:
            client.call("POST", path, body, secrets=[key])
            found = _with_marker(client, path, marker)
        if not found:
            raise NotYetError(f"the event subscription at {path} is not listed")
        only, *twins = found
        for twin in twins:
            client.delete(_ITEM.format(path), str(twin["id"]))
        different = [name for name, value in _content(body).items() if not _covers(only.get(name), value)]
        if different:
            with overtaking_is_not_yet():
                client.call("PUT", _ITEM.format(path), body, identifier=str(only["id"]), secrets=[key])
            log("INFO", "the event subscription is written again", fields=",".join(different))
        return {"SubscriptionId": str(only["id"])}

    def remove(self, client: GenesysClient, identity: str, marker: str) -> None:
        """Delete the subscription."""
        path = identity.removeprefix(self.place(identity))
        for subscription in _with_marker(client, path, marker):
            client.delete(_ITEM.format(path), str(subscription["id"]))
        if _with_marker(client, path, marker):
            raise NotYetError(f"the event subscription at {path} is still listed")


def _is_template(text: Any) -> bool:
    try:
        return isinstance(json.loads(text), dict) and MARKER in text
    except (TypeError, ValueError):
        return False


def _fill(template: Any, values: Mapping[str, str]) -> Any:
    """Return the template with every placeholder in its texts replaced."""
    match template:
        case str():
            for placeholder, value in values.items():
                template = template.replace(placeholder, value)
            return template
        case list():
            return [_fill(each, values) for each in template]
        case dict():
            return {name: _fill(each, values) for name, each in template.items()}
        case _:
            return template


def _content(body: dict[str, Any]) -> dict[str, Any]:
    """Return the subscription in a body, which may be wrapped in the body's one field."""
    values = list(body.values())
    return values[0] if len(values) == 1 and isinstance(values[0], dict) else body


def _with_marker(client: GenesysClient, path: str, marker: str) -> list[dict[str, Any]]:
    """Return the subscriptions with the marker somewhere in their texts, in the order of their ids."""
    found = [each for each in client.pages(path) if any(marker in text for text in _texts(each))]
    return sorted(found, key=lambda each: str(each["id"]))


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for each in value:
                yield from _texts(each)
        case dict():
            yield from _texts(list(value.values()))


def _covers(shown: Any, wanted: Any) -> bool:
    """Tell whether what is shown has all that is wanted; it may have more, and lists in any order."""
    match wanted:
        case dict():
            return isinstance(shown, dict) and all(_covers(shown.get(name), each) for name, each in wanted.items())
        case list():
            return (
                isinstance(shown, list)
                and len(shown) == len(wanted)
                and all(any(_covers(candidate, each) for candidate in shown) for each in wanted)
            )
        case _:
            return bool(shown == wanted)
