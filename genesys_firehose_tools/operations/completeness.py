"""What the lake's reconciliation with Genesys Cloud found, day by day."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from genesys_firehose_tools.errors import ToolError
from genesys_firehose_tools.operations.clients import Clients
from genesys_firehose_tools.operations.deployed_pipeline import DeployedPipeline
from genesys_firehose_tools.operations.lake_query import LakeQuery

UNCHECKED = "unchecked"
"""The state of a day that no check has looked at."""

RECONCILIATION = "ReconciliationStateMachineArn"
"""The output of a pipeline with a reconciliation."""

_POLL_SECONDS = 2.0
_TABLE = "completeness"
_STATEMENT = """
SELECT
    CAST(day AS varchar), state, listed, expected, seen, missing, partial, unlisted, watermark, checked_at, reason
FROM completeness
WHERE day BETWEEN DATE '{first}' AND DATE '{last}'
ORDER BY day
"""


class CompletenessError(ToolError):
    """The days asked for are none, or can't be checked."""


@dataclass(frozen=True, slots=True)
class Day:
    """What the last check of a day found; a figure is None where it is not known.

    Attributes:
        day: The day, UTC.
        state: complete, gaps, open (none so far, corrections may come), unknown, or unchecked.
        listed: Conversations that Genesys Cloud listed.
        expected: Those of them that have to be in the lake.
        seen: Those that are.
        missing: Those of which the lake has no event.
        partial: Others, a session of which has none.
        unlisted: Conversations that the lake has and Genesys Cloud did not list.
        watermark: Up to when Genesys Cloud had data, UTC.
        checked_at: When the check began, UTC.
        reason: Why the state is unknown.
    """

    day: date
    state: str = UNCHECKED
    listed: int | None = None
    expected: int | None = None
    seen: int | None = None
    missing: int | None = None
    partial: int | None = None
    unlisted: int | None = None
    watermark: str | None = None
    checked_at: str | None = None
    reason: str | None = None

    @property
    def is_in_doubt(self) -> bool:
        """Whether somebody has to look: there are gaps, or nobody knows."""
        return self.state in ("gaps", "unknown")


def read_days(clients: Clients, deployed: DeployedPipeline, first: date, last: date) -> list[Day]:
    """Return what is known of each of the days, both included, those without a check among them.

    Args:
        clients: A boto3 session, or anything that makes its clients.
        deployed: The pipeline.
        first: The first day, UTC.
        last: The last day.

    Raises:
        CompletenessError: The last day is before the first.
        PipelineError: The pipeline has no reconciliation.
        QueryError: The table can't be read.
    """
    _check_order(first, last)
    # Without the property there is no such output.
    deployed.output(RECONCILIATION)
    found = {day.day: day for day in _rows(clients, deployed, first, last)}
    return [found.get(day, Day(day)) for day in _days(first, last)]


def check_days(
    clients: Clients,
    deployed: DeployedPipeline,
    first: date,
    last: date,
    *,
    report: Callable[[date, str], None] = lambda _day, _state: None,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Let the reconciliation check each of the days, both included, as its schedules do, and return when it is done.

    A check goes on without the caller, who follows it again by asking for the same. A check that ends without knowing
    is no error: the day is `unknown` then.

    Args:
        clients: A boto3 session, or anything that makes its clients.
        deployed: The pipeline.
        first: The first day, UTC.
        last: The last day.
        report: Told the day at work and the state of its check, from time to time.
        sleep: Waits between looks at it.

    Raises:
        CompletenessError: The last day is before the first or is not over, or a check could not keep what it found.
        PipelineError: The pipeline has no reconciliation.
    """
    _check_order(first, last)
    today = datetime.now(UTC).date()
    if last >= today:
        raise CompletenessError(f"{last} is not over: days up to {today - timedelta(days=1)}, UTC, can be checked.")
    machine = deployed.output(RECONCILIATION)
    client = clients.client("stepfunctions")
    for day in _days(first, last):
        execution = _running(client, machine, day) or str(
            client.start_execution(stateMachineArn=machine, input=json.dumps({"day": f"{day}"}))["executionArn"]
        )
        while (described := client.describe_execution(executionArn=execution))["status"] == "RUNNING":
            report(day, _state(client, execution))
            sleep(_POLL_SECONDS)
        if described["status"] != "SUCCEEDED":
            raise CompletenessError(
                f"The check of {day} ended {described['status']}, and what was known of the day stays: "
                f"{described.get('cause') or described.get('error') or 'no reason given.'} It was {execution}."
            )


def _running(client: Any, machine: str, day: date) -> str | None:
    """Return the check of a day that is under way, whoever started it."""
    for execution in client.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]:
        arn: str = execution["executionArn"]
        described = client.describe_execution(executionArn=arn)
        if day_of(json.loads(described["input"]), described["startDate"]) == day:
            return arn
    return None


def day_of(asked: Mapping[str, Any], started: datetime) -> date:
    """Return the day that an execution is for, by its input: `day`, or as the schedules say it, `days_ago`."""
    if "day" in asked:
        return date.fromisoformat(asked["day"])
    return (started.astimezone(UTC) - timedelta(days=asked["days_ago"])).date()


def _state(client: Any, execution: str) -> str:
    """Return the state of the state machine that a check is in."""
    events = client.get_execution_history(executionArn=execution, reverseOrder=True, maxResults=20)["events"]
    entered = (event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event)
    return next(entered, "Start")


def _check_order(first: date, last: date) -> None:
    if last < first:
        raise CompletenessError(f"The last day, {last}, is before the first, {first}.")


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _rows(clients: Clients, deployed: DeployedPipeline, first: date, last: date) -> Iterator[Day]:
    try:
        clients.client("glue").get_table(DatabaseName=deployed.output("DatabaseName"), Name=_TABLE)
    except ClientError as error:
        if error.response["Error"]["Code"] != "EntityNotFoundException":
            raise
        # The first check makes it.
        return
    answer = LakeQuery.of(clients, deployed).ask(_STATEMENT.format(first=first, last=last))
    for day, state, listed, expected, seen, missing, partial, unlisted, watermark, checked_at, reason in answer.rows:
        yield Day(
            date.fromisoformat(day or ""),
            state or "",
            listed=_count(listed),
            expected=_count(expected),
            seen=_count(seen),
            missing=_count(missing),
            partial=_count(partial),
            unlisted=_count(unlisted),
            watermark=watermark,
            checked_at=checked_at,
            reason=reason,
        )


def _count(text: str | None) -> int | None:
    return None if text is None else int(text)
