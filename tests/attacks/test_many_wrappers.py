"""A sender puts a batch of AWS into a batch of AWS, and so on: each is text inside of text, read again.

What holds: events are inside four wrappers at most, and what is inside of more is not read.
"""

import json
import tracemalloc
from collections.abc import Callable

import pytest

from tests.in_memory_aws import InMemoryAws
from tests.wired_functions import ingest_function, request

EVENT = {"messageId": "1"}


def batches(count: int) -> bytes:
    """An event in batches alone."""
    return b'{"Records":[' * count + json.dumps(EVENT).encode() + b"]}" * count


def records(count: int) -> bytes:
    """An event in records of Amazon SQS alone, each the text of the next."""
    text = json.dumps(EVENT)
    for _ in range(count):
        text = json.dumps({"eventSource": "aws:sqs", "body": text})
    return text.encode()


def batches_of_records(count: int) -> bytes:
    """An event in both by turns, as when queues feed each other."""
    text = json.dumps(EVENT)
    for number in range(count):
        text = json.dumps({"eventSource": "aws:sqs", "body": text}) if number % 2 == 0 else f'{{"Records":[{text}]}}'
    return text.encode()


@pytest.mark.parametrize("wrapped", [batches, records, batches_of_records])
def test_an_event_inside_four_wrappers_is_stored_and_one_inside_five_refused(
    wrapped: Callable[[int], bytes],
) -> None:
    aws = InMemoryAws()
    function = ingest_function(aws)
    assert function.handle(request(wrapped(4)))["statusCode"] == 200
    [record] = aws.raw
    assert json.loads(record)["event"] == EVENT
    answer = function.handle(request(wrapped(5)))
    assert answer["statusCode"] == 400
    assert json.loads(answer["body"])["detail"] == (
        "The request can't be read: the events are inside more than 4 wrappers."
    )
    assert len(aws.raw) == 1


def test_a_large_body_of_many_wrappers_takes_little_memory() -> None:
    body = b'{"Records":[' * 90 + b"[" + b'{"a":1},' * 100_000 + b'{"a":1}]' + b"]}" * 90
    function = ingest_function(InMemoryAws())
    tracemalloc.start()
    try:
        status = function.handle(request(body))["statusCode"]
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert status == 400
    assert peak < 40 * len(body)


def test_a_queue_message_of_five_wrappers_waits_in_the_dead_letter_queue_and_takes_no_other_with_it() -> None:
    aws = InMemoryAws()
    messages = [{"messageId": "five", "body": batches(5).decode()}, {"messageId": "one", "body": json.dumps(EVENT)}]
    assert ingest_function(aws).handle({"Records": messages}) == {"batchItemFailures": []}
    assert aws.dead_letters == [batches(5).decode()]
    assert len(aws.raw) == 1
