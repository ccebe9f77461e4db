"""`cost`: estimate the bill of a month."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from genesys_firehose_tools.commands import design as designs
from genesys_firehose_tools.commands.options import (
    AsJson,
    Copies,
    EventBytes,
    EventsPerRequest,
    EventTypes,
    IngressOption,
    Region,
    Template,
    TemplatePipeline,
)
from genesys_firehose_tools.commands.terminal import messages, output
from genesys_firehose_tools.operations.alternatives import Alternative, alternatives
from genesys_firehose_tools.operations.cost import Estimate, Traffic, estimate
from genesys_firehose_tools.operations.prices import Price, read_prices


def cost(
    events_per_day: Annotated[float, typer.Option(min=1, help="Different events in a day.")],
    template: Template = None,
    pipeline: TemplatePipeline = None,
    event_bytes: EventBytes = 1500,
    event_types: EventTypes = 10,
    events_per_request: EventsPerRequest = 1,
    ingress: IngressOption = None,
    duplicates: Copies = 0,
    months: Annotated[float, typer.Option(min=1, help="For how many months events have been stored.")] = 12,
    region: Region = "us-east-1",
    prices: Annotated[
        Path | None, typer.Option(help="A file of prices that replace the built-in ones, as operations/prices.json.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Estimate the bill of a month by list prices, and what other properties and designs would cost."""
    design, way = designs.read(template, pipeline, ingress)
    traffic = Traffic(
        events_per_day=events_per_day,
        event_bytes=event_bytes,
        event_types=event_types,
        ingress=way,
        events_per_request=events_per_request,
        duplicates=duplicates,
        months=months,
    )
    listed = read_prices(prices)
    bill = estimate(design, traffic, listed)
    others = alternatives(design, traffic, listed)
    used = {item.usage.price: listed[item.usage.price] for item in bill.items}
    if as_json:
        _print_json(traffic, bill, others, used)
        return
    _print_bill(bill, used)
    _print_alternatives(others)
    if elsewhere := sorted({price.region for price in used.values()} - {region}):
        messages.print(
            f"The prices are those of {', '.join(elsewhere)}; give those of {region} with --prices.", soft_wrap=True
        )


def _print_json(traffic: Traffic, bill: Estimate, others: Sequence[Alternative], used: Mapping[str, Price]) -> None:
    answer = {
        "traffic": asdict(traffic),
        "items": [{**asdict(item.usage), "dollars": item.dollars} for item in bill.items],
        "by_service": bill.by_service,
        "dollars_per_month": bill.dollars,
        "dollars_per_million_events": bill.dollars_per_million_events,
        "alternatives": [asdict(other) for other in others],
        "prices": {name: asdict(price) for name, price in used.items()},
    }
    sys.stdout.write(json.dumps(answer) + "\n")


def _print_bill(bill: Estimate, used: Mapping[str, Price]) -> None:
    table = Table("service", "for", "a month", "$ a month", "$ for a million events", "price")
    for item in bill.items:
        per_million = item.dollars / bill.events * 1e6
        status = used[item.usage.price].status
        figures = (f"{item.usage.quantity:,.0f}", f"{item.dollars:,.2f}", f"{per_million:,.4f}", status)
        table.add_row(item.usage.service, item.usage.what, *figures)
    table.add_section()
    table.add_row("all", "", "", f"{bill.dollars:,.2f}", f"{bill.dollars_per_million_events:,.4f}")
    output.print(table)


def _print_alternatives(others: Sequence[Alternative]) -> None:
    table = Table("alternative", "is a", "$ a month", "difference", "consequence")
    for other in others:
        table.add_row(other.name, other.kind, f"{other.dollars:,.2f}", f"{other.difference:+,.2f}", other.consequence)
    output.print(table)
