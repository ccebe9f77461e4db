"""Adapts a synthesized template to the embedded AWS.

It removes the resources that ministack can't create, if no other resource depends on them. All others are deployed as
on AWS.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from genesys_firehose_tools.local.aws import NODE_MODULES
from genesys_firehose_tools.local.errors import LocalError

Resource = Mapping[str, Any]

# ministack knows the type, and not all of what it can hold.
_BEYOND_THE_TYPE: Mapping[str, Callable[[Resource], bool]] = {
    "AWS::CloudWatch::Alarm": lambda alarm: "Metrics" in alarm["Properties"],
    # It empties a bucket at the end, by a function that needs AWS's SDK for Node.js.
    "Custom::S3AutoDeleteObjects": lambda _: not NODE_MODULES.is_dir(),
    # There is no DNS, and the zone is elsewhere.
    "AWS::Route53::RecordSet": lambda _: True,
}
# What watches or guards others goes with what it refers to.
_GOES_ALONG = ("AWS::CloudWatch::", "AWS::WAFv2::")


def remove_unsupported(template: dict[str, Any], supported: Collection[str]) -> list[str]:
    """Take what the embedded AWS does not support out of a template, and return the logical ids.

    Args:
        template: The template; it is changed.
        supported: The types of resources that the embedded AWS can create; custom ones are always among them.

    Raises:
        LocalError: Something that stays refers to it.
    """
    resources: dict[str, Any] = template["Resources"]
    removed = [logical_id for logical_id, resource in resources.items() if not _is_supported(resource, supported)]
    for logical_id in removed:
        del resources[logical_id]
    # It grows while it is gone through: what goes along may have others that do.
    for logical_id in removed:
        outputs = template.get("Outputs", {})
        for name in [name for name, output in outputs.items() if _refers(output, logical_id)]:
            del outputs[name]
        for name, resource in list(resources.items()):
            _forget_dependency(resource, logical_id)
            if not _refers(resource, logical_id):
                continue
            if not resource["Type"].startswith(_GOES_ALONG):
                raise LocalError(f"The embedded AWS does not support {logical_id}, which {name} refers to.")
            del resources[name]
            removed.append(name)
    return removed


def _is_supported(resource: Resource, supported: Collection[str]) -> bool:
    kind = resource["Type"]
    if kind not in supported and not kind.startswith("Custom::"):
        return False
    return not (kind in _BEYOND_THE_TYPE and _BEYOND_THE_TYPE[kind](resource))


def _forget_dependency(resource: dict[str, Any], logical_id: str) -> None:
    dependencies = resource.get("DependsOn", [])
    if logical_id in dependencies:
        resource["DependsOn"] = [each for each in [*dependencies] if each != logical_id]


def _refers(part: Any, logical_id: str) -> bool:
    return any(logical_id == name for name in _references(part))


def _references(part: Any) -> Iterator[str]:
    """Yield the logical ids that a part of a template refers to."""
    match part:
        case {"Ref": str() as name}:
            yield name
        case {"Fn::GetAtt": [str() as name, *_]}:
            yield name
        case {"Fn::GetAtt": str() as name}:
            yield name.partition(".")[0]
        case Mapping():
            for value in part.values():
                yield from _references(value)
        case list():
            for value in part:
                yield from _references(value)
