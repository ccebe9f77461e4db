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
from rich.table import Table

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


def print_figures(figures: Mapping[str, Any]) -> None:
    """Print figures as a table; a mapping among them becomes a section."""
    table = Table(show_header=False)
    for name, value in figures.items():
        if isinstance(value, Mapping):
            table.add_section()
            for part, figure in value.items():
                table.add_row(part, str(figure))
            table.add_section()
        else:
            table.add_row(name.replace("_", " "), str(value))
    output.print(table)
