"""`completeness`: is every conversation that Genesys Cloud knows in the lake?"""

from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import typer
from rich.table import Column
from rich.text import Text

from genesys_firehose_tools.commands.deployed import connect
from genesys_firehose_tools.commands.options import AsJson, Name, Pipeline, Profile, Stack, StackRegion
from genesys_firehose_tools.commands.terminal import folding_table, messages, output, print_json, progress_bar
from genesys_firehose_tools.operations.clients import Clients
from genesys_firehose_tools.operations.completeness import Day, check_days, read_days
from genesys_firehose_tools.operations.deployed_pipeline import DeployedPipeline

_FORMATS = ["%Y-%m-%d"]
_SHOWN_DAYS = 7


def completeness(
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=_FORMATS, help="The first day, UTC. Default: 7 days up to the last."),
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=_FORMATS, help="The last day, UTC. Default: yesterday.")
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="First let each day be checked now, and wait; a check goes on without the command."
        ),
    ] = False,
    as_json: AsJson = False,
    stack: Stack = None,
    region: StackRegion = None,
    profile: Profile = None,
    pipeline: Pipeline = None,
    name: Name = "default",
) -> None:
    """Show what the lake lacks of Genesys Cloud's conversations, by day; exit code 1 for gaps, or if nobody knows."""
    end = last.date() if last else datetime.now(UTC).date() - timedelta(days=1)
    begin = first.date() if first else end - timedelta(days=_SHOWN_DAYS - 1)
    clients, deployed = connect(stack, region, profile, pipeline, name)
    if check:
        _check(clients, deployed, begin, end)
    with messages.status("Athena is reading …"):
        days = read_days(clients, deployed, begin, end)
    if as_json:
        print_json({"days": [{**asdict(day), "day": day.day.isoformat()} for day in days]})
    else:
        _print(days)
    if any(day.is_in_doubt for day in days):
        raise typer.Exit(1)


def _check(clients: Clients, deployed: DeployedPipeline, begin: date, end: date) -> None:
    with progress_bar() as bar:
        task = bar.add_task("check", total=(end - begin).days + 1)

        def report(day: date, state: str) -> None:
            bar.update(task, completed=(day - begin).days, description=f"{day}: {state}")

        check_days(clients, deployed, begin, end, report=report)
        bar.update(task, completed=(end - begin).days + 1)


def _print(days: list[Day]) -> None:
    numbers = [Column(name, justify="right") for name in ("expected", "seen", "missing", "partial")]
    table = folding_table(Column("day", no_wrap=True), Column("state", no_wrap=True), *numbers, "checked (UTC)")
    for day in days:
        figures = (day.expected, day.seen, day.missing, day.partial)
        checked = day.checked_at[5:16].replace("T", " ") if day.checked_at else ""
        table.add_row(str(day.day), day.state, *("-" if each is None else str(each) for each in figures), checked)
    output.print(table)
    for day in days:
        if day.reason:
            output.print(Text(f"{day.day}: {day.reason}"), soft_wrap=True)
