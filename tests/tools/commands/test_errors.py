"""What goes wrong with AWS is told in a sentence that names the option to use, by every command on a deployed stack."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, NoRegionError, SSOTokenLoadError, TokenRetrievalError
from typer.testing import CliRunner

from genesys_firehose_tools.cli import app
from genesys_firehose_tools.commands import deployed
from genesys_firehose_tools.commands.errors import sentence
from tests.test_options import COMMANDS

# What a command must be given beside the stack.
NEEDED = {
    "query": ["SELECT 1"],
    "rebuild": ["--from", "2026-11-01", "--to", "2026-11-02"],
    "backfill": ["--from", "2026-11-01", "--to", "2026-11-02"],
    "find-person": ["--from", "2026-11-01", "--to", "2026-11-02"],
    "verify": ["--day", "2026-11-23"],
    "dead-letters set-aside": ["--all"],
    "dead-letters discard": ["--all", "--yes"],
}
ON_A_STACK = sorted(
    name for name, command in COMMANDS.items() if {"stack", "profile"} <= {each.name for each in command.params}
)
WITHIN_SECONDS = 15


def run(command: str, *options: str) -> Any:
    """Run a command that must fail soon, with a sentence and nothing else."""
    begun = time.monotonic()
    arguments = [*command.split(), *NEEDED.get(command, []), "--stack", "Lake", *options]
    result = CliRunner().invoke(app, arguments, input="+15550100100\n")
    assert time.monotonic() - begun < WITHIN_SECONDS
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1
    return result


def test_the_commands_on_a_stack_are_these() -> None:
    assert {"doctor", "smoke", "redrive", "rebuild", "find-person", "dead-letters list"} <= set(ON_A_STACK)
    assert NEEDED.keys() <= set(ON_A_STACK)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A user without any AWS configuration."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def credentials(environment: None, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("command", ON_A_STACK)
@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ([], "No AWS region is configured: name one with --region."),
        (["--region", "eu-west-1"], "No AWS credentials were found: name an AWS profile with --profile."),
        (["--profile", "nobody"], "There is no AWS profile nobody: name another with --profile."),
    ],
)
def test_a_command_on_a_stack_says_what_is_missing(command: str, options: list[str], complaint: str) -> None:
    assert run(command, *options).stderr == f"Error: {complaint}\n"


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize("command", ON_A_STACK)
def test_without_a_network_a_command_says_so(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    told = run(command).stderr
    assert told.startswith("Error: AWS does not answer at http://127.0.0.1:1")
    assert told.endswith("name another region with --region.\n")


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize("command", ON_A_STACK)
def test_a_network_that_swallows_everything_is_told_as_soon(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    # One waits as long as a user does; the others ask with the same client.
    if command != "doctor":
        monkeypatch.setattr(deployed, "_SOON", deployed._SOON.merge(Config(read_timeout=0.1)))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{listener.getsockname()[1]}")
        assert "AWS does not answer at http://127.0.0.1:" in run(command).stderr


class Aws(ThreadingHTTPServer):
    """An AWS that has one stack, and refuses whatever is not asked of CloudFormation."""

    def __init__(self, template: dict[str, Any], outputs: dict[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.template = template
        self.outputs = outputs


class Handler(BaseHTTPRequestHandler):
    server: Aws

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        asked = {name: values[0] for name, values in parse_qs(body).items()}
        action, stack = asked.get("Action", ""), asked.get("StackName")
        if stack == "Lake" and (answer := self.answer(action)):
            self.reply(200, f"<{action}Response><{action}Result>{answer}</{action}Result></{action}Response>")
        elif stack:
            message = f"Stack with id {stack} does not exist"
            self.reply(
                400,
                f"<ErrorResponse><Error><Code>ValidationError</Code><Message>{message}</Message></Error></ErrorResponse>",
            )
        else:
            self.reply(403, '{"__type": "AccessDeniedException", "message": "not allowed"}')

    do_GET = do_PUT = do_HEAD = do_POST  # noqa: N815

    def answer(self, action: str) -> str | None:
        outputs = "".join(
            f"<member><OutputKey>{key}</OutputKey><OutputValue>{value}</OutputValue></member>"
            for key, value in self.server.outputs.items()
        )
        arn = "arn:aws:cloudformation:eu-west-1:111122223333:stack/Lake/0a1b2c3d"
        return {
            "GetTemplate": f"<TemplateBody>{escape(json.dumps(self.server.template))}</TemplateBody>",
            "DescribeStacks": f"<Stacks><member><StackName>Lake</StackName><StackId>{arn}</StackId>"
            "<CreationTime>2026-11-23T10:00:00Z</CreationTime><StackStatus>CREATE_COMPLETE</StackStatus>"
            f"<Outputs>{outputs}</Outputs></member></Stacks>",
            "ListStackResources": "<StackResourceSummaries></StackResourceSummaries>",
        }.get(action)

    def reply(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def aws(credentials: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:  # noqa: ARG001
    """A stack of another version: its pipeline has one output, which no command does with alone."""
    template = {"Metadata": {"GenesysFirehosePipelines": {"Lake/Pipeline": {"Bucket": "Bucket"}}}, "Resources": {}}
    with Aws(template, {"Bucket": "lake"}) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        yield server
        server.shutdown()


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("command", ON_A_STACK)
def test_a_stack_that_is_not_there_is_named_with_its_region(command: str) -> None:
    told = run(command, "--stack", "Pond").stderr
    assert (
        told == "Error: There is no stack Pond in eu-west-1: name another with --stack, or its region with --region.\n"
    )


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("command", ON_A_STACK)
def test_a_pipeline_that_is_not_there_is_told_with_those_that_are(command: str) -> None:
    told = run(command, "--pipeline", "Ponds").stderr
    assert told == "Error: The stack Lake holds no pipeline Ponds; name one with --pipeline: Lake/Pipeline.\n"


@pytest.mark.parametrize("command", ON_A_STACK)
def test_a_stack_that_names_no_pipeline_is_to_be_deployed_again(aws: Aws, command: str) -> None:
    aws.template = {"Resources": {}}
    told = run(command).stderr
    assert "deploy it again with this version of genesys-firehose-cdk, or name another stack with --stack." in told


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("command", sorted(set(ON_A_STACK) - {"doctor"}))
def test_a_stack_of_another_version_is_to_be_deployed_again(command: str) -> None:
    told = run(command).stderr
    assert "The pipeline Lake/Pipeline of the stack Lake has no output" in told
    assert "deploy the stack again with this version of genesys-firehose-cdk" in told


@pytest.mark.usefixtures("aws")
def test_the_doctor_of_a_stack_of_another_version_says_of_each_check_what_it_could_see() -> None:
    begun = time.monotonic()
    result = CliRunner().invoke(app, ["doctor", "--stack", "Lake", "--json"])
    assert time.monotonic() - begun < WITHIN_SECONDS
    assert isinstance(result.exception, SystemExit | None), result.exception
    if result.stdout:
        assert json.loads(result.stdout)["checks"]


@pytest.mark.parametrize("command", ON_A_STACK)
def test_without_a_stack_and_a_local_pipeline_a_command_says_how_to_start_one(command: str) -> None:
    arguments = [*command.split(), *NEEDED.get(command, []), "--name", "nobody"]
    result = CliRunner().invoke(app, arguments, input="+15550100100\n")
    assert result.exit_code == 1
    assert "No local pipeline named nobody is up" in result.stderr


@pytest.mark.parametrize("command", [*ON_A_STACK, "cost", "capacity", "local up", "demo", "soak"])
def test_every_command_about_a_pipeline_takes_its_construct_path(command: str) -> None:
    assert "pipeline" in {each.name for each in COMMANDS[command].params}


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
        (
            SSOTokenLoadError(error_msg="..."),
            "The AWS login has expired: log in again, or name another AWS profile with --profile.",
        ),
        (NoRegionError(), "No AWS region is configured: name one with --region."),
        (OSError("the disk is full"), "the disk is full"),
    ],
)
def test_an_error_of_the_sdk_is_told_with_the_option_that_helps(error: Exception, told: str) -> None:
    assert sentence(error) == told
