"""`query`: ask the lake."""

import csv
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from genesys_firehose_tools.commands.deployed import connect
from genesys_firehose_tools.commands.options import AsJson, Name, Pipeline, Profile, Stack, StackRegion
from genesys_firehose_tools.commands.terminal import folding_table, messages, output, print_json
from genesys_firehose_tools.operations.lake_query import Answer, LakeQuery

_SHOWN = 200
# Room that a column needs at least to be read, with its border.
_LEAST_WIDTH = 12


def query(
    statement: Annotated[str | None, typer.Argument(help="The query, in Athena's SQL.", show_default=False)] = None,
    file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A file that holds the query instead.")
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the rows as CSV.")] = False,
    as_json: AsJson = False,
    stack: Stack = None,
    region: StackRegion = None,
    profile: Profile = None,
    pipeline: Pipeline = None,
    name: Name = "default",
) -> None:
    """Ask the lake's tables, and say what it cost."""
    if (statement is None) == (file is None):
        raise typer.BadParameter("give a query or a --file, and not both")
    if as_csv and as_json:
        raise typer.BadParameter("--csv and --json do not go together")
    text = statement if file is None else file.read_text(encoding="utf-8")
    clients, deployed = connect(stack, region, profile, pipeline, name)
    work = LakeQuery.of(clients, deployed)
    with messages.status("Athena is reading …"):
        answer = work.ask(text or "")
    if as_json:
        _print_json(answer)
    elif as_csv:
        csv.writer(sys.stdout).writerows([answer.columns, *answer.rows])
    else:
        _print(answer)
    messages.print(
        f"{len(answer.rows):,} rows in {answer.seconds:.1f} s; {answer.scanned / 1e6:,.1f} MB read, "
        f"{answer.dollars:.5f} US dollars by list price, estimated",
        soft_wrap=True,
        highlight=False,
    )


def _print(answer: Answer) -> None:
    shown = answer.rows[:_SHOWN]
    if len(answer.columns) * _LEAST_WIDTH <= output.width:
        table = folding_table(*answer.columns)
        for row in shown:
            table.add_row(*(Text("" if value is None else value) for value in row))
        output.print(table)
    else:
        # Too many columns to stand side by side: a row is a table of its own.
        for row in shown:
            table = folding_table("column", "value", show_header=False)
            for column, value in zip(answer.columns, row, strict=True):
                if value is not None:
                    table.add_row(column, Text(value))
            output.print(table)
    if len(answer.rows) > _SHOWN:
        messages.print(f"The first {_SHOWN} rows are shown; --csv and --json print all.")


def _print_json(answer: Answer) -> None:
    rows = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
    figures = {"columns": answer.columns, "types": answer.types, "rows": rows}
    costs = {"scanned_bytes": answer.scanned, "seconds": answer.seconds, "dollars": answer.dollars}
    print_json({**figures, **costs})
