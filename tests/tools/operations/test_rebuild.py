"""A rebuild is planned from the objects under raw/, started once, and followed to its end."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from genesys_firehose_tools.operations.rebuild import Plan, Progress, Rebuild, RebuildError, Source

SOURCE = Source(bucket="lake", state_machine="arn:aws:states:eu-west-1:111122223333:stateMachine:rebuild")
DAY = date(2026, 11, 23)


class FakeAws:
    """Objects of a bucket, and an execution of which each look sees the next state."""

    def __init__(self) -> None:
        self.objects: list[dict[str, Any]] = []
        self.states: list[dict[str, Any]] = []
        self.started: list[dict[str, Any]] = []
        self.looks_at_runs: list[str] = []

    def put(self, key: str, size: int = 1_000_000, **more: Any) -> None:
        self.objects.append({"Key": key, "Size": size, "LastModified": datetime.now(UTC), **more})

    def client(self, _service_name: str) -> "FakeAws":
        return self

    def get_paginator(self, operation: str) -> "_Paginator":
        return _Paginator(self, operation)

    def start_execution(self, *, stateMachineArn: str, input: str) -> dict[str, str]:  # noqa: A002, N803
        assert stateMachineArn == SOURCE.state_machine
        self.started.append(json.loads(input))
        return {"executionArn": "execution"}

    def describe_execution(self, **_: Any) -> dict[str, Any]:
        if len(self.states) > 1 and self.looks_at_runs:
            self.states.pop(0)
        return self.states[0]

    def describe_map_run(self, *, mapRunArn: str) -> dict[str, Any]:  # noqa: N803
        self.looks_at_runs.append(mapRunArn)
        run: dict[str, Any] = self.states[0]["runs"][mapRunArn]
        return run


class _Paginator:
    def __init__(self, aws: FakeAws, operation: str) -> None:
        self._aws = aws
        self._operation = operation

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        if self._operation == "list_map_runs":
            yield {"mapRuns": [{"mapRunArn": arn} for arn in self._aws.states[0]["runs"]]}
            return
        assert request["Bucket"] == "lake"
        for entry in self._aws.objects:
            if entry["Key"].startswith(request["Prefix"]):
                yield {"Contents": [entry]}
        yield {}


def map_run(status: str, succeeded: int, failed: int = 0) -> dict[str, Any]:
    return {"status": status, "itemCounts": {"succeeded": succeeded, "failed": failed, "timedOut": 0}}


@pytest.fixture
def aws() -> FakeAws:
    return FakeAws()


@pytest.fixture
def rebuild(aws: FakeAws) -> Rebuild:
    return Rebuild(aws, SOURCE, sleep=lambda _seconds: None)


def test_the_plan_lists_the_hours_that_hold_objects_of_the_days_asked_for(aws: FakeAws, rebuild: Rebuild) -> None:
    for hour in ("2026/11/22/23", "2026/11/23/00", "2026/11/23/10", "2026/11/24/23", "2026/11/25/00"):
        aws.put(f"raw/{hour}/a.gz")
    aws.put("raw/2026/11/23/10/b.gz", size=3_000_000, StorageClass="GLACIER_IR")
    aws.put("raw/oversize/2026/11/23/c.json.gz")
    assert rebuild.plan(DAY, DAY + timedelta(days=1)) == Plan(
        first=DAY,
        last=DAY + timedelta(days=1),
        hours=("raw/2026/11/23/00/", "raw/2026/11/23/10/", "raw/2026/11/24/23/"),
        objects=4,
        size=6_000_000,
        archived_size=3_000_000,
    )


def test_planning_starts_nothing(aws: FakeAws, rebuild: Rebuild) -> None:
    aws.put("raw/2026/11/23/10/a.gz")
    rebuild.plan(DAY, DAY)
    assert aws.started == []


def test_days_in_the_wrong_order_are_refused(rebuild: Rebuild) -> None:
    with pytest.raises(RebuildError, match="The last day, 2026-11-22, is before the first, 2026-11-23"):
        rebuild.plan(DAY, DAY - timedelta(days=1))


def test_more_hours_than_one_execution_can_note_are_refused(aws: FakeAws, rebuild: Rebuild) -> None:
    for number in range(2001):
        moment = datetime(2026, 1, 1) + timedelta(hours=number)
        aws.objects.append({"Key": f"raw/{moment:%Y/%m/%d/%H}/a.gz", "Size": 1})
    with pytest.raises(RebuildError, match="2,001 hours of events, and one rebuild takes 2,000"):
        rebuild.plan(date(2026, 1, 1), date(2026, 3, 26))


def test_the_estimate_grows_with_objects_bytes_and_what_is_archived() -> None:
    base = Plan(first=DAY, last=DAY, hours=(), objects=1000, size=10**9, archived_size=0)
    assert base.dollars == pytest.approx(0.12, abs=0.02)
    assert Plan(first=DAY, last=DAY, hours=(), objects=2000, size=10**9, archived_size=0).dollars > base.dollars
    assert (
        Plan(first=DAY, last=DAY, hours=(), objects=1000, size=10**10, archived_size=0).lambda_seconds
        > base.lambda_seconds
    )
    assert Plan(first=DAY, last=DAY, hours=(), objects=1000, size=10**9, archived_size=10**9).dollars == pytest.approx(
        base.dollars + 0.03
    )


def test_a_run_starts_one_execution_with_the_hours_and_reports_how_far_it_is(aws: FakeAws, rebuild: Rebuild) -> None:
    aws.put("raw/2026/11/23/10/a.gz")
    first, second = map_run("SUCCEEDED", 3), map_run("RUNNING", 1)
    aws.states = [
        {"status": "RUNNING", "runs": {"10": first, "11": second}},
        {"status": "SUCCEEDED", "runs": {"10": first, "11": map_run("SUCCEEDED", 2)}},
    ]
    seen: list[int] = []
    done = rebuild.run(rebuild.plan(DAY, DAY), lambda progress: seen.append(progress.done))
    arrived = {"from": "2026-11-23", "to": "2026-11-23"}
    assert aws.started == [{"prefixes": ["raw/2026/11/23/10/"], "arrived": arrived}]
    assert seen == [4, 5]
    assert done == Progress(done=5)


def test_an_hour_that_has_ended_is_not_asked_for_again(aws: FakeAws, rebuild: Rebuild) -> None:
    run = map_run("SUCCEEDED", 1)
    aws.states = [{"status": "RUNNING", "runs": {"10": run}}, {"status": "SUCCEEDED", "runs": {"10": run}}]
    rebuild.run(rebuild.plan(DAY, DAY))
    assert aws.looks_at_runs == ["10"]


def test_objects_with_bad_records_are_counted_when_this_rebuild_wrote_them(aws: FakeAws, rebuild: Rebuild) -> None:
    aws.put("raw/2026/11/23/10/a.gz")
    aws.put("errors/rebuild/2026/11/23/old.gz", LastModified=datetime.now(UTC) - timedelta(days=1))
    aws.put("errors/rebuild/2026/11/23/new.gz", LastModified=datetime.now(UTC) + timedelta(seconds=1))
    aws.states = [{"status": "SUCCEEDED", "runs": {}}]
    assert rebuild.run(rebuild.plan(DAY, DAY)).with_bad_records == 1


@pytest.mark.parametrize("status", ["FAILED", "ABORTED", "TIMED_OUT"])
def test_a_rebuild_that_did_not_end_well_says_how_to_go_on(aws: FakeAws, rebuild: Rebuild, status: str) -> None:
    aws.put("raw/2026/11/23/10/a.gz")
    aws.states = [{"status": status, "runs": {"10": map_run("FAILED", 0, failed=1)}, "cause": "too many failures"}]
    with pytest.raises(RebuildError, match=f"{status} after 0 of 1 objects .too many failures.; start it again"):
        rebuild.run(rebuild.plan(DAY, DAY))
    assert rebuild.progress.failed == 1
