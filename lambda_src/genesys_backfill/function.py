"""The function put together: find the conversations of a day by a job, put their records, and go on with the next day.

The state machine hands in how far the backfill is and gets back how far it is then. Nothing else remembers it, so
every call may be made again: what was put twice is a copy.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache, partial
from http import HTTPStatus
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from genesys.client import Deadline, GenesysClient, GenesysError
from genesys.connection import CredentialsError, connect, read_credentials
from genesys.conversation_jobs import FAILED, FULFILLED, PERMISSION, Conversation, ConversationJobs
from genesys_backfill.records import record_of
from genesys_backfill.settings import BackfillSettings
from ingest.batches import batches
from ingest.delivery import MAX_BATCH_RECORDS, StreamWriter
from ingest.oversize import OversizeStore
from shared.telemetry import Metrics, log

# Of Lambda's 15 minutes. A page that is begun is put within the rest.
WORK_SECONDS = 420.0
# For the call that is under way when the time is over, with a wait for the rate limit.
_LAST_CALL_SECONDS = 120.0
_FIRST_POLL_SECONDS, _LONGEST_POLL_SECONDS = 1.0, 10.0
# How long the state machine waits for a job that was not ready meanwhile.
_WAIT_SECONDS = 60
# A job of a day takes minutes at most, as far as anybody says; none that hangs is waited for longer.
_JOB_SECONDS = 3600.0
_JOB_ATTEMPTS = 3
# The smallest quota of a stream is 1 MiB a second (Amazon Data Firehose Developer Guide, "Quota"). Half of it is left
# to the events that happen meanwhile.
BYTES_A_SECOND = 512 * 1024
_SLICE_BYTES = 1024 * 1024

State = dict[str, Any]
"""How far a backfill is.

``from`` and ``to`` are its days, or ``days_ago`` the one day; ``only``, if given, lists for each day the ids of the
conversations that are wanted; with ``dry_run`` they are counted alone. ``day`` is the day at work, ``job`` its job
since ``since``, epoch seconds, in the attempt ``attempt``, and ``cursor`` its next page. ``found`` and ``put`` count
conversations, and ``before`` is what they were before the day. ``wait`` are the seconds until the next call, and
``done`` says that none is needed.
"""


class BackfillError(Exception):
    """A backfill can't go on: the sentence says why, and nothing personal."""


class BackfillInterruptedError(Exception):
    """The same call may succeed later."""


