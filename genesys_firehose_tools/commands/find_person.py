"""`find-person`: find a person's records by a value that identifies them."""

import json
import sys
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer
from rich.table import Table

from genesys_firehose_tools.commands.deployed import connect
from genesys_firehose_tools.commands.options import AsJson, Name, Pipeline, Profile, Stack, StackRegion
from genesys_firehose_tools.commands.terminal import messages, output
from genesys_firehose_tools.operations.find_person import FindPerson, Source


def find_person(
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day of the events, UTC.")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day of the events, UTC.")],
    stack: Stack = None,
    region: StackRegion = None,
    profile: Profile = None,
    pipeline: Pipeline = None,
    as_json: AsJson = False,
    name: Name = "default",
) -> None:
    """Find a person's records in clean/, and where their originals are in raw/, without printing either.

    The values that identify the person, such as a telephone number or an e-mail address, are read from standard input,
    one on a line, or asked for without showing them.
    """
    if last < first:
        raise typer.BadParameter("is before --from", param_hint="--to")
    clients, deployed = connect(stack, region, profile, pipeline, name)
    source = Source(bucket=deployed.output("BucketName"), tokenization_secret=deployed.output("TokenizationSecretArn"))
    search = FindPerson(clients, source)
    tokens = search.tokens(_values())
    if not tokens:
        raise typer.BadParameter("is empty: one value on each line is needed", param_hint="standard input")
    with messages.status("Reading clean/ …"):
        found = list(search.find(tokens, first.date(), last.date()))
    if as_json:
        sys.stdout.write(json.dumps([asdict(finding) for finding in found]) + "\n")
    else:
        table = Table("object", "version", "line", "ingest_id", "received in", "values")
        for each in found:
            table.add_row(each.key, each.version_id, str(each.line), each.ingest_id, each.raw_prefix, str(each.fields))
        output.print(table)
    messages.print(f"{len(found)} records in {search.objects_read} objects", highlight=False)


def _values() -> list[str]:
    if sys.stdin.isatty():
        return [typer.prompt("A value that identifies the person", hide_input=True)]
    return sys.stdin.read().splitlines()
