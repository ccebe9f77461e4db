"""Amazon Data Firehose Developer Guide, "Partition streaming data in Amazon Data Firehose" and its sections."""

import base64
from collections.abc import Callable

import pytest

from genesys_firehose_tools.local.firehose.limits import MAX_ACTIVE_PARTITIONS, MIB
from genesys_firehose_tools.local.firehose.stream import DeliveryStream
from tests.manual_clock import ManualClock
from tests.tools.local_firehose.conftest import Aws, Description, describe, partitioned, script

NewStream = Callable[[Description], DeliveryStream]


def event(data: str, **keys: object) -> bytes:
    return script("answer", data=data, keys={"type": "call", "date": "2018-08-26", **keys})


def test_records_with_the_same_keys_share_an_object_under_their_prefix(
    new_stream: NewStream, aws: Aws, bucket: str, function_arn: str
) -> None:
    """ "Use Amazon S3 bucket prefix to deliver data"; its example shows that no time is appended."""
    stream = new_stream(describe(bucket, **partitioned(function_arn)))
    stream.accept([event("one\n"), event("two\n", type="chat"), event("three\n")])
    stream.tick(flush=True)
    found = aws.objects(bucket)
    assert {key.rpartition("/")[0]: body for key, body in found.items()} == {
        "clean/type=call/date=2018-08-26": b"one\nthree\n",
        "clean/type=chat/date=2018-08-26": b"two\n",
    }


def test_every_partition_has_its_own_size(
    new_stream: NewStream, clock: ManualClock, aws: Aws, bucket: str, function_arn: str
) -> None:
    """ "Buffer data for dynamic partitioning": the hints apply to each partition separately."""
    stream = new_stream(describe(bucket, **partitioned(function_arn)))
    stream.accept([event("small", type="chat")])
    for _ in range(16):
        assert aws.objects(bucket) == {}
        stream.accept([script("answer", data="x", times=4 * MIB, keys={"type": "call", "date": "d"})])
        clock.advance(1)
        stream.tick()
    (body,) = aws.objects(bucket, "clean/type=call/").values()
    assert len(body) == 64 * MIB
    assert aws.objects(bucket, "clean/type=chat/") == {}


def test_every_partition_has_its_own_interval(
    new_stream: NewStream, clock: ManualClock, aws: Aws, bucket: str, function_arn: str
) -> None:
    """ "Buffer data for dynamic partitioning": a buffer is created for each partition when it becomes active."""
    stream = new_stream(describe(bucket, **partitioned(function_arn)))
    stream.accept([event("early")])
    stream.tick()
    clock.advance(30)
    stream.accept([event("late", type="chat")])
    stream.tick()
    clock.advance(30)
    stream.tick()
    assert list(aws.objects(bucket).values()) == [b"early"]
    clock.advance(30)
    stream.tick()
    assert sorted(aws.objects(bucket).values()) == [b"early", b"late"]


@pytest.mark.parametrize("keys", [{"type": None}, {"type": ""}, {"type": 7}])
def test_a_record_with_a_null_or_empty_key_goes_to_the_error_prefix_and_the_others_do_not(
    new_stream: NewStream, aws: Aws, bucket: str, function_arn: str, keys: dict[str, object]
) -> None:
    """ "Troubleshoot dynamic partitioning errors"; the type of error and its message as seen on AWS."""
    stream = new_stream(describe(bucket, **partitioned(function_arn)))
    bad = event("bad", **keys)
    stream.accept([bad, event("good")])
    stream.tick(flush=True)
    (line,) = aws.error_lines(bucket, "metadata-extraction-failed")
    assert line["errorCode"] == "DynamicPartitioning.MetadataExtractionFailed"
    assert line["errorMessage"] == "partitionKeys values must not be null or empty"
    assert base64.b64decode(line["rawData"]) == bad
    assert list(aws.objects(bucket, "clean/").values()) == [b"good"]


@pytest.mark.parametrize("metadata", [None, {}, [], {"partitionKeys": None}, {"partitionKeys": ["call"]}])
def test_a_record_without_its_keys_goes_to_the_error_prefix(
    metadata: object, new_stream: NewStream, aws: Aws, bucket: str, function_arn: str
) -> None:
    """ "Troubleshoot dynamic partitioning errors"."""
    stream = new_stream(describe(bucket, **partitioned(function_arn)))
    stream.accept([script("answer", data="x", metadata=metadata)])
    stream.tick(flush=True)
    assert len(aws.error_lines(bucket, "metadata-extraction-failed")) == 1


def test_a_record_whose_prefix_becomes_too_long_goes_to_the_error_prefix(
    new_stream: NewStream, aws: Aws, bucket: str, function_arn: str
) -> None:
    """ "Troubleshoot dynamic partitioning errors": the expressions of the prefix cannot be evaluated."""
    stream = new_stream(describe(bucket, **partitioned(function_arn)))
    stream.accept([event("x", type="x" * 500)])
    stream.tick(flush=True)
    (line,) = aws.error_lines(bucket, "metadata-extraction-failed")
    assert "512 are allowed" in line["errorMessage"]


def test_records_of_further_partitions_go_to_the_error_prefix_while_500_are_active(
    new_stream: NewStream, aws: Aws, bucket: str, function_arn: str
) -> None:
    """ "Buffer data for dynamic partitioning", limit of active partitions, error prefix activePartitionExceeded."""
    stream = new_stream(describe(bucket, **partitioned(function_arn)))
    known = [event("x", type=f"t{number}") for number in range(MAX_ACTIVE_PARTITIONS)]
    beyond = event("beyond", type="beyond")
    stream.accept([*known, beyond, known[0]])
    stream.tick()
    assert stream.state().active_partitions == MAX_ACTIVE_PARTITIONS
    stream.tick(flush=True)
    (line,) = aws.error_lines(bucket, "activePartitionExceeded")
    assert base64.b64decode(line["rawData"]) == beyond
    assert list(aws.objects(bucket, "clean/type=t0/").values()) == [b"xx"]
    assert stream.state().active_partitions == 0


def test_a_partition_is_active_until_its_object_is_delivered(
    new_stream: NewStream, aws: Aws, function_arn: str
) -> None:
    """ "Buffer data for dynamic partitioning": counted as active in the buffer until it can be delivered."""
    stream = new_stream(describe("no-such-bucket", **partitioned(function_arn)))
    stream.accept([event("x")])
    stream.tick(flush=True)
    assert stream.state().active_partitions == 1
    aws.client("s3").create_bucket(
        Bucket="no-such-bucket", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    stream.tick(flush=True)
    assert stream.state().active_partitions == 0
