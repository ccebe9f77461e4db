"""The ingest function's settings, read once from its environment. The construct writes and validates them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureScheme:
    """How the sender proves itself: what is in which header, what stands before it, how a signature is encoded."""

    kind: Literal["hmac", "shared_key", "basic"]
    header: str
    prefix: str
    encoding: Literal["hex", "base64"]
    timestamp_header: str
    timestamp_tolerance: timedelta

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "SignatureScheme":
        """Read the scheme; a missing variable is a KeyError at the function's start."""
        return cls(
            kind=_kind(environment["SIGNATURE_KIND"]),
            header=environment["SIGNATURE_HEADER"],
            prefix=environment["SIGNATURE_PREFIX"],
            encoding="base64" if environment["SIGNATURE_ENCODING"] == "base64" else "hex",
            timestamp_header=environment["TIMESTAMP_HEADER"],
            timestamp_tolerance=timedelta(seconds=float(environment["TIMESTAMP_TOLERANCE_SECONDS"])),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestSettings:
    """Everything the function is told by its construct."""

    stream_names: tuple[str, ...]
    queue_url: str
    dead_letter_queue_url: str
    retry_delay: timedelta
    signing_secret_arn: str
    previous_key_validity: timedelta
    bucket_name: str
    raw_key_arn: str
    signature: SignatureScheme
    max_body_bytes: int
    max_events: int
    event_id_path: tuple[str, ...]
    oversize_fields: frozenset[str]

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "IngestSettings":
        """Read the settings; a missing one is a KeyError at the function's start, not at its first event."""
        return cls(
            stream_names=tuple(environment["STREAM_NAMES"].split(",")),
            queue_url=environment["BUFFER_QUEUE_URL"],
            dead_letter_queue_url=environment["DEAD_LETTER_QUEUE_URL"],
            retry_delay=timedelta(seconds=float(environment["RETRY_DELAY_SECONDS"])),
            signing_secret_arn=environment["SIGNING_SECRET_ARN"],
            previous_key_validity=timedelta(hours=float(environment["PREVIOUS_KEY_VALIDITY_HOURS"])),
            bucket_name=environment["BUCKET_NAME"],
            raw_key_arn=environment["RAW_KEY_ARN"],
            signature=SignatureScheme.from_environment(environment),
            max_body_bytes=int(environment["MAX_BODY_BYTES"]),
            max_events=int(environment["MAX_EVENTS"]),
            event_id_path=tuple(environment["EVENT_ID_FIELD"].split(".")),
            oversize_fields=frozenset(environment["OVERSIZE_FIELDS"].split(",")),
        )


def _kind(name: str) -> Literal["hmac", "shared_key", "basic"]:
    match name:
        case "hmac" | "shared_key" | "basic":
            return name
        case _:
            raise ValueError("SIGNATURE_KIND is none of hmac, shared_key and basic")
