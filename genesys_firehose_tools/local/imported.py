"""Secrets that a template refers to and does not create: an account has them, an embedded AWS does not."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_ENVIRONMENT_NAME = "SECRET_ARN"
_OF_GENESYS = "CREDENTIALS_SECRET_ARN"
_ARN = re.compile(r"arn:.*:secretsmanager:.*:secret:(?P<name>.+)")
# AWS Secrets Manager User Guide, "What's in a secret?": a hyphen and six random characters end a complete ARN.
_RANDOM_END = re.compile(r"-[A-Za-z0-9]{6}$")

GENESYS_CREDENTIALS = json.dumps({"client_id": "client", "client_secret": "secret"})
"""The OAuth client that a local Genesys Cloud has unless it is told another."""


@dataclass(frozen=True, slots=True)
class ImportedSecret:
    """A secret that some function of a template reads, and no template creates.

    Attributes:
        arn: How the template names it; it may lack the random end.
        is_of_genesys: Whether it is an OAuth client's at Genesys Cloud.
    """

    arn: str
    is_of_genesys: bool

    @property
    def name(self) -> str:
        """Its name."""
        match = _ARN.fullmatch(self.arn)
        return _RANDOM_END.sub("", match["name"] if match else self.arn)


def imported_secrets(template: Mapping[str, Any]) -> set[ImportedSecret]:
    """Return the secrets that the functions of a template read and that are none of its resources."""
    return {
        ImportedSecret(arn, name == _OF_GENESYS)
        for name, value in _secrets(template)
        if (arn := _text(value)) and _ARN.fullmatch(arn)
    }


def let_genesys_know(template: Mapping[str, Any]) -> None:
    """Give a secret of the template that holds an OAuth client's credentials those of the local Genesys Cloud."""
    for name, value in _secrets(template):
        if (
            name == _OF_GENESYS
            and isinstance(value, Mapping)
            and (secret := template["Resources"].get(value.get("Ref")))
        ):
            properties = secret["Properties"]
            properties.pop("GenerateSecretString", None)
            properties["SecretString"] = GENESYS_CREDENTIALS


def uses_genesys(template: Mapping[str, Any]) -> bool:
    """Tell whether a function of the template calls Genesys Cloud."""
    return any(name == _OF_GENESYS and value for name, value in _secrets(template))


def _secrets(template: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Function":
            variables = resource["Properties"].get("Environment", {}).get("Variables", {})
            yield from ((name, value) for name, value in variables.items() if name.endswith(_ENVIRONMENT_NAME))


def _text(value: Any) -> str | None:
    """Return a value that is known before a deployment; account and region don't matter."""
    match value:
        case str():
            return value
        case {"Ref": str() as name} if name.startswith("AWS::"):
            return name.removeprefix("AWS::")
        case {"Fn::Join": [str() as separator, list() as parts]}:
            texts = [_text(part) for part in parts]
            return None if None in texts else separator.join(text for text in texts if text)
    return None
