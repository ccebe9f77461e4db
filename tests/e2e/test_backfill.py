"""The backfill against the embedded AWS and the local Genesys Cloud: history lands once, and in the tables."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import urllib3
from typer.testing import CliRunner

from genesys_firehose_tools.cli import app
from genesys_firehose_tools.local.details import detail_records
from genesys_firehose_tools.local.pipeline import LocalPipeline
from genesys_firehose_tools.local.stories import tell_day
from genesys_firehose_tools.local.values import Values, find_personal_values, personal_values
from genesys_firehose_tools.operations.backfill import Backfill, BackfillError
from genesys_firehose_tools.operations.lake_query import LakeQuery
from tests.e2e.conftest import Sender, eventually, output_of

LAST = datetime.now(UTC).date() - timedelta(days=400)
FIRST = LAST - timedelta(days=1)
PER_DAY = 6


def _told(day: date) -> list[Any]:
    end = datetime(day.year, day.month, day.day, 23, tzinfo=UTC)
    return tell_day(Values(seed=day.toordinal(), until=end), end=end, conversations=PER_DAY).events


@pytest.fixture(scope="module")
def history() -> list[Any]:
    """The events that the lake never got."""
    return [*_told(FIRST), *_told(LAST)]


@pytest.fixture
def known(sender: Sender, history: list[Any]) -> Iterator[list[dict[str, Any]]]:
    """What the local Genesys Cloud knows of them."""
    records = detail_records(event.body for event in history)
    control = f"{sender.deployment.genesys_url}/_local/conversations"
    urllib3.request("PUT", control, json={"conversations": records, "deleted": []})
    yield records
    urllib3.request("PUT", control, json={"deleted": [each["conversationId"] for each in records]})


@pytest.fixture
def work(sender: Sender) -> Backfill:
    machine = output_of(sender.deployment, "BackfillStateMachineArn")
    return Backfill(sender.deployment, machine, sleep=lambda _: time.sleep(0.2))


def records_of(sender: Sender) -> list[dict[str, Any]]:
    return [each for line in sender.landed() if (each := json.loads(line))["ingress"] == "backfill"]


def test_days_of_400_days_ago_land_once_masked_on_their_own_days_and_in_the_tables(
    sender: Sender, work: Backfill, known: list[dict[str, Any]], history: list[Any]
) -> None:
    deployment = sender.deployment
    seen: list[str] = []
    progress = work.run(FIRST, LAST, report=lambda each: seen.append(each.day))
    assert (progress.days, progress.found, progress.put) == (2, 2 * PER_DAY, 2 * PER_DAY)
    assert seen[-1] == str(LAST)
    records = records_of(sender)
    ids = [each["event"]["eventBody"]["conversationId"] for each in records]
    assert sorted(ids) == sorted(each["conversationId"] for each in known)
    assert {each["event_type"] for each in records} == {"backfill"}
    assert not personal_values(history) & find_personal_values(json.dumps(records))
    objects = deployment.client("s3").list_objects_v2(Bucket=deployment.bucket, Prefix="clean/event_type=backfill/")
    assert {each["Key"].split("/")[2] for each in objects["Contents"]} == {f"date={FIRST}", f"date={LAST}"}
    lake = LakeQuery(
        deployment, output_of(deployment, "WorkgroupName"), output_of(deployment, "DatabaseName"), sleep=lambda _: None
    )
    count = f"SELECT count(*) FROM conversations WHERE day BETWEEN DATE '{FIRST}' AND DATE '{LAST}'"  # noqa: S608
    machine, runs = output_of(deployment, "TablesStateMachineArn"), deployment.client("stepfunctions")

    def is_fresh() -> bool:
        listed = runs.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]
        return not listed and lake.ask(count).rows == [[str(2 * PER_DAY)]]

    assert eventually(is_fresh, 90)
    # A second run puts copies, of which nothing lands.
    assert work.run(FIRST, FIRST).put == PER_DAY
    assert len(records_of(sender)) == 2 * PER_DAY
    assert eventually(is_fresh, 90)


def test_the_command_counts_what_it_would_take(
    sender: Sender, known: list[dict[str, Any]], pipeline: LocalPipeline
) -> None:
    arguments = ["--from", f"{FIRST}", "--to", f"{LAST}", "--dry-run", "--name", pipeline.aws.directory.name]
    outcome = CliRunner().invoke(app, ["backfill", *arguments])
    assert outcome.exit_code == 0, outcome.output
    assert f"{len(known)}" in outcome.stdout
    assert records_of(sender) == []


def test_a_day_that_is_not_over_is_refused_with_a_sentence(work: Backfill) -> None:
    today = datetime.now(UTC).date()
    with pytest.raises(BackfillError, match=f"{today} is not there as a whole") as caught:
        work.run(today, today)
    assert f"go on with --from {today}" in str(caught.value)
