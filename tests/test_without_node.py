"""Where there is no Node.js, in which the CDK runs, one sentence says so."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from genesys_firehose_tools.cli import app

ROOT = Path(__file__).parents[1]
SENTENCE = (
    "Node.js is not on the PATH, and the AWS CDK runs in it: install Node.js 22 or 24, or activate the environment "
    "into which `pip install 'genesys-firehose-cdk[tools]'` brings it."
)


def run(*arguments: str, path: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "JSII_NODE"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**environment, "PATH": str(path)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_app_ends_with_the_sentence_and_nothing_else(tmp_path: Path) -> None:
    completed = run("app.py", path=tmp_path)
    assert (completed.returncode, completed.stdout, completed.stderr) == (1, "", f"error: {SENTENCE}\n")


def test_the_librarys_import_says_it(tmp_path: Path) -> None:
    completed = run("-c", "import genesys_firehose_cdk", path=tmp_path)
    assert completed.stderr.splitlines()[-1] == f"ImportError: {SENTENCE}"


def test_a_node_anywhere_on_the_path_is_enough(tmp_path: Path) -> None:
    found = Path(sys.executable).with_name("node")
    (tmp_path / "node").symlink_to(found)
    assert run("-c", "import genesys_firehose_cdk", path=tmp_path).returncode == 0


@pytest.mark.parametrize("command", [["demo"], ["local", "up", "--name", "without-node"]])
def test_a_command_that_synthesizes_says_it(
    command: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Beside Python, where a command looks too, there may be one.
    monkeypatch.setenv("JSII_NODE", str(tmp_path / "node"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    result = CliRunner().invoke(app, command)
    assert (result.exit_code, " ".join(result.stderr.split())) == (
        1,
        f"Error: The app could not be synthesized: {SENTENCE}",
    )
