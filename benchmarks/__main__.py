"""Measures everything, each part in a process of its own; prints tables and writes ``build/bench/results.json``."""

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version
from typing import Any

import fastjsonschema
from rich.console import Console
from rich.table import Table

from benchmarks.contestants import prepare_process
from benchmarks.environment import RESULTS, ROOT, stage_functions

PARTS = {
    "ingest": "ingest_logic",
    "sdk": "ingest_sdk",
    "cold-start": "cold_start",
    "transform": "transform_batches",
    "claims": "claims",
    "memory": "memory",
    "synth": "synthesis",
    "end-to-end": "end_to_end",
    "lake": "lake_tables",
}
_PACKAGES = ("aws-cdk-lib", "aws-lambda-powertools", "boto3", "botocore", "duckdb", "ministack")


def main() -> None:
    """Measure the parts that are asked for, by default all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], metavar="part", help=f"one of {', '.join(PARTS)}")
    parser.add_argument("--rounds", type=int, default=21, help="how often each is measured (default 21, at least 3)")
    parser.add_argument("--in-this-process", action="store_true", help="print the figures of one part as JSON lines")
    arguments = parser.parse_args()
    rounds = max(arguments.rounds, 3) + 1  # the first warms up
    if arguments.in_this_process:
        _measure(arguments.parts[0], rounds)
        return
    console = Console()
    stage_functions()
    figures: list[dict[str, Any]] = []
    for part in arguments.parts or PARTS:
        with console.status(f"measuring {part} …"):
            measured = _measure_in_process(part, rounds)
        console.print(_table(part, measured))
        figures += measured
    _write(figures)


def _measure(part: str, rounds: int) -> None:
    # What the functions write, their metrics and log, is nothing that is read here.
    output = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    prepare_process()
    for figure in importlib.import_module(f"benchmarks.{PARTS[part]}").measure(rounds):
        print(json.dumps(figure.to_dict()), file=output, flush=True)


def _measure_in_process(part: str, rounds: int) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "benchmarks", part, "--rounds", str(rounds - 1), "--in-this-process"]
    output = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout  # noqa: S603 - ourselves
    context = {"machine": _machine(), "versions": _versions()}
    return [{**json.loads(line), **context} for line in output.splitlines()]


def _machine() -> dict[str, Any]:
    return {"system": platform.system(), "architecture": platform.machine(), "cpus": os.cpu_count()}


def _versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{package: version(package) for package in _PACKAGES}}


def _table(part: str, figures: list[dict[str, Any]]) -> Table:
    table = Table(title=part, title_justify="left")
    for heading in ("figure", "unit", "ours", "floor", "peers", "ratio (spread)", "goal"):
        table.add_column(heading, justify="left" if heading in ("figure", "unit") else "right")
    for figure in figures:
        table.add_row(
            figure["name"],
            figure["unit"],
            f"{figure['ours']:.2f}",
            "" if figure["floor"] is None else f"{figure['floor']:.2f}",
            "\n".join(f"{name} {value:.2f}" for name, value in figure["peers"].items()),
            "\n".join(
                f"{value:.2f} x {name} (±{figure['spread'][name]:.0%})" for name, value in figure["ratio"].items()
            ),
            "\n".join(
                f"[{'green' if goal['met'] else 'red'}]≤ {goal['at_most']:.2f} x {goal['against']}"
                for goal in figure["goals"]
            ),
        )
    return table


def _write(figures: list[dict[str, Any]]) -> None:
    results = {"figures": figures}
    schema = json.loads((ROOT / "benchmarks" / "results.schema.json").read_text(encoding="utf-8"))
    fastjsonschema.validate(schema, results)
    (RESULTS / "results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
