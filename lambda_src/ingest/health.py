"""Whether the pipeline can take events now: the secret is readable and the stream is active."""

import time
from collections.abc import Callable
from typing import Literal

from botocore.exceptions import BotoCoreError, ClientError

from ingest.delivery import Firehose
from ingest.signing_keys import KeysUnavailableError, SigningKeys
from shared.telemetry import log_exception

Reason = Literal["SECRET_UNREADABLE", "STREAM_UNREADABLE", "STREAM_NOT_ACTIVE"]

# DescribeDeliveryStream allows five calls a second and account (Amazon Data Firehose quota): an answer holds a while.
CACHE_SECONDS = 30.0


class Health:
    """Checks what accepting an event needs, and remembers the answer for half a minute."""

    def __init__(
        self,
        keys: SigningKeys,
        firehose: Callable[[], Firehose],
        stream_name: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keys = keys
        self._firehose = firehose
        self._stream_name = stream_name
        self._clock = clock
        self._checked_at: float | None = None
        self._reason: Reason | None = None

    def reason(self) -> Reason | None:
        """Say why no event could be taken now; None when all is well."""
        if self._checked_at is None or self._clock() - self._checked_at > CACHE_SECONDS:
            self._reason = self._check()
            self._checked_at = self._clock()
        return self._reason

    def _check(self) -> Reason | None:
        try:
            self._keys.get()
        except KeysUnavailableError as error:
            log_exception("health: the signing secret can't be read", error.__cause__ or error)
            return "SECRET_UNREADABLE"
        try:
            answer = self._firehose().describe_delivery_stream(DeliveryStreamName=self._stream_name)
        except (ClientError, BotoCoreError, OSError) as error:
            log_exception("health: the delivery stream can't be described", error)
            return "STREAM_UNREADABLE"
        status = answer["DeliveryStreamDescription"]["DeliveryStreamStatus"]
        return None if status == "ACTIVE" else "STREAM_NOT_ACTIVE"
