"""Adapts a synthesized template to the embedded AWS.

It removes the resources that ministack can't create, if no other resource depends on them. All others are deployed as
on AWS.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from genesys_firehose_tools.local.errors import LocalError

Resource = Mapping[str, Any]

_UNSUPPORTED: Mapping[str, Callable[[Resource], bool]] = {
    "AWS::Athena::NamedQuery": lambda _: True,
    "AWS::CloudWatch::Alarm": lambda alarm: "Metrics" in alarm["Properties"],
    "AWS::CloudWatch::CompositeAlarm": lambda _: True,
    # It refers to the alarms that are taken out.
    "AWS::CloudWatch::Dashboard": lambda _: True,
    "AWS::Events::Archive": lambda _: True,
    "AWS::SecretsManager::RotationSchedule": lambda _: True,
    "AWS::WAFv2::WebACLAssociation": lambda _: True,
}


def remove_unsupported(template: dict[str, Any]) -> list[str]:
    """Take what the embedded AWS does not support out of a template, and return the logical ids."""
    resources: dict[str, Any] = template["Resources"]
    unsupported = [
        logical_id
        for logical_id, resource in resources.items()
        if resource["Type"] in _UNSUPPORTED and _UNSUPPORTED[resource["Type"]](resource)
    ]
    for logical_id in unsupported:
        del resources[logical_id]
    return unsupported


def adapt(assembly: Path, replacements: Mapping[str, str]) -> list[str]:
    """Take what the embedded AWS does not support out of every template of a cloud assembly.

    Args:
        assembly: The directory of the cloud assembly.
        replacements: What stands in the templates for what is known since the embedded AWS runs, such as ARNs.

    Returns:
        The logical ids of what was taken out.

    Raises:
        LocalError: Something that stays refers to it.
    """
    removed: list[str] = []
    for path in sorted(assembly.glob("*.template.json")):
        template = json.loads(path.read_text())
        unsupported = remove_unsupported(template)
        text = json.dumps(template)
        for logical_id in unsupported:
            if f'"{logical_id}"' in text:
                raise LocalError(f"The embedded AWS does not support {logical_id}, which other resources refer to.")
        for placeholder, value in replacements.items():
            text = text.replace(placeholder, value)
        path.write_text(text)
        removed += unsupported
    return removed
