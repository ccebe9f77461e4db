"""Amazon Data Firehose Developer Guide, "Understand data delivery in Amazon Data Firehose"."""

import gzip
import re
from collections.abc import Callable
from typing import Any

import pytest

from genesys_firehose_tools.local.firehose.configuration import read_configuration
from genesys_firehose_tools.local.firehose.limits import MIB
from genesys_firehose_tools.local.firehose.stream import DeliveryStream
from tests.manual_clock import ManualClock
from tests.tools.local_firehose.conftest import ROLE, Aws, Description, describe, script, transforming

NewStream = Callable[[Description], DeliveryStream]


def test_records_are_concatenated_as_they_were_put(new_stream: NewStream, aws: Aws, bucket: str) -> None:
    """By default without any delimiter, so that whoever puts a record has to end it."""
    stream = new_stream(describe(bucket))
    stream.accept([b"one\n", b"two", b"\x00\xff"])
    stream.tick(flush=True)
    assert list(aws.objects(bucket).values()) == [b"one\ntwo\x00\xff"]


def test_a_buffer_is_delivered_when_its_interval_is_over(
    new_stream: NewStream, clock: ManualClock, aws: Aws, bucket: str
) -> None:
    """Section "Configure buffering hints": the condition satisfied first triggers the delivery."""
    stream = new_stream(describe(bucket))
    stream.accept([b"one\n"])
    stream.tick()
    clock.advance(59)
    stream.accept([b"two\n"])
    stream.tick()
    assert aws.objects(bucket) == {}
    clock.advance(1)
    stream.tick()
    assert list(aws.objects(bucket).values()) == [b"one\ntwo\n"]


