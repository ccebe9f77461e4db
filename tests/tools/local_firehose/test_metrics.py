"""Amazon Data Firehose Developer Guide, "Monitor Amazon Data Firehose with CloudWatch metrics"."""

from typing import Any

import pytest

from genesys_firehose_tools.local.firehose.configuration import read_configuration
from genesys_firehose_tools.local.firehose.faults import Faults, FaultSwitch
from genesys_firehose_tools.local.firehose.metrics import Measurements, publish
from genesys_firehose_tools.local.firehose.stream import DeliveryStream
from tests.manual_clock import ManualClock
from tests.tools.local_firehose.conftest import Aws, describe, script, transforming


@pytest.fixture
def measurements() -> Measurements:
    return Measurements()


def test_puts_invocations_and_deliveries_are_measured_with_the_age_of_what_waits(
    aws: Aws, clock: ManualClock, faults: FaultSwitch, measurements: Measurements, bucket: str, function_arn: str
) -> None:
    configuration = read_configuration(describe(bucket, **transforming(function_arn)))
    stream = DeliveryStream(configuration, aws.client, clock, faults, measurements)
    stream.accept([script("ok"), script("ok")])
    clock.advance(40)
    stream.measure_freshness()
    waiting = measurements.take()
    assert waiting["events", "IncomingRecords"]["Sum"] == 2
    assert waiting["events", "DeliveryToS3.DataFreshness"]["Maximum"] == 40
    faults.faults = Faults(processor_failure=1)
    stream.tick(flush=True)
    assert measurements.take()["events", "ExecuteProcessing.Success"]["Sum"] == 0
    faults.faults = Faults()
    stream.accept([script("ok")])
    stream.tick(flush=True)
    delivered = measurements.take()
    assert delivered["events", "DeliveryToS3.Records"]["Sum"] == 1
    assert delivered["events", "DeliveryToS3.Success"] == {"SampleCount": 1, "Sum": 1, "Minimum": 1, "Maximum": 1}


def test_what_was_measured_is_published_once_as_statistics(measurements: Measurements) -> None:
    requests: list[dict[str, Any]] = []

    class CloudWatch:
        def put_metric_data(self, **request: Any) -> None:
            requests.append(request)

    measurements.add("events", "ThrottledRecords", 2)
    measurements.add("events", "ThrottledRecords", 5)
    publish(measurements, CloudWatch())
    publish(measurements, CloudWatch())
    [request] = requests
    [datum] = request["MetricData"]
    assert request["Namespace"] == "AWS/Firehose"
    assert datum["StatisticValues"] == {"SampleCount": 2, "Sum": 7, "Minimum": 2, "Maximum": 5}
