"""A sender writes a small request of very many events: each is a record that is billed at 5 KB.

What holds: a request has so many events and no more; it is counted while it is split, before anything is stored.
"""

import json
import time
import tracemalloc

import pytest

from tests.in_memory_aws import InMemoryAws
from tests.wired_functions import ingest_function, post, request

MANY = 100_000
SQS = {"eventSource": "aws:sqs"}
EMPTY = "[" + "{}," * (MANY - 1) + "{}]"
BODIES = {
    "an array": EMPTY,
    "an array within a record": json.dumps({**SQS, "body": EMPTY}),
    "an array within a batch": json.dumps({"Records": [{**SQS, "body": EMPTY}]}),
    "a batch": f'{{"Records":{EMPTY}}}',
    "records of a few events each": json.dumps([{**SQS, "body": "[{},{},{}]"}] * 400),
}


@pytest.mark.parametrize("case", BODIES)
def test_a_request_of_too_many_events_is_413_and_nothing_is_stored(case: str) -> None:
    aws = InMemoryAws()
    answer = ingest_function(aws).handle(request(BODIES[case].encode()))
    assert answer["statusCode"] == 413
    assert json.loads(answer["body"])["detail"] == "The request holds more than 1,000 events."
    assert not aws.raw
    assert not aws.objects


def test_it_is_counted_before_the_events_are_made() -> None:
    body = b"[" + b"{}," * 1_390_000 + b"{}]"
    function = ingest_function(InMemoryAws())
    started = time.process_time()
    tracemalloc.start()
    try:
        status = function.handle(request(body))["statusCode"]
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert status == 413
    assert peak < 6 * len(body)
    assert time.process_time() - started < 2


def test_as_many_events_as_may_be_are_stored() -> None:
    aws = InMemoryAws()
    assert post(ingest_function(aws), [{"messageId": str(number)} for number in range(1000)]) == 200
    assert len(aws.raw) == 1000


def test_the_limit_is_a_setting() -> None:
    function = ingest_function(InMemoryAws(), MAX_EVENTS="2")
    assert [post(function, [{"messageId": "1"}] * count) for count in (1, 2, 3)] == [200, 200, 413]


@pytest.mark.parametrize("case", BODIES)
def test_a_queue_message_of_too_many_events_takes_no_other_with_it(case: str) -> None:
    """It comes again until it waits in the dead-letter queue, whole."""
    aws = InMemoryAws()
    messages = [{"messageId": "many", "body": BODIES[case]}, {"messageId": "one", "body": '{"messageId":"1"}'}]
    answer = ingest_function(aws).handle({"Records": messages})
    assert answer == {"batchItemFailures": [{"itemIdentifier": "many"}]}
    assert [json.loads(record)["event"] for record in aws.raw] == [{"messageId": "1"}]
