"""The options that several commands have."""

from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from typing import Annotated

import botocore.session
import typer

from genesys_firehose_tools.local.front_door import FrontDoorKind


def _known_region(region: str | None) -> str | None:
    """Refuse a region that the AWS SDK's own list does not have."""
    if region is None:
        return None
    session = botocore.session.Session()
    regions = [
        each
        for partition in session.get_available_partitions()
        for each in session.get_available_regions("cloudformation", partition)
    ]
    if region not in regions:
        near = ", ".join(get_close_matches(region, regions) or ["us-east-1"])
        raise typer.BadParameter(f"{region} is no AWS region that the installed AWS SDK knows; it knows {near}.")
    return region


Name = Annotated[str, typer.Option(help="The local pipeline's name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Output = Annotated[
    Path | None,
    typer.Option(help="Write the JSON object into this file, once it is complete, instead of printing it."),
]

# An app for the embedded AWS
App = Annotated[
    Path | None,
    typer.Option(help="The directory of a synthesized app, such as cdk.out. Default: an app with every way in."),
]
AppStack = Annotated[
    str | None, typer.Option("--stack", help="The pipeline's stack in the app. Default: the only one with a pipeline.")
]
AppPipeline = Annotated[
    str | None,
    typer.Option(
        "--pipeline", help="The pipeline's construct path, or the end of it. Default: the only pipeline of the app."
    ),
]

FrontDoor = Annotated[
    FrontDoorKind | None, typer.Option(help="The webhook's front door in the default app. Default: rest-api.")
]

# Sending
Duplicates = Annotated[float, typer.Option(min=0, max=1, help="Share of the events to send twice.")]
Forged = Annotated[float, typer.Option(min=0, max=1, help="Share of events to add with a wrong signature.")]
Concurrency = Annotated[int, typer.Option(min=1, max=256, help="Requests at the same time.")]
Batch = Annotated[int, typer.Option(min=1, help="Events in one request.")]
Wait = Annotated[float, typer.Option(min=0, help="The longest time in seconds to wait until all events have landed.")]

# A deployed stack
Stack = Annotated[str | None, typer.Option(help="The deployed stack. Default: the local pipeline's stack.")]
StackRegion = Annotated[
    str | None,
    typer.Option(callback=_known_region, help="The stack's AWS region. Default: the AWS profile's region."),
]
Profile = Annotated[str | None, typer.Option(help="The AWS profile. Default: the environment's credentials.")]
Pipeline = Annotated[
    str | None,
    typer.Option(help="The pipeline's construct path, or the end of it. Default: the only pipeline of the stack."),
]

# A synthesized template, and the traffic
Template = Annotated[
    Path | None,
    typer.Option(help="A synthesized template, or a directory such as cdk.out. Default: a pipeline with defaults."),
]
TemplatePipeline = Annotated[
    str | None,
    typer.Option(
        "--pipeline",
        help="The pipeline's construct path, or the end of it. Default: the only pipeline of the template.",
    ),
]
EventBytes = Annotated[int, typer.Option(min=1, help="The size of an event in bytes.")]
EventTypes = Annotated[int, typer.Option(min=1, help="The number of event types; each is a partition.")]
EventsPerRequest = Annotated[float, typer.Option(min=1, help="Events in one request to the webhook.")]
Copies = Annotated[float, typer.Option(min=0, help="Share of the events that are sent again.")]
Region = Annotated[str, typer.Option(callback=_known_region, help="The AWS region.")]


class Ingress(Enum):
    """The way by which events come in."""

    WEBHOOK = "webhook"
    EVENTBRIDGE = "eventbridge"


IngressOption = Annotated[
    Ingress | None,
    typer.Option("--ingress", help="The way by which events come in. Default: the webhook if the pipeline has one."),
]
