"""What failed is re-ingested once."""

import json
from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from genesys_firehose_tools.cli import app
from genesys_firehose_tools.local.firehose.faults import Faults
from genesys_firehose_tools.local.pipeline import LocalPipeline
from genesys_firehose_tools.local.soak import set_faults
from genesys_firehose_tools.local.values import GeneratedEvent
from tests.e2e.conftest import Sender, eventually, queue_length

Generate = Callable[[str], GeneratedEvent]


@pytest.fixture
def redrive(pipeline: LocalPipeline) -> Callable[..., Result]:
    def run(*options: str) -> Result:
        return CliRunner().invoke(app, ["redrive", "--name", pipeline.aws.directory.name, *options])

    return run


def test_a_record_whose_transformation_failed_lands_once_however_often_and_from_wherever_it_is_redriven(
    sender: Sender,
    generate: Generate,
    redrive: Callable[..., Result],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    event = generate("call")
    set_faults(sender.deployment, Faults(processor_failure=1))
    try:
        sender.post_events(event)
        assert len(sender.landed("errors/")) == 1
    finally:
        set_faults(sender.deployment, Faults())
    assert sender.landings(event) == []

    dry = redrive("--dry-run")
    assert dry.exit_code == 0, dry.output
    assert sender.landings(event) == []

    for _ in range(2):
        monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
        assert redrive().exit_code == 0
    [record] = sender.landings(event)
    assert record["ingest_id"] == sender.landings(event, "raw/")[0]["ingest_id"]


def test_a_message_of_the_dead_letter_queue_lands(
    sender: Sender, generate: Generate, redrive: Callable[..., Result]
) -> None:
    deployment, event = sender.deployment, generate("customer.start")
    deployment.client("sqs").send_message(QueueUrl=deployment.dlq, MessageBody=json.dumps(event.body))

    assert redrive("--dry-run").exit_code == 0
    assert queue_length(deployment, deployment.dlq) == 1

    assert redrive().exit_code == 0
    assert queue_length(deployment, deployment.dlq) == 0
    assert eventually(lambda: queue_length(deployment, deployment.queue) == 0)
    assert len(sender.landings(event)) == 1
