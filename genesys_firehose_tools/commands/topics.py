"""`topics`: list the notification topics, and what is in their events."""

import json
import sys
from dataclasses import asdict

from rich.table import Column, Table

from genesys_firehose_tools.commands.options import AsJson
from genesys_firehose_tools.commands.terminal import output
from genesys_firehose_tools.operations.topics import list_topics


def topics(as_json: AsJson = False) -> None:
    """List every notification topic with its preset, the type of its events, and what is personal in them."""
    # Imported here because the AWS CDK takes a second to load.
    from genesys_firehose_cdk.events.topics import PRESETS

    found = list_topics(PRESETS)
    if as_json:
        sys.stdout.write(json.dumps([asdict(topic) for topic in found]) + "\n")
        return
    table = Table(Column("topic", overflow="fold"), "preset", "event type", "personal")
    for topic in found:
        table.add_row(topic.name, topic.preset or "", topic.event_type, ", ".join(topic.personal))
    output.print(table)
