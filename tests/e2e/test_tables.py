"""The real state machine keeps the tables of a deployed pipeline, whatever comes between."""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from genesys_firehose_tools.cli import app
from genesys_firehose_tools.local.deployment import Deployment
from genesys_firehose_tools.local.events import EventGenerator
from genesys_firehose_tools.local.pipeline import LocalPipeline, temporary_pipeline
from genesys_firehose_tools.operations.deployed_pipeline import DeployedPipeline, find_pipeline
from genesys_firehose_tools.operations.lake_query import LakeQuery, QueryError
from genesys_firehose_tools.operations.tables import Run, Tables, last_days
from tests.e2e.conftest import Sender

pytestmark = pytest.mark.xdist_group("tables")

EVENTS, WAITS = 20, 5
ALL_DAYS = last_days(40)


class Site:
    """A deployed pipeline with events in clean/."""

    def __init__(self, deployment: Deployment, deployed: DeployedPipeline) -> None:
        self.deployment = deployment
        self.machine = deployed.output("TablesStateMachineArn")
        self.tables = Tables(deployment, self.machine, sleep=lambda _: time.sleep(0.2))
        self.workgroup, self.database = deployed.output("WorkgroupName"), deployed.output("DatabaseName")
        self._query = LakeQuery(deployment, self.workgroup, self.database, lambda _: time.sleep(0.05))

    def rows(self, statement: str) -> list[list[str | None]]:
        return self._query.ask(statement).rows

    def refresh(self) -> Run:
        return self.tables.refresh(*ALL_DAYS)

    def start(self, **given: Any) -> str:
        client = self.deployment.client("stepfunctions")
        arn: str = client.start_execution(stateMachineArn=self.machine, input=json.dumps(given))["executionArn"]
        return arn

    def ended(self, execution: str) -> dict[str, Any]:
        client = self.deployment.client("stepfunctions")
        while (found := client.describe_execution(executionArn=execution))["status"] == "RUNNING":
            time.sleep(0.1)
        return dict(found)

    def events(self) -> list[list[str | None]]:
        return self.rows("SELECT day, dedup_key, ingest_id, event_type FROM events ORDER BY 1, 2")


@pytest.fixture(scope="module")
def local(own_app: Path) -> Iterator[LocalPipeline]:
    with temporary_pipeline("tables", own_app) as pipeline:
        yield pipeline


@pytest.fixture(scope="module")
def site(local: LocalPipeline) -> Site:
    deployment = local.deployment
    deployed = find_pipeline(deployment.client("cloudformation"), deployment.stack)
    sender, generator = Sender(deployment), EventGenerator(secrets.randbits(32))
    sent = [generator.generate(family) for family in ["call"] * EVENTS + ["acd.end"] * WAITS]
    sender.post_events(*sent)
    for event in sent:
        assert sender.landings(event)
    return Site(deployment, deployed)


def test_a_first_run_makes_the_tables_and_fills_them(site: Site) -> None:
    assert site.refresh().refreshed
    [[events, lines]] = site.rows(
        "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM clean WHERE event_type <> 'verification')"
    )
    assert events == lines
    assert int(events or 0) >= EVENTS
    assert site.rows("SELECT count(*) FROM queue_intervals")


def test_the_same_run_again_changes_nothing(site: Site) -> None:
    site.refresh()
    before = site.events()
    site.refresh()
    assert site.events() == before


def test_a_table_that_somebody_dropped_is_there_again(site: Site) -> None:
    site.refresh()
    before = site.events()
    # In Glue alone, so that its objects stay where they are.
    site.deployment.client("glue").delete_table(DatabaseName=site.database, Name="events")
    with pytest.raises(QueryError):
        site.events()
    site.refresh()
    assert site.events() == before


