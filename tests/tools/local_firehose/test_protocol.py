"""Amazon Data Firehose API Reference and "Amazon Data Firehose quota", through boto3."""

import http.client
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError

from genesys_firehose_tools.local.firehose.clock import Clock
from genesys_firehose_tools.local.firehose.description import StreamDescriptions
from genesys_firehose_tools.local.firehose.faults import FaultSwitch
from genesys_firehose_tools.local.firehose.limits import (
    MAX_BATCH_RECORDS,
    MAX_RECORD_BYTES,
    MIB,
    Throughput,
    ThroughputMeter,
    direct_put_throughput,
)
from genesys_firehose_tools.local.firehose.server import LocalFirehose
from genesys_firehose_tools.local.firehose.service import FirehoseService, ServiceError
from tests.manual_clock import ManualClock
from tests.tools.local_firehose.conftest import REGION, ROLE, Aws, describe


def sdk(url: str, attempts: int = 1) -> Any:
    return boto3.client(
        "firehose",
        endpoint_url=url,
        region_name=REGION,
        config=Config(retries={"total_max_attempts": attempts}),
    )


@pytest.fixture
def serve(aws: Aws) -> Iterator[Callable[..., LocalFirehose]]:
    """Start servers for the streams of the embedded AWS."""
    running = []

    def start(clock: Clock | None = None) -> LocalFirehose:
        descriptions = StreamDescriptions(*map(aws.client, ("firehose", "cloudformation", "kms")))
        service = FirehoseService(descriptions.read, aws.client, clock or Clock(speed=100), FaultSwitch())
        server = LocalFirehose(service)
        server.start()
        running.append(server)
        return server

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def stream_name(aws: Aws, bucket: str) -> str:
    """The name of a stream that exists at the embedded AWS and delivers to the bucket."""
    destination = describe(bucket)["Destinations"][0]["ExtendedS3DestinationDescription"]
    aws.client("firehose").create_delivery_stream(
        DeliveryStreamName=bucket, ExtendedS3DestinationConfiguration=destination
    )
    return bucket


@pytest.fixture
def firehose(serve: Callable[..., LocalFirehose]) -> Any:
    """A boto3 client of a server."""
    return sdk(serve().url)


def send(server: LocalFirehose, method: str, path: str, body: bytes, **headers: str) -> tuple[int, Any]:
    """Send a plain HTTP request; return the answer's status and its JSON."""
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, json.load(answer)
    finally:
        connection.close()


def control(server: LocalFirehose, method: str, path: str, body: Any = None) -> Any:
    status, answer = send(server, method, path, json.dumps(body).encode())
    assert status == 200, answer
    return answer


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    code: str = error.value.response["Error"]["Code"]
    return code


def test_put_record_answers_with_the_records_id(firehose: Any, stream_name: str) -> None:
    """ "PutRecord", Response Elements."""
    answer = firehose.put_record(DeliveryStreamName=stream_name, Record={"Data": b"x"})
    assert answer["RecordId"]
    assert answer["Encrypted"] is False


def test_put_record_batch_answers_for_every_record_in_order(firehose: Any, stream_name: str) -> None:
    """ "PutRecordBatch", Response Elements."""
    answer = firehose.put_record_batch(
        DeliveryStreamName=stream_name, Records=[{"Data": b"%d" % number} for number in range(500)]
    )
    assert answer["FailedPutCount"] == 0
    assert len({response["RecordId"] for response in answer["RequestResponses"]}) == 500


def test_describe_delivery_stream_answers_what_the_embedded_aws_knows(
    firehose: Any, aws: Aws, stream_name: str
) -> None:
    """ "DescribeDeliveryStream", Response Elements."""
    answer = firehose.describe_delivery_stream(DeliveryStreamName=stream_name)
    known = aws.client("firehose").describe_delivery_stream(DeliveryStreamName=stream_name)
    assert answer["DeliveryStreamDescription"] == known["DeliveryStreamDescription"]


@pytest.mark.parametrize("operation", ["put_record", "put_record_batch", "describe_delivery_stream"])
def test_a_stream_that_does_not_exist_is_not_found(firehose: Any, operation: str) -> None:
    """Errors of each operation, ResourceNotFoundException, HTTP status 400."""
    record = {"Data": b"x"}
    arguments: dict[str, Any] = {"put_record": {"Record": record}, "put_record_batch": {"Records": [record]}}
    with pytest.raises(firehose.exceptions.ResourceNotFoundException) as error:
        getattr(firehose, operation)(DeliveryStreamName="nobody", **arguments.get(operation, {}))
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_a_record_of_1000_kib_is_taken_and_a_larger_one_is_not(firehose: Any, stream_name: str) -> None:
    """ "Amazon Data Firehose quota": 1,000 KiB before base64."""
    firehose.put_record(DeliveryStreamName=stream_name, Record={"Data": b"x" * MAX_RECORD_BYTES})
    with pytest.raises(ClientError, match="less than or equal to 1024000") as error:
        firehose.put_record(DeliveryStreamName=stream_name, Record={"Data": b"x" * (MAX_RECORD_BYTES + 1)})
    assert code_of(error) == "ValidationException"


