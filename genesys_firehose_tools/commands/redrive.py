"""`redrive`: re-ingest what did not get through."""

from dataclasses import asdict
from typing import Annotated

import typer

from genesys_firehose_tools.commands.deployed import connect
from genesys_firehose_tools.commands.options import Name, Pipeline, Profile, Stack, StackRegion
from genesys_firehose_tools.commands.terminal import messages, print_figures, progress_bar
from genesys_firehose_tools.operations.redrive import Progress, Redrive, Source


def redrive(
    stack: Stack = None,
    region: StackRegion = None,
    profile: Profile = None,
    pipeline: Pipeline = None,
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
    work = Redrive(clients, source)
    with progress_bar() as bar:
        task = bar.add_task("redrive", total=None)
        found = work.count()
        if not dry_run:
            bar.update(task, total=found.messages + found.records)

            def report(progress: Progress) -> None:
                bar.update(task, completed=progress.messages_moved + progress.records_put)

            work.run(report)
    print_figures(asdict(work.progress))
    if work.progress.records_held:
        messages.print("Another redrive holds records, or one that was cut: start this one again in 30 minutes.")
