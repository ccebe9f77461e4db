"""What the local Genesys Cloud knows of conversations, and the asynchronous jobs that find them."""

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from genesys_firehose_tools.local.genesys.errors import ApiError
from genesys_firehose_tools.local.values import iso

JOBS_PATH = "/api/v2/analytics/conversations/details/jobs"
PERMISSION = "analytics:conversationDetail:view"

FULFILLED = "FULFILLED"
STATES = ("QUEUED", "PENDING", FULFILLED, "FAILED", "CANCELLED", "EXPIRED")
"""The states of a job (Genesys Cloud's SDK, ``AsyncQueryStatus``)."""

LARGEST_PAGE = 1_000
_EVER = datetime.min.replace(tzinfo=UTC)
_USUAL_STATES = ("QUEUED", "PENDING", FULFILLED)

Record = dict[str, Any]


@dataclass(slots=True)
class _Job:
    states: list[str]
    found: list[Record]
    submitted: datetime

    @property
    def state(self) -> str:
        return self.states[0]


@dataclass(slots=True)
class ConversationHistory:
    """The conversations of an organization.

    Attributes:
        now: The time, UTC.
        lag: How far behind now the availability date is. Default: six hours.
        settling: How long before the availability date jobs may leave something out. Default: 0, they never do.
        withheld: How many conversations the next jobs leave out whose interval ends within that time, each in turn.
            Default: none.
        next_states: The states of the next jobs, each in turn; a job is in the next one whenever it was looked at, and
            stays in the last one. Default: ``QUEUED``, ``PENDING``, ``FULFILLED``.
        divisions_of: The divisions that an OAuth client is limited to, by its id. Default: it sees all.
        deleted: The ids of conversations that the organization has deleted.
    """

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    lag: timedelta = timedelta(hours=6)
    settling: timedelta = timedelta(0)
    withheld: list[int] = field(default_factory=list)
    next_states: list[list[str]] = field(default_factory=list)
    divisions_of: dict[str, set[str]] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    _versions: dict[str, list[tuple[datetime, Record]]] = field(default_factory=dict)
    _jobs: dict[str, _Job] = field(default_factory=dict)

    @property
    def available(self) -> datetime:
        """The availability date."""
        return self.now() - self.lag

    def tell(self, records: Iterable[Record], known_from: datetime = _EVER) -> None:
        """Let conversations have happened, or be corrected.

        Args:
            records: The details records; one of a known conversation replaces what was known of it.
            known_from: Since when Genesys Cloud knows them so, as the nightly batch corrects what is days old.
                Default: since ever.
        """
        for record in records:
            versions = self._versions.setdefault(record["conversationId"], [])
            versions.append((known_from, record))
            versions.sort(key=lambda version: version[0])

    def known(self) -> list[Record]:
        """Return every conversation as it is known now, deleted ones apart, by start."""
        now = self.now()
        found = []
        for conversation_id, versions in self._versions.items():
            known = [record for known_from, record in versions if known_from <= now]
            if known and conversation_id not in self.deleted:
                found.append(known[-1])
        return sorted(found, key=lambda record: (record["conversationStart"], record["conversationId"]))

    def control(self, wanted: Mapping[str, Any]) -> None:
        """Change what is given, as the server's control does.

        Args:
            wanted: ``conversations`` (records), ``known_from`` (for them), ``deleted`` (ids), ``lag_seconds``,
                ``settling_seconds``, ``withheld``, ``next_states``, ``divisions_of`` (lists by client).

        Raises:
            ValueError: Something else is given, or a state that there is not.
        """
        known_from = wanted.get("known_from")
        for name, value in wanted.items():
            match name:
                case "conversations":
                    self.tell(value, *([datetime.fromisoformat(known_from)] if known_from else []))
                case "known_from":
                    pass
                case "deleted":
                    self.deleted = set(value)
                case "lag_seconds":
                    self.lag = timedelta(seconds=value)
                case "settling_seconds":
                    self.settling = timedelta(seconds=value)
                case "withheld":
                    self.withheld = list(value)
                case "next_states":
                    unknown = {state for states in value for state in states} - set(STATES)
                    if unknown or not all(value):
                        raise ValueError(f"next_states must be lists of {', '.join(STATES)}.")
                    self.next_states = [list(states) for states in value]
                case "divisions_of":
                    self.divisions_of = {client: set(divisions) for client, divisions in value.items()}
                case _:
                    raise ValueError(f"There is no {name} of conversations.")

    # The calls of the Platform API.

    def availability(self) -> dict[str, Any]:
        """Say up to when jobs know the conversations."""
        return {"dataAvailabilityDate": iso(self.available)}

    def start_job(self, body: Mapping[str, Any], client: str) -> dict[str, Any]:
        """Start a job for an OAuth client."""
        unknown = body.keys() - {"interval", "startOfDayIntervalMatching", "order", "orderBy"}
        if unknown:
            raise _bad_request(f"The local Genesys Cloud knows no {', '.join(sorted(unknown))}.")
        begin, end = _interval(body.get("interval"))
        found = [record for record in self.known() if self._is_in(record, begin, end, body)]
        if client in self.divisions_of:
            divisions = self.divisions_of[client]
            found = [record for record in found if divisions.intersection(record.get("divisionIds") or ())]
        if self.withheld and end > self.available - self.settling:
            found = found[: max(0, len(found) - self.withheld.pop(0))]
        states = self.next_states.pop(0) if self.next_states else _USUAL_STATES
        job_id = str(uuid.uuid4())
        self._jobs[job_id] = _Job(list(states), found, self.now())
        return {"jobId": job_id}

    def job(self, job_id: str) -> dict[str, Any]:
        """Tell a job's state, and let it go on to the next."""
        job = self._job(job_id)
        told = {
            "state": job.state,
            "submissionDate": iso(job.submitted),
            "expirationDate": iso(job.submitted + timedelta(days=1)),
            **({"completionDate": iso(self.now())} if job.state == FULFILLED else {}),
            **({"errorMessage": "The job failed."} if job.state == "FAILED" else {}),
        }
        if len(job.states) > 1:
            del job.states[0]
        return told

    def results(self, job_id: str, query: Mapping[str, str]) -> dict[str, Any]:
        """Return a page of a job's results."""
        job = self._job(job_id)
        if job.state != FULFILLED:
            raise _bad_request(f"The job is {job.state}.")
        size = int(query.get("pageSize", str(LARGEST_PAGE)))
        if not 1 <= size <= LARGEST_PAGE:
            raise _bad_request(f"pageSize must be from 1 to {LARGEST_PAGE}.")
        owner, _, place = (query.get("cursor") or f"{job_id}.0").rpartition(".")
        if owner != job_id or not place.isdecimal():
            raise _bad_request("The cursor is none of this job.")
        following = int(place) + size
        return {
            "conversations": job.found[int(place) : following],
            "dataAvailabilityDate": iso(self.available),
            **({"cursor": f"{job_id}.{following}"} if following < len(job.found) else {}),
        }

    def _is_in(self, record: Record, begin: datetime, end: datetime, body: Mapping[str, Any]) -> bool:
        start = datetime.fromisoformat(record["conversationStart"])
        ended = record.get("conversationEnd")
        if start >= min(end, self.available) or (ended and datetime.fromisoformat(ended) < begin):
            return False
        of_the_day = begin.replace(hour=0, minute=0, second=0, microsecond=0)
        return start >= of_the_day or not body.get("startOfDayIntervalMatching")

    def _job(self, job_id: str) -> _Job:
        if job_id not in self._jobs:
            raise ApiError(HTTPStatus.NOT_FOUND, "not.found", "The requested job was not found.")
        return self._jobs[job_id]


def _interval(told: Any) -> tuple[datetime, datetime]:
    try:
        begin, end = (datetime.fromisoformat(each) for each in told.split("/"))
        begin, end = (each.replace(tzinfo=each.tzinfo or UTC).astimezone(UTC) for each in (begin, end))
    except (AttributeError, ValueError):
        raise _bad_request("interval must be two times, such as 2026-11-29T00:00:00Z/2026-11-30T00:00:00Z.") from None
    if begin >= end:
        raise _bad_request("interval must not end before it begins.")
    return begin, end


def _bad_request(message: str) -> ApiError:
    return ApiError(HTTPStatus.BAD_REQUEST, "bad.request", message)
