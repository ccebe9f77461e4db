"""Whether the pipeline can take events now: the secret is readable and the streams are active."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Literal

from botocore.exceptions import BotoCoreError, ClientError

from ingest.deadline import FIREHOSE_CALL_SECONDS, Deadline
from ingest.delivery import Firehose
from ingest.signing_keys import KeysUnavailableError, SigningKeys
from shared.secret_key import UnusableKeyError
from shared.telemetry import log_exception

Reason = Literal["SECRET_UNREADABLE", "SECRET_UNUSABLE", "STREAM_UNREADABLE", "STREAM_NOT_ACTIVE"]

# DescribeDeliveryStream allows five calls a second and account (Amazon Data Firehose quota): an answer holds a while,
# and of many streams each check looks at the next five.
CACHE_SECONDS = 30.0
STREAMS_IN_A_CHECK = 5
# Amazon Data Firehose API Reference, "Common Errors", and the older name that services of AWS answer with.
_THROTTLES = frozenset({"ThrottlingException", "Throttling"})


class Health:
    """Checks what accepting an event needs, and remembers the answer for half a minute.

    Args:
        keys: the keys a signature may be made with; None without the webhook.
        firehose: makes the Firehose client when it is first needed.
        stream_names: the delivery streams.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        keys: SigningKeys | None,
        firehose: Callable[[], Firehose],
        stream_names: Sequence[str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keys = keys
        self._firehose = firehose
        # What is known of each stream, the one that was looked at longest ago first.
        self._streams: deque[tuple[str, Reason | None]] = deque((name, None) for name in stream_names)
        self._clock = clock
        self._checked_at: float | None = None
        self._reason: Reason | None = None

    def reason(self) -> Reason | None:
        """Return why events can't be accepted now; None when they can."""
        if self._checked_at is None or self._clock() - self._checked_at > CACHE_SECONDS:
            self._reason = self._check()
            self._checked_at = self._clock()
        return self._reason

    def _check(self) -> Reason | None:
        deadline = Deadline(clock=self._clock)
        try:
            if self._keys is not None:
                self._keys.get()
        except KeysUnavailableError as error:
            log_exception("health: the signing secret can't be read", error.__cause__ or error)
            return "SECRET_UNUSABLE" if isinstance(error.__cause__, UnusableKeyError) else "SECRET_UNREADABLE"
        for _ in range(min(STREAMS_IN_A_CHECK, len(self._streams))):
            name, known = self._streams.popleft()
            self._streams.append((name, self._check_stream(name, known, deadline)))
        return next((reason for _, reason in self._streams if reason), None)

    def _check_stream(self, name: str, known: Reason | None, deadline: Deadline) -> Reason | None:
        if not deadline.leaves(FIREHOSE_CALL_SECONDS):
            return "STREAM_UNREADABLE"
        try:
            answer = self._firehose().describe_delivery_stream(DeliveryStreamName=name)
        except (ClientError, BotoCoreError, OSError) as error:
            log_exception("health: a delivery stream can't be described", error)
            if isinstance(error, ClientError) and error.response["Error"]["Code"] in _THROTTLES:
                return known  # too many ask at once, which says nothing of the stream
            return "STREAM_UNREADABLE"
        status = answer["DeliveryStreamDescription"]["DeliveryStreamStatus"]
        return None if status == "ACTIVE" else "STREAM_NOT_ACTIVE"
