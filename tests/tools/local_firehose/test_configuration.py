"""Streams that AWS would not create, or that use more than is modelled, are refused with the reason."""

from typing import Any

import pytest

from genesys_firehose_tools.local.firehose.buffers import BufferingHints
from genesys_firehose_tools.local.firehose.configuration import ConfigurationError, read_configuration
from genesys_firehose_tools.local.firehose.limits import MIB
from tests.tools.local_firehose.conftest import ROLE, describe, partitioned, transforming

FUNCTION = "arn:aws:lambda:eu-central-1:000000000000:function:transform"


def test_hints_retries_and_role_have_their_documented_defaults() -> None:
    """API Reference, "BufferingHints" and "ProcessorParameter"; "Transform source data"."""
    parameters = [{"ParameterName": "LambdaArn", "ParameterValue": FUNCTION}]
    processing = {"Enabled": True, "Processors": [{"Type": "Lambda", "Parameters": parameters}]}
    configuration = read_configuration(describe("lake", BufferingHints={}, ProcessingConfiguration=processing))
    assert configuration.destination.hints == BufferingHints(5 * MIB, 300)
    assert configuration.processor is not None
    assert configuration.processor.hints == BufferingHints(MIB, 60)
    assert configuration.processor.retries == 3
    assert configuration.processor.role_arn == ROLE


def test_a_processing_configuration_that_is_not_enabled_does_nothing() -> None:
    """API Reference, "ProcessingConfiguration"."""
    settings = transforming(FUNCTION)
    settings["ProcessingConfiguration"]["Enabled"] = False
    assert read_configuration(describe("lake", **settings)).processor is None


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"BufferingHints": {"SizeInMBs": 0, "IntervalInSeconds": 60}}, "SizeInMBs must be from 1 to 128, not 0"),
        ({"BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 901}}, "must be from 0 to 900, not 901"),
        (
            {**partitioned(FUNCTION), "BufferingHints": {"SizeInMBs": 63, "IntervalInSeconds": 60}},
            "SizeInMBs must be from 64 to 128, not 63",
        ),
        (
            {**partitioned(FUNCTION), "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 59}},
            "IntervalInSeconds must be from 60 to 900, not 59",
        ),
        (
            {
                **partitioned(FUNCTION),
                "DynamicPartitioningConfiguration": {"Enabled": True, "RetryOptions": {"DurationInSeconds": 7201}},
            },
            "RetryOptions.DurationInSeconds must be from 0 to 7200, not 7201",
        ),
        ({**partitioned(FUNCTION), "Prefix": "clean/"}, "if, and only if, dynamic partitioning is on"),
        ({"Prefix": "!{partitionKeyFromLambda:type}/"}, "if, and only if, dynamic partitioning is on"),
        (transforming(FUNCTION, BufferSizeInMBs="4"), "BufferSizeInMBs must be from 0.2 to 3, not 4.0"),
        (transforming(FUNCTION, BufferIntervalInSeconds="901"), "BufferIntervalInSeconds must be from 0 to 900"),
        ({"CustomTimeZone": "Mars/Olympus"}, "the time zone 'Mars/Olympus' is not known"),
        ({"CompressionFormat": "Snappy"}, "the compression Snappy is not modelled"),
        ({"DataFormatConversionConfiguration": {"Enabled": True}}, "data format conversion is not modelled"),
        (
            {"ProcessingConfiguration": {"Enabled": True, "Processors": [{"Type": "MetadataExtraction"}]}},
            "the processor MetadataExtraction is not modelled",
        ),
    ],
)
def test_settings_outside_the_limits_or_the_model_are_refused(settings: dict[str, Any], problem: str) -> None:
    """API Reference, "ExtendedS3DestinationConfiguration"; "Amazon Data Firehose quota"."""
    with pytest.raises(ConfigurationError, match=f"^Stream events: .*{problem}"):
        read_configuration(describe("lake", **settings))


def test_a_stream_that_reads_from_kinesis_is_refused() -> None:
    description = {**describe("lake"), "DeliveryStreamType": "KinesisStreamAsSource"}
    with pytest.raises(ConfigurationError, match="KinesisStreamAsSource is not modelled"):
        read_configuration(description)


def test_a_destination_other_than_s3_is_refused() -> None:
    description = {**describe("lake"), "Destinations": [{"SplunkDestinationDescription": {}}]}
    with pytest.raises(ConfigurationError, match="its destination is not modelled, only ExtendedS3"):
        read_configuration(description)
