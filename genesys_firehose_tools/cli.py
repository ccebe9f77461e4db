"""The command line `genesys-firehose`: registers the commands and shows their errors."""

import sys
from importlib.metadata import version
from typing import Annotated, Any

try:
    import boto3  # noqa: F401 - what the extra brings is looked for before the commands are imported
    import rich  # noqa: F401
    import typer
except ModuleNotFoundError as missing:
    sys.exit(f"{missing.name} is missing: install the package with its extra, genesys-firehose-cdk[tools].")

from genesys_firehose_tools.commands import (
    capacity,
    cost,
    dead_letters,
    doctor,
    drill,
    find_person,
    local,
    query,
    rebuild,
    redrive,
    report,
    rotate_key,
    send,
    shapes,
    smoke,
    tables,
    topics,
    trials,
)
from genesys_firehose_tools.commands.errors import SHOWN, sentence
from genesys_firehose_tools.commands.terminal import messages


class _Commands(typer.core.TyperGroup):
    """Shows an error as one sentence and exits with code 1; typer exits with code 2 when an option is wrong."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # The reader of the output, such as head, has seen enough: Typer ends the command without a word.
            raise
        except SHOWN as error:
            messages.print("Error:", sentence(error), highlight=False, markup=False, soft_wrap=True)
            raise typer.Exit(1) from None


def _print_version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"genesys-firehose {version('genesys-firehose-cdk')}\n")
        raise typer.Exit


app = typer.Typer(
    cls=_Commands,
    help="Run a pipeline locally, send it events, operate a deployed one, and estimate cost and capacity.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Take the options of the command line itself."""


app.add_typer(local.app, name="local")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(rotate_key.app, name="rotate-key")
app.add_typer(tables.app, name="tables")
for command in (
    send.send,
    trials.demo,
    trials.soak,
    drill.drill,
    doctor.doctor,
    smoke.smoke,
    redrive.redrive,
    rebuild.rebuild,
    query.query,
    report.report,
    find_person.find_person,
    shapes.shapes,
    topics.topics,
    cost.cost,
    capacity.capacity,
):
    app.command()(command)
