"""The reference of the command line, from the commands themselves."""

from collections.abc import Iterator
from typing import Any

import typer

from genesys_firehose_tools.cli import app


def page() -> str:
    """Return every command with its options in Markdown."""
    return "\n\n".join(_section(name, command) for name, command in commands())


def commands(group: Any = None, before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every command, those of a group by both their names."""
    given: Any = typer.main.get_command(app) if group is None else group
    for name, command in given.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


def _section(name: str, command: Any) -> str:
    # A docstring's own line breaks are none of its paragraphs'.
    paragraphs = [" ".join(each.split()) for each in (command.help or "").split("\n\n")]
    return "\n\n".join([f"## `genesys-firehose {name}`", *paragraphs, _table(command)])


def _table(command: Any) -> str:
    lines = ["| Option | Default | It is |", "|---|---|---|"]
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            names = f"`{parameter.name}`"
        else:
            names = ", ".join(f"`{option}`" for option in (*parameter.opts, *parameter.secondary_opts))
        default = parameter.default
        shown = "" if default is None or callable(default) or isinstance(default, bool) else f"`{default}`"
        text = " ".join((getattr(parameter, "help", None) or "").split()).replace("|", "\\|")
        lines.append(f"| {names} | {shown} | {text} |")
    return "\n".join(lines) if command.params else "It has no options."
