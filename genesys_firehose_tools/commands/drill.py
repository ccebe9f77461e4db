"""`drill`: break a local pipeline, and show what an operator would see."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Annotated

import typer
from rich.table import Column

from genesys_firehose_tools.commands.options import AsJson, Name
from genesys_firehose_tools.commands.terminal import folding_table, messages, output, print_json
from genesys_firehose_tools.local.drills.catalogue import DRILLS
from genesys_firehose_tools.local.drills.run import Outcome, run
from genesys_firehose_tools.local.drills.stage import Stage
from genesys_firehose_tools.local.pipeline import LocalPipeline, temporary_pipeline


def drill(
    drills: Annotated[list[str] | None, typer.Argument(help="The drills' names, as --list shows them.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every drill.")] = False,
    listed: Annotated[bool, typer.Option("--list", help="Only show the drills.")] = False,
    as_json: AsJson = False,
    name: Name = "default",
) -> None:
    """Break a local pipeline in a known way, and show alarms, doctor and losses; exit code 1 when one fails.

    It uses the local pipeline of this name, if it is up, or one of its own.
    """
    if listed:
        _print_list(as_json=as_json)
        return
    if every == bool(drills):
        raise typer.BadParameter("name drills, or give --all; one of the two.", param_hint="DRILLS")
    unknown = sorted(set(drills or ()) - DRILLS.keys())
    if unknown:
        raise typer.BadParameter(f"There is no drill {unknown[0]}; there are {', '.join(DRILLS)}.", param_hint="DRILLS")
    outcomes = []
    with messages.status("starting …") as status, _pipeline(name) as pipeline:
        stage = Stage(pipeline)
        for each in drills or DRILLS:
            outcomes.append(run(stage, DRILLS[each], lambda step: status.update(f"{step} …")))
            if not as_json:
                _print(outcomes[-1])
    if as_json:
        print_json([each.to_dict() for each in outcomes])
    else:
        _print_not_evaluated(outcomes)
    if not all(each.passed for each in outcomes):
        raise typer.Exit(1)


@contextmanager
def _pipeline(name: str) -> Iterator[LocalPipeline]:
    with ExitStack() as stack:
        yield LocalPipeline.find(name) or stack.enter_context(temporary_pipeline("drill"))


def _print_list(*, as_json: bool) -> None:
    if as_json:
        print_json({each.name: each.breaks for each in DRILLS.values()})
        return
    table = folding_table("drill", "what is broken")
    for each in DRILLS.values():
        table.add_row(each.name, each.breaks)
    output.print(table)


def _print(outcome: Outcome) -> None:
    tally, verdict = outcome.tally, outcome.verdict
    table = folding_table(Column(outcome.drill, no_wrap=True), outcome.breaks)
    table.show_lines = True
    off = (
        f"{each.name} after {each.after_minutes} min, "
        + ("still on at the end" if each.for_minutes is None else f"for {each.for_minutes} min")
        for each in outcome.alarms
    )
    table.add_row("alarms", "\n".join(off) or "none goes off")
    if outcome.silent:
        table.add_row("should go off, too", ", ".join(outcome.silent))
    # Its check of the alarms says what stands above.
    seen = (f"{name}: {finding.seen}" for name, finding in outcome.doctor if name != "alarms")
    table.add_row("doctor", "\n".join(seen) or "reports nothing")
    if outcome.unseen:
        table.add_row("should be reported, too", ", ".join(outcome.unseen))
    table.add_row("while broken", f"accepted {outcome.accepted_while_broken}, landed {outcome.landed_while_broken}")
    table.add_row(
        "when mended",
        f"sent {tally.sent}, accepted {tally.accepted}, refused {tally.refused}, unanswered {tally.unanswered}\n"
        f"landed {verdict.landed}, lost {verdict.lost}, doubled {verdict.doubled}, leaked {verdict.leaked}",
    )
    left = (f"{name}: {finding.seen}" for name, finding in outcome.left)
    table.add_row("doctor, a day later", "\n".join(left) or "reports nothing")
    output.print(table)


def _print_not_evaluated(outcomes: Sequence[Outcome]) -> None:
    for alarm, metric in outcomes[0].not_evaluated.items():
        output.print(f"not evaluated here: {alarm}, metric {metric}", soft_wrap=True)
