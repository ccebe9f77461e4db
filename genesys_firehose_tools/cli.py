"""The command line `genesys-firehose`: options in, figures out; what it does is in `local` and `operations`."""

import json
import math
import secrets
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

try:
    import boto3
    import typer
    from botocore.exceptions import BotoCoreError, ClientError
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.table import Table
except ModuleNotFoundError as missing:
    sys.exit(f"{missing.name} is missing; install the package with its extra: genesys-firehose-cdk[local]")

from genesys_firehose_tools.local.aws import DEFAULT_SPEED
from genesys_firehose_tools.local.deployment import checkout, stack_outputs
from genesys_firehose_tools.local.errors import LocalError
from genesys_firehose_tools.local.events import EventGenerator
from genesys_firehose_tools.local.input import read_events
from genesys_firehose_tools.local.pipeline import LocalPipeline, temporary_pipeline
from genesys_firehose_tools.local.sender import RETRY_DELAY_SECONDS, Encoding, Sender, Tally, Target
from genesys_firehose_tools.local.soak import soak as run_soak
from genesys_firehose_tools.local.traffic import traffic
from genesys_firehose_tools.local.trial import Report, Traffic, run
from genesys_firehose_tools.operations import capacity as capacities
from genesys_firehose_tools.operations import cost as costs
from genesys_firehose_tools.operations.deployed_design import DEFAULT_DESIGN, Design, TemplateError, read_design
from genesys_firehose_tools.operations.prices import PricesError, read_prices
from genesys_firehose_tools.operations.rebuild import Progress as RebuildProgress
from genesys_firehose_tools.operations.rebuild import Rebuild, RebuildError
from genesys_firehose_tools.operations.rebuild import Source as RebuildSource
from genesys_firehose_tools.operations.redrive import Clients, Journal, Redrive, RedriveError, Source
from genesys_firehose_tools.operations.redrive import Progress as RedriveProgress
from genesys_firehose_tools.operations.shapes import Shapes

_ERRORS = (LocalError, PricesError, RebuildError, RedriveError, TemplateError, ClientError, BotoCoreError, OSError)


