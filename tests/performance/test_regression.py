"""Bounds on CPU and import time, as ratios to the least work, that hold on a busy machine.

The bounds are about half as much again as what is measured on a quiet machine; `make bench` has the figures.
"""

import json
import subprocess
import sys
from typing import Any

import pytest

from benchmarks.environment import LAMBDA_SOURCE, ROOT, stage_functions

ROUNDS = 3


PARTS = ("ingest", "transform", "cold-start")


@pytest.fixture(scope="module")
def figures() -> dict[str, dict[str, Any]]:
    stage_functions()
    return {name: figure for part in PARTS for name, figure in _measured(part).items()}


def _measured(part: str) -> dict[str, dict[str, Any]]:
    command = [sys.executable, "-m", "benchmarks", part, "--rounds", str(ROUNDS), "--in-this-process"]
    output = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    return {figure["name"]: figure for figure in map(json.loads, output.splitlines())}


BOUNDS = [
    ("ingest, one event with an id", "floor", 6.8),
    ("ingest, one event with an id", "powertools", 0.6),
    ("ingest, an array of 100 events with an id", "floor", 3.8),
    ("ingest, an array of 100 events with an id", "powertools", 0.4),
    ("ingest, one event without an id", "floor", 9.5),
    ("ingest, an array of 500 events without an id", "floor", 5.2),
    ("transform, 1 MiB of mixed events", "floor", 4.5),
    ("transform, 1 MiB of mixed events", "powertools", 1.4),
    ("ingest, import", "floor", 1.9),
    ("ingest, import and first invocation", "powertools", 0.75),
    ("ingest, import and first invocation", "plain", 1.3),
    ("ingest, import and first invocation", "floor", 1.3),
    ("transform, import", "floor", 2.0),
    ("transform, import and first invocation", "floor", 1.3),
    ("transform, import and first invocation", "powertools", 1.0),
    ("rebuild, import", "floor", 1.8),
    ("retention, import", "floor", 1.6),
    ("verification, import", "floor", 1.6),
    ("manifest, import", "floor", 1.6),
    ("genesys_backfill, import", "floor", 1.6),
    ("genesys_integration, import", "floor", 1.6),
    ("genesys_ipranges, import", "floor", 1.6),
    ("genesys_names, import", "floor", 1.6),
    ("genesys_reconciliation, import", "floor", 1.6),
    ("genesys_subscription, import", "floor", 1.6),
    ("genesys_watch, import", "floor", 1.6),
    ("key_rotation, import", "floor", 1.6),
    ("certificate_probe, import", "floor", 1.6),
]


@pytest.mark.parametrize(("figure", "against", "at_most"), BOUNDS)
def test_nothing_became_much_slower(
    figures: dict[str, dict[str, Any]], figure: str, against: str, at_most: float
) -> None:
    if figures[figure]["ratio"][against] > at_most:
        # Something else may have had the machine just then; code that is slower is so again.
        part = "cold-start" if "import" in figure else figure.split(",")[0]
        figures[figure] = _measured(part)[figure]
    assert figures[figure]["ratio"][against] <= at_most, figures[figure]


def test_every_function_has_a_budget_for_its_import() -> None:
    functions = {handler.parent.name for handler in LAMBDA_SOURCE.glob("*/handler.py")}
    assert functions == {
        figure.removesuffix(", import") for figure, _against, _bound in BOUNDS if figure.endswith(", import")
    }