def test_a_buffer_is_delivered_when_its_size_is_reached_before_compression(
    new_stream: NewStream, aws: Aws, bucket: str
) -> None:
    """Section "Configure buffering hints"; the size is applied before compression ("quota")."""
    stream = new_stream(describe(bucket, CompressionFormat="GZIP"))
    stream.accept([b"x" * (MIB // 2)])
    stream.accept([b"x" * (MIB // 2 - 1)])
    stream.tick()
    assert aws.objects(bucket) == {}
    stream.accept([b"x"])
    stream.tick()
    assert list(aws.objects(bucket).values()) == [b"x" * MIB]


def test_an_interval_begins_with_the_first_record_of_the_next_object(
    new_stream: NewStream, clock: ManualClock, aws: Aws, bucket: str
) -> None:
    """Section "Configure buffering hints": buffered since the record came, not since the last object left."""
    stream = new_stream(describe(bucket))
    stream.accept([b"one"])
    stream.tick()
    clock.advance(60)
    stream.tick()
    clock.advance(50)
    stream.accept([b"two"])
    stream.tick()
    clock.advance(59)
    stream.tick()
    assert list(aws.objects(bucket).values()) == [b"one"]
    clock.advance(1)
    stream.tick()
    assert sorted(aws.objects(bucket).values()) == [b"one", b"two"]


def test_an_object_is_named_after_stream_version_and_arrival_of_its_oldest_record(
    new_stream: NewStream, clock: ManualClock, aws: Aws, bucket: str
) -> None:
    """ "Configure Amazon S3 object name format"; "Understand custom prefixes", oldest record in the object."""
    stream = new_stream(describe(bucket))
    stream.accept([b"oldest"])
    clock.advance(50)
    stream.accept([b"newest"])
    stream.tick(flush=True)
    (key,) = aws.objects(bucket)
    assert re.fullmatch(
        r"clean/2018/08/27/10/events-3-2018-08-27-10-30-15-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", key
    )


def test_a_custom_time_zone_moves_the_times_of_prefix_and_name(new_stream: NewStream, aws: Aws, bucket: str) -> None:
    """ "Configure Amazon S3 object name format", time zone for prefix and suffix."""
    stream = new_stream(describe(bucket, CustomTimeZone="Asia/Tokyo"))
    stream.accept([b"x"])
    stream.tick(flush=True)
    (key,) = aws.objects(bucket)
    assert key.startswith("clean/2018/08/27/19/events-3-2018-08-27-19-30-15-")


@pytest.mark.parametrize(
    ("settings", "extension"),
    [
        ({}, ""),
        ({"CompressionFormat": "GZIP"}, ".gz"),
        ({"CompressionFormat": "GZIP", "FileExtension": ".jsonl.gz"}, ".jsonl.gz"),
        ({"FileExtension": ".jsonl"}, ".jsonl"),
    ],
)
def test_the_file_extension_follows_the_compression_unless_it_is_given(
    new_stream: NewStream, aws: Aws, bucket: str, settings: dict[str, str], extension: str
) -> None:
    """ "Configure Amazon S3 object name format", table of file extensions and override."""
    stream = new_stream(describe(bucket, **settings))
    stream.accept([b"x"])
    stream.tick(flush=True)
    (key,) = aws.objects(bucket)
    assert re.search(r"-[0-9a-f]{12}(.*)$", key)[1] == extension  # type: ignore[index]


def test_a_compressed_object_is_one_gzip_member(new_stream: NewStream, aws: Aws, bucket: str) -> None:
    """API Reference, "ExtendedS3DestinationConfiguration", CompressionFormat."""
    stream = new_stream(describe(bucket, CompressionFormat="GZIP"))
    stream.accept([b"one\n", b"two\n"])
    stream.tick(flush=True)
    (key,) = aws.objects(bucket)
    stored = aws.client("s3").get_object(Bucket=bucket, Key=key)
    assert stored["ContentType"] == "application/octet-stream"
    assert gzip.decompress(stored["Body"].read()) == b"one\ntwo\n"


def test_a_delimiter_processor_puts_newlines_between_the_records_of_an_object(
    new_stream: NewStream, aws: Aws, bucket: str
) -> None:
    """API Reference, "Processor", AppendDelimiterToRecord."""
    processing = {"Enabled": True, "Processors": [{"Type": "AppendDelimiterToRecord", "Parameters": []}]}
    stream = new_stream(describe(bucket, ProcessingConfiguration=processing))
    stream.accept([b"one", b"two"])
    stream.tick(flush=True)
    assert list(aws.objects(bucket).values()) == [b"one\ntwo"]


def backup(bucket: str, **settings: Any) -> dict[str, Any]:
    return {
        "S3BackupMode": "Enabled",
        "S3BackupDescription": {
            "RoleARN": ROLE,
            "BucketARN": f"arn:aws:s3:::{bucket}",
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 60},
            "CompressionFormat": "GZIP",
            "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
            "Prefix": "raw/!{timestamp:yyyy/MM/dd/HH}/",
            **settings,
        },
    }


def test_the_source_record_backup_holds_every_record_as_it_was_put(
    new_stream: NewStream, aws: Aws, bucket: str, function_arn: str
) -> None:
    """ "Transform source data", source record backup: all untransformed records, whatever became of them."""
    stream = new_stream(describe(bucket, **transforming(function_arn), **backup(bucket)))
    records = [script("answer", data="masked\n"), script("Dropped"), script("ProcessingFailed")]
    stream.accept(records)
    stream.tick(flush=True)
    assert list(aws.objects(bucket, "raw/2018/08/27/10/").values()) == [b"".join(records)]
    assert list(aws.objects(bucket, "clean/").values()) == [b"masked\n"]


def test_the_source_record_backup_gets_no_delimiter(new_stream: NewStream, aws: Aws, bucket: str) -> None:
    """API Reference, "Processor": the delimiter is added to what is delivered, the backup holds source records."""
    processing = {"Enabled": True, "Processors": [{"Type": "AppendDelimiterToRecord", "Parameters": []}]}
    stream = new_stream(describe(bucket, ProcessingConfiguration=processing, **backup(bucket)))
    stream.accept([b"one", b"two"])
    stream.tick(flush=True)
    assert list(aws.objects(bucket, "raw/").values()) == [b"onetwo"]


def test_the_source_record_backup_has_buffering_hints_and_a_key_of_its_own(
    new_stream: NewStream, clock: ManualClock, aws: Aws, bucket: str
) -> None:
    """API Reference, "S3DestinationConfiguration"."""
    key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    settings = backup(
        bucket,
        BufferingHints={"SizeInMBs": 1, "IntervalInSeconds": 300},
        EncryptionConfiguration={"KMSEncryptionConfig": {"AWSKMSKeyARN": key}},
    )
    stream = new_stream(describe(bucket, **settings))
    stream.accept([b"x"])
    stream.tick()
    clock.advance(60)
    stream.tick()
    assert [key.split("/")[0] for key in aws.objects(bucket)] == ["clean"]
    clock.advance(240)
    stream.tick()
    (raw,) = aws.objects(bucket, "raw/")
    assert aws.client("s3").head_object(Bucket=bucket, Key=raw)["SSEKMSKeyId"] == key


def test_a_changed_configuration_also_applies_to_the_records_already_waiting(
    new_stream: NewStream, aws: Aws, bucket: str
) -> None:
    """Not documented; seen on AWS for a changed prefix."""
    stream = new_stream(describe(bucket))
    stream.accept([b"x"])
    stream.configure(read_configuration(describe(bucket, Prefix="new/")))
    stream.tick(flush=True)
    (key,) = aws.objects(bucket)
    assert key.startswith("new/")
