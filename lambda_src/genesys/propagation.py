"""Waits until AWS knows what a role was allowed to do seconds ago.

A deployment attaches a policy and calls the function right after. IAM's changes take a while to be seen everywhere
(AWS IAM User Guide, "Troubleshoot IAM": changes that I make are not always immediately visible), so the first calls may
be denied. A key that a role may not use yet shows as the same refusal by Secrets Manager.
"""

import time
from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import ClientError

from genesys.connection import CredentialsError
from shared.telemetry import log

PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 5.0

_DENIED = frozenset({"AccessDenied", "AccessDeniedException"})

Result = TypeVar("Result")


def once_allowed(
    work: Callable[[], Result],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Result:
    """Do the work, and again while AWS denies one of its calls, for a minute; for work that may be done twice.

    Only for a deployment's own requests. Later a denied call is a fault that must be seen at once.

    Args:
        work: what calls AWS.
        clock: seconds.
        sleep: waits between attempts.
    """
    end = clock() + PATIENCE_SECONDS
    while True:
        try:
            return work()
        except (ClientError, CredentialsError) as error:
            if not _is_denied(error) or clock() + PAUSE_SECONDS > end:
                raise
        log("INFO", "a call is not allowed yet")
        sleep(PAUSE_SECONDS)


def _is_denied(error: ClientError | CredentialsError) -> bool:
    code = error.code if isinstance(error, CredentialsError) else error.response["Error"]["Code"]
    return code in _DENIED