def test_a_column_that_a_table_lacks_is_added(site: Site) -> None:
    site.refresh()
    glue = site.deployment.client("glue")
    table = glue.get_table(DatabaseName=site.database, Name="sessions")["Table"]
    lost = table["StorageDescriptor"]["Columns"].pop()
    kept = ("Name", "TableType", "Parameters", "StorageDescriptor")
    glue.update_table(DatabaseName=site.database, TableInput={key: table[key] for key in kept})
    site.refresh()
    names = [
        each["Name"]
        for each in glue.get_table(DatabaseName=site.database, Name="sessions")["Table"]["StorageDescriptor"]["Columns"]
    ]
    assert lost["Name"] in names


def test_two_runs_at_once_work_one_after_the_other(site: Site) -> None:
    site.refresh()
    before = site.events()
    ends = [site.ended(each) for each in [site.start(days=2, optimize=True) for _ in range(2)]]
    assert [end["status"] for end in ends] == ["SUCCEEDED", "SUCCEEDED"]
    assert site.events() == before


def test_a_run_of_the_short_interval_gives_way_to_one_that_is_at_work(site: Site) -> None:
    first = site.start(days=2, optimize=True)
    second = site.ended(site.start(days=2, **{"yield": True}))
    assert (second["status"], json.loads(second["output"])) == ("SUCCEEDED", {})
    assert site.ended(first)["status"] == "SUCCEEDED"
    assert sum(run.gave_way for run in site.tables.runs(2)) == 1


def _stopped_after(seconds: float) -> Callable[[Site], None]:
    def stop(site: Site) -> None:
        execution = site.start(days=40, optimize=True, vacuum=True)
        time.sleep(seconds)
        client = site.deployment.client("stepfunctions")
        if client.describe_execution(executionArn=execution)["status"] == "RUNNING":
            client.stop_execution(executionArn=execution)

    return stop


@pytest.mark.parametrize("stopped", [_stopped_after(seconds) for seconds in (0.5, 2, 4)])
def test_what_a_run_that_was_stopped_left_the_next_one_does(site: Site, stopped: Callable[[Site], None]) -> None:
    site.refresh()
    before = site.events()
    site.deployment.client("glue").delete_table(DatabaseName=site.database, Name="events")
    stopped(site)
    site.refresh()
    assert site.events() == before


def test_days_without_events_are_no_fault(site: Site) -> None:
    end = site.ended(site.start(**{"from": "2026-02-01", "to": "2026-06-30"}))
    assert json.loads(end["output"]) == {"from": "2026-02-01", "to": "2026-06-30"}


def test_vacuum_leaves_what_the_tables_need_alone(site: Site) -> None:
    site.refresh()
    before = site.events()
    assert site.ended(site.start(days=2, vacuum=True))["status"] == "SUCCEEDED"
    assert site.events() == before


def test_a_query_that_would_read_too_much_is_cancelled_and_the_command_says_so(site: Site) -> None:
    athena, s3, bucket = (site.deployment.client("athena"), site.deployment.client("s3"), site.deployment.bucket)
    # The least that Athena takes.
    limit = {"BytesScannedCutoffPerQuery": 10_000_000}
    athena.update_work_group(WorkGroup=site.workgroup, ConfigurationUpdates=limit)
    key = "clean/event_type=unknown/date=2026-01-01/large.gz"
    s3.put_object(Bucket=bucket, Key=key, Body=bytes(10_000_001))
    try:
        with pytest.raises(QueryError, match=r"would read more than .* raise lake\.catalog\.bytes_scanned_limit"):
            site.rows("SELECT count(*) FROM clean")
    finally:
        s3.delete_object(Bucket=bucket, Key=key)


def test_the_command_makes_a_report_of_the_tables(site: Site, local: LocalPipeline, tmp_path: Path) -> None:
    site.refresh()
    [[day, waits]] = site.rows("SELECT day, sum(offered) FROM queue_intervals GROUP BY 1 ORDER BY 2 DESC LIMIT 1")
    path = tmp_path / "report.html"
    arguments = [
        "report",
        "--name",
        local.aws.directory.name,
        "--day",
        day or "",
        "--output",
        str(path),
        "--events-per-day",
        "1000",
    ]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert f"Contact centre, {day}" in path.read_text()
    assert f"Offered <b>{waits}</b>" in path.read_text()
