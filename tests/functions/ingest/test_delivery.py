"""Records go to Firehose within its limits; refused ones are tried again alone, then queued, then reported."""

import json
from collections import Counter
from datetime import UTC, datetime

import pytest

from ingest.deadline import QUEUE_RESERVE_SECONDS, Deadline
from ingest.delivery import SLOW_PUT_MILLISECONDS, Delivery, Outcome
from shared.envelope import wrap
from shared.event import describe
from shared.json_text import split_events
from shared.telemetry import Metrics
from tests.functions.observing import metrics_of
from tests.in_memory_aws import Fault, InMemoryAws
from tests.wired_functions import queues

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)


def record(number: int, size: int = 0, filling: str = "x") -> bytes:
    content = json.dumps({"messageId": number, "filling": filling * size}, ensure_ascii=False)
    [(event, raw)] = split_events(content.encode())
    return wrap(raw, describe(event, ("messageId",), NOW), "webhook", NOW)


def numbers(records: list[bytes]) -> list[int]:
    return [json.loads(record)["event"]["messageId"] for record in records]


def copies(records: list[bytes]) -> list[str]:
    return [json.loads(record)["ingest_id"] for record in records]


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def delivery(aws: InMemoryAws, waits: list[float]) -> Delivery:
    return Delivery(
        lambda: aws.client("firehose"),
        queues(aws),
        ["stream"],
        waits.append,
    )


def deliver(delivery: Delivery, records: list[bytes], deadline: Deadline | None = None) -> Outcome:
    metrics = Metrics()
    outcome = delivery.deliver(records, deadline or Deadline(), metrics)
    metrics.flush()
    return outcome


def everything(count: int) -> frozenset[int]:
    return frozenset(range(count))


@pytest.mark.parametrize(("count", "calls"), [(0, 0), (1, 1), (500, 1), (501, 2), (1500, 3)])
def test_a_call_carries_at_most_500_records_in_order(
    aws: InMemoryAws, delivery: Delivery, count: int, calls: int
) -> None:
    outcome = deliver(delivery, [record(number) for number in range(count)])
    assert outcome == Outcome(everything(count), frozenset(), frozenset())
    assert aws.calls == ["PutRecordBatch"] * calls
    assert numbers(aws.in_stream) == list(range(count))


def test_a_call_carries_at_most_4_mib(aws: InMemoryAws, delivery: Delivery) -> None:
    head = len(record(1))
    # Five records of 819.2 KiB are 4 MiB to the byte, the first of them the longer by the remainder.
    fifth = 4 * 1024 * 1024 // 5
    records = [record(number, fifth - head + (4 if number == 0 else 0)) for number in range(5)]
    assert sum(map(len, records)) == 4 * 1024 * 1024
    deliver(delivery, records)
    assert aws.calls == ["PutRecordBatch"]
    deliver(delivery, [*records[:4], record(4, fifth - head + 1)])
    assert aws.calls == ["PutRecordBatch"] * 3


def test_only_the_failed_records_are_put_again_and_as_new_copies(aws: InMemoryAws, delivery: Delivery) -> None:
    aws.schedule = {0: Fault.PARTIAL}
    records = [record(number) for number in range(6)]
    assert deliver(delivery, records) == Outcome(everything(6), frozenset(), frozenset())
    assert numbers(aws.in_stream) == [1, 3, 5, 0, 2, 4]
    assert aws.calls == ["PutRecordBatch"] * 2
    first_time = copies(aws.in_stream[:3])
    again = copies(aws.in_stream[3:])
    assert first_time == copies(records[1::2])
    assert not set(again) & set(copies(records))


def test_a_batch_whose_answer_was_lost_is_put_again_as_new_copies(aws: InMemoryAws, delivery: Delivery) -> None:
    aws.schedule = {0: Fault.LOST_ANSWER}
    deliver(delivery, [record(1), record(2)])
    assert numbers(aws.in_stream) == [1, 2, 1, 2]
    assert len(set(copies(aws.in_stream))) == 4


@pytest.mark.parametrize("fault", [Fault.THROTTLE, Fault.TIMEOUT])
def test_after_three_refusals_the_queue_has_the_records(
    aws: InMemoryAws, delivery: Delivery, waits: list[float], fault: Fault
) -> None:
    aws.schedule = dict.fromkeys(range(3), fault)
    records = [record(number) for number in range(12)]
    assert deliver(delivery, records) == Outcome(frozenset(), everything(12), frozenset())
    assert aws.calls == ["PutRecordBatch"] * 3 + ["SendMessageBatch"] * 2
    assert [message.encode() for message in aws.queue] == records
    assert len(waits) == 2
    assert all(0 <= wait <= most for wait, most in zip(waits, (0.1, 0.2), strict=True))


def test_what_can_never_succeed_is_not_tried_again(aws: InMemoryAws, delivery: Delivery) -> None:
    aws.schedule = {0: Fault.REFUSED}
    assert deliver(delivery, [record(1)]).in_queue == {0}
    assert aws.calls == ["PutRecordBatch", "SendMessageBatch"]


