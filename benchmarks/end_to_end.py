"""Events through the stack deployed into the embedded AWS: only its trend is meaningful."""

import time
from collections.abc import Iterator

from benchmarks.measuring import OURS, Figure, compare
from genesys_firehose_tools.local.pipeline import temporary_pipeline
from genesys_firehose_tools.local.sender import Sender
from genesys_firehose_tools.local.trial import Traffic, run

_EVENTS = 1000
_BATCH = 10


def measure(_rounds: int) -> Iterator[Figure]:
    """Measure from the first request until everything has landed."""
    with temporary_pipeline("bench") as pipeline:
        deployment = pipeline.deployment
        sender = Sender(deployment.target(), concurrency=8)
        started = time.perf_counter()
        report = run(deployment, sender, Traffic(events=_EVENTS, batch=_BATCH), wait_seconds=120)
        took = time.perf_counter() - started
    if not report.passed:
        raise RuntimeError("events were lost, doubled or leaked")
    yield compare("end to end on the embedded AWS", "ms per event, until landed", {OURS: [took]}, 1e3 / _EVENTS)
