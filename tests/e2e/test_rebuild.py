"""clean/ is made anew from raw/, by the deployed state machine with its own roles."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner, Result

from genesys_firehose_tools.cli import app
from genesys_firehose_tools.local.pipeline import LocalPipeline
from genesys_firehose_tools.local.values import GeneratedEvent
from tests.e2e.conftest import Sender

Generate = Callable[[str], GeneratedEvent]


@pytest.fixture
def rebuild(pipeline: LocalPipeline) -> Callable[..., Result]:
    today = datetime.now(UTC).date()

    def run(*options: str) -> Result:
        days = ["--from", str(today - timedelta(days=1)), "--to", str(today)]
        result = CliRunner().invoke(app, ["rebuild", "--name", pipeline.aws.directory.name, *days, *options])
        assert result.exit_code == 0, result.output
        return result

    return run


def test_a_rebuild_writes_what_the_transform_wrote_once_however_often_it_is_run(
    sender: Sender, generate: Generate, rebuild: Callable[..., Result]
) -> None:
    events = [generate(family) for family in ("call", "acd.end", "audit", "transcription")]
    sender.post_events(*events)
    before = {event.marker: sender.landings(event) for event in events}

    rebuild("--yes")
    rebuild("--yes")

    for event in events:
        [delivered] = before[event.marker]
        landings = sender.landings(event)
        assert sorted(landings, key=len) == [delivered, {**delivered, "deduplicated": False}]
    rebuilt = [key for key in sender.lakes["clean/"].objects if "/rebuild-" in key]
    assert all(key.startswith("clean/event_type=") and key.endswith(".gz") for key in rebuilt)


def test_a_dry_run_writes_nothing(sender: Sender, generate: Generate, rebuild: Callable[..., Result]) -> None:
    event = generate("chat")
    sender.post_events(event)
    [delivered] = sender.landings(event)
    assert "raw objects" in rebuild("--dry-run").output
    assert sender.landings(event) == [delivered]