def test_what_only_some_batches_refuse_goes_to_the_queue_alone(aws: InMemoryAws, delivery: Delivery) -> None:
    aws.schedule = {1: Fault.REFUSED}
    outcome = deliver(delivery, [record(number) for number in range(502)])
    assert outcome == Outcome(everything(500), frozenset({500, 501}), frozenset())


def test_what_both_refuse_is_nowhere(aws: InMemoryAws, delivery: Delivery) -> None:
    aws.schedule = {0: Fault.REFUSED, 1: Fault.TIMEOUT}
    assert deliver(delivery, [record(1), record(2)]) == Outcome(frozenset(), frozenset(), everything(2))
    assert (aws.in_stream, aws.queue) == ([], [])


def test_of_a_message_batch_only_what_the_queue_refuses_is_nowhere(aws: InMemoryAws, delivery: Delivery) -> None:
    aws.schedule = {0: Fault.REFUSED, 1: Fault.PARTIAL}
    outcome = deliver(delivery, [record(number) for number in range(4)])
    assert outcome == Outcome(frozenset(), frozenset({1, 3}), frozenset({0, 2}))


def test_large_records_go_to_the_queue_one_mebibyte_a_call(aws: InMemoryAws, delivery: Delivery) -> None:
    aws.schedule = {0: Fault.REFUSED}
    assert deliver(delivery, [record(number, 600_000) for number in range(3)]).in_queue == everything(3)
    assert aws.calls == ["PutRecordBatch"] + ["SendMessageBatch"] * 3


def test_characters_that_sqs_does_not_take_are_escaped_and_mean_the_same(aws: InMemoryAws, delivery: Delivery) -> None:
    aws.schedule = {0: Fault.REFUSED}
    original = record(1, 3, "\ufffe\uffff\U0001f600\x7f\u2028")
    assert deliver(delivery, [original]).in_queue == {0}
    [message] = aws.queue
    assert not {"\ufffe", "\uffff"} & set(message)
    assert json.loads(message) == json.loads(original)


def test_without_time_for_firehose_the_queue_has_the_records(aws: InMemoryAws, delivery: Delivery) -> None:
    assert deliver(delivery, [record(1)], Deadline(QUEUE_RESERVE_SECONDS)).in_queue == {0}
    assert aws.calls == ["SendMessageBatch"]


def test_without_time_for_the_queue_nothing_is_begun(aws: InMemoryAws, delivery: Delivery) -> None:
    assert deliver(delivery, [record(1)], Deadline(1.0)).nowhere == {0}
    assert aws.calls == []


def test_what_overflows_into_the_queue_is_counted(
    aws: InMemoryAws, delivery: Delivery, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.schedule = {0: Fault.REFUSED, 1: Fault.PARTIAL}
    deliver(delivery, [record(number) for number in range(4)])
    counted = metrics_of(capsys.readouterr().out)
    assert counted["EventsOverflowed"] == 2


@pytest.mark.parametrize(("milliseconds", "is_written"), [(SLOW_PUT_MILLISECONDS - 1, False), (1234, True)])
def test_only_a_slow_put_writes_how_long_it_took(
    delivery: Delivery,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    milliseconds: float,
    is_written: bool,
) -> None:
    moments = iter((0.0, milliseconds / 1000))
    monkeypatch.setattr("ingest.delivery.time.perf_counter", lambda: next(moments))
    deliver(delivery, [record(1)])
    assert metrics_of(capsys.readouterr().out) == ({"PutLatency": milliseconds} if is_written else {})


@pytest.fixture
def two_shards(aws: InMemoryAws) -> Delivery:
    return Delivery(
        lambda: aws.client("firehose"),
        queues(aws),
        ["one", "two"],
        lambda _seconds: None,
    )


def test_with_shards_each_stream_that_gets_events_is_called_once(aws: InMemoryAws, two_shards: Delivery) -> None:
    records = [record(number) for number in range(400)]
    assert deliver(two_shards, records).in_firehose == everything(400)
    assert aws.calls == ["PutRecordBatch"] * 2
    assert sorted(numbers(aws.in_stream)) == list(range(400))
    taken = Counter(aws.stream_of.values())
    assert all(150 < taken[stream] < 250 for stream in ("one", "two"))


def test_with_shards_one_event_is_one_call(aws: InMemoryAws, two_shards: Delivery) -> None:
    deliver(two_shards, [record(1)])
    assert aws.calls == ["PutRecordBatch"]


def test_copies_of_an_event_go_to_the_same_stream(aws: InMemoryAws, two_shards: Delivery) -> None:
    for number in range(20):
        aws.stream_of.clear()
        deliver(two_shards, [record(number)])
        deliver(two_shards, [record(number)])
        assert len(set(aws.stream_of.values())) == 1


def test_what_one_stream_refuses_goes_to_the_queue_alone(aws: InMemoryAws, two_shards: Delivery) -> None:
    aws.schedule = {0: Fault.REFUSED}
    records = [record(number) for number in range(10)]
    outcome = deliver(two_shards, records)
    [stream] = set(aws.stream_of.values())
    assert outcome.in_firehose == {i for i, put in enumerate(records) if aws.stream_of.get(put) == stream}
    assert outcome.in_queue == everything(10) - outcome.in_firehose
    assert {message.encode() for message in aws.queue} == {records[i] for i in outcome.in_queue}
