"""The lifecycle of a custom resource that manages something at Genesys Cloud.

AWS CDK's provider framework calls a function twice over: once to begin, and then again and again until it says that
all is done. Nothing changes at Genesys Cloud when it begins: CloudFormation never deletes a resource whose creation
failed there, while one that fails later is deleted under the physical id given at the beginning. So everything is done
later, in passes. A pass looks at what there is and does what is missing, so it may be cut off anywhere, be repeated,
or run twice at once, and the next one goes on.

What belongs to a resource is told by a marker in its name, made of the stack, the logical id and the physical id.

Whoever may invoke the function can send it any request. So where it connects, what it sends and whose things it touches
come from its own configuration. A request's properties only tell CloudFormation that there is something to change, and
must be the configured ones.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol

from genesys.client import GenesysClient, GenesysError
from genesys.connection import CredentialsError
from genesys.propagation import once_allowed
from shared.telemetry import log

# What the first call hands to the passes, beside the physical id.
_BEGUN_AT = "BegunAt"
_KNOWN_AS = "KnownAs"

Properties = Mapping[str, Any]


class PropertyError(Exception):
    """A property that cannot work: the text names it and what is allowed."""


class ResourceError(Exception):
    """What a resource stands for has failed, or did not come about in time; the text says why."""


class NotYetError(Exception):
    """The pass could not finish; the text says what is missing, and the next pass goes on."""


@contextmanager
def overtaking_is_not_yet() -> Iterator[None]:
    """Treat 404 and 409 as a concurrent change: the next pass looks again."""
    try:
        yield
    except GenesysError as error:
        if error.status not in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
            raise
        raise NotYetError(str(error)) from None


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the function is deployed for.

    Attributes:
        stack_id: the stack of the resource.
        logical_id: the resource's logical id.
        properties: the resource's properties.
    """

    stack_id: str
    logical_id: str
    properties: Properties


class Resource(Protocol):
    """What one kind of resource does at Genesys Cloud."""

    def identity(self, properties: Properties) -> str:
        """Return the physical id; another id means a replacement. It begins with the region's host.

        Raises:
            PropertyError: a property cannot work.
        """
        ...

    def place(self, identity: str) -> str:
        """Return the part of a physical id that a replacement cannot change, for its credentials belong to it."""
        ...

    def inspect(self, client: GenesysClient, properties: Properties, marker: str) -> None:
        """Look whether a creation can work, and change nothing.

        Raises:
            PropertyError: it can't.
        """
        ...

    def apply(self, client: GenesysClient, properties: Properties, marker: str, *, create: bool) -> dict[str, str]:
        """Create or change what is needed, and return the resource's attributes.

        Raises:
            NotYetError: another pass is needed.
            PropertyError: a property cannot work, as Genesys Cloud shows only now.
            ResourceError: no pass can help.
        """
        ...

    def remove(self, client: GenesysClient, identity: str, marker: str) -> None:
        """Remove all that has the marker; when nothing has, all is done.

        Raises:
            NotYetError: something is still there.
        """
        ...


