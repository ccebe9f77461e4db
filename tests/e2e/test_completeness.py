"""A deployed pipeline says which of Genesys Cloud's conversations it lacks, and that none is once they have come."""

import json
import secrets
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import urllib3
from typer.testing import CliRunner, Result

from genesys_firehose_tools.cli import app
from genesys_firehose_tools.local.details import detail_records
from genesys_firehose_tools.local.pipeline import LocalPipeline, temporary_pipeline
from genesys_firehose_tools.local.stories import tell_day
from genesys_firehose_tools.local.values import GeneratedEvent, Values
from genesys_firehose_tools.operations.deployed_pipeline import find_pipeline
from tests.e2e.conftest import Sender

pytestmark = pytest.mark.xdist_group("tables")

# Past the last check, so that a day may be complete.
DAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=6)


class Site:
    """A deployed pipeline, and a Genesys Cloud with the conversations of a day."""

    def __init__(self, pipeline: LocalPipeline) -> None:
        self.deployment = pipeline.deployment
        self.name = pipeline.aws.directory.name
        self.sender = Sender(pipeline.deployment)
        self.deployed = find_pipeline(self.deployment.client("cloudformation"), self.deployment.stack)
        self.machine = self.deployed.output("ReconciliationStateMachineArn")

    def happen(self, events: list[GeneratedEvent]) -> None:
        """Let Genesys Cloud know the conversations of these events."""
        self.control(conversations=detail_records(each.body for each in events))

    def control(self, **wanted: Any) -> None:
        answer = urllib3.request("PUT", f"{self.deployment.genesys_url}/_local/conversations", json=wanted)
        assert answer.status == 200, answer.data

    def send(self, events: list[GeneratedEvent]) -> None:
        self.sender.post_events(*events)
        assert all(self.sender.landings(each) for each in events)

    def check(self) -> dict[str, Any]:
        """Check the day as the schedules do; how the run ended."""
        client = self.deployment.client("stepfunctions")
        day = json.dumps({"day": f"{DAY:%Y-%m-%d}"})
        arn = client.start_execution(stateMachineArn=self.machine, input=day)["executionArn"]
        while (found := client.describe_execution(executionArn=arn))["status"] == "RUNNING":
            time.sleep(0.2)
        assert found["status"] == "SUCCEEDED", found
        return dict(json.loads(found["output"]))

    def completeness(self, *options: str) -> Result:
        """What the command says of the day."""
        days = ["--from", f"{DAY:%Y-%m-%d}", "--to", f"{DAY:%Y-%m-%d}"]
        return CliRunner().invoke(app, ["completeness", *days, *options, "--name", self.name])

    def backfill(self, *options: str) -> Result:
        """Take conversations of the day from Genesys Cloud."""
        days = ["--from", f"{DAY:%Y-%m-%d}", "--to", f"{DAY:%Y-%m-%d}"]
        return CliRunner().invoke(app, ["backfill", *days, *options, "--name", self.name])

    def row(self) -> dict[str, Any]:
        [row] = json.loads(self.completeness("--json").stdout)["days"]
        return dict(row)


@pytest.fixture(scope="module")
def site(own_app: Path) -> Iterator[Site]:
    with temporary_pipeline("completeness", own_app) as pipeline:
        yield Site(pipeline)


def _conversation(event: GeneratedEvent) -> str | None:
    body = event.body.get("eventBody", event.body)
    return body.get("conversationId") if isinstance(body, dict) else None


def test_planted_gaps_are_shown_and_gone_once_they_are_filled(site: Site) -> None:
    result = site.completeness()
    assert result.exit_code == 0, result.output
    assert "unchecked" in result.output

    values = Values(seed=secrets.randbits(32), until=DAY + timedelta(days=1))
    events = [
        each
        for each in tell_day(values, end=DAY + timedelta(hours=23), conversations=5).events
        if each.body.get("topicName", "").startswith("v2.detail.events.conversation.")
    ]
    missing, partial, *_ = dict.fromkeys(map(_conversation, events))
    # Of one conversation nothing comes, of another not what the customer did.
    lost = [
        each
        for each in events
        if _conversation(each) == missing or (_conversation(each) == partial and ".customer." in each.body["topicName"])
    ]
    site.happen(events)
    site.send([each for each in events if each not in lost])

    assert site.check() == {"day": f"{DAY:%Y-%m-%d}", "state": "gaps"}
    row = site.row()
    assert (row["state"], row["expected"], row["seen"], row["missing"], row["partial"]) == ("gaps", 5, 4, 1, 1)
    result = site.completeness()
    assert result.exit_code == 1
    assert f"{DAY:%Y-%m-%d}" in result.stdout

    filled = site.backfill("--only-missing")
    assert filled.exit_code == 0, filled.output
    records = [json.loads(line) for line in site.sender.landed() if '"ingress":"backfill"' in line]
    assert {each["event"]["eventBody"]["conversationId"] for each in records} == {missing, partial}
    assert site.check()["state"] == "complete"
    row = site.row()
    assert (row["state"], row["expected"], row["seen"], row["missing"], row["partial"]) == ("complete", 5, 5, 0, 0)
    assert site.completeness().exit_code == 0

    # Nothing is missing, so nothing is written.
    written = len(site.sender.landed("raw/"))
    again = site.backfill("--only-missing")
    assert again.exit_code == 0, again.output
    assert "there is nothing to take" in again.stdout
    assert len(site.sender.landed("raw/")) == written

    # What can no longer be checked is complete no longer.
    site.control(next_states=[["FAILED"]])
    assert site.check()["state"] == "unknown"
    result = site.completeness()
    assert result.exit_code == 1
    assert "Genesys Cloud ended the job FAILED." in result.output
    assert site.row()["missing"] is None
