"""The kinds of things that have names: where Genesys Cloud lists each, and what of an answer is taken.

What is not named here is left out: an answer about a user holds addresses, numbers and pictures. The paths, parameters
and fields are those of Genesys Cloud's SDK (PureCloudPlatformClientV2), the permissions those of its documentation.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

_MEDIA = ("call", "callback", "chat", "email", "message")
_LANGUAGE = "en_US"
# What Genesys Cloud gives for all divisions.
_ANY_DIVISION = "*"

Entity = Mapping[str, Any]


class Kind(NamedTuple):
    """A kind of things.

    Attributes:
        path: where they are listed.
        permission: what the OAuth client needs there.
        attributes: takes from an answer what is kept beside id and name.
        queries: the parameters of each listing that it takes to see all.
        name: takes the name from an answer.
    """

    path: str
    permission: str
    attributes: Callable[[Entity], dict[str, Any]]
    queries: tuple[Mapping[str, str], ...] = ({},)
    name: Callable[[Entity], Any] = lambda entity: entity.get("name")


def _plain(*fields: str) -> Callable[[Entity], dict[str, Any]]:
    """Take the division and these plain fields."""

    def take(entity: Entity) -> dict[str, Any]:
        return {**_division(entity), **{field: entity[field] for field in fields if entity.get(field) is not None}}

    return take


def _division(entity: Entity) -> dict[str, Any]:
    division_id = _object(entity.get("division")).get("id") or entity.get("divisionId")
    return {} if division_id in (None, _ANY_DIVISION) else {"divisionId": division_id}


def _queue(entity: Entity) -> dict[str, Any]:
    return {**_division(entity), "serviceLevels": dict(_service_levels(_object(entity.get("mediaSettings"))))}


def _service_levels(settings: Entity) -> Iterator[tuple[str, dict[str, Any]]]:
    for medium in _MEDIA:
        level = _object(_object(settings.get(medium)).get("serviceLevel"))
        if level:
            yield medium, {"percentage": level.get("percentage"), "durationMs": level.get("durationMs")}


def _label(entity: Entity) -> Any:
    """Return a presence's label in American English, else in the first language, else its name."""
    labels = _object(entity.get("languageLabels"))
    return labels.get(_LANGUAGE) or next((labels[language] for language in sorted(labels)), None) or entity.get("name")


def _object(value: Any) -> Entity:
    return value if isinstance(value, dict) else {}


KINDS: Mapping[str, Kind] = {
    "queue": Kind("/api/v2/routing/queues", "routing:queue:view", _queue),
    "wrapup_code": Kind("/api/v2/routing/wrapupcodes", "routing:wrapupCode:view", _plain()),
    "skill": Kind("/api/v2/routing/skills", "routing:skill:view", _plain("state")),
    "division": Kind("/api/v2/authorization/divisions", "authorization:division:view", _plain("homeDivision")),
    # A conversation remembers the flow that was deleted since.
    "flow": Kind("/api/v2/flows", "architect:flow:view", _plain("type", "active", "deleted"), ({"deleted": "true"},)),
    "presence_definition": Kind(
        "/api/v2/presence/definitions",
        "presence:presenceDefinition:view",
        _plain("systemPresence", "deactivated"),
        tuple({"localeCode": "ALL", "deactivated": deactivated} for deactivated in ("FALSE", "TRUE")),
        _label,
    ),
    "user": Kind("/api/v2/users", "directory:user:view", _plain("state"), ({"state": "any"},)),
}
"""The kinds by the name that stands in a record."""
