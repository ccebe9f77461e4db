"""What the commands on a pipeline print can be read in a terminal of 80 columns."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from genesys_firehose_tools.local.pipeline import LocalPipeline
from genesys_firehose_tools.local.values import GeneratedEvent
from tests.e2e.conftest import Sender
from tests.e2e.test_commands import run
from tests.test_options import COMMANDS
from tests.tools.commands.test_terminal import OFFLINE

WIDTH = 80
TODAY = datetime.now(UTC).date()
LONG_AGO = str(TODAY - timedelta(days=500))
DAYS = ["--from", str(TODAY - timedelta(days=1)), "--to", str(TODAY + timedelta(days=1))]
ON_A_PIPELINE = {
    "local status": [],
    "send": ["--count", "3"],
    "doctor": [],
    "smoke": [],
    "redrive": ["--dry-run"],
    "rebuild": [*DAYS, "--dry-run"],
    "find-person": DAYS,
    "query": ["SELECT * FROM clean LIMIT 1"],
    "backfill": ["--from", LONG_AGO, "--to", LONG_AGO, "--dry-run"],
    "completeness": [],
    "tables refresh": [],
    "tables status": [],
    "drill": ["--list"],
    "dead-letters list": [],
    "dead-letters set-aside": ["--all"],
    "dead-letters discard": ["--all", "--yes"],
}
# What these print, others of the list print as well.
ALIKE = {
    "local up": "local status",
    "local down": "no table",
    "demo": "the figures of send",
    "soak": "the figures of send",
    "rotate-key begin": "no table",
    "rotate-key finish": "no table",
    "report": "no table",
    "verify": "no table",
    "shapes": "figures, of which a value may have lines of its own",
}


def test_every_command_is_tried() -> None:
    offline = {case.split()[0] for case in OFFLINE}
    assert COMMANDS.keys() == offline | ON_A_PIPELINE.keys() | ALIKE.keys()


@pytest.mark.parametrize("command", ON_A_PIPELINE)
def test_nothing_is_cut_in_80_columns(
    pipeline: LocalPipeline, sender: Sender, generate: Callable[[str], GeneratedEvent], command: str
) -> None:
    event = generate("call")
    sender.post_events(event)
    assert sender.landings(event)
    if command.startswith("dead-letters"):
        pipeline.deployment.client("sqs").send_message(QueueUrl=pipeline.deployment.dlq, MessageBody="no event")
    person = min(event.personal)

    arguments = [*command.split(), *ON_A_PIPELINE[command], "--name", pipeline.aws.directory.name]
    completed = run(*arguments, stdin=f"{person}\n", COLUMNS=str(WIDTH))

    # The doctor finds the queue's settings changed, which the tests have changed.
    assert completed.returncode in (0, 1, 3)
    assert "Error" not in completed.stderr
    assert completed.stdout
    assert "…" not in completed.stdout
    tables = [line for line in completed.stdout.splitlines() if line[:1] in "┏┃┡│└├┌"]
    assert all(len(line) <= WIDTH and line[-1] in "┓┃┩│┘┤┐" for line in tables)
    if command == "local status":
        found = json.loads(run(*arguments, "--json").stdout)
        assert all(value in completed.stdout for value in found.values() if value)
