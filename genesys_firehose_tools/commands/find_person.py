"""`find-person`: find the records of a person."""

import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer

from genesys_firehose_tools.commands.deployed import connect
from genesys_firehose_tools.commands.options import AsJson, Name, Pipeline, Profile, Stack, StackRegion
from genesys_firehose_tools.commands.terminal import (
    folding_table,
    messages,
    output,
    print_figures,
    print_json,
    progress_bar,
)
from genesys_firehose_tools.operations.find_person import Findings, PersonSearch, Source

NOTHING_FOUND = 3
INCOMPLETE = 1


def find_person(
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day of clean/, UTC.")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day of clean/, UTC.")],
    stack: Stack = None,
    region: StackRegion = None,
    profile: Profile = None,
    pipeline: Pipeline = None,
    with_raw: Annotated[bool, typer.Option("--raw/--no-raw", help="Look for the originals in raw/ too.")] = True,
    as_json: AsJson = False,
    name: Name = "default",
) -> None:
    """Find a person's records by a number, an address or a name, and print where they are, but nothing they hold.

    The values come from standard input, one on each line, or from a hidden prompt. The exit code is 0 when records
    were found, 3 when none were, and 1 when the search is incomplete.
    """
    values = _read_values()
    clients, deployed = connect(stack, region, profile, pipeline, name)
    source = Source(bucket=deployed.output("BucketName"), tokenization_secret=deployed.output("TokenizationSecretArn"))
    with progress_bar() as bar:
        task = bar.add_task("objects looked through", total=None)
        findings = PersonSearch(clients, source).run(
            values,
            first.date(),
            last.date(),
            with_raw=with_raw,
            report=lambda done: bar.update(task, completed=done),
        )
    if as_json:
        print_json(_to_json(findings, with_raw=with_raw))
    else:
        _print(findings, with_raw=with_raw)
    if findings.unreadable:
        messages.print(f"Error: {len(findings.unreadable)} objects could not be read, so the search is incomplete.")
        raise typer.Exit(INCOMPLETE)
    if not findings.hits:
        raise typer.Exit(NOTHING_FOUND)


def _read_values() -> list[str]:
    # Never an argument: the shell's history and the list of processes would keep it.
    if sys.stdin.isatty():
        return [typer.prompt("Number, address or name", hide_input=True, err=True)]
    return sys.stdin.read().splitlines()


def _figures(findings: Findings, *, with_raw: bool) -> Mapping[str, Any]:
    return {
        "records": findings.records,
        "in_clear": findings.in_clear,
        **({"without_original": findings.without_original} if with_raw else {}),
        "versions": len(findings.hits),
        "objects_looked_through": findings.objects,
        "unreadable": len(findings.unreadable),
        "tokens_of_other_keys": len(findings.other_keys),
    }


def _to_json(findings: Findings, *, with_raw: bool) -> Mapping[str, Any]:
    return {
        **_figures(findings, with_raw=with_raw),
        "hits": [{**asdict(hit.version), "lines": hit.lines, "ingest_ids": hit.ingest_ids} for hit in findings.hits],
        "unreadable_versions": [asdict(version) for version in findings.unreadable],
    }


def _print(findings: Findings, *, with_raw: bool) -> None:
    if findings.hits:
        table = folding_table("object, version", "lines")
        for hit in findings.hits:
            lines = ", ".join(map(str, hit.lines)) or "the whole object"
            table.add_row(f"{hit.version.key}\n{hit.version.version_id}", lines)
        output.print(table)
    for version in findings.unreadable:
        output.print(f"not read: {version.key} {version.version_id}", markup=False, soft_wrap=True)
    print_figures(_figures(findings, with_raw=with_raw))
