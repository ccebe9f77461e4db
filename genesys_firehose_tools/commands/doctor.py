"""`doctor`: check a deployed pipeline."""

from collections import Counter
from collections.abc import Sequence

import typer
from rich.table import Column

from genesys_firehose_tools.commands.deployed import connect
from genesys_firehose_tools.commands.options import AsJson, Name, Pipeline, Profile, Stack, StackRegion
from genesys_firehose_tools.commands.terminal import folding_table, messages, output, print_json
from genesys_firehose_tools.operations.deployed_resources import find_resources
from genesys_firehose_tools.operations.doctor.diagnosis import diagnose, worst
from genesys_firehose_tools.operations.doctor.findings import Finding, State
from genesys_firehose_tools.operations.doctor.inspection import Inspection

_STYLES = {State.FAULT: "bold red", State.WARNING: "yellow", State.NOT_APPLICABLE: "dim"}
_ORDER = (State.FAULT, State.WARNING, State.OK, State.NOT_APPLICABLE)


def doctor(
    stack: Stack = None,
    region: StackRegion = None,
    profile: Profile = None,
    pipeline: Pipeline = None,
    as_json: AsJson = False,
    name: Name = "default",
) -> None:
    """Check a deployed pipeline, and change nothing; exit code 1 when there is a fault."""
    clients, deployed = connect(stack, region, profile, pipeline, name)
    resources = find_resources(clients.client("cloudformation"), deployed)
    with messages.status("Asking AWS …"):
        found = list(diagnose(Inspection(clients, deployed, resources, is_local=stack is None)))
    if as_json:
        _print_json(found)
    else:
        _print(found)
    if worst([finding for _, finding in found]) is State.FAULT:
        raise typer.Exit(1)


def _print_json(found: Sequence[tuple[str, Finding]]) -> None:
    checks = [
        {
            "check": name,
            "state": finding.state,
            "seen": finding.seen,
            "means": finding.means,
            "fix": finding.fix,
        }
        for name, finding in found
    ]
    state = worst([finding for _, finding in found])
    print_json({"state": state, "checks": checks})


def _print(found: Sequence[tuple[str, Finding]]) -> None:
    table = folding_table("check", Column("", no_wrap=True), "what was seen")
    for name, finding in found:
        lines = [finding.seen]
        if finding.means:
            lines.append(f"It means: {finding.means}")
        if finding.fix:
            lines.append(f"Do: {finding.fix}")
        table.add_row(
            name, finding.state.replace("not applicable", "n/a"), "\n".join(lines), style=_STYLES.get(finding.state)
        )
    output.print(table)
    counts = Counter(finding.state for _, finding in found)
    output.print(", ".join(f"{counts[state]} {state}" for state in _ORDER if counts[state]), soft_wrap=True)
