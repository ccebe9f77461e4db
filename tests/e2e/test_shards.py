"""A pipeline over two delivery streams, deployed: events take both, land once, and are re-ingested over both."""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import urllib3

from genesys_firehose_tools.local.deployment import Deployment
from genesys_firehose_tools.local.firehose.faults import Faults
from genesys_firehose_tools.local.soak import set_faults
from genesys_firehose_tools.local.values import GeneratedEvent
from genesys_firehose_tools.operations.redrive import Redrive, Source
from shared.envelope import wrap
from shared.event import describe
from tests.e2e.conftest import Sender, eventually, output_of, pipeline_with, queue_length

Generate = Callable[[str], GeneratedEvent]


@pytest.fixture(scope="module")
def sharded() -> Iterator[Deployment]:
    with pipeline_with(shards=2) as pipeline:
        yield pipeline.deployment


@pytest.fixture
def sender(sharded: Deployment) -> Sender:
    return Sender(sharded)


def streams(deployment: Deployment) -> tuple[str, str]:
    first, second = output_of(deployment, "StreamNames").split(",")
    return first, second


def test_events_take_both_streams_into_one_lake_and_land_once(sender: Sender, generate: Generate) -> None:
    events = [generate("call") for _ in range(40)]
    sender.post_events(*events)
    sender.post_events(*events[20:])

    for event in events:
        assert len(sender.landings(event)) == 1
    # Firehose names an object after its stream.
    for prefix in ("clean/", "raw/"):
        sender.landed(prefix)
        writers = {Path(key).name.rsplit("-", 12)[0] for key in sender.lakes[prefix].objects}
        assert all(any(name.startswith(stream) for name in writers) for stream in streams(sender.deployment))


def test_the_health_check_sees_both_streams(sharded: Deployment) -> None:
    assert urllib3.request("GET", sharded.health_url).status == 200


def test_what_both_streams_refuse_waits_in_the_queue_and_lands(sender: Sender, generate: Generate) -> None:
    events = [generate("email") for _ in range(10)]
    set_faults(sender.deployment, Faults(throttle=1))
    try:
        sender.post_events(*events)
    finally:
        set_faults(sender.deployment, Faults())

    assert eventually(lambda: queue_length(sender.deployment, sender.deployment.queue) == 0)
    assert [len(sender.landings(event)) for event in events] == [1] * 10


def test_a_redrive_puts_what_failed_back_over_both_streams(sender: Sender, generate: Generate) -> None:
    deployment, events = sender.deployment, [generate("call"), generate("call")]
    for event in events:
        raw = json.dumps(event.body).encode()
        arrival = datetime.now(UTC)
        record = wrap(raw, describe(event.body, ("messageId",), arrival), "webhook", arrival)
        deployment.client("s3").put_object(
            Bucket=deployment.bucket,
            Key=f"errors/processing-failed/{event.marker}",
            Body=json.dumps({"rawData": base64.b64encode(record).decode()}).encode() + b"\n",
        )
    source = Source(bucket=deployment.bucket, streams=streams(deployment), queue=deployment.queue, dlq=deployment.dlq)
    assert Redrive(deployment, source).run().records_put == 2

    assert [len(sender.landings(event)) for event in events] == [1, 1]
