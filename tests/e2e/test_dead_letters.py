"""What nobody can read is shown without its content, kept in the bucket, or deleted with a receipt."""

import hashlib
import json
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from genesys_firehose_tools.cli import app
from genesys_firehose_tools.local.deployment import Deployment
from genesys_firehose_tools.local.pipeline import LocalPipeline
from tests.e2e.conftest import eventually, output_of, queue_length

Run = Callable[..., Result]


@pytest.fixture
def run(pipeline: LocalPipeline) -> Run:
    def run(command: str, *options: str) -> Result:
        return CliRunner().invoke(app, ["dead-letters", command, "--name", pipeline.aws.directory.name, *options])

    return run


@pytest.fixture
def texts(deployment: Deployment) -> Iterator[list[str]]:
    """Texts that nobody can read, set aside as the ingest function does."""
    found = [f"personal {secrets.token_hex(16)}" for _ in range(12)]
    reason = {"Reason": {"DataType": "String", "StringValue": "UNREADABLE"}}
    for text in found:
        deployment.client("sqs").send_message(QueueUrl=deployment.dlq, MessageBody=text, MessageAttributes=reason)
    yield found
    deployment.client("sqs").purge_queue(QueueUrl=deployment.dlq)


def _messages(run: Run) -> list[dict[str, Any]]:
    answer = json.loads(run("list", "--json").stdout)
    assert answer["count"] == len(answer["messages"])
    messages: list[dict[str, Any]] = answer["messages"]
    return messages


def _objects(deployment: Deployment, end: str) -> dict[str, dict[str, Any]]:
    """The objects under raw/dead-letters/ that end so, by the last part of their keys."""
    s3 = deployment.client("s3")
    listed = s3.list_objects_v2(Bucket=deployment.bucket, Prefix="raw/dead-letters/").get("Contents", [])
    keys = [each["Key"] for each in listed if each["Key"].endswith(end)]
    return {key.rsplit("/", 1)[1]: s3.get_object(Bucket=deployment.bucket, Key=key) for key in keys}


def test_a_message_nobody_can_read_is_there_at_once_with_its_reason(deployment: Deployment, run: Run) -> None:
    deployment.client("sqs").send_message(QueueUrl=deployment.queue, MessageBody="neither a record nor an event")
    try:
        assert eventually(lambda: queue_length(deployment, deployment.dlq) > 0)
        assert {message["reason"] for message in _messages(run)} == {"UNREADABLE"}
        assert eventually(lambda: queue_length(deployment, deployment.queue) == 0)
    finally:
        deployment.client("sqs").purge_queue(QueueUrl=deployment.dlq)


def test_what_sqs_or_eventbridge_put_there_has_their_reason(deployment: Deployment, run: Run) -> None:
    code = {"ERROR_CODE": {"DataType": "String", "StringValue": "NO_PERMISSIONS"}}
    sqs = deployment.client("sqs")
    sqs.send_message(QueueUrl=deployment.dlq, MessageBody="{}")
    sqs.send_message(QueueUrl=deployment.dlq, MessageBody="{}", MessageAttributes=code)
    try:
        assert [message["reason"] for message in _messages(run)] == ["RECEIVED_TOO_OFTEN", "NO_PERMISSIONS"]
    finally:
        sqs.purge_queue(QueueUrl=deployment.dlq)


def test_messages_are_listed_without_their_content_and_stay(deployment: Deployment, texts: list[str], run: Run) -> None:
    for _ in range(2):
        messages = _messages(run)
        assert len(messages) == len(texts)
        assert {message["reason"] for message in messages} == {"UNREADABLE"}
        assert all(message["size"] == len(texts[0]) for message in messages)
    shown = run("list").stdout
    assert "12 messages" in shown
    assert not [text for text in texts if text in shown]
    assert queue_length(deployment, deployment.dlq) == len(texts)


def test_a_message_that_is_set_aside_is_in_the_bucket_and_no_longer_in_the_queue(
    deployment: Deployment, texts: list[str], run: Run
) -> None:
    chosen = _messages(run)[0]["message_id"]
    assert run("set-aside", chosen).exit_code == 0

    assert chosen not in {message["message_id"] for message in _messages(run)}
    found = _objects(deployment, f"{chosen}.json")[f"{chosen}.json"]
    assert found["Body"].read().decode() in texts
    assert found["Metadata"] == {"reason": "UNREADABLE"}
    assert found["SSEKMSKeyId"] == output_of(deployment, "RawKeyArn")


def test_a_message_is_discarded_only_with_yes_and_leaves_a_receipt(
    deployment: Deployment, texts: list[str], run: Run
) -> None:
    refused = run("discard", "--all")
    assert (refused.exit_code, queue_length(deployment, deployment.dlq)) == (2, len(texts))

    # The bucket keeps the receipts of other tests.
    others = _objects(deployment, ".receipt.json").keys()

    assert run("discard", "--all", "--yes").exit_code == 0
    assert _messages(run) == []
    found = _objects(deployment, ".receipt.json")
    receipts = [json.load(found[name]["Body"]) for name in found.keys() - others]
    digests = {hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() for text in texts}
    assert {receipt["md5_of_body"] for receipt in receipts} == digests
    assert len(receipts) == len(texts)
    assert all(receipt["by"].startswith("arn:aws:") and receipt["discarded"] for receipt in receipts)


def test_a_message_that_is_not_there_is_named(texts: list[str], run: Run) -> None:
    answer = run("discard", "nothing", "--yes")
    assert answer.exit_code == 1
    assert len(_messages(run)) == len(texts)


@pytest.mark.parametrize("options", [[], ["--all", "some-id"]])
def test_a_command_that_does_not_say_which_messages_is_refused(run: Run, options: list[str]) -> None:
    assert run("set-aside", *options).exit_code == 2
