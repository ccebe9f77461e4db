"""`topics`: list the notification topics, and what is in their events."""

from dataclasses import asdict

from genesys_firehose_tools.commands.options import AsJson
from genesys_firehose_tools.commands.terminal import folding_table, output, print_json
from genesys_firehose_tools.operations.topics import list_topics


def topics(as_json: AsJson = False) -> None:
    """List every notification topic with its preset, the type of its events, and what is personal in them."""
    # Imported here because the AWS CDK takes a second to load.
    from genesys_firehose_cdk.events.topics import PRESETS

    found = list_topics(PRESETS)
    if as_json:
        print_json([asdict(topic) for topic in found])
        return
    table = folding_table("topic", "preset\nevent type", "personal")
    for topic in found:
        table.add_row(topic.name, f"{topic.preset or ''}\n{topic.event_type}", ", ".join(topic.personal))
    output.print(table)
