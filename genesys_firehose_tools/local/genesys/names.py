"""How the local Genesys Cloud lists the things of its directory: where, by which permission, with which fields."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from genesys_firehose_tools.local.directory import Directory

Entities = list[dict[str, Any]]


class Listing(NamedTuple):
    """What is listed at a path.

    Attributes:
        permission: What the OAuth client needs.
        entities: Shows the things, by the query's parameters.
        is_paged: Whether the answer is a page, or everything.
    """

    permission: str
    entities: Callable[[Directory, Mapping[str, str]], Entities]
    is_paged: bool = True


def _named(path: str, things: Mapping[str, str], **fields: Any) -> Entities:
    return [{"id": each, "name": name, **fields, "selfUri": f"/api/v2/{path}/{each}"} for each, name in things.items()]


def _home(directory: Directory) -> dict[str, str]:
    division_id, name = next(iter(directory.divisions.items()))
    return {"id": division_id, "name": name, "selfUri": f"/api/v2/authorization/divisions/{division_id}"}


def _queues(directory: Directory, _query: Mapping[str, str]) -> Entities:
    level = {"serviceLevel": {"percentage": 0.8, "durationMs": 20000}}
    media = {"call": level, "message": {"serviceLevel": {"percentage": 0.9, "durationMs": 60000}}}
    fields = {"description": "In the words of an administrator", "memberCount": 6, "mediaSettings": media}
    return _named("routing/queues", directory.queues, division=_home(directory), **fields)


def _divisions(directory: Directory, _query: Mapping[str, str]) -> Entities:
    home = _home(directory)["id"]
    entities = _named("authorization/divisions", directory.divisions, description="")
    return [{**each, "homeDivision": each["id"] == home} for each in entities]


def _flows(directory: Directory, query: Mapping[str, str]) -> Entities:
    entities = _named("flows", directory.flows, division=_home(directory), type="INBOUNDCALL", active=True)
    last = len(entities) - 1
    flows = [{**each, "deleted": place == last} for place, each in enumerate(entities)]
    return [each for each in flows if query.get("deleted") == "true" or not each["deleted"]]


def _presences(directory: Directory, query: Mapping[str, str]) -> Entities:
    entities = [
        {
            "id": each,
            "name": presence.label,
            "type": "System" if presence.label.replace(" ", "") == _listed(presence.system) else "User",
            "languageLabels": {"de": f"{presence.label} (de)", "en_US": presence.label},
            "systemPresence": _listed(presence.system),
            "divisionId": "*",
            "deactivated": presence.system == "MEAL",
            "selfUri": f"/api/v2/presence/definitions/{each}",
        }
        for each, presence in directory.presences.items()
    ]
    wanted = query.get("deactivated", "FALSE") == "TRUE"
    return [each for each in entities if each["deactivated"] is wanted]


def _listed(system: str) -> str:
    """Return a system presence as the API writes it, ``OnQueue``, where an event says ``ON_QUEUE``."""
    return system.title().replace("_", "")


def _users(directory: Directory, query: Mapping[str, str]) -> Entities:
    entities = _named("users", directory.users, division=_home(directory), version=1)
    users = [
        {**each, "state": "inactive" if place % 10 == 9 else "active", "email": f"user{place}@example.com"}
        for place, each in enumerate(entities)
    ]
    return [each for each in users if query.get("state") == "any" or each["state"] == "active"]


LISTINGS: Mapping[str, Listing] = {
    "/api/v2/routing/queues": Listing("routing:queue:view", _queues),
    "/api/v2/routing/wrapupcodes": Listing(
        "routing:wrapupCode:view",
        lambda directory, _: _named("routing/wrapupcodes", directory.wrapup_codes, division=_home(directory)),
    ),
    "/api/v2/routing/skills": Listing(
        "routing:skill:view", lambda directory, _: _named("routing/skills", directory.skills, state="active")
    ),
    "/api/v2/authorization/divisions": Listing("authorization:division:view", _divisions),
    "/api/v2/flows": Listing("architect:flow:view", _flows),
    "/api/v2/presence/definitions": Listing("presence:presenceDefinition:view", _presences, is_paged=False),
    "/api/v2/users": Listing("directory:user:view", _users),
}
