"""`rotate-key`: rotate the signing key of a sender who is told by hand, in two steps."""

from datetime import timedelta
from typing import Annotated

import typer

from genesys_firehose_tools.commands.deployed import connect
from genesys_firehose_tools.commands.options import AsJson, Name, Pipeline, Profile, Stack, StackRegion
from genesys_firehose_tools.commands.terminal import output, print_json
from genesys_firehose_tools.operations.key_rotation import HandRotation

app = typer.Typer(
    help="Rotate the signing key of a sender who is told by hand: begin, give the sender the new key, finish.",
    no_args_is_help=True,
)

Minutes = Annotated[int, typer.Option(min=1, help="Over how many minutes is looked at which key signed the requests.")]


@app.command()
def begin(
    show_key: Annotated[bool, typer.Option("--show-key", help="Print the new key.")] = False,
    minutes: Minutes = 60,
    stack: Stack = None,
    region: StackRegion = None,
    profile: Profile = None,
    pipeline: Pipeline = None,
    as_json: AsJson = False,
    name: Name = "default",
) -> None:
    """Make a new key, valid beside the old one, and say where it is."""
    begun = _rotation(stack, region, profile, pipeline, name).begin(timedelta(minutes=minutes))
    read = f"aws secretsmanager get-secret-value --secret-id {begun.secret} --version-stage AWSPENDING"
    if as_json:
        answer = {"secret": begun.secret, "version": begun.version, "known_from": begun.known_from.isoformat()}
        print_json({**answer, **({"key": begun.key} if show_key else {})})
        return
    _print(f"The new key is the version {begun.version} of {begun.secret}.")
    _print(begun.key if show_key else f"To read it: {read} --query SecretString --output text")
    _print(f"Give it to the sender, who may sign with it from {begun.known_from:%Y-%m-%d %H:%M:%S} UTC on.")
    _print("Then end the old key: genesys-firehose rotate-key finish")


@app.command()
def finish(
    force: Annotated[bool, typer.Option("--force", help="End the old key whoever still signs with it.")] = False,
    minutes: Minutes = 60,
    stack: Stack = None,
    region: StackRegion = None,
    profile: Profile = None,
    pipeline: Pipeline = None,
    as_json: AsJson = False,
    name: Name = "default",
) -> None:
    """End the old key, once nobody signs with it any more."""
    finished = _rotation(stack, region, profile, pipeline, name).finish(timedelta(minutes=minutes), force=force)
    if as_json:
        answer = {"secret": finished.secret, "version": finished.version, "ended_by": finished.ended_by.isoformat()}
        print_json(answer)
        return
    _print(f"The version {finished.version} of {finished.secret} is the signing key.")
    _print(f"The old key is accepted nowhere after {finished.ended_by:%Y-%m-%d %H:%M:%S} UTC.")


def _rotation(
    stack: str | None, region: str | None, profile: str | None, pipeline: str | None, name: str
) -> HandRotation:
    return HandRotation(*connect(stack, region, profile, pipeline, name))


def _print(text: str) -> None:
    output.print(text, soft_wrap=True, highlight=False, markup=False)
