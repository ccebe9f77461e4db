"""What commands print: tables to standard output, messages and progress to standard error."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from genesys_firehose_tools.local.sender import Tally

output = Console()
messages = Console(stderr=True)


def progress_bar() -> Progress:
    """Return a progress bar that disappears at its end."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=messages, transient=True)


@contextmanager
def sending() -> Iterator[Callable[[Tally, int], None]]:
    """Show a progress bar for a sender; the function takes the figures so far and the number of all events."""
    with progress_bar() as bar:
        task = bar.add_task("sending", total=None)

        def report(tally: Tally, total: int) -> None:
            bar.update(task, completed=tally.sent, total=total)
            if tally.sent == total:
                bar.update(task, description="waiting until all events have landed")

        yield report


def print_json(answer: Any, file: Path | None = None) -> None:
    """Print one JSON document, or write it into a file that is never seen empty or cut."""
    text = json.dumps(answer) + "\n"
    if file is None:
        sys.stdout.write(text)
        return
    with NamedTemporaryFile("w", dir=file.parent, prefix=f".{file.name}.", delete=False) as temporary:
        temporary.write(text)
    os.replace(temporary.name, file)


def folding_table(*headers: str | Column, show_header: bool = True) -> Table:
    """Return a table that cuts no text: what is too long for its column goes on in the next line."""
    columns = [Column(header) if isinstance(header, str) else header for header in headers]
    for column in columns:
        column.overflow = "fold"
    return Table(*columns, show_header=show_header)


def print_figures(figures: Mapping[str, Any]) -> None:
    """Print figures as a table; a mapping among them becomes a section."""
    table = folding_table("name", "figure", show_header=False)
    for name, value in figures.items():
        if isinstance(value, Mapping):
            table.add_section()
            for part, figure in value.items():
                table.add_row(part, str(figure))
            table.add_section()
        else:
            table.add_row(name.replace("_", " "), str(value))
    output.print(table)


def print_lines(values: Mapping[str, str]) -> None:
    """Print names and values that are to be copied: a line each, whatever its length."""
    width = max(map(len, values))
    for name, value in values.items():
        output.print(f"{name:<{width}}  {value}", highlight=False, markup=False, soft_wrap=True)
