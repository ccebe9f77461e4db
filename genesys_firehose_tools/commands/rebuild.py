"""`rebuild`: make clean/ again from raw/."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer

from genesys_firehose_tools.commands.deployed import connect
from genesys_firehose_tools.commands.options import Name, Pipeline, Profile, Stack, StackRegion
from genesys_firehose_tools.commands.terminal import messages, print_figures, progress_bar
from genesys_firehose_tools.operations.rebuild import Progress, Rebuild, Source


def rebuild(
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day of arrival, UTC.")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day of arrival, UTC.")],
    stack: Stack = None,
    region: StackRegion = None,
    profile: Profile = None,
    pipeline: Pipeline = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only estimate time and cost.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Start without asking.")] = False,
    name: Name = "default",
) -> None:
    """Make clean/ again from raw/, after a change of the masking policy or of the transform function."""
    clients, deployed = connect(stack, region, profile, pipeline, name)
    source = Source(bucket=deployed.output("BucketName"), state_machine=deployed.output("RebuildStateMachineArn"))
    work = Rebuild(clients, source)
    with messages.status("Listing raw/ …"):
        plan = work.plan(first.date(), last.date())
    print_figures(
        {
            "hours with events": len(plan.hours),
            "raw objects": plan.objects,
            "megabytes": round(plan.size / 1e6, 1),
            "function seconds, estimated": round(plan.lambda_seconds),
            "US dollars, estimated by list prices": round(plan.dollars, 2),
        }
    )
    if dry_run or not plan.objects or not (yes or typer.confirm("Start?")):
        return
    with progress_bar() as bar:
        task = bar.add_task("rebuild", total=plan.objects)

        def report(progress: Progress) -> None:
            bar.update(task, completed=progress.done + progress.failed)

        work.run(plan, report)
    print_figures(asdict(work.progress))
