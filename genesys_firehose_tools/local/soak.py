"""The soak: a trial under injected faults and attacks, with the signing key rotated half-way."""

import random
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from http import HTTPStatus
from typing import Any

import urllib3

from genesys_firehose_tools.local.deployment import Deployment
from genesys_firehose_tools.local.errors import LocalError
from genesys_firehose_tools.local.firehose.faults import Faults
from genesys_firehose_tools.local.sender import Sender, Tally, Target
from genesys_firehose_tools.local.trial import Report, Traffic, run

FAULTS = Faults(throttle=0.05, partial_failure=0.1, lost_response=0.03)
"""What the soak's Firehose does: almost every fifth call or record fails in some way."""

_NEW_KEY_KNOWN_AFTER_SECONDS = 11.0
"""A function that meets a signature it does not know reads the secret again, but only ten seconds after it last did."""


@dataclass(frozen=True, slots=True)
class SoakReport:
    """What became of the events, and what they went through.

    Attributes:
        trial: The verdict.
        signed_with_previous_key: Requests that were signed with the old key after the rotation.
        most_retries: How often a request of the real sender was repeated at most.
    """

    trial: Report
    signed_with_previous_key: int
    most_retries: int

    @property
    def passed(self) -> bool:
        """Whether all is as it must be, and no event came later than by one retry."""
        return self.trial.passed and self.most_retries <= 1

    def to_dict(self) -> dict[str, Any]:
        """Return all figures by name."""
        return {
            **self.trial.to_dict(),
            "signed_with_previous_key": self.signed_with_previous_key,
            "most_retries": self.most_retries,
        }


class _RotatedKey:
    """The sender's key: rotated once, after which half of the requests still come with the old one for a while."""

    def __init__(self, deployment: Deployment, seed: int) -> None:
        self._deployment = deployment
        self._target = deployment.target()
        self._current = self._previous = self._target.key
        self._random = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self.used_previous = 0

    @property
    def rotated(self) -> bool:
        return self._current != self._previous

    def rotate(self) -> None:
        """Rotate as an operator does: first the secret, then, when every function can know it, the sender."""
        current = secrets.token_hex(32)
        self._deployment.client("secretsmanager").put_secret_value(
            SecretId=self._deployment.secret, SecretString=current
        )
        time.sleep(_NEW_KEY_KNOWN_AFTER_SECONDS)
        self._current = current.encode()

    def __call__(self) -> Target:
        key = self._current
        if self.rotated and self._random.random() < 0.5:
            key = self._previous
            self.used_previous += 1
        return replace(self._target, key=key)


def soak(
    deployment: Deployment,
    plan: Traffic,
    *,
    concurrency: int = 8,
    wait_seconds: float = 120,
    progress: Callable[[Tally, int], None] = lambda _tally, _total: None,
) -> SoakReport:
    """Run a soak against a deployed pipeline.

    Args:
        deployment: The pipeline.
        plan: The traffic.
        concurrency: Requests under way at once.
        wait_seconds: How long to wait at most until everything has landed.
        progress: Told the figures and the number of all events after every answer.
    """
    key = _RotatedKey(deployment, plan.seed)

    def rotate_half_way(tally: Tally, total: int) -> None:
        if not key.rotated and tally.sent >= total / 2:
            key.rotate()
        progress(tally, total)

    # The documented delay of five seconds, shortened so that the load does not let up.
    sender = Sender(key, concurrency=concurrency, retry_delay=0.2)
    with _faults(deployment, FAULTS):
        report = run(
            deployment,
            sender,
            plan,
            wait_seconds=wait_seconds,
            progress=rotate_half_way,
        )
    return SoakReport(report, key.used_previous, sender.most_retries)


@contextmanager
def _faults(deployment: Deployment, faults: Faults) -> Iterator[None]:
    """Let the local Firehose fail for the time of a ``with`` block."""
    try:
        set_faults(deployment, faults)
        yield
    finally:
        set_faults(deployment, Faults())


def set_faults(deployment: Deployment, faults: Faults) -> None:
    """Tell the local Firehose which faults strike from now on."""
    url = f"{deployment.firehose_url}/_local/faults"
    answer = urllib3.request("PUT", url, json=asdict(faults))
    if answer.status != HTTPStatus.OK:
        raise LocalError(f"The local Firehose refuses the faults: {answer.json()['message']}")
