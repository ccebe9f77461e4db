"""Starts the rebuild of clean/ from raw/ for a range of days, and follows it.

The days are the days of arrival, by which raw/ is laid out. clean/ is laid out by the events' own days.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from genesys_firehose_tools.errors import ToolError
from genesys_firehose_tools.operations.clients import Clients
from genesys_firehose_tools.operations.prices import read_prices

# An hour takes about nine entries of an execution's history, which ends at 25,000 (AWS Step Functions Developer Guide,
# "Quotas").
_MAX_HOURS = 2000
_POLL_SECONDS = 2.0

_PRICES = {name: price.usd for name, price in read_prices().items()}
# Measured with generated events: half a second of one processor for a compressed MB, of which a function of 1,024 MB
# has a bit more than half; and what an object costs in requests, one after the other.
_SECONDS_PER_MB = 1.0
_SECONDS_PER_OBJECT = 0.5
_MEMORY_GB = 1.0
# An object's events are of about ten types and days. Each child execution starts and runs one state.
_PUTS_PER_OBJECT = 10
_TRANSITIONS_PER_OBJECT = 2


class RebuildError(ToolError):
    """A rebuild could not be started, or failed. Its results stay, and the next rebuild continues from there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The bucket and the state machine of a pipeline.

    Attributes:
        bucket: The data lake's bucket.
        state_machine: The ARN of the rebuild's state machine.
    """

    bucket: str
    state_machine: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a rebuild would read.

    Attributes:
        first: The first day of arrival.
        last: The last.
        hours: The prefixes of the hours that hold objects.
        objects: How many objects.
        size: Their compressed bytes.
        archived_size: How many of the bytes are in S3 Glacier Instant Retrieval, where reading costs extra.
    """

    first: date
    last: date
    hours: tuple[str, ...]
    objects: int
    size: int
    archived_size: int

    @property
    def lambda_seconds(self) -> float:
        """How long the functions run, all together: an estimate."""
        return self.objects * _SECONDS_PER_OBJECT + self.size / 1e6 * _SECONDS_PER_MB

    @property
    def dollars(self) -> float:
        """What it costs by list price, without taxes, discounts and free tiers: an estimate."""
        per_object = (
            _PRICES["lambda_request"]
            + _PRICES["step_functions_transition"] * _TRANSITIONS_PER_OBJECT
            + _PRICES["s3_put"] * _PUTS_PER_OBJECT
            + _PRICES["s3_get"]
        )
        cost: float = (
            self.objects * per_object
            + self.lambda_seconds * _MEMORY_GB * _PRICES["lambda_gb_second"]
            + self.archived_size / 1e9 * _PRICES["s3_glacier_instant_retrieval_gb"]
        )
        return cost


@dataclass(slots=True)
class Progress:
    """How far a rebuild is, in raw objects.

    Attributes:
        done: Rebuilt.
        failed: Given up after all retries.
        with_bad_records: Hold records that could not be transformed; these are under errors/rebuild/.
    """

    done: int = 0
    failed: int = 0
    with_bad_records: int = 0


class Rebuild:
    """One rebuild of one pipeline.

    Args:
        clients: A boto3 session, or anything that makes its clients.
        source: The pipeline.
        sleep: Waits between looks at the progress.
    """

    def __init__(self, clients: Clients, source: Source, sleep: Callable[[float], None] = time.sleep) -> None:
        self._s3 = clients.client("s3")
        self._step_functions = clients.client("stepfunctions")
        self._source = source
        self._sleep = sleep
        self.progress = Progress()

    def plan(self, first: date, last: date) -> Plan:
        """Look up what arrived on the days from ``first`` to ``last``, both included, UTC.

        Raises:
            RebuildError: The days are in the wrong order, or too many for one rebuild.
        """
        if last < first:
            raise RebuildError(f"The last day, {last}, is before the first, {first}.")
        hours: dict[str, None] = {}
        objects = size = archived_size = 0
        for day in _days(first, last):
            for entry in self._objects(f"raw/{day:%Y/%m/%d}/"):
                hours[entry["Key"][: len("raw/2026/11/23/10/")]] = None
                objects += 1
                size += entry["Size"]
                archived_size += entry["Size"] if entry.get("StorageClass") == "GLACIER_IR" else 0
        if len(hours) > _MAX_HOURS:
            raise RebuildError(
                f"The days hold {len(hours):,} hours of events, and one rebuild takes {_MAX_HOURS:,}; ask for fewer."
            )
        return Plan(first=first, last=last, hours=tuple(hours), objects=objects, size=size, archived_size=archived_size)

    def run(self, plan: Plan, report: Callable[[Progress], None] = lambda _: None) -> Progress:
        """Rebuild what a plan lists, and return when it is done. The rebuild goes on when the caller does not wait.

        Args:
            plan: What to rebuild.
            report: Told the progress from time to time.

        Raises:
            RebuildError: The rebuild failed or was stopped.
        """
        started = datetime.now(UTC)
        # The tables are brought up to date for what arrived on these days.
        arrived = {"from": plan.first.isoformat(), "to": plan.last.isoformat()}
        execution = self._step_functions.start_execution(
            stateMachineArn=self._source.state_machine,
            input=json.dumps({"prefixes": plan.hours, "arrived": arrived}),
        )["executionArn"]
        ended: dict[str, dict[str, int]] = {}
        while True:
            state = self._step_functions.describe_execution(executionArn=execution)
            counts = list(self._counts(execution, ended))
            self.progress.done = sum(count["succeeded"] for count in counts)
            self.progress.failed = sum(count["failed"] + count["timedOut"] for count in counts)
            report(self.progress)
            if state["status"] != "RUNNING":
                break
            self._sleep(_POLL_SECONDS)
        self.progress.with_bad_records = self._objects_with_bad_records(plan, started)
        if state["status"] != "SUCCEEDED":
            reason = state.get("cause") or state.get("error") or "no reason given"
            raise RebuildError(
                f"The rebuild ended {state['status']} after {self.progress.done} of {plan.objects} objects ({reason}); "
                f"start it again to go on from there. It was {execution}."
            )
        return self.progress

    def _counts(self, execution: str, ended: dict[str, dict[str, int]]) -> Iterator[dict[str, int]]:
        """Yield the counts of every hour's Map Run; what has ended is asked for once."""
        for page in self._step_functions.get_paginator("list_map_runs").paginate(executionArn=execution):
            for run in page["mapRuns"]:
                arn = run["mapRunArn"]
                if arn in ended:
                    yield ended[arn]
                    continue
                described = self._step_functions.describe_map_run(mapRunArn=arn)
                if described["status"] != "RUNNING":
                    ended[arn] = described["itemCounts"]
                yield described["itemCounts"]

    def _objects_with_bad_records(self, plan: Plan, since: datetime) -> int:
        days = {hour[len("raw/") : len("raw/2026/11/23/")] for hour in plan.hours}
        # S3 notes whole seconds.
        whole = since.replace(microsecond=0)
        return sum(
            entry["LastModified"] >= whole for day in sorted(days) for entry in self._objects(f"errors/rebuild/{day}")
        )

    def _objects(self, prefix: str) -> Iterator[dict[str, Any]]:
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._source.bucket, Prefix=prefix):
            yield from page.get("Contents", [])


def _days(first: date, last: date) -> Iterator[date]:
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)
