"""`dead-letters`: look at the messages of the dead-letter queue, and take them out of it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from genesys_firehose_tools.commands.deployed import connect
from genesys_firehose_tools.commands.options import AsJson, Name, Pipeline, Profile, Stack, StackRegion
from genesys_firehose_tools.commands.terminal import folding_table, output, print_json
from genesys_firehose_tools.operations.dead_letters import DeadLetter, DeadLetters, Source

app = typer.Typer(
    help="Look at the messages of the dead-letter queue, and take out of it what can't be redriven.",
    no_args_is_help=True,
)

MessageIds = Annotated[list[str] | None, typer.Argument(help="The messages' ids, as `list` shows them.")]
All = Annotated[bool, typer.Option("--all", help="Every message of the queue.")]


@app.command("list")
def list_messages(
    stack: Stack = None,
    region: StackRegion = None,
    profile: Profile = None,
    pipeline: Pipeline = None,
    as_json: AsJson = False,
    name: Name = "default",
) -> None:
    """Show each message's id, age and reason, but nothing that it holds."""
    _print(_dead_letters(stack, region, profile, pipeline, name).look(), as_json=as_json)


@app.command("set-aside")
def set_aside(
    message_ids: MessageIds = None,
    every: All = False,
    stack: Stack = None,
    region: StackRegion = None,
    profile: Profile = None,
    pipeline: Pipeline = None,
    as_json: AsJson = False,
    name: Name = "default",
) -> None:
    """Move messages into the bucket, under raw/dead-letters/."""
    chosen = _chosen(message_ids, every=every)
    _print(_dead_letters(stack, region, profile, pipeline, name).set_aside(chosen), as_json=as_json)


@app.command("discard")
def discard(
    message_ids: MessageIds = None,
    every: All = False,
    yes: Annotated[bool, typer.Option("--yes", help="Delete the messages; without it, nothing is done.")] = False,
    stack: Stack = None,
    region: StackRegion = None,
    profile: Profile = None,
    pipeline: Pipeline = None,
    as_json: AsJson = False,
    name: Name = "default",
) -> None:
    """Delete messages for good, and leave a receipt of each under raw/dead-letters/."""
    chosen = _chosen(message_ids, every=every)
    if not yes:
        raise typer.BadParameter("is needed, because what is discarded can't be brought back.", param_hint="--yes")
    _print(_dead_letters(stack, region, profile, pipeline, name).discard(chosen), as_json=as_json)


def _chosen(message_ids: list[str] | None, *, every: bool) -> list[str] | None:
    if every == bool(message_ids):
        raise typer.BadParameter("name messages, or give --all; one of the two.", param_hint="MESSAGE_IDS")
    return None if every else message_ids


def _dead_letters(
    stack: str | None, region: str | None, profile: str | None, pipeline: str | None, name: str
) -> DeadLetters:
    clients, deployed = connect(stack, region, profile, pipeline, name)
    source = Source(
        dlq=deployed.output("DeadLetterQueueUrl"),
        bucket=deployed.output("BucketName"),
        raw_key=deployed.output("RawKeyArn"),
    )
    return DeadLetters(clients, source)


def _print(found: Sequence[DeadLetter], *, as_json: bool) -> None:
    if as_json:
        messages = [
            {
                "message_id": each.message_id,
                "reason": each.reason,
                "sent": each.sent.isoformat(),
                "expires": each.expires.isoformat(),
                "deliveries": each.deliveries,
                "size": each.size,
            }
            for each in found
        ]
        print_json({"count": len(found), "messages": messages})
        return
    now = datetime.now(UTC)
    # The id in one piece, because it is copied into the next command.
    table = folding_table("message, reason", "age", "expires", "deliveries", "bytes")
    for each in found:
        age = str(now - each.sent).partition(".")[0]
        letter = f"{each.message_id}\n{each.reason}"
        table.add_row(letter, age, f"{each.expires:%Y-%m-%d}", str(each.deliveries), str(each.size))
    output.print(table)
    output.print(f"{len(found)} messages")
