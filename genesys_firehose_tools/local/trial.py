"""A trial of a pipeline: sends traffic and checks what happened to every event."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from genesys_firehose_tools.local.attacks import attacks
from genesys_firehose_tools.local.deployment import Deployment
from genesys_firehose_tools.local.events import EventGenerator
from genesys_firehose_tools.local.lake import Lake, Verdict, judge, wait_until_settled
from genesys_firehose_tools.local.sender import Sender, Tally, is_accepted
from genesys_firehose_tools.local.traffic import traffic
from genesys_firehose_tools.local.values import GeneratedEvent, find_markers


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """The traffic of a trial.

    Attributes:
        events: Events of the real sender.
        duplicates: The share of them that is sent twice.
        forged: Events of someone without the key, as a share of ``events``.
        hostile: Requests of an attacker with the key, as a share of ``events``.
        batch: Events in one request.
        disorder: By how many places an event may come too late.
        seed: Same seed, same traffic.
        until: The time of the newest event; the others are up to two days older. Default is now.
    """

    events: int = 1000
    duplicates: float = 0.1
    forged: float = 0.02
    hostile: float = 0.0
    batch: int = 1
    disorder: int = 0
    seed: int = 1
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What was sent and what became of it.

    Attributes:
        tally: How the requests were answered.
        verdict: What the check found.
        events: The different events of the real sender.
        clean: What came into ``clean/``.
        raw: What came into ``raw/``.
    """

    tally: Tally
    verdict: Verdict
    events: Sequence[GeneratedEvent]
    clean: Lake
    raw: Lake

    @property
    def passed(self) -> bool:
        """Whether nothing is lost, doubled, leaked, stored without being accepted, or left without an answer."""
        return self.verdict.clean and not self.tally.unanswered

    def to_dict(self) -> dict[str, Any]:
        """Return all figures by name."""
        return {**asdict(self.tally), **asdict(self.verdict)}


def run(
    deployment: Deployment,
    sender: Sender,
    plan: Traffic,
    *,
    wait_seconds: float,
    progress: Callable[[Tally, int], None] = lambda _tally, _total: None,
) -> Report:
    """Send a trial's traffic, wait until it has landed, and judge.

    Args:
        deployment: The pipeline under trial.
        sender: Sends it.
        plan: What to send.
        wait_seconds: How long to wait at most until everything has landed.
        progress: Told the figures and the number of all events after every answer.
    """
    generator = EventGenerator(plan.seed, plan.until)
    events = generator.take(plan.events)
    forged = generator.take(round(plan.events * plan.forged))
    hostile = dict(attacks(events, round(plan.events * plan.hostile), plan.seed))
    messages = traffic(
        [event.body for event in events],
        duplicates=plan.duplicates,
        forgeries=[event.body for event in forged],
        hostile=list(hostile.values()),
        batch=plan.batch,
        disorder=plan.disorder,
        seed=plan.seed,
    )
    total = sum(len(message.events) for message in messages if not message.hostile)
    clean, raw = Lake(deployment, "clean/"), Lake(deployment, "raw/")
    tally = Tally()
    accepted: set[str] = set()
    for message, status in sender.send(messages):
        if message.hostile:
            continue
        tally.add(message, status)
        if is_accepted(status):
            accepted |= find_markers(message.body.decode())
        progress(tally, total)
    accepted &= {event.marker for event in events}
    wait_until_settled(deployment, wait_seconds)
    clean.refresh()
    raw.refresh()
    verdict = judge(clean, raw, events, accepted, forged, hostile.keys())
    return Report(tally, verdict, events, clean, raw)
