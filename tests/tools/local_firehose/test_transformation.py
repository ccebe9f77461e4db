"""Amazon Data Firehose Developer Guide, "Transform source data in Amazon Data Firehose" and its sections."""

import base64
import json
from collections.abc import Callable

import pytest

from genesys_firehose_tools.local.firehose.faults import Faults, FaultSwitch
from genesys_firehose_tools.local.firehose.limits import MIB
from genesys_firehose_tools.local.firehose.stream import DeliveryStream
from tests.manual_clock import ManualClock
from tests.tools.local_firehose.conftest import START, Aws, Description, describe, script, transforming

NewStream = Callable[[Description], DeliveryStream]


def test_the_function_gets_the_documented_event(
    new_stream: NewStream, aws: Aws, bucket: str, function_arn: str
) -> None:
    """AWS Lambda Developer Guide, "Process Amazon Data Firehose records with Lambda"."""
    stream = new_stream(describe(bucket, **transforming(function_arn)))
    (record_id,) = stream.accept([script("show event")])
    stream.tick(flush=True)
    (body,) = aws.objects(bucket).values()
    event = json.loads(body)
    assert event.pop("invocationId")
    assert event == {
        "deliveryStreamArn": "arn:aws:firehose:eu-central-1:000000000000:deliverystream/events",
        "region": "eu-central-1",
        "records": [
            {
                "recordId": record_id,
                "approximateArrivalTimestamp": int(START.timestamp() * 1000),
                "data": base64.b64encode(script("show event")).decode(),
            }
        ],
    }


def test_what_the_function_returns_as_ok_is_delivered_and_what_it_drops_is_not(
    new_stream: NewStream, aws: Aws, bucket: str, function_arn: str
) -> None:
    """ "Required parameters for data transformation": Ok and Dropped are both processed successfully."""
    stream = new_stream(describe(bucket, **transforming(function_arn)))
    stream.accept([script("answer", data="masked\n"), script("Dropped"), script("answer", data="too\n")])
    stream.tick(flush=True)
    assert list(aws.objects(bucket).values()) == [b"masked\ntoo\n"]


