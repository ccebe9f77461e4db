"""Genesys Cloud's asynchronous jobs for the details of a day's conversations.

The paths, fields and states are those of Genesys Cloud's SDK (PureCloudPlatformClientV2): ``AsyncConversationQuery``,
``AsyncQueryStatus``, ``AnalyticsConversationAsyncQueryResponse``.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from genesys.client import GenesysClient, GenesysError

PERMISSION = "analytics:conversationDetail:view"
"""What the OAuth client needs for every call here."""
# 1,000 is what others use; Genesys Cloud publishes no limit.
PAGE_SIZE = 1_000

FULFILLED = "FULFILLED"
UNFINISHED = frozenset({"QUEUED", "PENDING"})
FAILED = frozenset({"FAILED", "CANCELLED", "EXPIRED"})
"""The states of a job that gives no results any more."""

_JOBS = "/api/v2/analytics/conversations/details/jobs"
_JOB = f"{_JOBS}/{{id}}"

Conversation = dict[str, Any]
"""A conversation's details record, ``AnalyticsConversation``."""


class Page(NamedTuple):
    """A page of a job's results; the cursor of the next one is empty at the last."""

    conversations: list[Conversation]
    cursor: str


class ConversationJobs:
    """The jobs that find the conversations which started within an interval.

    Every call raises `GenesysError` where Genesys Cloud refuses it or does not answer in time.

    Args:
        client: makes the calls.
    """

    def __init__(self, client: GenesysClient) -> None:
        self._client = client

    def availability(self) -> datetime:
        """Return the time, UTC, up to which jobs know the conversations.

        A job whose interval ends just before it may silently find fewer than there are.
        """
        path = f"{_JOBS}/availability"
        told: Any = (self._client.call("GET", path) or {}).get("dataAvailabilityDate")
        try:
            return datetime.fromisoformat(told).astimezone(UTC)
        except (TypeError, ValueError):
            raise GenesysError(f"GET {path}", 200, reason="the answer holds no dataAvailabilityDate") from None

    def start(self, begin: datetime, end: datetime) -> str:
        """Start a job for the conversations that started from `begin` on and before `end`, and return its id.

        Args:
            begin: a midnight, UTC.
            end: a later midnight, UTC.

        Raises:
            ValueError: one is no midnight in UTC. ``startOfDayIntervalMatching`` leaves out what started before the
                UTC day of the interval's beginning, so that other intervals would find other conversations.
        """
        if not (_is_midnight(begin) and _is_midnight(end) and begin < end):
            raise ValueError(f"A job is for whole days in UTC, not from {begin} to {end}.")
        body = {"interval": f"{_time(begin)}/{_time(end)}", "startOfDayIntervalMatching": True}
        # A second job of the same interval changes nothing at Genesys Cloud.
        job_id = (self._client.call("POST", _JOBS, body, is_harmless=True) or {}).get("jobId")
        if not isinstance(job_id, str) or not job_id:
            raise GenesysError(f"POST {_JOBS}", 200, reason="the answer holds no jobId")
        return job_id

    def state(self, job_id: str) -> str:
        """Return a job's state, of `UNFINISHED`, `FAILED`, or `FULFILLED`; what Genesys Cloud adds is another word."""
        state: str = self._client.call("GET", _JOB, identifier=job_id)["state"]
        return state

    def page(self, job_id: str, cursor: str = "") -> Page:
        """Return the page of a fulfilled job's results that a cursor stands for; without one the first."""
        query: dict[str, str | int] = {"pageSize": PAGE_SIZE, **({"cursor": cursor} if cursor else {})}
        answer = self._client.call("GET", f"{_JOB}/results", identifier=job_id, query=query) or {}
        following = answer.get("cursor") or ""
        if following and following == cursor:
            raise GenesysError(f"GET {_JOB}/results", 200, reason="the answer's cursor leads to itself")
        return Page(answer.get("conversations") or [], following)

    def pages(self, job_id: str) -> Iterator[list[Conversation]]:
        """Yield the pages of a fulfilled job's results."""
        cursor = ""
        while True:
            conversations, cursor = self.page(job_id, cursor)
            yield conversations
            if not cursor:
                return


def _is_midnight(moment: datetime) -> bool:
    offset = moment.utcoffset()
    return offset is not None and not offset and moment.time() == datetime.min.time()


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
