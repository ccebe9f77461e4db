"""`redrive`: re-ingest what did not get through."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from genesys_firehose_tools.commands.deployed import connect
from genesys_firehose_tools.commands.options import Name, Pipeline, Profile, Stack, StackRegion
from genesys_firehose_tools.commands.terminal import print_figures, progress_bar
from genesys_firehose_tools.operations.redrive import Journal, Progress, Redrive, Source


def redrive(
    stack: Stack = None,
    region: StackRegion = None,
    profile: Profile = None,
    pipeline: Pipeline = None,
    journal: Annotated[
        Path | None,
        typer.Option(
            help="The file that records what is done; an interrupted redrive continues from it. "
            "Default: redrive-<first stream>.jsonl in the current directory."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would be re-ingested.")] = False,
    name: Name = "default",
) -> None:
    """Re-ingest the messages of the dead-letter queue and the records under errors/."""
    clients, deployed = connect(stack, region, profile, pipeline, name)
    source = Source(
        bucket=deployed.output("BucketName"),
        streams=tuple(deployed.output("StreamNames").split(",")),
        queue=deployed.output("BufferQueueUrl"),
        dlq=deployed.output("DeadLetterQueueUrl"),
    )
    work = Redrive(clients, source, Journal(journal or Path(f"redrive-{source.streams[0]}.jsonl")))
    with progress_bar() as bar:
        task = bar.add_task("redrive", total=None)
        found = work.count()
        if not dry_run:
            bar.update(task, total=found.messages + found.records)

            def report(progress: Progress) -> None:
                bar.update(task, completed=progress.messages_moved + progress.records_put)

            work.run(report)
    print_figures(asdict(work.progress))