def test_the_function_is_called_when_the_processors_interval_or_size_is_reached(
    new_stream: NewStream, clock: ManualClock, aws: Aws, bucket: str, function_arn: str
) -> None:
    """Section "Understand data transformation flow", buffering hints of the Lambda processor."""
    hints = {"BufferSizeInMBs": "0.2", "BufferIntervalInSeconds": "30"}
    settings = {**transforming(function_arn, **hints), "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 0}}
    stream = new_stream(describe(bucket, **settings))
    stream.accept([script("answer", data="by time")])
    stream.tick()
    assert aws.objects(bucket) == {}
    clock.advance(30)
    stream.tick()
    assert list(aws.objects(bucket).values()) == [b"by time"]
    stream.accept([script("answer", data="by size", padding="x" * (MIB // 5))])
    stream.tick()
    assert sorted(aws.objects(bucket).values()) == [b"by size", b"by time"]


def test_the_destinations_interval_begins_after_the_transformation(
    new_stream: NewStream, clock: ManualClock, aws: Aws, bucket: str, function_arn: str
) -> None:
    """Section "Understand data transformation flow": first the processor's buffer, then the destination's."""
    stream = new_stream(describe(bucket, **transforming(function_arn, BufferIntervalInSeconds="60")))
    stream.accept([script("answer", data="x")])
    stream.tick()
    clock.advance(60)
    stream.tick()
    clock.advance(59)
    stream.tick()
    assert aws.objects(bucket) == {}
    clock.advance(1)
    stream.tick()
    assert list(aws.objects(bucket).values()) == [b"x"]


def test_a_request_to_the_function_stays_below_lambdas_6_mb(
    new_stream: NewStream, clock: ManualClock, aws: Aws, bucket: str, function_arn: str
) -> None:
    """Section "Understand data transformation flow", payload limit; many small records weigh more in JSON."""
    stream = new_stream(describe(bucket, **transforming(function_arn, BufferSizeInMBs="3")))
    for _ in range(90):
        stream.accept([script("show batch size")] * 500)
        clock.advance(1)
    stream.tick(flush=True)
    (body,) = aws.objects(bucket).values()
    sizes = [int(size) for size in body.split()]
    assert len(sizes) == 45_000
    # One record weighs 32 bytes as base64 and 128 around it.
    assert len(set(sizes)) == 2
    assert max(sizes) < 6 * MIB / 160


@pytest.mark.parametrize(
    ("action", "code", "attempts"),
    [
        ("ProcessingFailed", "Lambda.ProcessingFailedStatus", 1),
        ("forget", "Lambda.MissingRecordId", 1),
        ("another id", "Lambda.MissingRecordId", 1),
        ("repeat", "Lambda.DuplicatedRecordId", 1),
    ],
)
def test_a_record_the_function_fails_or_misplaces_goes_to_the_error_output_alone(
    new_stream: NewStream, aws: Aws, bucket: str, function_arn: str, action: str, code: str, attempts: int
) -> None:
    """ "Required parameters for data transformation" and the list "Lambda invocation errors"."""
    stream = new_stream(describe(bucket, **transforming(function_arn)))
    stream.accept([script(action), script("answer", data="good")])
    stream.tick(flush=True)
    (line,) = aws.error_lines(bucket, "processing-failed")
    assert (line["errorCode"], line["attemptsMade"]) == (code, attempts)
    assert base64.b64decode(line["rawData"]) == script(action)
    assert list(aws.objects(bucket, "clean/").values()) == [b"good"]


@pytest.mark.parametrize("action", ["Splendid", "no base64"])
def test_an_answer_outside_the_status_model_fails_its_whole_batch_without_a_retry(
    new_stream: NewStream, aws: Aws, bucket: str, function_arn: str, action: str
) -> None:
    """The list "Lambda invocation errors"; that the batch fails, and at once, is as seen on AWS."""
    stream = new_stream(describe(bucket, **transforming(function_arn)))
    stream.accept([script(action), script("answer", data="good")])
    stream.tick(flush=True)
    lines = aws.error_lines(bucket, "processing-failed")
    assert [(line["errorCode"], line["attemptsMade"]) for line in lines] == [("Lambda.JsonProcessingException", 1)] * 2


@pytest.mark.parametrize(
    ("action", "code"),
    [
        ("raise", "Lambda.FunctionError"),
        ("sleep", "Lambda.FunctionTimedOut"),
        ("too much", "Lambda.FunctionError"),
    ],
)
def test_a_failed_invocation_is_retried_as_often_as_configured_and_then_its_batch_is_skipped(
    new_stream: NewStream, aws: Aws, bucket: str, function_arn: str, action: str, code: str
) -> None:
    """ "Handle failure in data transformation", NumberOfRetries; 6 MB limit of the answer."""
    stream = new_stream(describe(bucket, **transforming(function_arn, NumberOfRetries="1")))
    stream.accept([script(action), script("answer", data="innocent")])
    stream.tick(flush=True)
    lines = aws.error_lines(bucket, "processing-failed")
    assert [(line["errorCode"], line["attemptsMade"]) for line in lines] == [(code, 2)] * 2


def test_an_invocation_is_retried_three_times_by_default_and_the_error_line_tells_all_about_it(
    new_stream: NewStream, clock: ManualClock, aws: Aws, bucket: str, function_arn: str
) -> None:
    """ "Handle failure in data transformation", the record's format."""
    stream = new_stream(describe(bucket, **transforming(function_arn)))
    stream.accept([script("raise")])
    clock.advance(60)
    stream.tick(flush=True)
    arrived = int(START.timestamp() * 1000)
    (line,) = aws.error_lines(bucket, "processing-failed")
    assert line.pop("attemptEndingTimestamp") > arrived + 60_000
    assert line == {
        "attemptsMade": 4,
        "arrivalTimestamp": arrived,
        "errorCode": "Lambda.FunctionError",
        "errorMessage": "The Lambda function was successfully invoked but it returned an error result.",
        "rawData": base64.b64encode(script("raise")).decode(),
        "lambdaArn": function_arn,
    }


def test_a_retry_that_succeeds_leaves_no_trace(new_stream: NewStream, aws: Aws, bucket: str, function_arn: str) -> None:
    """ "Handle failure in data transformation"; the record keeps its id through the attempts."""
    stream = new_stream(describe(bucket, **transforming(function_arn)))
    stream.accept([script("raise once")])
    stream.tick(flush=True)
    assert list(aws.objects(bucket).values()) == [script("raise once")]


def test_a_function_at_its_concurrency_limit_is_retried(new_stream: NewStream, aws: Aws, bucket: str) -> None:
    """ "Handle failure in data transformation": you've reached the Lambda invocation limit."""
    throttled = aws.new_function("def handle(event, context): ...")
    aws.client("lambda").put_function_concurrency(FunctionName=throttled, ReservedConcurrentExecutions=0)
    stream = new_stream(describe(bucket, **transforming(throttled)))
    stream.accept([b"{}"])
    stream.tick(flush=True)
    (line,) = aws.error_lines(bucket, "processing-failed")
    assert (line["errorCode"], line["attemptsMade"]) == ("Lambda.InvokeLimitExceeded", 4)


def test_a_function_that_does_not_exist_is_named_as_the_reason(
    new_stream: NewStream, aws: Aws, bucket: str, function_arn: str
) -> None:
    """The list "Lambda invocation errors"."""
    stream = new_stream(describe(bucket, **transforming(function_arn + "-gone")))
    stream.accept([b"{}"])
    stream.tick(flush=True)
    (line,) = aws.error_lines(bucket, "processing-failed")
    assert line["errorCode"] == "Lambda.ResourceNotFound"


def test_a_processor_failure_fault_fails_invocations_before_they_reach_the_function(
    new_stream: NewStream, faults: FaultSwitch, aws: Aws, bucket: str, function_arn: str
) -> None:
    """ "Handle failure in data transformation": all attempts fail, the batch is skipped, its bytes are kept."""
    faults.faults = Faults(processor_failure=1.0)
    stream = new_stream(describe(bucket, **transforming(function_arn)))
    stream.accept([script("answer", data="x")])
    stream.tick(flush=True)
    (line,) = aws.error_lines(bucket, "processing-failed")
    assert (line["errorCode"], line["attemptsMade"]) == ("Lambda.FunctionError", 4)
