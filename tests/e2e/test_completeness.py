"""By commands alone a pipeline says which of Genesys Cloud's conversations it lacks, and gets them."""

import json
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import urllib3
from typer.testing import CliRunner, Result

from genesys_firehose_tools.cli import app
from genesys_firehose_tools.local.gaps import DAYS_AGO, GappedDay, gapped_day
from genesys_firehose_tools.local.pipeline import LocalPipeline
from tests.e2e.conftest import Sender

pytestmark = pytest.mark.xdist_group("tables")

DAY = datetime.now(UTC).date() - timedelta(days=DAYS_AGO)


class Site:
    """A local pipeline with planted gaps, and the commands on their day."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.deployment = LocalPipeline.get(name).deployment
        self.sender = Sender(self.deployment)

    def run(self, command: str, *options: str) -> Result:
        days = ["--from", f"{DAY}", "--to", f"{DAY}"]
        return CliRunner().invoke(app, [command, *days, *options, "--name", self.name])

    def row(self) -> dict[str, Any]:
        [row] = json.loads(self.run("completeness", "--json").stdout)["days"]
        return dict(row)

    def missing(self) -> dict[str, set[str]]:
        """The conversations with gaps, by the kind of their gaps, as a query finds them."""
        statement = "SELECT DISTINCT kind, conversation_id FROM missing_conversations"
        result = CliRunner().invoke(app, ["query", statement, "--json", "--name", self.name])
        found: dict[str, set[str]] = {"missing": set(), "partial": set()}
        for row in json.loads(result.stdout)["rows"]:
            found[row["kind"]].add(row["conversation_id"])
        return found


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    name = f"completeness-{secrets.token_hex(4)}"
    try:
        result = CliRunner().invoke(app, ["local", "up", "--gaps", "--name", name])
        assert result.exit_code == 0, result.output
        assert f"completeness --check --from {DAY} --to {DAY} --name {name}" in result.stderr
        yield Site(name)
    finally:
        CliRunner().invoke(app, ["local", "down", "--name", name])


@pytest.fixture(scope="module")
def told() -> GappedDay:
    return gapped_day(DAY)


def test_planted_gaps_are_shown_and_gone_once_they_are_filled(site: Site, told: GappedDay) -> None:
    assert "unchecked" in site.run("completeness").output

    seen = {event.body["eventBody"]["conversationId"] for event in told.sent}
    lost = set[str]().union(*told.lost.values())
    assert lost - seen
    assert lost & seen
    first = site.run("completeness", "--check")
    assert first.exit_code == 1, first.output
    assert "gaps" in first.stdout
    assert site.missing() == {"missing": lost - seen, "partial": lost & seen}
    row = site.row()
    assert (row["missing"], row["partial"], row["unlisted"]) == (len(lost - seen), len(lost & seen), 0)
    assert row["expected"] == row["seen"] + row["missing"]

    filled = site.run("backfill", "--only-missing")
    assert filled.exit_code == 0, filled.output
    records = [json.loads(line) for line in site.sender.landed() if '"ingress":"backfill"' in line]
    assert sorted(each["event"]["eventBody"]["conversationId"] for each in records) == sorted(lost)

    second = site.run("completeness", "--check")
    assert second.exit_code == 0, second.output
    after = site.row()
    assert (after["state"], after["missing"], after["partial"]) == ("complete", 0, 0)
    assert after["expected"] == after["seen"] == row["expected"]

    written = len(site.sender.landed("raw/"))
    again = site.run("backfill", "--only-missing")
    assert again.exit_code == 0, again.output
    assert "there is nothing to take" in again.stdout
    assert len(site.sender.landed("raw/")) == written


def test_what_can_no_longer_be_checked_is_complete_no_longer(site: Site) -> None:
    control = f"{site.deployment.genesys_url}/_local/conversations"
    assert urllib3.request("PUT", control, json={"next_states": [["FAILED"]]}).status == 200
    result = site.run("completeness", "--check")
    assert result.exit_code == 1
    assert "Genesys Cloud ended the job FAILED." in result.output
    assert (site.row()["state"], site.row()["missing"]) == ("unknown", None)


def test_a_day_that_is_not_over_is_not_checked(site: Site) -> None:
    today = f"{datetime.now(UTC).date()}"
    result = CliRunner().invoke(
        app, ["completeness", "--check", "--from", today, "--to", today, "--name", site.name], catch_exceptions=True
    )
    assert result.exit_code
    assert f"{today} is not over" in f"{result.output}{result.exception}"
