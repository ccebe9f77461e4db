"""Each drill sets off the alarms that it should, the doctor names the fault, nothing is lost, and all is well again."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from genesys_firehose_tools.local.drills.catalogue import DRILLS
from genesys_firehose_tools.local.drills.local_metrics import is_measured
from genesys_firehose_tools.local.drills.run import Outcome, not_evaluated, run, short
from genesys_firehose_tools.local.drills.stage import Stage
from genesys_firehose_tools.local.pipeline import LocalPipeline, temporary_pipeline
from tests.e2e.test_commands import run as run_command

# A machine that is busy is late as a pipeline is: one second here is a minute there.
LATE = {"BackupFreshness", "DeliveryFreshness", "QueueAge", "QueueDepth", "ServerErrors"}
MAY_GO_OFF = {
    # A stream that is updated may have the new role for its backup, too.
    "wrong-role": {"BackupSuccess"},
    # It takes 100 refusals within five minutes.
    "wrong-key": {"ClientErrors"},
}
# The doctor's check of the alarms says what the drill says; that of the queues speaks after 15 minutes there.
MAY_BE_SAID = {"alarms", "queues"}
QUICK = ("dead-transform", "schema-change", "too-large", "poison-message", "expired-certificate")


@pytest.fixture(scope="module")
def pipeline(own_app: Path) -> Iterator[LocalPipeline]:
    with temporary_pipeline("drill", own_app) as pipeline:
        yield pipeline


@pytest.fixture(scope="module")
def stage(pipeline: LocalPipeline) -> Stage:
    return Stage(pipeline)


OUTCOMES: dict[str, Outcome] = {}


def outcome_of(stage: Stage, name: str) -> Outcome:
    """Run a drill once for all tests."""
    if name not in OUTCOMES:
        OUTCOMES[name] = run(stage, DRILLS[name])
    return OUTCOMES[name]


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.soak) for name in DRILLS]
)
def test_a_drill_sets_off_its_alarms_is_named_by_the_doctor_loses_nothing_and_leaves_nothing(
    stage: Stage, name: str
) -> None:
    drill, outcome = DRILLS[name], outcome_of(stage, name)
    assert outcome.passed, outcome
    assert {each.name for each in outcome.alarms} - drill.alarms <= LATE | MAY_GO_OFF.get(name, set())
    assert {check for check, _ in outcome.doctor} - MAY_BE_SAID == drill.checks
    assert outcome.verdict.landed == outcome.tally.accepted
    # What reports on a schedule is over when half of the last six reports are good again.
    assert {each.name for each in outcome.alarms if each.for_minutes is None} <= {
        "IntegrationActive",
        "PartnerSourceActive",
    }


def test_a_dead_transform_shows_as_accepted_above_landed(stage: Stage) -> None:
    outcome = outcome_of(stage, "dead-transform")
    assert (outcome.accepted_while_broken, outcome.landed_while_broken) == (20, 0)
    assert outcome.verdict.landed == 20


def test_a_drill_is_shown_in_80_columns_and_as_json_and_says_what_it_cannot_judge(pipeline: LocalPipeline) -> None:
    name = ("--name", pipeline.aws.directory.name)
    shown = run_command("drill", "too-large", *name, COLUMNS="80")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    table, _, rest = shown.stdout.partition("not evaluated here: ")
    assert max(map(len, table.splitlines())) <= 80
    assert "lost 0, doubled 0, leaked 0" in table
    assert "RebuildExecutionsFailed, metric AWS/States ExecutionsFailed" in rest
    [outcome] = json.loads(run_command("drill", "too-large", *name, "--json").stdout)
    assert (outcome["drill"], outcome["passed"], outcome["verdict"]["lost"]) == ("too-large", True, 0)


def test_what_no_local_service_measures_is_told_and_never_judged(stage: Stage) -> None:
    silent = not_evaluated(stage.alarms)
    assert silent["WatchScheduleFailedInvocations"] == "AWS/Events FailedInvocations"
    for alarm in stage.alarms:
        measured = all(is_measured(wanted.metric) for wanted in alarm.metrics.values())
        assert measured is (short(alarm.name) not in silent)
