"""The time one request has: all work ends inside 8 s, two before the sender gives up and sends again.

Genesys Cloud's Open Messaging webhooks time out after 10 s (Genesys Cloud Developer Center, "Open messaging"). The
function's own timeout is 9 s and API Gateway's 9.5 s, so that neither cuts off an answer that is on its way.
"""

import time
from collections.abc import Callable

REQUEST_SECONDS = 7.5  # 8 s less what parsing and the runtime take

# The longest that one call of each client can take: connecting plus reading. Each is tried once a call.
CONNECT_SECONDS = 0.5
SECRET_READ_SECONDS = 1.0
FIREHOSE_READ_SECONDS = 1.5
QUEUE_READ_SECONDS = 1.0
S3_READ_SECONDS = 1.5
FIREHOSE_CALL_SECONDS = CONNECT_SECONDS + FIREHOSE_READ_SECONDS
QUEUE_CALL_SECONDS = CONNECT_SECONDS + QUEUE_READ_SECONDS
S3_CALL_SECONDS = CONNECT_SECONDS + S3_READ_SECONDS
# The signing key's three versions: the current, the next, the previous.
KEYS_READ_SECONDS = 3 * (CONNECT_SECONDS + SECRET_READ_SECONDS)
# Firehose and S3 are not called any more when less would be left for the queue, the last resort.
QUEUE_RESERVE_SECONDS = QUEUE_CALL_SECONDS + 0.5


class Deadline:
    """The end of the time for one request."""

    def __init__(self, seconds: float = REQUEST_SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = clock() + seconds

    def leaves(self, seconds: float) -> bool:
        """Tell whether at least so many seconds are left."""
        return self._end - self._clock() >= seconds
