"""Whoever may send and read clean/ has tokens made of all that somebody's number may be, and compares."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from genesys_firehose_cdk.monitoring.thresholds import AlarmThresholdsProps
from genesys_firehose_tools.local.events import EventGenerator
from tests.functions.observing import metrics_of
from tests.in_memory_aws import InMemoryAws
from tests.wired_functions import firehose_batch, ingest_function, post, transform_function

THRESHOLD = AlarmThresholdsProps().tokens_made
# What the processor of a delivery stream buffers by default.
BATCH_BYTES = 1024 * 1024


def tokens_made(capsys: pytest.CaptureFixture[str], events: list[Any], again: bool = False) -> int:
    aws = InMemoryAws()
    assert post(ingest_function(aws), events) == 200
    batch: list[bytes] = []
    for record in aws.in_stream:
        if sum(map(len, batch)) + len(record) <= BATCH_BYTES:
            batch.append(record)
    function = transform_function(aws)
    for _time in range(2 if again else 1):
        capsys.readouterr()
        function.handle(firehose_batch(batch))
    return metrics_of(capsys.readouterr().out)["TokensMade"]


def candidates(number: int) -> dict[str, Any]:
    return {"messageId": str(number), "customerName": [f"+1555{number:03d}{ending:04d}" for ending in range(10_000)]}


def test_a_batch_of_candidates_raises_the_alarm(capsys: pytest.CaptureFixture[str]) -> None:
    assert tokens_made(capsys, [candidates(number) for number in range(6)]) >= THRESHOLD


@pytest.mark.parametrize("seed", range(3))
def test_a_batch_of_honest_events_in_a_cold_environment_is_far_from_it(
    capsys: pytest.CaptureFixture[str], state: Callable[[str, int], None], seed: int
) -> None:
    made = tokens_made(capsys, [event.body for event in EventGenerator(seed).take(900)])
    state(f"tokens made of a cold batch of honest events, seed {seed}", made)
    assert 0 < made < THRESHOLD / 4


def test_what_was_asked_before_counts_no_more(capsys: pytest.CaptureFixture[str]) -> None:
    assert tokens_made(capsys, [candidates(0)], again=True) == 0


def test_the_count_holds_nothing_of_the_values(capsys: pytest.CaptureFixture[str]) -> None:
    aws = InMemoryAws()
    assert post(ingest_function(aws), candidates(0)) == 200
    transform_function(aws).handle(firehose_batch(aws.in_stream))
    assert "1555" not in json.dumps(capsys.readouterr().out)
