"""`smoke`: send one marked event through each way in, and follow it into the bucket."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Column

from genesys_firehose_tools.commands.deployed import connect
from genesys_firehose_tools.commands.options import AsJson, Name, Pipeline, Profile, Stack, StackRegion
from genesys_firehose_tools.commands.terminal import folding_table, messages, output, print_json
from genesys_firehose_tools.operations.deployed_resources import find_resources
from genesys_firehose_tools.operations.smoke import Passage, Smoke


def smoke(
    stack: Stack = None,
    region: StackRegion = None,
    profile: Profile = None,
    pipeline: Pipeline = None,
    wait: Annotated[
        float | None,
        typer.Option(
            min=1, help="How long in seconds an event may take. Default: the longest time of the buffers + 130."
        ),
    ] = None,
    as_json: AsJson = False,
    name: Name = "default",
) -> None:
    """Send one marked event through each way in and follow it; exit code 1 when one does not arrive."""
    clients, deployed = connect(stack, region, profile, pipeline, name)
    resources = find_resources(clients.client("cloudformation"), deployed)
    trial = Smoke(clients, deployed, resources, is_local=stack is None, wait_seconds=wait)
    with messages.status("Waiting for the events …"):
        passages = list(trial.run())
    if as_json:
        print_json({"passages": [asdict(passage) for passage in passages]})
    else:
        _print(passages)
    if any(passage.state == "failed" for passage in passages):
        raise typer.Exit(1)


def _print(passages: Sequence[Passage]) -> None:
    table = folding_table("ingress", "stage", Column("s", justify="right"), "what came")
    for passage in passages:
        for stage in passage.stages:
            came = f"{stage.key}\nlock {stage.retention}\n{stage.encryption}" if stage.key else ""
            table.add_row(passage.ingress, stage.name, f"{stage.seconds:g}", came)
        if passage.state != "ok":
            table.add_row(passage.ingress, passage.state, "", passage.reason)
        table.add_section()
    output.print(table)
