"""The command line against a deployed pipeline."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genesys_firehose_tools.local.pipeline import LocalPipeline
from genesys_firehose_tools.local.soak import soak
from genesys_firehose_tools.local.trial import Traffic
from genesys_firehose_tools.local.values import GeneratedEvent, find_personal_values
from tests.e2e.conftest import Sender
from tests.tools.operations.test_report import Page

COMMAND = [str(Path(sys.executable).with_name("genesys-firehose"))]

Generate = Callable[[str], GeneratedEvent]


def run(*arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        env={
            "PATH": os.defpath,
            "HOME": os.environ["HOME"],
            "XDG_STATE_HOME": os.environ["XDG_STATE_HOME"],
            "COLUMNS": "200",
            # As behind a company's proxy, through which nothing local may go.
            "HTTP_PROXY": "http://127.0.0.1:1",
            "HTTPS_PROXY": "http://127.0.0.1:1",
            **environment,
        },
    )


def test_status_prints_one_json_object_that_says_where_everything_is(pipeline: LocalPipeline) -> None:
    completed = run("local", "status", "--name", pipeline.aws.directory.name, "--json")

    assert completed.returncode == 0, completed.stderr
    answer = json.loads(completed.stdout)
    assert answer == pipeline.deployment.to_dict()
    assert {"ingest_url", "ingest_host_header", "endpoint_url", "bucket", "stream", "secret", "region"} <= answer.keys()


@pytest.mark.parametrize("layout", ["JSON lines", "array"])
def test_send_posts_the_events_of_a_file_or_of_standard_input(
    pipeline: LocalPipeline, sender: Sender, generate: Generate, tmp_path: Path, layout: str
) -> None:
    events = [generate("chat"), generate("presence")]
    bodies = [event.body for event in events]
    if layout == "array":
        path = tmp_path / "events.json"
        path.write_text(json.dumps(bodies))
        completed = run("send", str(path), "--name", pipeline.aws.directory.name)
    else:
        lines = "\n".join(json.dumps(body) for body in bodies)
        completed = run("send", "-", "--name", pipeline.aws.directory.name, stdin=lines)

    assert completed.returncode == 0, completed.stderr
    assert all(len(sender.landings(event)) == 1 for event in events)


def test_a_key_that_is_not_the_pipelines_gets_every_event_refused(pipeline: LocalPipeline, sender: Sender) -> None:
    completed = run("send", "--count", "3", "--url", pipeline.deployment.ingest_url, GENESYS_SIGNING_KEY="another")

    assert completed.returncode == 1
    assert "refused" in completed.stdout
    assert sender.landed() == []


def test_nothing_is_lost_or_doubled_under_load_attacks_faults_and_a_key_rotation(pipeline: LocalPipeline) -> None:
    plan = Traffic(events=400, duplicates=0.3, forged=0.02, hostile=0.05, batch=3, disorder=50)
    report = soak(pipeline.deployment, plan)

    assert report.trial.passed, report.to_dict()
    assert (report.trial.verdict.landed, report.trial.tally.refused) == (400, 8)
    # Of 20 requests another event under an id, a growing list and a forged pointer, 4 of each.
    assert report.trial.verdict.hostile == 12
    assert report.signed_with_previous_key


def test_a_demo_beside_a_running_pipeline_meets_nothing_of_it_and_leaves_nothing_behind(
    pipeline: LocalPipeline, sender: Sender, generate: Generate, tmp_path: Path
) -> None:
    # Other tests start pipelines of their own beside this one.
    before = set(pipeline.aws.directory.parent.glob("demo-*"))
    report = tmp_path / "report.html"
    completed = run("demo", "--count", "100", "--summary", str(tmp_path / "summary.json"), "--report", str(report))
    assert completed.returncode == 0, completed.stderr

    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["sent"] == summary["accepted"] + summary["refused"] == 112
    assert (summary["landed"], sum(summary["partitions"].values()), summary["refused"]) == (100, 100, 2)
    assert summary["lost"] == summary["doubled"] == summary["leaked"] == summary["unarchived"] == 0
    _assert_tells_of(summary, report.read_text(encoding="utf-8"))
    assert set(pipeline.aws.directory.parent.glob("demo-*")) <= before
    assert sender.landed() == []
    event = generate("call")
    sender.post_events(event)
    assert len(sender.landings(event)) == 1


def _assert_tells_of(summary: dict[str, Any], html: str) -> None:
    """The page says what the summary says, and shows no personal value but in the column of what was sent."""
    page = Page(html)
    sent = page.rows("What was sent")
    assert [sent[name] for name in ("Different events", "Copies of them", "Accepted", "Refused")] == [
        ["100"],
        ["10"],
        ["110"],
        ["2"],
    ]
    landed = page.rows("Where it landed")
    days = {name.partition("date=")[2] for name in summary["partitions"]}
    assert landed["Different events in clean/"] == ["100"]
    assert sum(int(landed[day][0]) for day in days) == 100
    shortest, median, longest = (float(cells[0]) for cells in list(page.rows("Freshness").values()))
    assert 0 <= shortest <= median <= longest < 60
    records, objects, least, _, most, together = page.rows("Objects")["clean/"]
    assert (int(records), int(objects) > len(summary["partitions"]) - 1) == (100, True)
    assert float(least) <= float(most) <= float(together)
    shown = [row for row in page.sections["Masking, before and after"] if len(row) == 3]
    assert any(find_personal_values(before) for _, before, _ in shown)
    for _, before, _ in shown:
        html = html.replace(f">{before}<", "><") if before else html
    # Nor one of a fixed identifier: those of conversations and queues are personal to nobody.
    assert not {value for value in find_personal_values(html) if "-" not in value}
    assert {
        "Volume",
        "Service level and abandon rate",
        "Handle time per queue",
        "What it costs",
    } <= page.sections.keys()
    assert int(page.tiles["Offered"]) > 0


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        pytest.param(["local", "status", "--name", "nobody"], 1, "No local pipeline named nobody is up", id="not up"),
        pytest.param(["local", "up", "--name", "a/b"], 1, "letters, digits and hyphens are allowed", id="no name"),
        pytest.param(["send", "--url", "http://127.0.0.1:1"], 2, "--key: is needed with --url", id="no key"),
        pytest.param(
            ["send", "missing.json", "--url", "http://127.0.0.1:1", "--key", "k"],
            1,
            "missing.json can't be read",
            id="no file",
        ),
        pytest.param(["demo", "--duplicates", "2"], 2, "less than or equal to 1", id="out of range"),
    ],
)
def test_a_mistake_is_answered_with_a_sentence_and_no_traceback(
    arguments: list[str], status: int, complaint: str
) -> None:
    completed = run(*arguments)

    assert completed.returncode == status
    assert complaint in completed.stderr
    assert "Traceback" not in completed.stderr
    assert completed.stdout == ""