def test_a_batch_of_more_than_500_records_is_refused_as_a_whole(firehose: Any, stream_name: str) -> None:
    """ "Amazon Data Firehose quota": 500 records per call."""
    with pytest.raises(ClientError) as error:
        firehose.put_record_batch(DeliveryStreamName=stream_name, Records=[{"Data": b"x"}] * (MAX_BATCH_RECORDS + 1))
    assert code_of(error) == "ValidationException"


def test_a_batch_of_4_mib_is_taken_and_a_larger_one_is_refused_as_a_whole(firehose: Any, stream_name: str) -> None:
    """ "Amazon Data Firehose quota": 4 MiB per call."""
    quarter = {"Data": b"x" * (MIB // 2)}
    answer = firehose.put_record_batch(DeliveryStreamName=stream_name, Records=[quarter] * 8)
    assert answer["FailedPutCount"] == 0
    with pytest.raises(firehose.exceptions.InvalidArgumentException, match="4 MB"):
        firehose.put_record_batch(DeliveryStreamName=stream_name, Records=[quarter] * 8 + [{"Data": b"x"}])


def test_a_stream_aws_would_not_have_created_is_refused_with_the_reason(firehose: Any, aws: Aws, bucket: str) -> None:
    """ "CreateDeliveryStream": the embedded AWS checks less than AWS does."""
    destination = describe(bucket, BufferingHints={"SizeInMBs": 500, "IntervalInSeconds": 60})
    aws.client("firehose").create_delivery_stream(
        DeliveryStreamName=bucket,
        ExtendedS3DestinationConfiguration=destination["Destinations"][0]["ExtendedS3DestinationDescription"],
    )
    with pytest.raises(firehose.exceptions.InvalidArgumentException, match="SizeInMBs must be from 1 to 128"):
        firehose.put_record(DeliveryStreamName=bucket, Record={"Data": b"x"})


def test_a_put_beyond_the_regions_throughput_is_slowed_down(
    serve: Callable[..., LocalFirehose], stream_name: str
) -> None:
    """ "PutRecord", ServiceUnavailableException; "Amazon Data Firehose quota": 1 MiB a second in this region."""
    clock = ManualClock(1e9)
    firehose = sdk(serve(clock).url)
    half = {"Data": b"x" * (MIB // 2)}
    answer = firehose.put_record_batch(DeliveryStreamName=stream_name, Records=[half])
    answer = firehose.put_record_batch(DeliveryStreamName=stream_name, Records=[half, half])
    assert answer["FailedPutCount"] == 1
    assert answer["RequestResponses"][1]["ErrorCode"] == "ServiceUnavailableException"
    with pytest.raises(firehose.exceptions.ServiceUnavailableException) as error:
        firehose.put_record(DeliveryStreamName=stream_name, Record=half)
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    clock.advance(1)
    assert firehose.put_record(DeliveryStreamName=stream_name, Record=half)["RecordId"]


@pytest.mark.parametrize(
    ("region", "quota"),
    [
        ("us-east-1", Throughput(records=500_000, requests=2_000, bytes=5 * MIB)),
        ("us-west-2", Throughput(records=500_000, requests=2_000, bytes=5 * MIB)),
        ("eu-west-1", Throughput(records=500_000, requests=2_000, bytes=5 * MIB)),
        ("eu-central-1", Throughput(records=100_000, requests=1_000, bytes=MIB)),
    ],
)
def test_three_regions_have_a_larger_throughput_than_the_others(region: str, quota: Throughput) -> None:
    """ "Amazon Data Firehose quota", Direct PUT."""
    assert direct_put_throughput(region) == quota


def test_requests_and_records_are_counted_against_the_throughput_too() -> None:
    """ "Amazon Data Firehose quota", Direct PUT."""
    meter = ThroughputMeter(Throughput(records=5, requests=3, bytes=MIB))
    assert meter.admit([1, 1], now=0.0) == 2
    assert meter.admit([1, 1, 1, 1], now=0.1) == 3
    assert meter.admit([1], now=0.2) == 0
    assert [meter.admit([1], now=now) for now in (2.0, 2.1, 2.2, 2.3)] == [1, 1, 1, 0]


def test_what_is_put_arrives_in_s3_when_its_interval_is_over(firehose: Any, aws: Aws, stream_name: str) -> None:
    """The clock's speed: a minute of buffering passes in 0.6 seconds."""
    firehose.put_record(DeliveryStreamName=stream_name, Record={"Data": b"x"})
    deadline = time.monotonic() + 10
    while not (found := aws.objects(stream_name)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert list(found.values()) == [b"x"]


def test_the_flush_control_delivers_at_once_what_is_held(
    serve: Callable[..., LocalFirehose], aws: Aws, stream_name: str
) -> None:
    server = serve(Clock())
    sdk(server.url).put_record(DeliveryStreamName=stream_name, Record={"Data": b"x"})
    assert control(server, "POST", "/_local/flush") == {
        stream_name: {
            "buffered_records": 0, "active_partitions": 0, "undelivered_objects": 0, "lost_records": 0
        }
    }  # fmt: skip
    assert list(aws.objects(stream_name).values()) == [b"x"]


def test_a_stopped_server_has_delivered_what_it_held(aws: Aws, stream_name: str) -> None:
    server = LocalFirehose.of_endpoint(aws.endpoint_url, region=REGION)
    server.start()
    sdk(server.url).put_record(DeliveryStreamName=stream_name, Record={"Data": b"x"})
    assert server.stop()
    assert list(aws.objects(stream_name).values()) == [b"x"]


def test_a_stopped_server_takes_nothing_on_connections_that_are_still_open(aws: Aws, stream_name: str) -> None:
    server = LocalFirehose.of_endpoint(aws.endpoint_url, region=REGION)
    server.start()
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
    body = json.dumps({"DeliveryStreamName": stream_name, "Record": {"Data": "eA=="}})
    headers = {"X-Amz-Target": "Firehose_20150804.PutRecord"}
    connection.request("POST", "/", body, headers)
    assert connection.getresponse().read()
    server.stop()
    connection.request("POST", "/", body, headers)
    answer = connection.getresponse()
    assert (answer.status, json.load(answer)["__type"]) == (503, "ServiceUnavailableException")
    connection.close()


def test_a_redeployed_stream_is_picked_up(
    serve: Callable[..., LocalFirehose], aws: Aws, stream_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ "UpdateDestination"; the version is in the object's name."""
    monkeypatch.setattr("genesys_firehose_tools.local.firehose.service.DESCRIPTION_LIFETIME_SECONDS", 0.0)
    server = serve(Clock())
    firehose = sdk(server.url)
    firehose.put_record(DeliveryStreamName=stream_name, Record={"Data": b"x"})
    aws.client("firehose").update_destination(
        DeliveryStreamName=stream_name,
        CurrentDeliveryStreamVersionId="1",
        DestinationId=firehose.describe_delivery_stream(DeliveryStreamName=stream_name)["DeliveryStreamDescription"][
            "Destinations"
        ][0]["DestinationId"],
        ExtendedS3DestinationUpdate={"RoleARN": ROLE, "Prefix": "new/"},
    )
    firehose.put_record(DeliveryStreamName=stream_name, Record={"Data": b"y"})
    control(server, "POST", "/_local/flush")
    ((key, body),) = aws.objects(stream_name).items()
    assert key.startswith("new/")
    assert f"/{stream_name}-2-" in key
    assert body == b"xy"


def test_a_deleted_stream_is_not_found_any_more_and_what_it_held_is_discarded(
    serve: Callable[..., LocalFirehose], aws: Aws, stream_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ "DeleteDeliveryStream"."""
    monkeypatch.setattr("genesys_firehose_tools.local.firehose.service.DESCRIPTION_LIFETIME_SECONDS", 0.0)
    server = serve(Clock())
    firehose = sdk(server.url)
    firehose.put_record(DeliveryStreamName=stream_name, Record={"Data": b"x"})
    aws.client("firehose").delete_delivery_stream(DeliveryStreamName=stream_name)
    with pytest.raises(firehose.exceptions.ResourceNotFoundException):
        firehose.put_record(DeliveryStreamName=stream_name, Record={"Data": b"x"})
    assert control(server, "POST", "/_local/flush") == {}
    assert aws.objects(stream_name) == {}


def test_a_stream_that_is_still_being_created_is_not_found(aws: Aws, bucket: str) -> None:
    """Not documented; seen on AWS. The embedded AWS creates its streams at once."""
    creating = {**describe(bucket), "DeliveryStreamStatus": "CREATING"}
    service = FirehoseService(lambda _: creating, aws.client, Clock(), FaultSwitch())
    with pytest.raises(ServiceError) as error:
        service.call("PutRecord", {"DeliveryStreamName": "events", "Record": {"Data": "eA=="}})
    assert error.value.code == "ResourceNotFoundException"


def test_an_operation_that_is_not_modelled_says_so(firehose: Any) -> None:
    with pytest.raises(ClientError, match="ListDeliveryStreams is not modelled") as error:
        firehose.list_delivery_streams()
    assert code_of(error) == "UnknownOperationException"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "SerializationException"),
        (b"[]", "SerializationException"),
        (b'{"DeliveryStreamName": "no spaces"}', "ValidationException"),
        (b'{"DeliveryStreamName": "STREAM"}', "ValidationException"),
        (b'{"DeliveryStreamName": "STREAM", "Record": {"Data": "*"}}', "SerializationException"),
    ],
)
def test_a_malformed_request_is_refused(
    serve: Callable[..., LocalFirehose], stream_name: str, body: bytes, code: str
) -> None:
    """ "Common Errors"."""
    target = {"X-Amz-Target": "Firehose_20150804.PutRecord"}
    status, answer = send(serve(), "POST", "/", body.replace(b"STREAM", stream_name.encode()), **target)
    assert (status, answer["__type"]) == (400, code)


def test_throttling_can_be_switched_on_and_off_while_it_runs(
    serve: Callable[..., LocalFirehose], stream_name: str
) -> None:
    server = serve()
    firehose = sdk(server.url)
    control(server, "PUT", "/_local/faults", {"throttle": 1})
    with pytest.raises(firehose.exceptions.ServiceUnavailableException):
        firehose.put_record(DeliveryStreamName=stream_name, Record={"Data": b"x"})
    assert control(server, "GET", "/_local/faults")["throttle"] == 1
    control(server, "PUT", "/_local/faults", {})
    assert firehose.put_record(DeliveryStreamName=stream_name, Record={"Data": b"x"})["RecordId"]


def test_a_partial_failure_takes_the_records_it_does_not_name(
    serve: Callable[..., LocalFirehose], aws: Aws, stream_name: str
) -> None:
    """ "PutRecordBatch": FailedPutCount above 0 in a successful answer; resend only those that failed."""
    server = serve(Clock())
    firehose = sdk(server.url)
    control(server, "PUT", "/_local/faults", {"partial_failure": 0.5})
    waiting = [{"Data": b"%d " % number} for number in range(20)]
    failures = []
    while waiting:
        answer = firehose.put_record_batch(DeliveryStreamName=stream_name, Records=waiting)
        responses = answer["RequestResponses"]
        waiting = [one for one, response in zip(waiting, responses, strict=True) if "ErrorCode" in response]
        assert answer["FailedPutCount"] == len(waiting)
        failures.append(len(waiting))
    assert 0 < failures[0] < 20
    control(server, "POST", "/_local/flush")
    (body,) = aws.objects(stream_name).values()
    assert sorted(map(int, body.split())) == list(range(20))


def test_a_lost_response_makes_the_sdk_put_the_record_again(
    serve: Callable[..., LocalFirehose], aws: Aws, stream_name: str
) -> None:
    """ "PutRecord": re-invoking the Put API operations can result in data duplicates."""
    server = serve(Clock())
    control(server, "PUT", "/_local/faults", {"lost_response": 0.5})
    firehose = sdk(server.url, attempts=10)
    for number in range(5):
        firehose.put_record(DeliveryStreamName=stream_name, Record={"Data": b"%d " % number})
    control(server, "POST", "/_local/flush")
    (body,) = aws.objects(stream_name).values()
    assert set(body.split()) == {b"0", b"1", b"2", b"3", b"4"}
    assert len(body.split()) > 5


def test_a_slow_firehose_lets_its_caller_wait(serve: Callable[..., LocalFirehose], stream_name: str) -> None:
    server = serve()
    control(server, "PUT", "/_local/faults", {"slow_seconds": 1.5})
    impatient = boto3.client(
        "firehose",
        endpoint_url=server.url,
        region_name=REGION,
        config=Config(read_timeout=0.5, retries={"total_max_attempts": 1}),
    )
    with pytest.raises(ReadTimeoutError):
        impatient.put_record(DeliveryStreamName=stream_name, Record={"Data": b"x"})


@pytest.mark.parametrize(
    ("faults", "problem"),
    [
        ({"throttle": 2}, "throttle must be from 0 to 1, not 2."),
        ({"slow_seconds": -1}, "slow_seconds must be 0 or more, not -1."),
        ({"throttle": "often"}, "throttle must be a number, not 'often'."),
        ({"weather": 1}, "weather"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(
    serve: Callable[..., LocalFirehose], faults: dict[str, Any], problem: str
) -> None:
    status, answer = send(serve(), "PUT", "/_local/faults", json.dumps(faults).encode())
    assert status == 400
    assert problem in answer["message"]


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("GET", "/_local/nothing"), ("PUT", "/_local/flush")])
def test_a_control_that_does_not_exist_is_not_found(
    serve: Callable[..., LocalFirehose], method: str, path: str
) -> None:
    assert send(serve(), method, path, b"")[0] == 404
