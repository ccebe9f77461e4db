"""`demo` and `soak`: a pipeline of their own, deployed, fed, checked and taken down."""

import json
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from genesys_firehose_tools.commands.options import (
    App,
    AppPipeline,
    AppStack,
    Batch,
    Concurrency,
    Duplicates,
    Forged,
    FrontDoor,
    Wait,
)
from genesys_firehose_tools.commands.report import page_libraries
from genesys_firehose_tools.commands.terminal import messages, output, print_figures, sending
from genesys_firehose_tools.local.aws import DEFAULT_SPEED
from genesys_firehose_tools.local.deployment import Deployment
from genesys_firehose_tools.local.front_door import FrontDoorKind
from genesys_firehose_tools.local.pipeline import temporary_pipeline
from genesys_firehose_tools.local.sender import Sender
from genesys_firehose_tools.local.soak import SoakReport
from genesys_firehose_tools.local.soak import soak as run_soak
from genesys_firehose_tools.local.trial import Report, Traffic, run

Seed = Annotated[int, typer.Option(help="The same seed gives the same traffic.")]


def demo(
    app: App = None,
    stack: AppStack = None,
    pipeline: AppPipeline = None,
    front_door: FrontDoor = None,
    count: Annotated[int, typer.Option(min=1, help="The number of events to send.")] = 1000,
    duplicates: Duplicates = 0.1,
    forged: Forged = 0.02,
    concurrency: Concurrency = 8,
    batch: Batch = 1,
    seed: Seed = 1,
    wait: Wait = 120,
    summary: Annotated[
        Path | None, typer.Option(help="The file for the figures. Default: build/demo/summary.json.")
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option(
            "--report", dir_okay=False, help="Also make a page of it, with the figures of the contact centre."
        ),
    ] = None,
) -> None:
    """Deploy, send, and check what landed; exit code 1 when an event is lost, doubled or leaked."""
    # The page is of the day that has ended: the contact centre's day is whole then.
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    plan = Traffic(
        events=count,
        duplicates=duplicates,
        forged=forged,
        batch=batch,
        seed=seed,
        until=midnight - timedelta(milliseconds=1) if page else None,
    )
    if page:
        with page_libraries():
            from genesys_firehose_tools.local.demo_page import demo_page
            from genesys_firehose_tools.operations.report.page import render
    with _temporary_pipeline("demo", app, stack, pipeline, front_door) as deployment, sending() as progress:
        if deployment.verification:
            messages.print(f"verification: {deployment.verification}", soft_wrap=True)
        sender = Sender(deployment.target(), concurrency=concurrency)
        report = run(deployment, sender, plan, wait_seconds=wait, progress=progress)
        if page:
            day = (midnight - timedelta(days=1)).date()
            page.write_text(render(demo_page(deployment, plan, report, day, DEFAULT_SPEED, wait)), encoding="utf-8")
            output.print(f"The page is {page}.", soft_wrap=True, highlight=False)
    _conclude(report, report.to_dict(), summary or Path("build/demo/summary.json"))


def soak(
    app: App = None,
    stack: AppStack = None,
    pipeline: AppPipeline = None,
    count: Annotated[int, typer.Option(min=1, help="The number of events to send.")] = 10_000,
    duplicates: Duplicates = 0.3,
    forged: Forged = 0.02,
    hostile: Annotated[
        float, typer.Option(min=0, max=1, help="Share of requests to add by an attacker with the key.")
    ] = 0.02,
    concurrency: Concurrency = 16,
    batch: Batch = 5,
    disorder: Annotated[
        int, typer.Option(min=0, help="The number of places by which an event may come too late.")
    ] = 500,
    seed: Seed = 1,
    wait: Wait = 300,
    summary: Annotated[
        Path | None, typer.Option(help="The file for the figures. Default: build/soak/summary.json.")
    ] = None,
) -> None:
    """Run the demo under load, with attacks, a failing Firehose and a rotation of the signing key half-way."""
    plan = Traffic(
        events=count,
        duplicates=duplicates,
        forged=forged,
        hostile=hostile,
        batch=batch,
        disorder=disorder,
        seed=seed,
    )
    with _temporary_pipeline("soak", app, stack, pipeline) as deployment, sending() as progress:
        report = run_soak(deployment, plan, concurrency=concurrency, wait_seconds=wait, progress=progress)
    _conclude(report, report.to_dict(), summary or Path("build/soak/summary.json"))


@contextmanager
def _temporary_pipeline(
    purpose: str,
    app: Path | None,
    stack: str | None,
    pipeline: str | None,
    front_door: FrontDoorKind | None = None,
) -> Iterator[Deployment]:
    if app is not None and front_door is not None:
        raise typer.BadParameter("is given with --app, whose front door is its own", param_hint="--front-door")
    # SIGTERM stops everything as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        messages.status("") as status,
        temporary_pipeline(
            purpose,
            app,
            stack=stack,
            pipeline=pipeline,
            front_door=front_door or FrontDoorKind.REST_API,
            report=lambda step: status.update(f"{step} …"),
        ) as up,
    ):
        status.stop()
        yield up.deployment


def _conclude(report: Report | SoakReport, figures: Mapping[str, Any], summary: Path) -> None:
    print_figures(figures)
    summary.parent.mkdir(parents=True, exist_ok=True)
    summary.write_text(json.dumps(figures, indent=2) + "\n")
    output.print(
        f"lost {figures['lost']}, doubled {figures['doubled']}, leaked {figures['leaked']} — "
        f"all figures are in {summary}",
        soft_wrap=True,
    )
    if not report.passed:
        raise typer.Exit(1)
