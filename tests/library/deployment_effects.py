"""What an update of a deployed stack does, read from its two templates and from CloudFormation's resource schemas."""

import json
from collections.abc import Iterator
from typing import Any

from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from tests.library.synthesis import Template

# One is made for every change of the API, and the stage takes the newest.
_MADE_ANEW = "AWS::ApiGateway::Deployment"
_KEPT = {"Retain", "RetainExceptOnCreate"}


def effect(before: Template, after: Template) -> str:
    """Say what CloudFormation does to the resources of a stack, such as "adds; replaces S3::Bucket (kept)"."""
    old, new = _resources(before), _resources(after)
    gone = {old[key]["Type"]: old[key].get("DeletionPolicy") for key in sorted(old.keys() - new.keys())}
    added = {new[key]["Type"] for key in new.keys() - old.keys()}
    replaced = _replaced(old, new)
    anew = {
        **{kind: policy for kind, policy in gone.items() if kind in added and not _is_many(kind, old, new)},
        **{new[key]["Type"]: old[key].get("UpdateReplacePolicy") for key in replaced},
    }
    changed = {key for key in old.keys() & new.keys() if _text(old[key]) != _text(new[key])} - replaced
    parts = [
        "in place" if changed else "",
        "adds" if added - anew.keys() else "",
        _removed({kind: policy for kind, policy in gone.items() if kind not in anew}),
        f"replaces {', '.join(_named(kind, anew[kind]) for kind in sorted(anew))}" if anew else "",
    ]
    return "; ".join(part for part in parts if part)


def _resources(template: Template) -> dict[str, dict[str, Any]]:
    resources = template.content["Resources"]
    return {key: resource for key, resource in resources.items() if resource["Type"] != _MADE_ANEW}


def _is_many(kind: str, old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Whether both templates keep some resources of a kind, of which one comes and another goes by itself."""
    return any(old[key]["Type"] == kind for key in old.keys() & new.keys())


def _removed(gone: dict[str, str | None]) -> str:
    kept = ", ".join(kind.removeprefix("AWS::") for kind in sorted(gone) if gone[kind] in _KEPT)
    return f"removes{f' ({kept} kept)' if kept else ''}" if gone else ""


def _named(kind: str, policy: str | None) -> str:
    return f"{kind.removeprefix('AWS::')}{' (kept)' if policy in _KEPT else ''}"


def _text(value: Any) -> str:
    return json.dumps({key: part for key, part in value.items() if key != "Metadata"}, sort_keys=True)


def _replaced(old: dict[str, Any], new: dict[str, Any]) -> set[str]:
    """The resources that keep their id and are made anew, because a property differs that is read at creation alone."""
    replaced: set[str] = set()
    while True:
        more = {
            key
            for key in old.keys() & new.keys() - replaced
            for path in _create_only(new[key]["Type"])
            if list(_at(old[key], path)) != list(_at(new[key], path)) or _refers(list(_at(new[key], path)), replaced)
        }
        if not more:
            return replaced
        replaced |= more


def _refers(value: Any, replaced: set[str]) -> bool:
    text = json.dumps(value)
    return any(f'"{key}"' in text for key in replaced)


def _create_only(kind: str) -> list[list[str]]:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    return [path.removeprefix("/properties/").split("/") for path in schema.get("createOnlyProperties", [])]


def _at(resource: dict[str, Any], path: list[str]) -> Iterator[Any]:
    """The values at a path of a schema, where * is any item of a list."""
    values: list[Any] = [resource.get("Properties", {})]
    for name in path:
        values = [
            inner
            for value in values
            for inner in (
                (value if isinstance(value, list) else [])
                if name == "*"
                else ([value[name]] if isinstance(value, dict) and name in value else [])
            )
        ]
    yield from values
