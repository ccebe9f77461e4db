"""Anyone's own app runs locally: synthesized and deployed by the installed package alone."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installed_wheel import Installation, build_wheel

APP = Path(__file__).with_name("foreign_app.py")


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    directory = tmp_path_factory.mktemp("foreign")
    installed = Installation.of(build_wheel(directory), directory)
    yield installed
    installed.run("genesys-firehose", "local", "down")


@pytest.fixture(scope="module")
def assembly(installation: Installation) -> str:
    """The directory that `cdk synth` would write."""
    (installation.directory / "app.py").write_text(APP.read_text())
    completed = installation.run("python", "app.py", CDK_OUTDIR="cdk.out")
    assert completed.returncode == 0, completed.stderr
    return "cdk.out"


def test_of_several_stacks_one_is_to_be_named(installation: Installation, assembly: str) -> None:
    completed = installation.run("genesys-firehose", "local", "up", "--app", assembly)
    assert completed.returncode == 1
    assert (
        "cdk.out has 2 stacks with a pipeline; name one with --stack: ContactCentreProd, ContactCentreTest."
        in completed.stderr
    )


def test_a_foreign_app_is_deployed_fed_and_checked_by_the_installed_package(
    installation: Installation, assembly: str
) -> None:
    def command(*arguments: str) -> str:
        completed = installation.run("genesys-firehose", *arguments)
        assert completed.returncode == 0, completed.stdout + completed.stderr
        return completed.stdout

    command("local", "up", "--app", assembly, "--stack", "ContactCentreTest", "--output", "local.json")
    found = json.loads((installation.directory / "local.json").read_text())
    assert (found["stack"], found["pipeline"]) == ("ContactCentreTest", "ContactCentreTest/Events")
    assert command("local", "status", "--json") == json.dumps(found) + "\n"
    assert "accepted   │ 20" in command("send", "--count", "20")
    checks = json.loads(command("doctor", "--json"))
    assert checks["state"] != "fault"
    command("redrive", "--dry-run")
    command("smoke")
    command("local", "down")
    assert "is down" not in command("local", "up", "--help")
    assert installation.run("genesys-firehose", "local", "status").returncode == 1
