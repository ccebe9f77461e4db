"""The function's settings, read once from its environment. The construct writes and validates them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from genesys_reconciliation.expected import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciliationSettings:
    """Everything the function is told by its construct.

    Attributes:
        genesys_host: such as ``mypurecloud.com``.
        credentials_secret_arn: the OAuth client.
        scope: what is expected in the lake.
        bucket_name: the bucket of the tables.
        prefix: where in it the lists lie, such as ``expected_conversations/``.
    """

    genesys_host: str
    credentials_secret_arn: str
    scope: Scope
    bucket_name: str
    prefix: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "ReconciliationSettings":
        """Read the settings; a missing one is a KeyError at the function's start."""
        return cls(
            genesys_host=environment["GENESYS_HOST"],
            credentials_secret_arn=environment["CREDENTIALS_SECRET_ARN"],
            scope=Scope(
                purposes=frozenset(environment["PURPOSES"].split(",")),
                media=frozenset(environment["MEDIA"].split(",")),
            ),
            bucket_name=environment["TABLES_BUCKET_NAME"],
            prefix=environment["EXPECTED_PREFIX"],
        )
