"""`send`: sign and post events."""

import secrets
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from genesys_firehose_tools.commands.options import Batch, Concurrency, Duplicates, Forged, Name
from genesys_firehose_tools.commands.terminal import messages, print_figures, sending
from genesys_firehose_tools.local.events import EventGenerator
from genesys_firehose_tools.local.input import read_events
from genesys_firehose_tools.local.pipeline import LocalPipeline
from genesys_firehose_tools.local.sender import RETRY_DELAY_SECONDS, Encoding, Sender, Tally, Target
from genesys_firehose_tools.local.traffic import traffic

Key = Annotated[str | None, typer.Option(envvar="GENESYS_SIGNING_KEY", help="The signing key that goes with --url.")]

_DEFAULT = "Default: that of the local pipeline; with --url"


def send(
    source: Annotated[
        Path | None,
        typer.Argument(help="A file of JSON lines or a JSON array; - is standard input. Default: generated events."),
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="The number of events to generate.")] = 100,
    rate: Annotated[float, typer.Option(min=0, help="Events per second; 0 is without a limit.")] = 0,
    duplicates: Duplicates = 0,
    forged: Forged = 0,
    concurrency: Concurrency = 8,
    batch: Batch = 1,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same traffic. Default: random.")] = None,
    retry_delay: Annotated[
        float, typer.Option(min=0, help="Seconds before a request is repeated.")
    ] = RETRY_DELAY_SECONDS,
    url: Annotated[str | None, typer.Option(help="An ingest URL. Default: that of the local pipeline.")] = None,
    key: Key = None,
    header: Annotated[
        str | None, typer.Option(help=f"The name of the signature's header. {_DEFAULT} X-Genesys-Signature.")
    ] = None,
    prefix: Annotated[str | None, typer.Option(help=f"The text before the signature. {_DEFAULT} none.")] = None,
    encoding: Annotated[Encoding | None, typer.Option(help=f"The encoding of the signature. {_DEFAULT} hex.")] = None,
    name: Name = "default",
) -> None:
    """Sign and post events; exit code 1 when a request gets no answer, or a rightly signed event is refused."""
    given: dict[str, Any] = {"header": header, "prefix": prefix, "encoding": encoding}
    target = replace(_target(url, key, name), **{option: value for option, value in given.items() if value is not None})
    seed = secrets.randbits(32) if seed is None else seed
    events, forgeries = _bodies(source, count, forged, seed)
    requests = traffic(events, duplicates=duplicates, forgeries=forgeries, batch=batch, seed=seed)
    sender = Sender(target, concurrency=concurrency, rate=rate, retry_delay=retry_delay)
    tally = Tally()
    with sending() as progress:
        total = sum(len(request.events) for request in requests)
        for message, answer in sender.send(requests):
            tally.add(message, answer)
            progress(tally, total)
    print_figures(asdict(tally))
    if sender.unanswered:
        reasons = ", ".join(f"{reason} ({number})" for reason, number in sender.unanswered.most_common())
        messages.print(f"Requests without an answer, by their last try: {reasons}.", soft_wrap=True)
    if tally.unanswered or tally.refused > len(forgeries):
        raise typer.Exit(1)


def _target(url: str | None, key: str | None, name: str) -> Target:
    if url is None:
        return LocalPipeline.get(name).deployment.target()
    if key is None:
        raise typer.BadParameter("is needed with --url", param_hint="--key")
    return Target(url=url, key=key.encode())


def _bodies(source: Path | None, count: int, forged: float, seed: int) -> tuple[list[Any], list[Any]]:
    """Return the events to send, and those to send with a wrong signature."""
    if source is not None:
        events = read_events(source)
        return events, events[: round(len(events) * forged)]
    generator = EventGenerator(seed)
    generated = [event.body for event in generator.take(count)]
    return generated, [event.body for event in generator.take(round(count * forged))]
