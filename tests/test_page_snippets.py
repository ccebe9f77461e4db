"""Every piece of Python in the pages runs: whole apps as they stand in an empty folder, the others inside an app."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_secretsmanager as secretsmanager

import genesys_firehose_cdk as library
from tests.test_options import PAGES

_BLOCK = re.compile(r"^( *)```python\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
# Reads from S3, with extensions that DuckDB fetches: its syntax alone is looked at.
_NEEDS_A_NETWORK = "lake.install_extension"
_SECRET = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:genesys-a1b2c3"


def _blocks() -> Iterator[tuple[str, str]]:
    """Yield every piece of Python with the place where it stands."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in _BLOCK.finditer(text):
            place = f"{page.parent.name}/{page.name}:{text[: block.start()].count(chr(10)) + 1}"
            yield place, textwrap.dedent(block[2])


BLOCKS = dict(_blocks())
APPS = {place: code for place, code in BLOCKS.items() if "app.synth()" in code}
PIECES = {place: code for place, code in BLOCKS.items() if place not in APPS}


def _inside_an_app() -> dict[str, Any]:
    """Return the names that a piece of an app has around it."""
    app = cdk.App()
    stack = cdk.Stack(app, "ContactCentre")
    credentials = secretsmanager.Secret.from_secret_complete_arn(stack, "Credentials", _SECRET)
    names: dict[str, Any] = {
        **{name: getattr(library, name) for name in library.__all__},
        "Duration": cdk.Duration,
        "Secret": secretsmanager.Secret,
        "app": app,
        "analysts": iam.Role(stack, "Analysts", assumed_by=iam.AccountRootPrincipal()),
        "cdk": cdk,
        "credentials": credentials,
        "genesys": library.GenesysProps(region=library.GenesysRegion.EU_CENTRAL_1, credentials=credentials),
        "iam": iam,
        "readers": credentials,
        "self": cdk.Stack(app, "Own"),
        "stack": stack,
        "zone": route53.HostedZone.from_hosted_zone_attributes(
            stack, "Zone", hosted_zone_id="Z0123456789ABC", zone_name="example.com"
        ),
    }
    return names


@pytest.mark.parametrize(
    "place", [pytest.param(place, marks=pytest.mark.soak if "recipes/" in place else ()) for place in APPS]
)
def test_a_whole_app_runs_as_it_stands(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(APPS[place], place, "exec"), names)  # noqa: S102 - the pages' own code
    assembly = Path(names["app"].synth().directory)
    templates = "".join(path.read_text() for path in assembly.rglob("*.template.json"))
    assert "AWS::KinesisFirehose::DeliveryStream" in templates


@pytest.mark.parametrize("place", PIECES)
def test_a_piece_of_an_app_runs_inside_one(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = compile(PIECES[place], place, "exec")
    if _NEEDS_A_NETWORK in PIECES[place]:
        return
    monkeypatch.chdir(tmp_path)
    names = _inside_an_app()
    if "pipeline" in PIECES[place] and "pipeline = " not in PIECES[place]:
        names["pipeline"] = library.GenesysFirehosePipeline(names["stack"], "Given")
    exec(code, names)  # noqa: S102 - the pages' own code


def test_a_wrong_piece_would_be_noticed() -> None:
    with pytest.raises(library.InvalidPropertyError):
        exec("WebhookProps(throttling_rate_limit=0)", _inside_an_app())  # noqa: S102
