"""The process of an embedded AWS; started by `genesys_firehose_cdk.local.aws.EmbeddedAws.start` alone."""

import os
import signal
import sys
import threading

from ministack import app

from genesys_firehose_cdk.local.aws import LIFELINE


def _end_with_caller() -> None:
    """Wait for the end of the caller's pipe, which the kernel closes however the caller ends."""
    sys.stdin.read()
    os.killpg(0, signal.SIGKILL)


def _enforce_iam(*_: object) -> None:
    app.AUTH = True


if __name__ == "__main__":
    if os.environ.pop(LIFELINE):
        threading.Thread(target=_end_with_caller, daemon=True).start()
    signal.signal(signal.SIGUSR1, _enforce_iam)
    app.main()
