"""Starts backfills of conversations' details records, follows them, and says how far they are."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from genesys_firehose_tools.errors import ToolError
from genesys_firehose_tools.operations.clients import Clients
from genesys_firehose_tools.operations.lake_query import LakeQuery

_POLL_SECONDS = 2.0
# An execution's input ends at 256 KiB and its history at 25,000 entries, of which a day takes about ten (AWS Step
# Functions Developer Guide, "Quotas"). A merge of the tables writes 90 days at most.
_MOST_DAYS = 90
_MOST_IDS = 5_000
_FETCH = "Fetch"

Ids = Mapping[str, list[str]]
"""The ids of conversations by their day."""


class BackfillError(ToolError):
    """A backfill could not be started, or failed. What it put stays, and it can go on from the day that it names."""


@dataclass(slots=True)
class Progress:
    """How far a backfill is.

    Attributes:
        days: How many days are done.
        day: The day at work.
        found: How many conversations Genesys Cloud has found that are wanted.
        put: How many of their records were put.
    """

    days: int = 0
    day: str = ""
    found: int = 0
    put: int = 0


class Backfill:
    """The backfills of one pipeline.

    Args:
        clients: A boto3 session, or anything that makes its clients.
        state_machine: The ARN of the backfill's state machine.
        sleep: Waits between looks at the progress.
    """

    def __init__(self, clients: Clients, state_machine: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._step_functions = clients.client("stepfunctions")
        self._state_machine = state_machine
        self._sleep = sleep
        self.progress = Progress()

    def run(
        self,
        first: date,
        last: date,
        *,
        only: Ids | None = None,
        dry_run: bool = False,
        report: Callable[[Progress], None] = lambda _: None,
    ) -> Progress:
        """Put the records of conversations that started from ``first`` to ``last``, and return when it is done.

        It goes on without the caller, who follows it again by asking for the same.

        Args:
            first: The first day, UTC.
            last: The last day, which is included.
            only: The conversations that are wanted. Default: all.
            dry_run: Only count them.
            report: Told the progress from time to time.

        Raises:
            BackfillError: The days are in the wrong order, another backfill is at work, or it failed or was stopped.
        """
        if last < first:
            raise BackfillError(f"The last day, {last}, is before the first, {first}.")
        self.progress = Progress()
        for begin, end, wanted in _pieces(first, last, only):
            asked: dict[str, Any] = {"from": f"{begin}", "to": f"{end}"}
            if wanted is not None:
                asked |= {"only": wanted}
            if dry_run:
                asked |= {"dry_run": True}
            self._follow(self._running(asked) or self._start(asked), report)
        return self.progress

    def _start(self, asked: Mapping[str, Any]) -> str:
        started = self._step_functions.start_execution(stateMachineArn=self._state_machine, input=json.dumps(asked))
        execution: str = started["executionArn"]
        return execution

    def _running(self, asked: Mapping[str, Any]) -> str | None:
        """Return the execution that does just this.

        Raises:
            BackfillError: Another backfill is at work.
        """
        listed = self._step_functions.list_executions(stateMachineArn=self._state_machine, statusFilter="RUNNING")
        for execution in listed["executions"]:
            arn: str = execution["executionArn"]
            given = json.loads(self._step_functions.describe_execution(executionArn=arn)["input"])
            if given == asked:
                return arn
            # The daily one takes a day and minutes.
            if "days_ago" not in given:
                raise BackfillError(
                    f"A backfill of {given.get('from')} to {given.get('to')} is at work: ask for the same to follow "
                    f"it, or wait until it has ended. It is {arn}."
                )
        return None

    def _follow(self, execution: str, report: Callable[[Progress], None]) -> None:
        before = Progress(self.progress.days, "", self.progress.found, self.progress.put)
        while True:
            described = self._step_functions.describe_execution(executionArn=execution)
            asked = json.loads(described["input"])
            state = json.loads(described.get("output") or "{}") or self._latest(execution) or asked
            day = state.get("day", asked["from"])
            days = (date.fromisoformat(day) - date.fromisoformat(asked["from"])).days + bool(state.get("done"))
            found, put = before.found + state.get("found", 0), before.put + state.get("put", 0)
            self.progress = Progress(before.days + days, day, found, put)
            report(self.progress)
            if described["status"] != "RUNNING":
                break
            self._sleep(_POLL_SECONDS)
        if described["status"] != "SUCCEEDED":
            raise BackfillError(
                f"The backfill ended {described['status']}: {_reason(described)} Every day before {day} is put; go on "
                f"with --from {day}. It was {execution}."
            )

    def _latest(self, execution: str) -> dict[str, Any] | None:
        """Return how far the function said that it is, the last time."""
        events = self._step_functions.get_execution_history(executionArn=execution, reverseOrder=True, maxResults=50)
        for event in events["events"]:
            left = event.get("stateExitedEventDetails", {})
            if left.get("name") == _FETCH:
                state: dict[str, Any] = json.loads(left["output"])
                return state
        return None


def missing_conversations(lake: LakeQuery, first: date, last: date) -> dict[str, list[str]]:
    """Return the conversations of these days that the last checks missed, wholly or in part, by day.

    Args:
        lake: The lake, whose reconciliation has found them.
        first: The first day, UTC.
        last: The last day, which is included.

    Raises:
        QueryError: Athena refused or failed.
    """
    rows = lake.ask(
        "SELECT DISTINCT CAST(day AS varchar) AS day, conversation_id FROM missing_conversations "  # noqa: S608 - dates
        f"WHERE day BETWEEN DATE '{first}' AND DATE '{last}' ORDER BY day, conversation_id"
    ).rows
    found: dict[str, list[str]] = {}
    for day, conversation_id in rows:
        found.setdefault(str(day), []).append(str(conversation_id))
    return found


def _pieces(first: date, last: date, only: Ids | None) -> Iterator[tuple[date, date, dict[str, list[str]] | None]]:
    """Cut the days into what one execution takes; of a day with many ids the whole is taken."""
    if only is None:
        for number in range(0, (last - first).days + 1, _MOST_DAYS):
            begin = first + timedelta(days=number)
            yield begin, min(begin + timedelta(days=_MOST_DAYS - 1), last), None
        return
    for days in _runs(sorted(only), only):
        wanted = {day: only[day] for day in days}
        is_whole = sum(map(len, wanted.values())) > _MOST_IDS
        yield date.fromisoformat(days[0]), date.fromisoformat(days[-1]), None if is_whole else wanted


def _runs(days: Iterable[str], only: Ids) -> Iterator[list[str]]:
    """Put days together that follow each other, as long as their ids fit into one input."""
    run: list[str] = []
    for day in days:
        follows = bool(run) and date.fromisoformat(run[-1]) + timedelta(days=1) == date.fromisoformat(day)
        ids = sum(len(only[each]) for each in (*run, day))
        if run and (not follows or ids > _MOST_IDS or len(run) == _MOST_DAYS):
            yield run
            run = []
        run.append(day)
    if run:
        yield run


def _reason(described: Mapping[str, Any]) -> str:
    """Say why it failed, in the function's words where it has some."""
    cause = described.get("cause") or described.get("error") or "no reason given."
    try:
        return str(json.loads(cause)["errorMessage"])
    except (ValueError, KeyError, TypeError):
        return str(cause)
