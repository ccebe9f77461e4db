"""`local up`, `local status` and `local down`."""

import json
import sys
from typing import Annotated

import typer
from rich.table import Table

from genesys_firehose_tools.commands.options import AsJson, Name
from genesys_firehose_tools.commands.terminal import messages, output
from genesys_firehose_tools.local.aws import DEFAULT_SPEED
from genesys_firehose_tools.local.pipeline import LocalPipeline

app = typer.Typer(help="Run the pipeline on an embedded AWS.", no_args_is_help=True)


@app.command()
def up(
    name: Name = "default",
    as_json: AsJson = False,
    speed: Annotated[
        float, typer.Option(min=1, help="How many times faster than real time Firehose's buffers fill and empty.")
    ] = DEFAULT_SPEED,
) -> None:
    """Start the embedded AWS, deploy the app to it and print its addresses."""
    with messages.status("") as status:
        pipeline = LocalPipeline.up(name, speed=speed, report=lambda step: status.update(f"{step} …"))
    _print_deployment(pipeline, as_json)


@app.command()
def status(name: Name = "default", as_json: AsJson = False) -> None:
    """Print the addresses of a local pipeline; exit code 1 when it is not up."""
    _print_deployment(LocalPipeline.get(name), as_json)


@app.command()
def down(name: Name = "default") -> None:
    """Stop the embedded AWS and delete all its data."""
    LocalPipeline.get(name).down()
    messages.print(f"{name} is down.")


def _print_deployment(pipeline: LocalPipeline, as_json: bool) -> None:
    deployment = pipeline.deployment.to_dict()
    if as_json:
        sys.stdout.write(json.dumps(deployment) + "\n")
        return
    table = Table(show_header=False)
    for key, value in deployment.items():
        if value is not None:
            table.add_row(key, value)
    output.print(table)
