"""`capacity`: compare a rate with AWS's default quotas."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

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
from genesys_firehose_tools.commands.terminal import folding_table, output, print_json
from genesys_firehose_tools.operations.capacity import Limit, limits, shards_needed
from genesys_firehose_tools.operations.cost import Traffic


def capacity(
    events_per_second: Annotated[float, typer.Option(min=0.01, help="Events in a second at the peak.")],
    region: Region = "us-east-1",
    template: Template = None,
    pipeline: TemplatePipeline = None,
    event_bytes: EventBytes = 1500,
    event_types: EventTypes = 10,
    events_per_request: EventsPerRequest = 1,
    ingress: IngressOption = None,
    duplicates: Copies = 0,
    as_json: AsJson = False,
) -> None:
    """Show which of AWS's default quotas is exceeded first, and what the pipeline does then."""
    design, way = designs.read(template, pipeline, ingress)
    traffic = Traffic(
        events_per_day=events_per_second * 24 * 3600,
        event_bytes=event_bytes,
        event_types=event_types,
        ingress=way,
        events_per_request=events_per_request,
        duplicates=duplicates,
    )
    found = limits(design, traffic, region)
    shards = shards_needed(design, traffic, region)
    if as_json:
        answer = {"limits": [_finite(limit) for limit in found], "shards_needed": shards}
        print_json(answer)
        return
    _print_limits(found)
    for limit in [limit for limit in found if limit.is_exceeded] or found[:1]:
        output.print(f"{limit.name}: {limit.remedy} ({limit.source}, {limit.status})", highlight=False, markup=False)
    advice = (
        f"suffice with {shards} delivery stream{'s' * (shards > 1)}"
        if shards == design.streams
        else f"need {shards} delivery streams: raise delivery.shards, or ask AWS for a higher quota"
    )
    output.print(f"{found[0].name} is exceeded first. Firehose's default quotas {advice}.", soft_wrap=True)


def _finite(limit: Limit) -> dict[str, object]:
    """Return a limit as JSON can hold it: without an infinite rate."""
    return {**asdict(limit), "binds_at": limit.binds_at if math.isfinite(limit.binds_at) else None}


def _print_limits(found: Sequence[Limit]) -> None:
    table = folding_table("limit", "quota", "used", "exceeded at events/s")
    for limit in found:
        table.add_row(
            limit.name,
            f"{limit.quota:,.0f} {limit.unit}",
            f"{limit.used / limit.quota:.0%}",
            f"{limit.binds_at:,.0f}" if math.isfinite(limit.binds_at) else "never",
            style="bold" if limit.is_exceeded else None,
        )
    output.print(table)