class _Commands(typer.core.TyperGroup):
    """Commands whose errors are a sentence: exit code 1, as typer's own for wrong usage is 2."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except _ERRORS as error:
            _messages.print("Error:", str(error), highlight=False, markup=False, soft_wrap=True)
            raise typer.Exit(1) from None


app = typer.Typer(
    cls=_Commands,
    help="Runs the pipeline on an embedded AWS, feeds it, redrives and rebuilds, and says what it costs and takes.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
local = typer.Typer(help="The pipeline on an embedded AWS.", no_args_is_help=True)
app.add_typer(local, name="local")

_output = Console()
_messages = Console(stderr=True)

Name = Annotated[str, typer.Option(help="Which local pipeline.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Duplicates = Annotated[float, typer.Option(min=0, max=1, help="Share of the events to send twice.")]
Forged = Annotated[float, typer.Option(min=0, max=1, help="Share of events to add with a wrong signature.")]
Concurrency = Annotated[int, typer.Option(min=1, max=256, help="Requests under way at once.")]
Batch = Annotated[int, typer.Option(min=1, help="Events in one request.")]
Wait = Annotated[float, typer.Option(min=0, help="Seconds to wait at most until everything has landed.")]
DeployedStack = Annotated[str | None, typer.Option(help="A deployed stack. Default: the local pipeline's.")]
StackRegion = Annotated[str | None, typer.Option(help="Its region. Default: the AWS configuration's.")]
Profile = Annotated[str | None, typer.Option(help="The AWS profile. Default: the environment's.")]


class Ingress(Enum):
    """How events come in."""

    WEBHOOK = "webhook"
    EVENTBRIDGE = "eventbridge"


Template = Annotated[
    Path | None,
    typer.Option(help="A synthesized template, or a directory such as cdk.out. Default: a pipeline by its defaults."),
]
EventBytes = Annotated[int, typer.Option(min=1, help="Bytes of an event.")]
EventTypes = Annotated[int, typer.Option(min=1, help="Types of events, which are partitions.")]
EventsPerRequest = Annotated[float, typer.Option(min=1, help="Events in one request of the webhook.")]
IngressOption = Annotated[
    Ingress | None, typer.Option("--ingress", help="How events come in. Default: the webhook, where there is one.")
]
Copies = Annotated[float, typer.Option(min=0, help="Share of the events that come once more.")]
Region = Annotated[str, typer.Option(help="The AWS region.")]


@local.command()
def up(
    name: Name = "default",
    as_json: AsJson = False,
    speed: Annotated[
        float, typer.Option(min=1, help="Seconds of Firehose's buffering that pass in one.")
    ] = DEFAULT_SPEED,
) -> None:
    """Start the embedded AWS, deploy the app into it and print where everything is."""
    with _messages.status("") as status:
        pipeline = LocalPipeline.up(name, speed=speed, report=lambda step: status.update(f"{step} …"))
    _print_deployment(pipeline, as_json)


@local.command()
def status(name: Name = "default", as_json: AsJson = False) -> None:
    """Print where everything is; exit code 1 when nothing is up."""
    _print_deployment(LocalPipeline.get(name), as_json)


@local.command()
def down(name: Name = "default") -> None:
    """Stop the embedded AWS and delete everything it stored."""
    LocalPipeline.get(name).down()
    _messages.print(f"{name} is down.")


def _print_deployment(pipeline: LocalPipeline, as_json: bool) -> None:
    deployment = pipeline.deployment.to_dict()
    if as_json:
        sys.stdout.write(json.dumps(deployment) + "\n")
        return
    table = Table(show_header=False)
    for key, value in deployment.items():
        if value is not None:
            table.add_row(key, value)
    _output.print(table)


@app.command()
def send(
    source: Annotated[
        Path | None,
        typer.Argument(help="JSON lines or a JSON array; - is standard input. Default: generated events."),
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="How many events to generate.")] = 100,
    rate: Annotated[float, typer.Option(min=0, help="Events per second; 0 is as fast as it goes.")] = 0,
    duplicates: Duplicates = 0,
    forged: Forged = 0,
    concurrency: Concurrency = 8,
    batch: Batch = 1,
    seed: Annotated[int | None, typer.Option(help="Same seed, same traffic. Default: new every time.")] = None,
    retry_delay: Annotated[
        float, typer.Option(min=0, help="Seconds before a request is repeated.")
    ] = RETRY_DELAY_SECONDS,
    url: Annotated[str | None, typer.Option(help="An ingest URL. Default: the local pipeline's.")] = None,
    key: Annotated[
        str | None,
        typer.Option(envvar="GENESYS_SIGNING_KEY", help="The signing key that goes with --url."),
    ] = None,
    header: Annotated[str, typer.Option(help="The signature's header.")] = "X-Genesys-Signature",
    prefix: Annotated[str, typer.Option(help="What stands in front of the signature.")] = "",
    encoding: Annotated[Encoding, typer.Option(help="How the signature is written.")] = Encoding.HEX,
    name: Name = "default",
) -> None:
    """Sign and post events; exit code 1 when one is left without an answer, or refused without being forged."""
    if url is None:
        deployment = LocalPipeline.get(name).deployment
        url, signing_key = deployment.ingest_url, deployment.signing_key()
    elif key is None:
        raise typer.BadParameter("is needed with --url", param_hint="--key")
    else:
        signing_key = key.encode()
    seed = secrets.randbits(32) if seed is None else seed
    if source is None:
        generator = EventGenerator(seed)
        events = [event.body for event in generator.take(count)]
        forgeries = [event.body for event in generator.take(round(count * forged))]
    else:
        events = read_events(source)
        forgeries = events[: round(len(events) * forged)]
    messages = traffic(events, duplicates=duplicates, forgeries=forgeries, batch=batch, seed=seed)
    sender = Sender(
        Target(url=url, key=signing_key, header=header, prefix=prefix, encoding=encoding),
        concurrency=concurrency,
        rate=rate,
        retry_delay=retry_delay,
    )
    tally = Tally()
    with _sending() as progress:
        total = sum(len(message.events) for message in messages)
        for message, answer in sender.send(messages):
            tally.add(message, answer)
            progress(tally, total)
    _print_figures(asdict(tally))
    if tally.unanswered or tally.refused > len(forgeries):
        raise typer.Exit(1)


@app.command()
def demo(
    count: Annotated[int, typer.Option(min=1, help="How many events to send.")] = 1000,
    duplicates: Duplicates = 0.1,
    forged: Forged = 0.02,
    concurrency: Concurrency = 8,
    batch: Batch = 1,
    seed: Annotated[int, typer.Option(help="Same seed, same traffic.")] = 1,
    wait: Wait = 120,
    summary: Annotated[
        Path | None, typer.Option(help="Where to write the figures. Default: build/demo/summary.json.")
    ] = None,
) -> None:
    """Deploy, send, and check what landed; exit code 1 when anything is lost, doubled or leaked."""
    plan = Traffic(events=count, duplicates=duplicates, forged=forged, batch=batch, seed=seed)
    with _temporary_pipeline("demo") as pipeline, _sending() as progress:
        deployment = pipeline.deployment
        sender = Sender(Target(url=deployment.ingest_url, key=deployment.signing_key()), concurrency=concurrency)
        report = run(deployment, sender, plan, wait_seconds=wait, progress=progress)
    _conclude(report, report.to_dict(), summary or checkout() / "build" / "demo" / "summary.json")


@app.command()
def soak(
    count: Annotated[int, typer.Option(min=1, help="How many events to send.")] = 10_000,
    duplicates: Duplicates = 0.3,
    forged: Forged = 0.02,
    concurrency: Concurrency = 16,
    batch: Batch = 5,
    disorder: Annotated[int, typer.Option(min=0, help="By how many places an event may come too late.")] = 500,
    seed: Annotated[int, typer.Option(help="Same seed, same traffic.")] = 1,
    wait: Wait = 300,
    summary: Annotated[
        Path | None, typer.Option(help="Where to write the figures. Default: build/soak/summary.json.")
    ] = None,
) -> None:
    """The demo under load, with a failing Firehose and the signing key rotated half-way."""
    plan = Traffic(events=count, duplicates=duplicates, forged=forged, batch=batch, disorder=disorder, seed=seed)
    with _temporary_pipeline("soak") as pipeline, _sending() as progress:
        report = run_soak(pipeline.deployment, plan, concurrency=concurrency, wait_seconds=wait, progress=progress)
    _conclude(report.trial, report.to_dict(), summary or checkout() / "build" / "soak" / "summary.json")


@app.command()
def redrive(
    stack: DeployedStack = None,
    region: StackRegion = None,
    profile: Profile = None,
    journal: Annotated[
        Path | None,
        typer.Option(
            help="What is done already; a redrive that was interrupted goes on from it. "
            "Default: redrive-<first stream>.jsonl in the current directory."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and do nothing.")] = False,
    name: Name = "default",
) -> None:
    """Move the dead-letter queue's messages and the records under errors/ back in."""
    clients, output = _pipeline(stack, region, profile, name)
    source = Source(
        bucket=output("BucketName"),
        streams=tuple(output("StreamNames").split(",")),
        queue=output("BufferQueueUrl"),
        dlq=output("DeadLetterQueueUrl"),
    )
    work = Redrive(clients, source, Journal(journal or Path(f"redrive-{source.streams[0]}.jsonl")))
    with _progress_bar() as bar:
        task = bar.add_task("redrive", total=None)
        found = work.count()
        if not dry_run:
            bar.update(task, total=found.messages + found.records)

            def report(progress: RedriveProgress) -> None:
                bar.update(task, completed=progress.messages_moved + progress.records_put)

            work.run(report)
    _print_figures(asdict(work.progress))


