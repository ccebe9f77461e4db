"""What goes wrong with AWS is told in a sentence that names the option to use."""

import socket
import time
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, NoRegionError, TokenRetrievalError
from typer.testing import CliRunner

from genesys_firehose_tools.cli import app
from genesys_firehose_tools.commands.errors import sentence


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A user without any AWS configuration."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    "command", [["redrive"], ["rebuild", "--from", "2026-11-01", "--to", "2026-11-02"], ["doctor"], ["smoke"]]
)
@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ([], "No AWS region is configured: name one with --region."),
        (["--region", "eu-west-1"], "No AWS credentials were found: name an AWS profile with --profile."),
        (["--profile", "nobody"], "There is no AWS profile nobody: name another with --profile."),
    ],
)
def test_a_command_on_a_stack_says_what_is_missing(command: list[str], options: list[str], complaint: str) -> None:
    result = CliRunner().invoke(app, [*command, "--stack", "Lake", *options])
    assert result.exit_code == 1
    assert f"Error: {complaint}" in result.stderr.replace("\n", " ")
    assert result.stdout == ""


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("command", ["doctor", "smoke"])
@pytest.mark.parametrize("answers", [False, True], ids=["nobody there", "no answer"])
def test_without_a_network_a_command_says_so_within_15_seconds(
    monkeypatch: pytest.MonkeyPatch, command: str, answers: bool
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        if not answers:
            listener.close()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        begun = time.monotonic()
        result = CliRunner().invoke(app, [command, "--stack", "Lake", "--region", "eu-west-1"])
    assert time.monotonic() - begun < 15
    assert result.exit_code == 1
    assert "AWS does not answer at http://127.0.0.1:" in result.stderr
    assert "name another region with --region." in result.stderr.replace("\n", " ")
    assert result.stdout == ""


@pytest.mark.parametrize("command", ["doctor", "smoke"])
def test_without_a_stack_and_a_local_pipeline_a_command_says_how_to_start_one(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--name", "nobody"])
    assert result.exit_code == 1
    assert "No local pipeline named nobody is up" in result.stderr


@pytest.mark.parametrize("command", ["redrive", "rebuild", "cost", "capacity", "doctor", "smoke"])
def test_every_command_about_a_pipeline_takes_its_construct_path(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"})
    assert "--pipeline" in result.stdout


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            ClientError({"Error": {"Code": "ExpiredToken", "Message": "..."}}, "GetTemplate"),
            "AWS refused the credentials (ExpiredToken): log in again, or name another AWS profile with --profile.",
        ),
        (
            TokenRetrievalError(provider="sso", error_msg="..."),
            "The AWS login has expired: log in again, or name another AWS profile with --profile.",
        ),
        (NoRegionError(), "No AWS region is configured: name one with --region."),
        (OSError("the disk is full"), "the disk is full"),
    ],
)
def test_an_error_of_the_sdk_is_told_with_the_option_that_helps(error: Exception, told: str) -> None:
    assert sentence(error) == told
