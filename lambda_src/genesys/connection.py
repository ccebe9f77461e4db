"""How a function reaches Genesys Cloud: the hosts of its region, and the OAuth client from a secret."""

import json
import os
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from genesys.client import Credentials, Deadline, GenesysClient

_ALLOWED = 'a secret whose text is the JSON object {"client_id": "...", "client_secret": "..."} is allowed'


class CredentialsError(Exception):
    """A secret can't be read; the text says why in one sentence and repeats nothing of the secret.

    Attributes:
        code: AWS's error code; empty when AWS gave none.
    """

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.code = code


class SecretsManager(Protocol):
    """The one call used of Secrets Manager's client."""

    def get_secret_value(self, *, SecretId: str, VersionStage: str) -> dict[str, Any]:  # noqa: N803 - AWS's names
        """Read a version of a secret."""
        ...


def read_credentials(secrets_manager: SecretsManager, secret_id: str) -> Credentials:
    """Read the OAuth client.

    Raises:
        CredentialsError: the secret can't be read or holds something else.
    """
    text = read_text(secrets_manager, secret_id, "credentials", _ALLOWED)
    try:
        pair = json.loads(text)
    except ValueError:
        raise CredentialsError(f"credentials hold no JSON: {_ALLOWED}.") from None
    values = [pair.get(name) for name in ("client_id", "client_secret")] if isinstance(pair, dict) else [None]
    if not all(isinstance(value, str) and value for value in values):
        raise CredentialsError(f"credentials hold no client_id and client_secret: {_ALLOWED}.")
    return Credentials(pair["client_id"], pair["client_secret"])


def read_text(secrets_manager: SecretsManager, secret_id: str, name: str, allowed: str) -> str:
    """Read the text of a secret's current version; empty for one without a text.

    Args:
        secrets_manager: Secrets Manager's client.
        secret_id: the secret.
        name: what the secret is called at the construct.
        allowed: what the secret may hold, in words.

    Raises:
        CredentialsError: it can't be read.
    """
    return read_version(secrets_manager, secret_id, "AWSCURRENT", name, allowed).get("SecretString") or ""


def read_version(
    secrets_manager: SecretsManager, secret_id: str, label: str, name: str, allowed: str
) -> dict[str, Any]:
    """Read the version of a secret that has a label.

    Args:
        secrets_manager: Secrets Manager's client.
        secret_id: the secret.
        label: the staging label, such as ``AWSPENDING``.
        name: what the secret is called at the construct.
        allowed: what the secret may hold, in words.

    Raises:
        CredentialsError: it can't be read.
    """
    try:
        return secrets_manager.get_secret_value(SecretId=secret_id, VersionStage=label)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise CredentialsError(f"{name} can't be read ({code}): {allowed}.", code) from None
    except (BotoCoreError, OSError) as error:
        raise CredentialsError(f"{name} can't be read ({type(error).__name__}): {allowed}.") from None


def connect(
    host: str,
    credentials: Credentials,
    deadline: Deadline,
    environment: Mapping[str, str] = os.environ,
    make_client: Callable[..., GenesysClient] = GenesysClient,
) -> GenesysClient:
    """Make a client of the region with this host.

    The variables GENESYS_API_URL and GENESYS_LOGIN_URL lead a function elsewhere, such as to a simulator.

    Args:
        host: such as ``mypurecloud.com``.
        credentials: the OAuth client.
        deadline: the end of the time for all of the client's calls.
        environment: the function's environment.
        make_client: makes the client.
    """
    return make_client(
        environment.get("GENESYS_API_URL") or f"https://api.{host}",
        environment.get("GENESYS_LOGIN_URL") or f"https://login.{host}",
        credentials,
        deadline,
    )