class Lifecycle:
    """Creates, updates, keeps and deletes a resource.

    Args:
        resource: the kind of resource.
        connect: makes a client for the configured region; called once a pass.
        configuration: the one resource that the function is there for.
        give_up_after: the seconds after which a resource that is not complete fails.
        clock: seconds since 1970.
        sleep: waits while AWS does not allow a call yet.
    """

    def __init__(
        self,
        resource: Resource,
        connect: Callable[[], GenesysClient],
        configuration: Configuration,
        give_up_after: float,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._resource = resource
        self._connect = connect
        self._configuration = configuration
        self._give_up_after = give_up_after
        self._clock = clock
        self._sleep = sleep

    def handle(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Answer the provider framework, or keep the resource as it should be when ``RequestType`` is ``Keep``.

        Raises:
            PropertyError: a property cannot work.
            CredentialsError: the credentials can't be read.
            GenesysError: Genesys Cloud refused a call.
            ResourceError: what the resource stands for failed.
        """
        if event["RequestType"] == "Keep":
            return self._keep()
        work = self._go_on if _BEGUN_AT in event else self._begin
        if event["RequestType"] == "Delete":
            return work(event)
        # A deployment attaches policies right before it creates or updates a resource.
        return once_allowed(lambda: work(event), self._clock, self._sleep)

    def _begin(self, event: Mapping[str, Any]) -> dict[str, Any]:
        if event["RequestType"] == "Delete":
            return self._begun(event["PhysicalResourceId"], event["PhysicalResourceId"])
        properties = _properties_of(event, "ResourceProperties")
        identity = self._resource.identity(properties)
        known = event.get("PhysicalResourceId")
        if known is not None and self._resource.place(known) != self._resource.place(identity):
            raise PropertyError(
                f"region and org_id change from {self._resource.place(known)} to {self._resource.place(identity)}: "
                "they are allowed to change only with the construct's id, so that what is left behind is removed with "
                "its own credentials."
            )
        if identity != known:
            if properties != self._configuration.properties:
                raise PropertyError("the request's properties are not the function's: its own are allowed.")
            self._resource.inspect(self._connect(), properties, self._marker(identity))
        return self._begun(identity, known)

    def _begun(self, identity: str, known: str | None) -> dict[str, Any]:
        return {"PhysicalResourceId": identity, _KNOWN_AS: known, _BEGUN_AT: self._clock()}

    def _go_on(self, event: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return {"IsComplete": True, "Data": self._pass(event)}
        except (PropertyError, ResourceError) as error:
            failure: Exception = error
        except (GenesysError, NotYetError) as error:
            if isinstance(error, GenesysError) and not error.is_transient:
                failure = error
            elif self._clock() - event[_BEGUN_AT] >= self._give_up_after:
                failure = ResourceError(f"{error}; given up after {self._give_up_after:.0f} s")
            else:
                log("INFO", "not complete yet", request=event["RequestType"], reason=type(error).__name__)
                return {"IsComplete": False}
        self._undo(event)
        raise failure from None

    def _pass(self, event: Mapping[str, Any]) -> dict[str, str]:
        identity = event["PhysicalResourceId"]
        if event["RequestType"] == "Delete":
            self._remove(self._connect(), identity)
            return {}
        properties = _properties_of(event, "ResourceProperties")
        if properties != self._configuration.properties or self._resource.identity(properties) != identity:
            # A rollback may come here before the function has its old configuration back.
            raise NotYetError("the request's properties are not the function's")
        client = self._connect()
        self._remove_failed_replacement(client, event, identity)
        return self._resource.apply(client, properties, self._marker(identity), create=True)

    def _undo(self, event: Mapping[str, Any]) -> None:
        """Remove what a creation or replacement made that now fails; CloudFormation's rollback does so again."""
        identity = event["PhysicalResourceId"]
        if event["RequestType"] == "Delete" or event[_KNOWN_AS] == identity:
            return
        try:
            self._remove(self._connect(), identity)
        except (GenesysError, NotYetError, CredentialsError, PropertyError) as error:
            log("WARN", "what was made can't be removed yet", reason=type(error).__name__)

    def _remove_failed_replacement(self, client: GenesysClient, event: Mapping[str, Any], identity: str) -> None:
        """Remove what an update left behind that was to replace the resource, failed, and is now rolled back.

        Only then the old properties name another thing than the resource is and was.
        """
        if event[_KNOWN_AS] != identity:
            return
        try:
            abandoned = self._resource.identity(_properties_of(event, "OldResourceProperties"))
        except PropertyError:
            return  # refused before anything was done
        if abandoned != identity and self._is_here(abandoned):
            self._remove(client, abandoned)

    def _remove(self, client: GenesysClient, identity: str) -> None:
        if not self._is_here(identity):
            raise PropertyError(
                f"the physical id is {identity!r}: one of the function's own region and organization is allowed."
            )
        self._resource.remove(client, identity, self._marker(identity))

    def _is_here(self, identity: str) -> bool:
        """Tell whether an identity is of the region and organization that the function is configured for."""
        own = self._resource.identity(self._configuration.properties)
        return self._resource.place(identity) == self._resource.place(own)

    def _keep(self) -> dict[str, Any]:
        properties = self._configuration.properties
        identity = self._resource.identity(properties)
        try:
            return self._resource.apply(self._connect(), properties, self._marker(identity), create=False)
        except NotYetError as error:
            raise ResourceError(str(error)) from None

    def _marker(self, identity: str) -> str:
        """Return the text that marks what belongs to a resource; it needs no escaping."""
        owner = "\n".join((self._configuration.stack_id, self._configuration.logical_id, identity))
        return f"cdk-{hashlib.sha256(owner.encode()).hexdigest()[:16]}"


def _properties_of(event: Mapping[str, Any], name: str) -> Properties:
    """Return a request's properties without those that CloudFormation reads itself."""
    return {key: value for key, value in event[name].items() if key not in ("ServiceToken", "ServiceTimeout")}
