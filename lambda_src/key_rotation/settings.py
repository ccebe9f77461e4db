"""The function's settings, read once from its environment. The construct writes them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from ingest.settings import SignatureScheme


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationSettings:
    """Everything the function is told by its construct.

    Attributes:
        secret_arn: the secret that is rotated, and no other.
        known_after_seconds: how old a key must be until every environment of the ingest function knows it.
        drain_seconds: how long after the sender was told requests may still be signed with the key before.
        sender_function: the function that gives the sender the newest key that is known.
        ingest_function: the function that checks signatures.
        signature: how the sender signs.
    """

    secret_arn: str
    known_after_seconds: float
    drain_seconds: float
    sender_function: str
    ingest_function: str
    signature: SignatureScheme

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "RotationSettings":
        """Read the settings; a missing one is a KeyError at the function's start."""
        return cls(
            secret_arn=environment["SIGNING_SECRET_ARN"],
            known_after_seconds=float(environment["KEY_KNOWN_AFTER_SECONDS"]),
            drain_seconds=float(environment["DRAIN_SECONDS"]),
            sender_function=environment["SENDER_FUNCTION"],
            ingest_function=environment["INGEST_FUNCTION"],
            signature=SignatureScheme.from_environment(environment),
        )
