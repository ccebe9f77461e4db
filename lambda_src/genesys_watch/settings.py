"""The function's settings, read once from its environment. The construct writes and validates them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchSettings:
    """Everything the function is told by its construct; what is empty is not asked.

    Attributes:
        event_source_name: the partner event source.
        genesys_host: such as ``mypurecloud.com``.
        credentials_secret_arn: the OAuth client.
        integration_suffix: the event source suffix by which the integration is known.
        subscription_path: where event subscriptions are listed.
        subscription_url: the webhook's URL, by which the subscription is known.
    """

    event_source_name: str
    genesys_host: str
    credentials_secret_arn: str
    integration_suffix: str
    subscription_path: str
    subscription_url: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "WatchSettings":
        """Read the settings; a missing one is a KeyError at the function's start."""
        return cls(
            event_source_name=environment["EVENT_SOURCE_NAME"],
            genesys_host=environment["GENESYS_HOST"],
            credentials_secret_arn=environment["CREDENTIALS_SECRET_ARN"],
            integration_suffix=environment["INTEGRATION_SUFFIX"],
            subscription_path=environment["SUBSCRIPTION_PATH"],
            subscription_url=environment["SUBSCRIPTION_URL"],
        )
