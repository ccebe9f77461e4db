"""A marked event goes the whole way, and what comes of it is found without reading it; or the cause is named."""

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from shared.envelope import read, shard_of
from tests.functions.verification.world import BEGINNING, World, entry
from tests.wired_functions import METRICS_ENVIRONMENT
from verification.delivery import DeliveryError, marked_event

CLEAN = "clean/event_type=verification/date=2026-11-23/"


@pytest.fixture(autouse=True)
def _metrics_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in METRICS_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def world() -> World:
    return World()


def problem(world: World) -> str:
    """What the trial says when it fails."""
    with pytest.raises(DeliveryError) as failure:
        world.trial().run()
    return str(failure.value)


def test_new_objects_are_told_with_the_time_their_retention_and_their_encryption(world: World) -> None:
    assert world.trial().run().attributes == {
        "Seconds": "70",
        "RawRetention": "GOVERNANCE until 2026-12-23T10:00:00.000Z",
        "RawEncryption": "aws:kms with key/raw",
        "CleanRetention": "GOVERNANCE until 2026-12-23T10:00:00.000Z",
        "CleanEncryption": "aws:kms with key/clean",
    }


def test_no_event_is_read(world: World) -> None:
    world.trial().run()
    assert set(world.calls) == {"ListObjectsV2", "SendMessage", "GetObjectRetention", "HeadObject"}


def test_the_marked_event_is_of_the_ingress_verification_and_lands_in_a_partition_of_its_own(world: World) -> None:
    world.trial().run()
    [body] = world.sent
    envelope = read(body.encode())
    assert (envelope["ingress"], envelope["event"]) == ("verification", {})
    assert [key for key in world.objects if key.startswith(CLEAN)]


def test_the_marked_event_counts_neither_as_accepted_nor_as_of_unknown_shape(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.trial().run()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    counted = {name for line in lines for name in line if line.get("_aws")}
    assert "RecordsTransformed" in counted
    assert not {name for name in counted if name.startswith("Events")}
    assert not counted & {"UnknownShape", "SchemaDrift"}


@pytest.mark.parametrize("shards", [1, 2, 20])
def test_a_marked_event_goes_to_the_stream_it_is_made_for(shards: int) -> None:
    assert [shard_of(marked_event(shard, BEGINNING), shards) for shard in range(shards)] == list(range(shards))


def test_every_stream_is_tried() -> None:
    world = World(("stream", "stream-2"))
    world.trial().run()
    names = {key.rpartition("/")[2].partition("-1-")[0] for key in world.objects}
    assert (len(world.sent), names) == (2, {"stream", "stream-2"})


def test_a_stream_that_does_not_deliver_is_named_though_another_does() -> None:
    world = World(("stream", "stream-2"))
    deliver = world._deliver
    world._deliver = lambda stream, record: deliver(stream, record) if stream == "stream" else None  # type: ignore[method-assign]
    world.logged = [entry("S3.AccessDenied")]
    assert problem(world).startswith("No new object of the delivery stream stream-2 came under raw/ and clean/ within")


def test_an_unpartitioned_stream_is_tried_by_day() -> None:
    world = World(partitioned=False)
    assert world.trial().run().seconds == 70
    assert [key for key in world.objects if key.startswith("clean/2026/11/23/")]


def test_what_was_there_before_proves_nothing(world: World) -> None:
    before = [world.named(prefix, "stream") for prefix in ("raw/2026/11/23/10/", CLEAN) for _ in range(5)]
    world.objects = dict.fromkeys(before, BEGINNING)
    world.undelivered = {"raw/", "clean/"}
    assert "came under raw/ and clean/ within 240 s" in problem(world)


def test_what_another_stream_delivers_proves_nothing(world: World) -> None:
    world.undelivered = {"raw/"}
    world._due = [(BEGINNING + timedelta(seconds=9), world.named("raw/2026/11/23/10/", "stream-2"))]
    assert "came under raw/ within 240 s" in problem(world)


def test_an_object_is_found_when_the_hour_and_the_day_turn(world: World) -> None:
    world.now = BEGINNING.replace(hour=23, minute=59, second=50)
    trial = world.trial()
    send = world.send
    world.send = lambda body: (setattr(world, "now", world.now + timedelta(seconds=20)), send(body))[1]  # type: ignore[method-assign]
    trial.run()
    assert [key for key in world.objects if key.startswith("raw/2026/11/24/00/")]


def test_a_lock_may_follow_seconds_later(world: World) -> None:
    world.locks = 30
    outcome = world.trial().run()
    assert outcome.seconds == 100
    assert outcome.attributes["RawRetention"].startswith("GOVERNANCE")


def test_objects_without_the_retention_demanded_are_a_failure(world: World) -> None:
    world.locks = None
    assert problem(world) == (
        "New objects came without the retention GOVERNANCE that lake.bucket.retention_mode demands: give the bucket "
        "its Object Lock configuration back."
    )


@pytest.mark.parametrize("operation", ["ListObjectsV2", "SendMessage"])
def test_a_role_that_is_seconds_old_is_waited_for(world: World, operation: str) -> None:
    world.denied = {operation: 50}
    assert world.trial().run().attributes["RawRetention"].startswith("GOVERNANCE")


@pytest.mark.parametrize("operation", ["ListObjectsV2", "SendMessage"])
def test_a_role_that_is_denied_for_longer_than_a_minute_is_a_failure(world: World, operation: str) -> None:
    world.denied = {operation: 9999}
    with pytest.raises(ClientError):
        world.trial().run()
    assert (world.now - BEGINNING).total_seconds() == 60


def test_an_encryption_that_may_not_be_looked_at_is_no_failure(world: World) -> None:
    world.denied = {"HeadObject": 9999}
    assert world.trial().run().attributes["CleanEncryption"] == "unreadable"


def test_the_cause_in_firehoses_log_ends_the_trial_after_four_minutes(world: World) -> None:
    world.undelivered = {"clean/"}
    world.logged = ["no JSON", '["no entry"]', entry("S3.NoSuchBucket")]
    assert problem(world) == (
        "No new object of the delivery stream stream came under clean/ within 240 s: Firehose logged S3.NoSuchBucket: "
        "the bucket does not exist: name another as lake.existing_bucket, or create it again."
    )
    assert (world.now - BEGINNING).total_seconds() == 240


def test_messages_that_wait_in_the_queue_point_to_the_ingest_function(world: World) -> None:
    world.stuck = True
    assert problem(world).endswith(": messages wait in the buffer queue, so read the log of the ingest function.")


def test_without_a_cause_it_is_said_where_to_look(world: World) -> None:
    world.undelivered = {"clean/"}
    assert ": Firehose logged no error in stream-log, so look at" in problem(world)


@pytest.mark.parametrize("text", [entry("The caller is +15550100100."), entry(""), json.dumps({"errorCode": 7})])
def test_what_is_no_code_is_not_repeated(world: World, text: Any) -> None:
    world.undelivered = {"clean/"}
    world.logged = [text]
    assert "15550100100" not in problem(world)
