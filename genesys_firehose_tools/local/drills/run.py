"""Runs a drill, and tells what the operator saw and what became of the events."""

from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from genesys_firehose_tools.local.drills.alarms import AlarmDefinition, AlarmState, Samples, history
from genesys_firehose_tools.local.drills.catalogue import Drill
from genesys_firehose_tools.local.drills.local_metrics import is_measured
from genesys_firehose_tools.local.drills.stage import Stage
from genesys_firehose_tools.local.lake import Verdict
from genesys_firehose_tools.local.sender import Tally
from genesys_firehose_tools.operations.doctor.findings import Finding

_A_DAY_LATER = timedelta(hours=25)
"""The doctor looks back a day at most."""

KEPT = frozenset({"errors"})
"""Checks that may go on to report a warning: Object Lock keeps what was redriven."""


@dataclass(frozen=True, slots=True)
class AlarmRun:
    """An alarm that went off.

    Attributes:
        name: The last part of its name.
        after_minutes: After how many minutes of the pipeline's time.
        for_minutes: How long it stayed on; None if it was on at the drill's end.
    """

    name: str
    after_minutes: int
    for_minutes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a drill.

    Attributes:
        drill: Its name.
        breaks: What was broken.
        alarms: The alarms that went off, the first one first.
        silent: Alarms that should have gone off and did not.
        not_evaluated: Alarms that can't be judged here, with the metric that no local service measures.
        unseen: Checks of the doctor that should have reported something and did not.
        doctor: What the doctor reported that it did not before: checks and findings.
        landed_while_broken: Events in `clean/` when the doctor looked.
        accepted_while_broken: Events accepted by then.
        tally: The events by their answers.
        verdict: What became of them.
        left: What the doctor still reports a day after it was mended.
    """

    drill: str
    breaks: str
    alarms: tuple[AlarmRun, ...]
    silent: tuple[str, ...]
    not_evaluated: dict[str, str]
    unseen: tuple[str, ...]
    doctor: tuple[tuple[str, Finding], ...]
    landed_while_broken: int
    accepted_while_broken: int
    tally: Tally
    verdict: Verdict
    left: tuple[tuple[str, Finding], ...]

    @property
    def passed(self) -> bool:
        """Whether it was noticed as it must be, every event landed once, and nothing is left to mend."""
        noticed = not self.silent and not self.unseen
        return noticed and self.verdict.clean and {name for name, _ in self.left} <= KEPT

    def to_dict(self) -> dict[str, Any]:
        """Return everything by name."""
        return {**asdict(self), "passed": self.passed}


def run(stage: Stage, drill: Drill, report: Callable[[str], None] = lambda _: None) -> Outcome:
    """Break, look, mend, and judge.

    Args:
        stage: The pipeline.
        drill: What to do.
        report: Told what is being done.

    Raises:
        LocalError: What must happen does not happen.
    """
    report(f"{drill.name}: healthy")
    before = stage.findings()
    stage.begin()
    with closing(drill.steps(stage)) as steps:
        report(f"{drill.name}: broken")
        next(steps)
        accepted, landed = stage.traffic.tally.accepted, stage.landed()
        on = _on_now(stage, stage.samples())
        for name in on:
            stage.set_alarm_state(name, AlarmState.ALARM)
        found = stage.findings() - before
        report(f"{drill.name}: mended")
        with suppress(StopIteration):
            next(steps)
    verdict = stage.verdict()
    samples, end = stage.samples(), stage.time.of(datetime.now(UTC))
    for name in on:
        stage.set_alarm_state(name, AlarmState.OK)
    stage.also_found = set()
    left = stage.findings(datetime.now(UTC) + _A_DAY_LATER)
    runs = [run for alarm in stage.alarms if (run := _run_of(alarm, samples, stage.time.begin, end))]
    return Outcome(
        drill=drill.name,
        breaks=drill.breaks,
        alarms=tuple(sorted(runs, key=lambda each: (each.after_minutes, each.name))),
        silent=tuple(sorted(drill.alarms - {each.name for each in runs})),
        unseen=tuple(sorted(drill.checks - {check for check, _ in found})),
        not_evaluated=not_evaluated(stage.alarms),
        doctor=tuple(sorted(found, key=lambda each: each[0])),
        landed_while_broken=landed,
        accepted_while_broken=accepted,
        tally=stage.traffic.tally,
        verdict=verdict,
        left=tuple(sorted(left, key=lambda each: each[0])),
    )


def not_evaluated(alarms: list[AlarmDefinition]) -> dict[str, str]:
    """Return the alarms that can't be judged here, each with the metric that no local service measures."""
    return {
        short(alarm.name): f"{wanted.metric.namespace} {wanted.metric.name}"
        for alarm in alarms
        for wanted in alarm.metrics.values()
        if not is_measured(wanted.metric)
    }


def short(alarm: str) -> str:
    """Return the last part of an alarm's name."""
    return alarm.rsplit("/", 1)[1]


def _on_now(stage: Stage, samples: Samples) -> list[str]:
    """Return the alarms that are on, as far as the embedded AWS has them."""
    known = {each.physical_id for each in stage.resources.of_type("AWS::CloudWatch::Alarm")}
    now = stage.time.of(datetime.now(UTC))
    changes = {alarm.name: history(alarm, samples, stage.time.begin, now) for alarm in stage.alarms}
    return [name for name, each in changes.items() if name in known and each and each[-1].state is AlarmState.ALARM]


def _run_of(alarm: AlarmDefinition, samples: Samples, begin: datetime, end: datetime) -> AlarmRun | None:
    """Return when an alarm went off first, and for how long; what is silent after the drill stays so."""
    quiet = end + alarm.period * (alarm.evaluation_periods + 2) if alarm.missing_data == "notBreaching" else end
    changes = history(alarm, samples, begin, quiet)
    on = [change.at for change in changes if change.state is AlarmState.ALARM]
    if not on:
        return None
    over = [change.at for change in changes if change.state is AlarmState.OK and change.at > on[0]]
    return AlarmRun(short(alarm.name), _minutes(on[0] - begin), _minutes(over[0] - on[0]) if over else None)


def _minutes(duration: timedelta) -> int:
    return round(duration / timedelta(minutes=1))