class BackfillHandler:
    """Goes on with a backfill, for as long as a call may take.

    Args:
        settings: what the construct told the function.
        make_client: makes the client of an AWS service; called once for each.
        make_genesys: makes the client of Genesys Cloud from the host, the credentials and the deadline.
        now: the time, UTC.
        clock: seconds, monotonic.
        sleep: waits.
    """

    def __init__(
        self,
        settings: BackfillSettings,
        make_client: Callable[[str], Any],
        make_genesys: Callable[..., GenesysClient] = connect,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._client = cache(make_client)
        self._make_genesys = make_genesys
        self._now = now
        self._clock = clock
        self._sleep = sleep
        self._writer = StreamWriter(partial(self._client, "firehose"), settings.stream_names, sleep)
        s3 = partial(self._client, "s3")
        self._originals = OversizeStore(s3, settings.bucket_name, settings.raw_key_arn)

    def go_on(self, state: State) -> State:
        """Go on with a backfill, and return how far it is then.

        Raises:
            BackfillError: it can't go on.
            BackfillInterruptedError: it can later, from the same state.
        """
        metrics = Metrics()
        try:
            return self._go_on(_begun(state, self._now()) | {"wait": self._settings.pause_seconds}, metrics)
        except GenesysError as error:
            if error.status == HTTPStatus.FORBIDDEN:
                reason = f"Genesys Cloud does not let the OAuth client read conversations: it lacks {PERMISSION}."
                raise BackfillError(reason) from None
            if error.is_transient:
                raise BackfillInterruptedError(str(error)) from None
            raise BackfillError(str(error)) from None
        except CredentialsError as error:
            raise BackfillError(str(error)) from None
        finally:
            metrics.flush()

    def _go_on(self, state: State, metrics: Metrics) -> State:
        work = Deadline(WORK_SECONDS, self._clock)
        credentials = read_credentials(self._client("secretsmanager"), self._settings.credentials_secret_arn)
        calls = Deadline(WORK_SECONDS + _LAST_CALL_SECONDS, self._clock)
        jobs = ConversationJobs(self._make_genesys(self._settings.genesys_host, credentials, calls))
        begin = _midnight(state["day"])
        known = jobs.availability()
        if known < begin + timedelta(days=1):
            reason = f"Genesys Cloud has data up to {known:%Y-%m-%d %H:%M} UTC: {state['day']} is not there as a whole."
            raise BackfillError(f"{reason} Ask for it later.")
        if "job" not in state:
            state["before"] = [state["found"], state["put"]]
            state |= {"job": jobs.start(begin, begin + timedelta(days=1)), "since": self._now().timestamp()}
        if not self._is_fulfilled(jobs, state, work):
            return state
        while True:
            try:
                page = jobs.page(state["job"], state.get("cursor", ""))
            except GenesysError as error:
                if error.is_transient or error.status == HTTPStatus.FORBIDDEN:
                    raise
                # The results are gone, or the cursor is no longer valid: another job has them again.
                return _again(state, f"can't be read ({error.status})")
            self._take(page.conversations, known, state, metrics)
            if not page.cursor:
                metrics.count("DaysBackfilled", 0 if state.get("dry_run") else 1)
                return _next_day(state)
            state["cursor"] = page.cursor
            if not work.seconds_left():
                return state

    def _is_fulfilled(self, jobs: ConversationJobs, state: State, work: Deadline) -> bool:
        """Wait for the job as long as there is time; where it is not fulfilled then, the state says what follows."""
        pause = _FIRST_POLL_SECONDS
        while (word := jobs.state(state["job"])) != FULFILLED:
            age = self._now().timestamp() - state["since"]
            if word in FAILED or age > _JOB_SECONDS:
                _again(state, f"is {word}" if word in FAILED else "is not ready after an hour")
                return False
            if work.seconds_left() <= pause:
                state["wait"] = _WAIT_SECONDS
                return False
            self._sleep(pause)
            pause = min(2 * pause, _LONGEST_POLL_SECONDS)
        return True

    def _take(self, found: Sequence[Conversation], known: datetime, state: State, metrics: Metrics) -> None:
        """Put the records of the conversations that are wanted."""
        if "only" in state:
            wanted = set(state["only"].get(state["day"], ()))
            found = [each for each in found if each.get("conversationId") in wanted]
        state["found"] += len(found)
        if state.get("dry_run"):
            return
        arrival = self._now()
        try:
            records = [record_of(each, known, arrival, self._originals) for each in found]
        except (ClientError, BotoCoreError, OSError) as error:
            reason = f"A record above Firehose's limit could not be stored ({type(error).__name__})."
            raise BackfillInterruptedError(reason) from None
        whole = [record for record in records if record is not None]
        if len(whole) < len(records):
            log("ERROR", "conversations without id or start are left out", conversations=len(records) - len(whole))
        self._put(whole)
        state["put"] += len(whole)
        metrics.count("ConversationsBackfilled", len(whole))

    def _put(self, records: Sequence[bytes]) -> None:
        """Put records, no faster than leaves room in the streams.

        Raises:
            BackfillInterruptedError: Firehose did not take all.
        """
        for batch in batches([len(record) for record in records], MAX_BATCH_RECORDS, _SLICE_BYTES):
            began = self._clock()
            pending = [records[index] for index in batch]
            if lost := self._writer.put_patiently(pending, self._clock):
                raise BackfillInterruptedError(f"Firehose did not take {lost} records.")
            size = sum(map(len, pending))
            rest = size / (BYTES_A_SECOND * len(self._settings.stream_names)) - (self._clock() - began)
            if rest > 0:
                self._sleep(rest)


def _begun(state: Mapping[str, Any], now: datetime) -> State:
    """Return the state with all that it has from the first call on."""
    begun = {"found": 0, "put": 0, "attempt": 1, **state, "done": False}
    if "days_ago" in begun:
        day = (now - timedelta(days=begun.pop("days_ago"))).date().isoformat()
        begun |= {"from": day, "to": day}
    begun.setdefault("day", begun["from"])
    for name in ("from", "to", "day"):
        try:
            date.fromisoformat(begun[name])
        except (TypeError, ValueError):
            raise BackfillError(f"{name} must be a day such as 2026-11-23.") from None
    if begun["to"] < begun["from"]:
        raise BackfillError("to must not be before from.")
    return begun


def _again(state: State, reason: str) -> State:
    """Give a job up and let another one be started.

    Raises:
        BackfillError: it was the last attempt.
    """
    log("WARN", "a job is given up", day=state["day"], attempt=state["attempt"], reason=reason)
    if state["attempt"] >= _JOB_ATTEMPTS:
        raise BackfillError(f"Genesys Cloud's job for {state['day']} {reason}, and so were {_JOB_ATTEMPTS - 1} before.")
    state["attempt"] += 1
    state["found"], state["put"] = state["before"]
    state["wait"] = _WAIT_SECONDS
    return _without_job(state)


def _next_day(state: State) -> State:
    day = date.fromisoformat(state["day"])
    state["attempt"] = 1
    if state["day"] >= state["to"]:
        state["done"] = True
    else:
        state["day"] = (day + timedelta(days=1)).isoformat()
    return _without_job(state)


def _without_job(state: State) -> State:
    for name in ("job", "since", "cursor"):
        state.pop(name, None)
    return state


def _midnight(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)
