"""Starts the state machine that keeps the lake's tables, follows it, and says how its runs ended."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from genesys_firehose_tools.errors import ToolError
from genesys_firehose_tools.operations.clients import Clients

_POLL_SECONDS = 2.0
_LOOKS_BACK = 50


class TablesError(ToolError):
    """A run of the tables' state machine could not be started, or failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run of the state machine.

    Attributes:
        execution: Its ARN.
        state: RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED.
        started: When it began.
        ended: When it ended; None while it runs.
        first: The first day that it brought in; None where it has not ended well, or gave way to another run.
        last: The last day.
        reason: Why it failed, in Athena's words where they are the reason.
    """

    execution: str
    state: str
    started: datetime
    ended: datetime | None = None
    first: str | None = None
    last: str | None = None
    reason: str = ""

    @property
    def gave_way(self) -> bool:
        """Whether it ended at once because another run was at work."""
        return self.state == "SUCCEEDED" and self.last is None

    @property
    def refreshed(self) -> bool:
        """Whether it brought in the day on which it began."""
        return self.last is not None and self.last >= f"{self.started.astimezone(UTC):%Y-%m-%d}"


class Tables:
    """The tables of one pipeline.

    Args:
        clients: A boto3 session, or anything that makes its clients.
        state_machine: The ARN of the tables' state machine.
        sleep: Waits between looks at a run.
    """

    def __init__(self, clients: Clients, state_machine: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._step_functions = clients.client("stepfunctions")
        self._state_machine = state_machine
        self._sleep = sleep

    def refresh(self, first: date, last: date, report: Callable[[str], None] = lambda _: None) -> Run:
        """Bring the days from ``first`` to ``last`` in, and make the views anew. It goes on without the caller.

        Args:
            first: The first day, by the events' own time, UTC.
            last: The last day, which is included.
            report: Told the state that the run is in.

        Raises:
            TablesError: The days are in the wrong order, or the run failed or was stopped.
        """
        if last < first:
            raise TablesError(f"The last day, {last}, is before the first, {first}.")
        days = {"from": first.isoformat(), "to": last.isoformat(), "optimize": True}
        execution = self._step_functions.start_execution(stateMachineArn=self._state_machine, input=json.dumps(days))[
            "executionArn"
        ]
        while (run := self._run(execution)).state == "RUNNING":
            report(self._present_state(execution))
            self._sleep(_POLL_SECONDS)
        if run.state != "SUCCEEDED":
            raise TablesError(
                f"The run ended {run.state}: {run.reason or 'no reason given'}. The next run does what is left. It was "
                f"{execution}."
            )
        return run

    def runs(self, count: int = _LOOKS_BACK) -> Iterator[Run]:
        """Yield the newest runs, the newest first."""
        listed = self._step_functions.list_executions(stateMachineArn=self._state_machine, maxResults=count)
        for execution in listed["executions"]:
            yield self._run(execution["executionArn"])

    def _run(self, execution: str) -> Run:
        described: dict[str, Any] = self._step_functions.describe_execution(executionArn=execution)
        output = json.loads(described.get("output") or "{}")
        return Run(
            execution=execution,
            state=described["status"],
            started=described["startDate"],
            ended=described.get("stopDate"),
            first=output.get("from"),
            last=output.get("to"),
            reason=_reason(described),
        )

    def _present_state(self, execution: str) -> str:
        events = self._step_functions.get_execution_history(
            executionArn=execution, reverseOrder=True, maxResults=20, includeExecutionData=False
        )["events"]
        names = (event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event)
        return next(names, "")


def last_days(count: int) -> tuple[date, date]:
    """Return the first and the last of the days up to today, UTC."""
    today = datetime.now(UTC).date()
    return today - timedelta(days=count - 1), today


def _reason(described: dict[str, Any]) -> str:
    """Say in a few words why a run failed; the cause of a failed query is its whole description."""
    cause = described.get("cause") or described.get("error") or ""
    try:
        status = json.loads(cause)["Status"]
    except (ValueError, KeyError, TypeError):
        return str(cause)
    return str(status.get("StateChangeReason", cause))
