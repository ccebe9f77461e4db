"""The function put together: the steps of the state machine that ask Genesys Cloud.

Each answers a small JSON object. What can be foreseen is an answer, too: ``reason``, a sentence that goes into the
table `completeness` as the reason why the day's state is not known. It holds no value of a record or a secret.
"""

import gzip
import io
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from http import HTTPStatus
from typing import Any, Literal

from genesys.client import Deadline, GenesysClient, GenesysError
from genesys.connection import CredentialsError, connect, read_credentials
from genesys.conversation_jobs import FAILED, FULFILLED, PERMISSION, UNFINISHED, ConversationJobs
from genesys_reconciliation.expected import Listing, ListingError
from genesys_reconciliation.settings import ReconciliationSettings
from shared.event import format_time
from shared.telemetry import log

Step = Literal["start", "read"]

# Of Lambda's 15 minutes. The rest is for staging.
WORK_SECONDS = 780.0
_DAY = timedelta(days=1)


class ReconciliationHandler:
    """Does one step.

    Args:
        settings: what the construct told the function.
        make_client: makes the client of an AWS service; called once for each.
        make_genesys: makes the client of Genesys Cloud from the host, the credentials and the deadline.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        settings: ReconciliationSettings,
        make_client: Callable[[str], Any],
        make_genesys: Callable[..., GenesysClient] = connect,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._client = cache(make_client)
        self._make_genesys = make_genesys
        self._clock = clock

    def handle(self, event: dict[str, Any]) -> dict[str, Any]:
        """Do the step that the event names; any other error than those below is the caller's.

        - ``start`` with ``day``: starts a job. Answers ``watermark`` and ``job``, or ``early`` where Genesys Cloud
          does not have the whole day yet.
        - ``read`` with ``day``, ``job`` and ``run``: answers ``pending``, or stages what the job listed and answers
          ``digest`` and ``lines``.
        """
        step: Step = event["step"]
        try:
            return self._start(event["day"]) if step == "start" else self._read(**_without_step(event))
        except GenesysError as error:
            reason = _reason(error)
        except (CredentialsError, ListingError) as error:
            reason = str(error)
        log("ERROR", "Genesys Cloud's conversations can't be listed", step=step, reason=reason)
        return {"reason": reason}

    def _start(self, day: str) -> dict[str, Any]:
        begin = datetime.fromisoformat(day).replace(tzinfo=UTC)
        jobs = self._jobs()
        watermark = jobs.availability()
        told = {"watermark": format_time(watermark.astimezone(UTC))}
        if watermark < begin + _DAY:
            return {**told, "early": True}
        return {**told, "job": jobs.start(begin, begin + _DAY)}

    def _read(self, day: str, job: str, run: str) -> dict[str, Any]:
        jobs = self._jobs()
        state = jobs.state(job)
        if state in UNFINISHED:
            return {"pending": True}
        if state != FULFILLED:
            # Another word is not repeated.
            known = state if state in FAILED else "in a state that is not known"
            return {"reason": f"Genesys Cloud ended the job {known}."}
        listing = Listing(jobs.pages(job), self._settings.scope)
        content = io.BytesIO()
        lines = 0
        with gzip.GzipFile(fileobj=content, mode="wb", mtime=0) as packed:
            for line in listing.lines(run):
                packed.write(line)
                lines += 1
        self._client("s3").put_object(
            Bucket=self._settings.bucket_name,
            Key=f"{self._settings.prefix}day={day}/{run}.gz",
            Body=content.getvalue(),
        )
        log("INFO", "conversations were listed", conversations=len(listing.conversations), lines=lines)
        return {"digest": listing.digest, "lines": lines}

    def _jobs(self) -> ConversationJobs:
        settings = self._settings
        credentials = read_credentials(self._client("secretsmanager"), settings.credentials_secret_arn)
        deadline = Deadline(WORK_SECONDS, self._clock)
        return ConversationJobs(self._make_genesys(settings.genesys_host, credentials, deadline))


def _without_step(event: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name != "step"}


def _reason(error: GenesysError) -> str:
    if error.status == HTTPStatus.FORBIDDEN:
        return f"{error}: the OAuth client needs the permission {PERMISSION}."
    return f"{error}."
