"""`verify`: hold a day of raw/ against its signed manifest."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from genesys_firehose_tools.commands.deployed import connect
from genesys_firehose_tools.commands.options import AsJson, Name, Pipeline, Profile, Stack, StackRegion
from genesys_firehose_tools.commands.terminal import messages, output, print_figures, print_json, progress_bar
from genesys_firehose_tools.operations.lake_versions import BucketStore, DirectoryStore
from genesys_firehose_tools.operations.manifest_signature import PublicKey
from genesys_firehose_tools.operations.verify import Verification, Verifier

DIFFERENT = 1


def verify(
    day: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The day of arrival, UTC.")],
    stack: Stack = None,
    region: StackRegion = None,
    profile: Profile = None,
    pipeline: Pipeline = None,
    public_key: Annotated[
        Path | None, typer.Option(help="A file with the public key in PEM. Default: AWS KMS is asked for it.")
    ] = None,
    directory: Annotated[
        Path | None,
        typer.Option(help="A directory with a copy of the bucket, in place of the bucket; it needs --public-key."),
    ] = None,
    as_json: AsJson = False,
    name: Name = "default",
) -> None:
    """Show that raw/ holds, byte for byte, what the day's signed manifest lists; exit code 1 when it does not.

    Every version of every object is read, delete markers are looked for, and the manifests of the days around it are
    held against it.
    """
    verifier = _of_copy(directory, public_key) if directory else None
    if verifier is None:
        clients, deployed = connect(stack, region, profile, pipeline, name)
        key_arn = deployed.output("ManifestKeyArn")
        key = PublicKey.of_file(public_key) if public_key else PublicKey.of_kms(clients.client("kms"), key_arn)
        verifier = Verifier(BucketStore(clients, deployed.output("BucketName")), key, deployed.path)
    with progress_bar() as bar:
        task = bar.add_task("versions read", total=None)
        found = verifier.verify(day.date(), report=lambda done: bar.update(task, completed=done))
    if as_json:
        print_json(_to_json(found))
    else:
        _print(found)
    if found.differences:
        number = len(found.differences)
        places = "one place" if number == 1 else f"{number} places"
        messages.print(f"Error: raw/ differs from the manifest of {day:%Y-%m-%d} in {places}.")
        raise typer.Exit(DIFFERENT)


def _of_copy(directory: Path, public_key: Path | None) -> Verifier:
    if public_key is None:
        raise typer.BadParameter("--directory needs --public-key: a copy of the bucket has no key of its own.")
    return Verifier(DirectoryStore(directory), PublicKey.of_file(public_key))


def _to_json(found: Verification) -> Mapping[str, Any]:
    return {
        "manifest": found.manifest,
        "key": found.key,
        "chain": found.chain,
        "versions_read": found.versions,
        "not_looked_at": found.not_looked_at,
        "differences": [asdict(each) for each in found.differences],
    }


def _print(found: Verification) -> None:
    manifest = found.manifest
    print_figures(
        {
            "day": manifest["day"],
            "manifest made at": manifest["made_at"],
            "signed by": found.key,
            "chain": "; ".join(found.chain),
            "versions read": found.versions,
            **({"not looked at": found.not_looked_at} if found.not_looked_at else {}),
            "records in raw/": manifest["raw"]["by_type"],
            **({} if manifest["clean"] is None else {"events in the tables then": _of_tables(manifest["clean"])}),
            **({} if manifest["completeness"] is None else {"completeness then": manifest["completeness"]}),
        }
    )
    for each in found.differences:
        output.print(f"{each.kind}: {each.key} {each.version_id} ({each.reason})", markup=False, soft_wrap=True)
    if not found.differences:
        output.print(f"raw/ holds of {manifest['day']} what it held when the manifest was made.", soft_wrap=True)


def _of_tables(counts: list[Mapping[str, Any]]) -> Mapping[str, int]:
    return {f"{each['event_type']}, {each['transform_version']}": each["records"] for each in counts}
