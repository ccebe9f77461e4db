"""`backfill`: take conversations' details records from Genesys Cloud into the lake."""

from datetime import datetime
from typing import Annotated

import typer

from genesys_firehose_tools.commands.deployed import connect
from genesys_firehose_tools.commands.options import Name, Pipeline, Profile, Stack, StackRegion
from genesys_firehose_tools.commands.terminal import messages, output, print_figures, progress_bar
from genesys_firehose_tools.operations.backfill import Backfill, Progress, missing_conversations
from genesys_firehose_tools.operations.completeness import UNCHECKED, read_days
from genesys_firehose_tools.operations.lake_query import LakeQuery


def backfill(
    first: Annotated[
        datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day of conversations, UTC.")
    ],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day of conversations, UTC.")],
    only_missing: Annotated[
        bool, typer.Option("--only-missing", help="Take the conversations alone that the last check missed.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would be taken.")] = False,
    stack: Stack = None,
    region: StackRegion = None,
    profile: Profile = None,
    pipeline: Pipeline = None,
    name: Name = "default",
) -> None:
    """Take conversations from Genesys Cloud into the lake: what was missed, and what was before the pipeline."""
    clients, deployed = connect(stack, region, profile, pipeline, name)
    work = Backfill(clients, deployed.output("BackfillStateMachineArn"))
    only = None
    if only_missing:
        with messages.status("Reading what is missing …"):
            checked = read_days(clients, deployed, first.date(), last.date())
            has_table = any(each.state != UNCHECKED for each in checked)
            query = LakeQuery.of(clients, deployed)
            only = missing_conversations(query, first.date(), last.date()) if has_table else {}
        # What nobody has looked at is not called complete.
        unknown = [f"{each.day}" for each in checked if each.state in (UNCHECKED, "unknown")]
        if unknown:
            messages.print(
                f"What is missing of {', '.join(unknown)} is not known: no check had a result.", soft_wrap=True
            )
        if not only:
            output.print("No check has found a conversation missing: there is nothing to take.", soft_wrap=True)
            if unknown:
                raise typer.Exit(1)
            return
    days = len(only) if only is not None else (last - first).days + 1
    with progress_bar() as bar:
        task = bar.add_task("backfill", total=days)

        def report(progress: Progress) -> None:
            bar.update(task, completed=progress.days, description=f"{progress.day}: {progress.found:,} conversations")

        work.run(first.date(), last.date(), only=only, dry_run=dry_run, report=report)
    figures = {"conversations found": work.progress.found}
    print_figures(figures if dry_run else {**figures, "records put": work.progress.put})
    if not dry_run:
        messages.print(
            "The records land within minutes, each once, and the tables take them after that.", soft_wrap=True
        )
