"""The design whose cost or capacity is asked for."""

from pathlib import Path
from typing import Literal

import typer

from genesys_firehose_tools.commands.options import Ingress
from genesys_firehose_tools.operations.deployed_design import DEFAULT_DESIGN, Design, read_design


def read(
    template: Path | None, pipeline: str | None, ingress: Ingress | None
) -> tuple[Design, Literal["webhook", "eventbridge"]]:
    """Return a pipeline's design and the way by which its events come in.

    Raises:
        TemplateError: The template holds no pipeline, or several and none is named.
        typer.BadParameter: The webhook is asked for, and the pipeline has none; or a pipeline without a template.
    """
    if template is None and pipeline is not None:
        raise typer.BadParameter("is needed with --pipeline", param_hint="--template")
    design = DEFAULT_DESIGN if template is None else read_design(template, pipeline)
    if ingress is Ingress.WEBHOOK and not design.has_webhook:
        raise typer.BadParameter("is webhook, and the template has none", param_hint="--ingress")
    is_webhook = design.has_webhook if ingress is None else ingress is Ingress.WEBHOOK
    return design, "webhook" if is_webhook else "eventbridge"
