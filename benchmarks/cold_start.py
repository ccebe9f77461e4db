"""Cold start: the import of every handler, and the first invocation of two, each in a fresh interpreter."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import inputs
from benchmarks.aws_stub import aws_stub
from benchmarks.environment import FUNCTIONS, ROOT
from benchmarks.measuring import FLOOR, OURS, Figure, Goal, Samples, compare

_INGEST = {
    OURS: ("ingest.handler", "handle"),
    FLOOR: ("benchmarks.bare_sdk", "ingest"),
    "powertools": ("benchmarks.peers.powertools_ingest", "lambda_handler"),
    "plain": ("benchmarks.peers.plain_ingest", "lambda_handler"),
}
_TRANSFORM = {
    OURS: ("transform.handler", "handle"),
    FLOOR: ("benchmarks.bare_sdk", "transform"),
    "powertools": ("benchmarks.peers.powertools_transform", "lambda_handler"),
}
# No request waits for these, but their start is billed and counts against their timeout.
_OTHERS = (
    "rebuild",
    "retention",
    "verification",
    "manifest",
    "genesys_backfill",
    "genesys_integration",
    "genesys_ipranges",
    "genesys_names",
    "genesys_reconciliation",
    "genesys_subscription",
    "genesys_watch",
    "key_rotation",
    "certificate_probe",
)


def measure(rounds: int) -> Iterator[Figure]:
    """Measure the ingest and the transform function, and the imports of the others."""
    request = inputs.request(inputs.body_of(inputs.event_with_id, 1))
    batch = inputs.firehose_batch([inputs.record(inputs.event_with_id())])
    with aws_stub() as url:
        for function, handlers, event, goals in (
            ("ingest", _INGEST, request, [Goal("powertools", 0.6), Goal("plain", 1.0)]),
            ("transform", _TRANSFORM, batch, [Goal("powertools", 0.6)]),
        ):
            imports, starts = _measure(handlers, event, url, rounds)
            yield compare(f"{function}, import", "ms of CPU", imports, 1e3)
            yield compare(f"{function}, import and first invocation", "ms of CPU", starts, 1e3, goals)
        for function in _OTHERS:
            alone = {OURS: (f"{function}.handler", ""), FLOOR: ("benchmarks.bare_sdk", "")}
            imports, _ = _measure(alone, {}, url, rounds)
            yield compare(f"{function}, import", "ms of CPU", imports, 1e3)


def _measure(
    handlers: dict[str, tuple[str, str]], event: dict[str, Any], url: str, rounds: int
) -> tuple[Samples, Samples]:
    imports: Samples = {name: [] for name in handlers}
    starts: Samples = {name: [] for name in handlers}
    with tempfile.TemporaryDirectory() as directory:
        event_file = Path(directory) / "event.json"
        event_file.write_text(json.dumps(event), encoding="utf-8")
        for number in range(rounds):
            for name, (module, function) in handlers.items():
                imported, answered = _run(module, function, event_file, url)
                if number == 0:
                    continue  # reads everything from disk
                imports[name].append(imported)
                starts[name].append(answered)
    return imports, starts


def _run(module: str, function: str, event_file: Path, url: str) -> tuple[float, float]:
    # Functions are deployed without compiled files, and their directory can't be written to.
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(FUNCTIONS), str(ROOT)]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_ENDPOINT_URL": url,
    }
    command = [sys.executable, "benchmarks/first_invocation.py", module, function, str(event_file)]
    result = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE)  # noqa: S603
    imported, answered = json.loads(result.stdout)
    return imported, answered
