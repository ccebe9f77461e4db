"""Genesys Cloud as a partner of Amazon EventBridge: its event sources in the accounts of its customers."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import boto3
from botocore.exceptions import ClientError

_BATCH = 20  # Amazon EventBridge API Reference, "PutPartnerEvents": at most 20 entries


class SourceExistsError(Exception):
    """There is an event source of this name in the account already."""


@dataclass(frozen=True, slots=True)
class SourceKey:
    """One partner event source: its name, and the account and region that it is shared with."""

    name: str
    account: str
    region: str


class EventPartner(Protocol):
    """What Genesys Cloud does at EventBridge."""

    def create_source(self, source: SourceKey) -> None:
        """Share an event source with an account.

        Raises:
            SourceExistsError: there is one of this name.
        """
        ...

    def delete_source(self, source: SourceKey) -> None:
        """Take an event source back; one that is gone is no error."""
        ...

    def put_events(self, source: SourceKey, events: Sequence[Mapping[str, Any]]) -> None:
        """Send events, each a mapping with ``detail-type`` and ``detail``."""
        ...


class EmbeddedPartner:
    """The partner of an embedded AWS.

    Args:
        endpoint_url: The embedded AWS.
        access_key_id: The embedded AWS takes the account's number for the key.
        secret_access_key: The secret half.
    """

    def __init__(self, endpoint_url: str, access_key_id: str, secret_access_key: str) -> None:
        self._endpoint_url = endpoint_url
        self._access_key_id = access_key_id
        self._secret_access_key = secret_access_key

    def create_source(self, source: SourceKey) -> None:
        """Create a source."""
        try:
            self._client(source).create_partner_event_source(Name=source.name, Account=source.account)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceAlreadyExistsException":
                raise SourceExistsError(source.name) from error
            raise

    def delete_source(self, source: SourceKey) -> None:
        """Delete a source."""
        try:
            self._client(source).delete_partner_event_source(Name=source.name, Account=source.account)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise

    def put_events(self, source: SourceKey, events: Sequence[Mapping[str, Any]]) -> None:
        """Send events from a source."""
        client = self._client(source)
        entries = [
            {"Source": source.name, "DetailType": event["detail-type"], "Detail": json.dumps(event["detail"])}
            for event in events
        ]
        for start in range(0, len(entries), _BATCH):
            client.put_partner_events(Entries=entries[start : start + _BATCH])

    def _client(self, source: SourceKey) -> Any:
        return boto3.client(
            "events",
            endpoint_url=self._endpoint_url,
            region_name=source.region,
            aws_access_key_id=self._access_key_id,
            aws_secret_access_key=self._secret_access_key,
        )
