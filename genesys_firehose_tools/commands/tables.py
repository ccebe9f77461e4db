"""`tables`: bring the lake's tables up to date, and see how they are."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Column
from rich.text import Text

from genesys_firehose_tools.commands.deployed import connect
from genesys_firehose_tools.commands.options import AsJson, Name, Pipeline, Profile, Stack, StackRegion
from genesys_firehose_tools.commands.terminal import folding_table, messages, output, print_json
from genesys_firehose_tools.operations.tables import Run, Tables, last_days

app = typer.Typer(help="Bring the lake's tables up to date, and see how they are.", no_args_is_help=True)

_SHOWN = 10


@app.command()
def refresh(
    first: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day, UTC. Default: yesterday.")
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day, UTC. Default: today.")
    ] = None,
    stack: Stack = None,
    region: StackRegion = None,
    profile: Profile = None,
    pipeline: Pipeline = None,
    name: Name = "default",
) -> None:
    """Bring the events of some days into the tables now, and make the views anew."""
    yesterday, today = last_days(2)
    tables = _tables(stack, region, profile, pipeline, name)
    with messages.status("Starting …") as status:
        run = tables.refresh(
            first.date() if first else min(yesterday, last.date() if last else yesterday),
            last.date() if last else today,
            report=lambda state: status.update(f"{state} …"),
        )
    output.print(f"The tables hold the events of {run.first} to {run.last}, as they are in clean/ now.", soft_wrap=True)


@app.command()
def status(
    stack: Stack = None,
    region: StackRegion = None,
    profile: Profile = None,
    pipeline: Pipeline = None,
    as_json: AsJson = False,
    name: Name = "default",
) -> None:
    """Show when the tables were brought up to date, and how the last runs ended; exit code 1 when the last failed."""
    runs = list(_tables(stack, region, profile, pipeline, name).runs(50))
    fresh = next((run.started for run in runs if run.refreshed), None)
    if as_json:
        _print_json(fresh, runs)
    else:
        _print(fresh, runs)
    if next((run.state for run in runs if run.ended), "SUCCEEDED") != "SUCCEEDED":
        raise typer.Exit(1)


def _tables(stack: str | None, region: str | None, profile: str | None, pipeline: str | None, name: str) -> Tables:
    clients, deployed = connect(stack, region, profile, pipeline, name)
    return Tables(clients, deployed.output("TablesStateMachineArn"))


def _print(fresh: datetime | None, runs: list[Run]) -> None:
    if fresh is None:
        output.print("None of the last runs has brought today's events in.")
    else:
        minutes = (datetime.now(UTC) - fresh).total_seconds() / 60
        output.print(f"The tables are as clean/ was at {_minute(fresh)} UTC, {minutes:,.0f} minutes ago.")
    table = folding_table(Column("began (UTC)", no_wrap=True), "ended", "days", "what was")
    for run in runs[:_SHOWN]:
        days = f"{run.first} to {run.last}" if run.last else ""
        said = "gave way to another run" if run.gave_way else run.state.lower().replace("_", " ")
        said = f"{said}: {run.reason}" if run.reason else said
        table.add_row(_minute(run.started), _minute(run.ended) if run.ended else "", days, Text(said))
    output.print(table)


def _print_json(fresh: datetime | None, runs: list[Run]) -> None:
    described = [
        {
            "execution": run.execution,
            "state": run.state,
            "started": run.started.isoformat(),
            "ended": run.ended and run.ended.isoformat(),
            "from": run.first,
            "to": run.last,
            "reason": run.reason,
        }
        for run in runs
    ]
    print_json({"fresh": fresh and fresh.isoformat(), "runs": described})


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%m-%d %H:%M}"
