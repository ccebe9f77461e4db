"""`local up`, `local status` and `local down`."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from genesys_firehose_tools.commands.options import App, AppPipeline, AppStack, AsJson, Name, Output
from genesys_firehose_tools.commands.terminal import messages, print_json, print_lines
from genesys_firehose_tools.local.aws import DEFAULT_SPEED
from genesys_firehose_tools.local.gaps import DAYS_AGO, gapped_day, plant
from genesys_firehose_tools.local.pipeline import LocalPipeline

app = typer.Typer(help="Run the pipeline on an embedded AWS.", no_args_is_help=True)


@app.command()
def up(
    app: App = None,
    stack: AppStack = None,
    pipeline: AppPipeline = None,
    name: Name = "default",
    as_json: AsJson = False,
    output: Output = None,
    speed: Annotated[
        float, typer.Option(min=1, help="How many times faster than real time Firehose's buffers fill and empty.")
    ] = DEFAULT_SPEED,
    gaps: Annotated[
        bool, typer.Option("--gaps", help="Let a past day have happened of which the lake does not get all.")
    ] = False,
) -> None:
    """Start an embedded AWS, deploy an app with a pipeline to it and print its addresses."""
    if gaps and app is not None:
        raise typer.BadParameter("goes with the default app, not with --app", param_hint="--gaps")
    with messages.status("") as status:
        up = LocalPipeline.up(
            name, app, stack=stack, pipeline=pipeline, speed=speed, report=lambda step: status.update(f"{step} …")
        )
        if gaps:
            status.update("planting gaps …")
            day = datetime.now(UTC).date() - timedelta(days=DAYS_AGO)
            plant(up.deployment, gapped_day(day))
    up.deployment.take_names()
    if gaps:
        again = "" if name == "default" else f" --name {name}"
        messages.print(
            f"Of {day} the lake lacks conversations: `genesys-firehose completeness --check --from {day} --to {day}"
            f"{again}` shows it.",
            soft_wrap=True,
        )
    _print_deployment(up, as_json, output)


@app.command()
def status(name: Name = "default", as_json: AsJson = False, output: Output = None) -> None:
    """Print the addresses of a local pipeline; exit code 1 when it is not up."""
    _print_deployment(LocalPipeline.get(name), as_json, output)


@app.command()
def down(name: Name = "default") -> None:
    """Stop the embedded AWS and delete all its data."""
    LocalPipeline.get(name).down()
    messages.print(f"{name} is down.")


def _print_deployment(pipeline: LocalPipeline, as_json: bool, output: Path | None) -> None:
    deployment = pipeline.deployment.to_dict()
    if as_json or output:
        print_json(deployment, output)
    else:
        print_lines({name: value for name, value in deployment.items() if value is not None})
