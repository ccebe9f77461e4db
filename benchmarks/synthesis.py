"""The time that pipelines add to an app's synthesis."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

from benchmarks.environment import ROOT
from benchmarks.measuring import FLOOR, OURS, Figure, Goal, compare

_APP = """
import sys
import aws_cdk as cdk
from genesys_firehose_cdk import GenesysFirehosePipeline
app = cdk.App(outdir=sys.argv[1])
for number in range(int(sys.argv[2])):
    GenesysFirehosePipeline(cdk.Stack(app, f"Stack{number}"), "Pipeline")
cdk.Stack(app, "Empty")
app.synth()
"""
_MANY = 10
# A synthesis takes seconds, so there are few.
_MOST_ROUNDS = 4


def measure(rounds: int) -> Iterator[Figure]:
    """Measure one pipeline and ten in one app, each against an app without."""
    empty, one, ten = [], [], []
    for _ in range(min(rounds, _MOST_ROUNDS)):
        empty.append(_synthesize(0))
        one.append(_synthesize(1))
        ten.append(_synthesize(_MANY))
    yield compare("synth, one pipeline, over an empty app", "s", {FLOOR: empty, OURS: one})
    added_by_one = [some - none for some, none in zip(one, empty, strict=True)]
    added_by_ten = [(all_ - none) / _MANY for all_, none in zip(ten, empty, strict=True)]
    yield compare(
        "synth, each of ten pipelines, over one alone",
        "s added to an empty app",
        {FLOOR: added_by_one, OURS: added_by_ten},
        goals=[Goal(FLOOR, 1.1)],
    )


def _synthesize(pipelines: int) -> float:
    with tempfile.TemporaryDirectory() as directory:
        started = time.perf_counter()
        command = [sys.executable, "-c", _APP, directory, str(pipelines)]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)  # noqa: S603 - our own app
        return time.perf_counter() - started
