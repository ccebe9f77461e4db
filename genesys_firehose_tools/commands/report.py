"""`report`: a page of the figures of some days."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from genesys_firehose_tools.commands.deployed import connect
from genesys_firehose_tools.commands.options import Name, Pipeline, Profile, Stack, StackRegion
from genesys_firehose_tools.commands.terminal import messages, output
from genesys_firehose_tools.errors import ToolError
from genesys_firehose_tools.operations.completeness import RECONCILIATION, read_days
from genesys_firehose_tools.operations.cost import Traffic
from genesys_firehose_tools.operations.lake_query import LakeQuery
from genesys_firehose_tools.operations.report.figures import check_days, read_figures

_FORMATS = ["%Y-%m-%d"]


def report(
    day: Annotated[
        datetime | None, typer.Option(formats=_FORMATS, help="The day, UTC. Default: yesterday.", show_default=False)
    ] = None,
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=_FORMATS, help="The first of several days, a week at most.", show_default=False),
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=_FORMATS, help="The last of them.", show_default=False)
    ] = None,
    events_per_day: Annotated[
        float | None, typer.Option(min=1, help="Add the estimated bill of a month of so many events a day.")
    ] = None,
    path: Annotated[Path, typer.Option("--output", dir_okay=False, help="The file to write.")] = Path("report.html"),
    stack: Stack = None,
    region: StackRegion = None,
    profile: Profile = None,
    pipeline: Pipeline = None,
    name: Name = "default",
) -> None:
    """Make a page of the figures of a day or some days: volume, service level, handle time, occupancy, wrap-ups."""
    days = _days(day, first, last)
    check_days(*days)
    with page_libraries():
        from genesys_firehose_tools.operations.report.bill import bill_of, bill_section
        from genesys_firehose_tools.operations.report.contact_centre import contact_centre_page
        from genesys_firehose_tools.operations.report.page import render
    clients, deployed = connect(stack, region, profile, pipeline, name)
    work = LakeQuery.of(clients, deployed)
    with messages.status("Athena is reading …"):
        figures = read_figures(work.ask, *days)
        checked = read_days(clients, deployed, *days) if RECONCILIATION in deployed.outputs else []
    page = contact_centre_page(figures, deployed.path, datetime.now(UTC), checked)
    if events_per_day is not None:
        bill = bill_of(clients, deployed, Traffic(events_per_day=events_per_day))
        page = replace(page, sections=[*page.sections, bill_section(bill)])
    path.write_text(render(page), encoding="utf-8")
    output.print(f"The page is {path}.", soft_wrap=True, highlight=False)


@contextmanager
def page_libraries() -> Iterator[None]:
    """Import within it what makes pages: it comes with an extra of its own, because few need it and it is large.

    Raises:
        ToolError: The extra is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as missing:
        raise ToolError(
            f"{missing.name} is missing: install the package with its extra, genesys-firehose-cdk[report]."
        ) from missing


def _days(day: datetime | None, first: datetime | None, last: datetime | None) -> tuple[date, date]:
    if first is not None and last is not None and day is None:
        return first.date(), last.date()
    if first is not None or last is not None:
        raise typer.BadParameter("give a --day, or both --from and --to")
    only = day.date() if day else datetime.now(UTC).date() - timedelta(days=1)
    return only, only
