"""What the lake's reconciliation with Genesys Cloud found, day by day."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from botocore.exceptions import ClientError

from genesys_firehose_tools.errors import ToolError
from genesys_firehose_tools.operations.clients import Clients
from genesys_firehose_tools.operations.deployed_pipeline import DeployedPipeline
from genesys_firehose_tools.operations.lake_query import LakeQuery

UNCHECKED = "unchecked"
"""The state of a day that no check has looked at."""

RECONCILIATION = "ReconciliationStateMachineArn"
"""The output of a pipeline with a reconciliation."""

_TABLE = "completeness"
_STATEMENT = """
SELECT
    CAST(day AS varchar), state, listed, expected, seen, missing, partial, unlisted, watermark, checked_at, reason
FROM completeness
WHERE day BETWEEN DATE '{first}' AND DATE '{last}'
ORDER BY day
"""


class CompletenessError(ToolError):
    """The days asked for are none."""


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
    if last < first:
        raise CompletenessError(f"The last day, {last}, is before the first, {first}.")
    # Without the property there is no such output.
    deployed.output(RECONCILIATION)
    found = {day.day: day for day in _rows(clients, deployed, first, last)}
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return [found.get(day, Day(day)) for day in days]


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
