"""Every command in the pages' code blocks is one: its program knows the command and each of its options."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import typer
from botocore import xform_name

from genesys_firehose_tools.cli import app
from tests.test_options import PAGES

# AWS CLI User Guide, "Command line options", and what the CLI adds to a service's own parameters.
_OF_EVERY_COMMAND = {
    "--cli-binary-format",
    "--max-items",
    "--no-paginate",
    "--output",
    "--profile",
    "--query",
    "--region",
}
# Commands of the CLI's own, in place of operations (AWS CLI User Guide, "Using high-level (s3) commands").
_HIGH_LEVEL_S3 = {"cp", "ls", "mv", "presign", "rm", "sync"}
_SERVICES = {"s3api": "s3"}
_ENDS_A_COMMAND = re.compile(r"[;|&()<>\n]+")
_BEFORE_A_COMMAND = {"{", "}", "do", "done", "then", "fi", "else"}


def _commands(script: str) -> Iterator[list[str]]:
    """Yield the words of every simple command of a shell script."""
    text = re.sub(r"(^|\s)#\s.*$", r"\1", script.replace("\\\n", " "), flags=re.MULTILINE)
    lexer = shlex.shlex(text, posix=True, punctuation_chars=";|&()<>\n")
    lexer.whitespace = " \t\r"
    lexer.whitespace_split = True
    lexer.commenters = ""
    words: list[str] = []
    for token in [*lexer, "\n"]:
        if _ENDS_A_COMMAND.fullmatch(token):
            while words and words[0] in _BEFORE_A_COMMAND:
                words.pop(0)
            if words:
                yield words
            words = []
        else:
            words.append(token)


def _blocks(page: Path) -> Iterator[str]:
    for block in re.findall(r"^ *```sh\n(.*?)^ *```", page.read_text(), re.MULTILINE | re.DOTALL):
        yield block
        # A command in a substitution within quotes is one as well.
        yield from re.findall(r'"\$\(((?:aws|genesys-firehose) [^()]*)\)"', block)


def _check_aws(words: list[str]) -> None:
    """Refuse a service, an operation or a parameter that the AWS SDK's models do not have."""
    _, service, command, *rest = words
    if service == "s3":
        assert command in _HIGH_LEVEL_S3, f"aws s3 has no {command}"
        return
    client: Any = boto3.client(_SERVICES.get(service, service), region_name="eu-west-1")
    if command == "wait":
        assert rest[0].replace("-", "_") in client.waiter_names, f"aws {service} wait has no {rest[0]}"
        return
    operations = {xform_name(name, "-"): name for name in client.meta.service_model.operation_names}
    assert command in operations, f"aws {service} has no {command}"
    shape = client.meta.service_model.operation_model(operations[command]).input_shape
    members = {f"--{xform_name(name, '-')}" for name in shape.members} if shape else set()
    required = {f"--{xform_name(name, '-')}" for name in shape.required_members} if shape else set()
    given = {word.partition("=")[0] for word in rest if word.startswith("--")}
    # The CLI's way to say false.
    given = {f"--{word[5:]}" if f"--{word[5:]}" in members else word for word in given}
    assert given <= members | _OF_EVERY_COMMAND, f"aws {service} {command} has no {given - members - _OF_EVERY_COMMAND}"
    assert required <= given, f"aws {service} {command} needs {required - given}"


def _check_ours(words: list[str]) -> None:
    """Let the command line's own parser take the words, without running the command."""
    _, *rest = words
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands"):
        name, *rest = rest
        assert name in command.commands, f"there is no command {name}"
        command = command.commands[name]
    command.make_context("genesys-firehose", rest)


CHECKS = {"aws": _check_aws, "genesys-firehose": _check_ours}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_a_page_parses(page: Path) -> None:
    for block in _blocks(page):
        for words in _commands(block):
            if words[0] in CHECKS:
                CHECKS[words[0]](words)


def test_the_page_of_the_alarms_has_many_commands_of_both_programs() -> None:
    [page] = [page for page in PAGES if page.name == "alarms.md"]
    programs = [words[0] for block in _blocks(page) for words in _commands(block)]
    for program in CHECKS:
        assert programs.count(program) > 10


RUNBOOKS = [page for page in PAGES if page.parent.name == "runbooks"]
PARTS = ("**It means.**", "**How bad.**", "**See it.**", "**Mend it.**", "**It is mended when**")


@pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.name)
def test_a_case_of_the_runbook_says_how_to_see_it_and_how_to_mend_it_in_commands(page: Path) -> None:
    text = page.read_text()
    places = [text.index(part) for part in PARTS]
    assert places == sorted(places)
    for part, end in (("**See it.**", "**Mend it.**"), ("**Mend it.**", "**It is mended when**")):
        commands = re.findall(r"^ *(?:aws|genesys-firehose) ", text[text.index(part) : text.index(end)], re.MULTILINE)
        assert commands, f"{part} has no command"


def test_every_case_is_in_the_runbook() -> None:
    [runbook] = [page.read_text() for page in PAGES if page.name == "runbook.md"]
    assert len(RUNBOOKS) >= 8
    for page in RUNBOOKS:
        assert f"(runbooks/{page.name})" in runbook


def test_every_link_within_the_pages_leads_somewhere() -> None:
    for page in PAGES:
        for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)", page.read_text()):
            linked = (page.parent / target).resolve() if target else page
            assert linked.exists(), f"{page.name}: {target}"
            if anchor and linked.suffix == ".md":
                headings = re.findall(r"^#+ (.+)$", linked.read_text(), re.MULTILINE)
                anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
                assert anchor in anchors, f"{page.name}: {target}#{anchor}"


@pytest.mark.parametrize(
    "command",
    [
        "aws sqz list-queues",
        "aws sqs list-cues",
        "aws s3 list-objects-v2 --bucket events",
        "aws sqs get-queue-attributes --queue-name buffer",
        "X=$(aws sqs receive-message --max-messages 3)",
        "genesys-firehose redriven",
        "genesys-firehose redrive --stck events",
        "genesys-firehose dead-letters lst",
        "genesys-firehose cost --events-per-day many",
    ],
)
def test_a_wrong_command_would_be_noticed(command: str) -> None:
    [words] = [words for words in _commands(f"cd cdk.out; {command} | cat\n") if words[0] in CHECKS]
    with pytest.raises(Exception):  # noqa: B017, PT011
        CHECKS[words[0]](words)
