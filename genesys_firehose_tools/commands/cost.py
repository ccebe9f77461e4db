"""`cost`: estimate the bill of a month."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column

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
from genesys_firehose_tools.commands.terminal import folding_table, messages, output, print_json
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
    claimed_alone: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            help="Share of events whose key has an item of its own: audits, and events with an id or with nothing "
            "and no time in their eventBody.",
        ),
    ] = 0,
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
        claimed_alone=claimed_alone,
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
        "dollars_of_tables": bill.dollars_of_tables,
        "dollars_per_million_events": bill.dollars_per_million_events,
        "alternatives": [asdict(other) for other in others],
        "prices": {name: asdict(price) for name, price in used.items()},
    }
    print_json(answer)


def _print_bill(bill: Estimate, used: Mapping[str, Price]) -> None:
    table = folding_table(
        "service", "for", "units a month", Column("$ a month", justify="right"), Column("$ a million", justify="right")
    )
    for item in bill.items:
        price = used[item.usage.price]
        mark = "" if price.status == "documented" else " (U)"
        table.add_row(
            item.usage.service,
            item.usage.what,
            _with_unit(item.usage.quantity, price.unit),
            f"{item.dollars:,.2f}{mark}",
            f"{item.dollars / bill.events * 1e6:,.2f}",
        )
    table.add_section()
    parts = {
        "without the tables": bill.dollars - bill.dollars_of_tables,
        "the tables": bill.dollars_of_tables,
        "all": bill.dollars,
    }
    for name, dollars in parts.items():
        table.add_row(name, "", "", f"{dollars:,.2f}", f"{dollars / bill.events * 1e6:,.2f}")
    output.print(table)
    output.print("US dollars in a month of 30 days, and for a million events. (U): the price is unverified.")


def _with_unit(quantity: float, unit: str) -> str:
    """Write a quantity with the first words of its unit; the whole unit is in the prices."""
    short = re.split(r",| (?:of|and|delivered|compressed|retrieved|moved|recorded|on)\b", unit)[0]
    number = f"{quantity:,.0f}" if quantity >= 10 else f"{quantity:.2g}"
    return f"{number} {short if short.startswith('GB') or quantity == 1 else f'{short}s'}"


def _print_alternatives(others: Sequence[Alternative]) -> None:
    table = folding_table("alternative", "is a", "$ a month", "difference", "consequence")
    for other in others:
        table.add_row(other.name, other.kind, f"{other.dollars:,.2f}", f"{other.difference:+,.2f}", other.consequence)
    output.print(table)
