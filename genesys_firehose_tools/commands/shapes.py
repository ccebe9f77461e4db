"""`shapes`: learn the shapes of events from examples."""

from pathlib import Path
from typing import Annotated

import typer

from genesys_firehose_tools.commands.terminal import print_figures
from genesys_firehose_tools.errors import ToolError
from genesys_firehose_tools.local.input import read_events
from genesys_firehose_tools.operations.shapes import Shapes


def shapes(
    files: Annotated[
        list[Path], typer.Argument(help="Events or records of raw/, as JSON lines or arrays; - is standard input.")
    ],
    write: Annotated[
        Path | None,
        typer.Option(
            help="The directory of the shapes to widen; a new one begins with the built-in shapes. "
            "Default: write nothing, and print how the examples differ from the built-in shapes."
        ),
    ] = None,
) -> None:
    """Learn the shapes of events from examples, so that they are no longer reported as schema drift."""
    # Imported here because the AWS CDK takes a second to load and no other command needs it.
    from genesys_firehose_cdk.common.validation import InvalidPropertyError
    from genesys_firehose_cdk.events.event_shapes import EventShapes

    try:
        known = EventShapes.from_directory(write) if write and write.is_dir() else EventShapes.default()
        learning = Shapes(known.schemas)
        for file in files:
            for event in read_events(file):
                learning.learn(event)
        EventShapes(schemas=learning.schemas)
    except InvalidPropertyError as error:
        raise ToolError(str(error)) from None
    if write:
        learning.write(write)
    print_figures(
        {name: "\n".join(news) for name, news in learning.learned.items()}
        | {"events without a known shape or topic": learning.without_shape}
    )