@app.command()
def rebuild(
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day of arrival, UTC.")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day of arrival, UTC.")],
    stack: DeployedStack = None,
    region: StackRegion = None,
    profile: Profile = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would take, and do nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Start without asking.")] = False,
    name: Name = "default",
) -> None:
    """Make clean/ anew from raw/, after a change of the masking policy or of the transform."""
    clients, output = _pipeline(stack, region, profile, name)
    source = RebuildSource(bucket=output("BucketName"), state_machine=output("RebuildStateMachineArn"))
    work = Rebuild(clients, source)
    with _messages.status("Listing raw/ …"):
        plan = work.plan(first.date(), last.date())
    _print_figures(
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
    with _progress_bar() as bar:
        task = bar.add_task("rebuild", total=plan.objects)

        def report(progress: RebuildProgress) -> None:
            bar.update(task, completed=progress.done + progress.failed)

        work.run(plan, report)
    _print_figures(asdict(work.progress))


@app.command()
def shapes(
    files: Annotated[
        list[Path], typer.Argument(help="Events or records of raw/, JSON lines or arrays; - for standard input.")
    ],
    write: Annotated[
        Path | None,
        typer.Option(
            help="The directory of the shapes to widen; a new one begins with the shapes that are built in. "
            "Default: show what is new to those, and write nothing."
        ),
    ] = None,
) -> None:
    """Learn the shapes of events from examples, so that they are no schema drift any more."""
    # The AWS CDK, which no other command needs, takes a second to load.
    from genesys_firehose_cdk.common.validation import InvalidPropertyError
    from genesys_firehose_cdk.events.event_shapes import EventShapes

    try:
        known = EventShapes.from_directory(write) if write and write.is_dir() else EventShapes.default()
        learning = Shapes(known.schemas)
        for file in files:
            for event in read_events(file):
                learning.learn(event)
        EventShapes(schemas=learning.schemas)
    except InvalidPropertyError as error:
        raise LocalError(str(error)) from None
    if write:
        learning.write(write)
    _print_figures(
        {name: "\n".join(news) for name, news in learning.learned.items()}
        | {"events without a known shape or topic": learning.without_shape}
    )


@app.command()
def cost(
    events_per_day: Annotated[float, typer.Option(min=1, help="Different events in a day.")],
    template: Template = None,
    event_bytes: EventBytes = 1500,
    event_types: EventTypes = 10,
    events_per_request: EventsPerRequest = 1,
    ingress: IngressOption = None,
    duplicates: Copies = 0,
    months: Annotated[float, typer.Option(min=1, help="For how many months events are stored already.")] = 12,
    region: Region = "us-east-1",
    prices: Annotated[
        Path | None, typer.Option(help="Prices in place of the built-in ones, in the form of operations/prices.json.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Estimate the bill of a month by list prices, and what would change it."""
    design, way = _design(template, ingress)
    traffic = costs.Traffic(
        events_per_day=events_per_day,
        event_bytes=event_bytes,
        event_types=event_types,
        ingress=way,
        events_per_request=events_per_request,
        duplicates=duplicates,
        months=months,
    )
    listed = read_prices(prices)
    estimate = costs.estimate(design, traffic, listed)
    variants = costs.variants(design, traffic, listed)
    used = {item.usage.price: listed[item.usage.price] for item in estimate.items}
    if as_json:
        answer = {
            "traffic": asdict(traffic),
            "items": [{**asdict(item.usage), "dollars": item.dollars} for item in estimate.items],
            "by_service": estimate.by_service,
            "dollars_per_month": estimate.dollars,
            "dollars_per_million_events": estimate.dollars_per_million_events,
            "variants": [asdict(variant) for variant in variants],
            "prices": {name: asdict(price) for name, price in used.items()},
        }
        sys.stdout.write(json.dumps(answer) + "\n")
        return
    table = Table("service", "for", "a month", "$ a month", "$ for a million events", "price")
    for item in estimate.items:
        per_million = item.dollars / estimate.events * 1e6
        status = used[item.usage.price].status
        figures = (f"{item.usage.quantity:,.0f}", f"{item.dollars:,.2f}", f"{per_million:,.4f}", status)
        table.add_row(item.usage.service, item.usage.what, *figures)
    table.add_section()
    table.add_row("all", "", "", f"{estimate.dollars:,.2f}", f"{estimate.dollars_per_million_events:,.4f}")
    _output.print(table)
    options = Table("instead", "is a", "$ a month", "difference", "with it")
    for variant in variants:
        options.add_row(
            variant.name, variant.kind, f"{variant.dollars:,.2f}", f"{variant.difference:+,.2f}", variant.note
        )
    _output.print(options)
    if elsewhere := sorted({price.region for price in used.values()} - {region}):
        _messages.print(
            f"The prices are those of {', '.join(elsewhere)}; give those of {region} with --prices.", soft_wrap=True
        )


@app.command()
def capacity(
    events_per_second: Annotated[float, typer.Option(min=0.01, help="Events in a second at the peak.")],
    region: Region = "us-east-1",
    template: Template = None,
    event_bytes: EventBytes = 1500,
    event_types: EventTypes = 10,
    events_per_request: EventsPerRequest = 1,
    ingress: IngressOption = None,
    duplicates: Copies = 0,
    as_json: AsJson = False,
) -> None:
    """Say which of AWS's default quotas is met first, and what the pipeline does then."""
    design, way = _design(template, ingress)
    traffic = costs.Traffic(
        events_per_day=events_per_second * 24 * 3600,
        event_bytes=event_bytes,
        event_types=event_types,
        ingress=way,
        events_per_request=events_per_request,
        duplicates=duplicates,
    )
    limits = capacities.limits(design, traffic, region)
    shards = capacities.shards_needed(design, traffic, region)
    if as_json:
        answer = {
            "limits": [
                {**asdict(limit), "binds_at": limit.binds_at if math.isfinite(limit.binds_at) else None}
                for limit in limits
            ],
            "shards_needed": shards,
        }
        sys.stdout.write(json.dumps(answer) + "\n")
        return
    table = Table("limit", "quota", "used", "at events/s", "what happens, and what helps", "source")
    for limit in limits:
        binds_at = f"{limit.binds_at:,.0f}" if math.isfinite(limit.binds_at) else "any"
        table.add_row(
            limit.name,
            f"{limit.quota:,.0f} {limit.unit}",
            f"{limit.used / limit.quota:.0%}",
            binds_at,
            limit.remedy,
            f"{limit.source} ({limit.status})",
            style="bold" if limit.is_exceeded else None,
        )
    _output.print(table)
    advice = f"shards={shards}" if shards <= capacities.MOST_SHARDS else "a higher quota of Firehose"
    _output.print(f"{limits[0].name} binds first. Firehose's default quotas ask for {advice}.", soft_wrap=True)


def _pipeline(
    stack: str | None, region: str | None, profile: str | None, name: str
) -> tuple[Clients, Callable[[str], str]]:
    """Return what makes the clients of a deployed stack, else of the local pipeline, and what gives its outputs."""
    clients: Clients
    if stack is None:
        clients = deployment = LocalPipeline.get(name).deployment
        stack = deployment.stack
    else:
        clients = boto3.Session(region_name=region, profile_name=profile)
    return clients, stack_outputs(clients.client("cloudformation"), stack)


def _design(template: Path | None, ingress: Ingress | None) -> tuple[Design, Literal["webhook", "eventbridge"]]:
    """Return the pipeline's design and how its events come in."""
    design = DEFAULT_DESIGN if template is None else read_design(template)
    if ingress is Ingress.WEBHOOK and not design.api_methods:
        raise typer.BadParameter("is webhook, and the template has none", param_hint="--ingress")
    is_webhook = design.api_methods > 0 if ingress is None else ingress is Ingress.WEBHOOK
    return design, "webhook" if is_webhook else "eventbridge"


@contextmanager
def _temporary_pipeline(purpose: str) -> Iterator[LocalPipeline]:
    # An end by SIGTERM takes everything down as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        _messages.status("") as status,
        temporary_pipeline(purpose, report=lambda step: status.update(f"{step} …")) as pipeline,
    ):
        status.stop()
        yield pipeline


@contextmanager
def _sending() -> Iterator[Callable[[Tally, int], None]]:
    """Show a progress bar that is told the figures and the number of all events."""
    with _progress_bar() as bar:
        task = bar.add_task("sending", total=None)

        def report(tally: Tally, total: int) -> None:
            bar.update(task, completed=tally.sent, total=total)
            if tally.sent == total:
                bar.update(task, description="waiting until it has landed")

        yield report


def _progress_bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=_messages, transient=True)


def _print_figures(figures: Mapping[str, Any]) -> None:
    table = Table(show_header=False)
    for name, value in figures.items():
        if isinstance(value, Mapping):
            table.add_section()
            for part, figure in value.items():
                table.add_row(part, str(figure))
            table.add_section()
        else:
            table.add_row(name.replace("_", " "), str(value))
    _output.print(table)


def _conclude(report: Report, figures: Mapping[str, Any], summary: Path) -> None:
    _print_figures(figures)
    summary.parent.mkdir(parents=True, exist_ok=True)
    summary.write_text(json.dumps(figures, indent=2) + "\n")
    verdict = report.verdict
    _output.print(
        f"lost {verdict.lost}, doubled {verdict.doubled}, leaked {verdict.leaked} — all figures are in {summary}",
        soft_wrap=True,
    )
    if not report.passed:
        raise typer.Exit(1)
