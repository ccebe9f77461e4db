"""Rebuilding raw objects: the transform's own records, under names that make it repeatable."""

import base64
import gzip
import hashlib
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from genesys_firehose_cdk.events.masking_policy import Action, FieldRule, MaskingPolicy
from rebuild.function import RebuildHandler
from shared.pointer import MAX_ORIGINAL_BYTES
from tests.in_memory_aws import Crash, Fault, InMemoryAws
from tests.wired_functions import (
    PLAN,
    TRANSFORM_ENVIRONMENT,
    firehose_batch,
    masking_plan,
    transform_function,
    transform_version,
    transformed,
)
from transform.plan import MaskingPlan
from transform.settings import TransformerSettings

RAW_KEY = "raw/2026/11/23/10/stream-1-2026-11-23-10-00-03-0b1c.gz"
FUNCTION_ARN = "arn:aws:lambda:eu-west-1:111122223333:function:rebuild"
RAW_KEY_ARN = "arn:aws:kms:eu-west-1:111122223333:key/raw"
OBJECT = "2026-11-23-10-stream-1-2026-11-23-10-00-03-0b1c.gz"


def envelope(number: int, /, copy: str = "a", **event: Any) -> bytes:
    return (
        json.dumps(
            {
                "ingest_id": f"{copy}{number:031x}",
                "received_at": "2026-11-23T10:00:00.000Z",
                "ingress": "webhook",
                "dedup_key": f"{number:064x}",
                "event_type": "call",
                "event_time": None,
                "topic": None,
                "event": {"messageId": str(number), "eventType": "call.event", **event},
            }
        ).encode()
        + b"\n"
    )


def put_raw(aws: InMemoryAws, *records: bytes, key: str = RAW_KEY) -> None:
    aws.objects[key] = gzip.compress(b"".join(records))


def rebuild(aws: InMemoryAws, plan: MaskingPlan = PLAN, key: str = RAW_KEY) -> int:
    """Rebuild a raw object as the state machine does, and return in how many parts."""
    settings = TransformerSettings.from_environment(TRANSFORM_ENVIRONMENT)
    function = RebuildHandler(settings, plan, RAW_KEY_ARN, aws.client)
    event: dict[str, Any] | None = {"key": key}
    parts = 0
    while event is not None:
        event = function.handle(event, FUNCTION_ARN)
        parts += 1
    return parts


def written(aws: InMemoryAws, prefix: str = "clean/") -> dict[str, list[dict[str, Any]]]:
    """The lines of every object under a prefix, parsed."""
    return {
        key: [json.loads(line) for line in gzip.decompress(content).splitlines()]
        for key, content in aws.objects.items()
        if key.startswith(prefix)
    }


def records(aws: InMemoryAws) -> list[dict[str, Any]]:
    return [record for lines in written(aws).values() for record in lines]


@pytest.fixture
def aws() -> InMemoryAws:
    return InMemoryAws()


def test_a_rebuilt_record_is_what_the_transform_makes_of_it_but_says_that_nobody_checked_it(aws: InMemoryAws) -> None:
    record = envelope(1, contact={"phoneNumber": "+15550100100"})
    put_raw(aws, record)
    rebuild(aws)
    [expected] = transformed(transform_function(aws).handle(firehose_batch([record])))
    assert records(aws) == [{**expected, "deduplicated": False}]


def test_records_go_to_the_partitions_of_their_type_and_day(aws: InMemoryAws) -> None:
    put_raw(
        aws,
        envelope(1, callStartTime="2026-11-22T23:59:00Z"),
        envelope(2, callStartTime="2026-11-23T00:01:00Z"),
        envelope(3, eventType="chat.event", callStartTime="2026-11-23T00:01:00Z"),
    )
    rebuild(aws)
    assert {key: len(lines) for key, lines in written(aws).items()} == {
        f"clean/event_type=call/date=2026-11-22/rebuild-{transform_version(aws)}-{OBJECT}": 1,
        f"clean/event_type=call/date=2026-11-23/rebuild-{transform_version(aws)}-{OBJECT}": 1,
        f"clean/event_type=chat/date=2026-11-23/rebuild-{transform_version(aws)}-{OBJECT}": 1,
    }


def test_a_second_rebuild_changes_nothing(aws: InMemoryAws) -> None:
    put_raw(aws, envelope(1), b"not a record\n")
    rebuild(aws)
    # Not even by the same bytes: under Object Lock that would be one more locked version.
    before = {key: content if key == RAW_KEY else b"untouched" for key, content in aws.objects.items()}
    aws.objects = dict(before)
    rebuild(aws)
    assert aws.objects == before


def test_a_rebuilt_object_tells_nothing_of_when_it_was_made(aws: InMemoryAws) -> None:
    put_raw(aws, envelope(1))
    rebuild(aws)
    [content] = [content for key, content in aws.objects.items() if key.startswith("clean/")]
    assert content[4:8] == bytes(4)  # RFC 1952: the time of the file that was compressed


def test_a_rebuild_with_a_newer_policy_writes_beside_what_is_there(aws: InMemoryAws) -> None:
    put_raw(aws, envelope(1, queue={"name": "Billing"}))
    rebuild(aws)
    rebuild(aws, masking_plan(MaskingPolicy(version=2, fields={"queue": FieldRule(action=Action.DROP)})))
    assert [(record["transform_version"], "queue" in record["event"]) for record in records(aws)] == [
        (transform_version(aws), True),
        (transform_version(aws, policy=2), False),
    ]


@pytest.mark.parametrize("call", range(2, 5))
@pytest.mark.parametrize("fault", [Fault.CRASH_BEFORE, Fault.CRASH_AFTER])
def test_a_rebuild_that_was_stopped_at_any_write_is_completed_by_the_next(fault: Fault, call: int) -> None:
    raw = [envelope(number, callStartTime=f"2026-11-2{number}T10:00:00Z") for number in range(1, 4)]
    undisturbed, stopped = InMemoryAws(), InMemoryAws({call: fault})
    for each in (undisturbed, stopped):
        put_raw(each, *raw)
    rebuild(undisturbed)
    with pytest.raises(Crash):
        rebuild(stopped)
    rebuild(stopped)
    assert stopped.objects == undisturbed.objects


def test_every_copy_is_rebuilt_under_the_identity_of_its_event(aws: InMemoryAws) -> None:
    put_raw(aws, envelope(1, copy="a"), envelope(2), envelope(1, copy="b"))
    rebuild(aws)
    first, other, copy = records(aws)
    assert [record["ingest_id"][0] for record in (first, other, copy)] == ["a", "a", "b"]
    assert first["dedup_key"] == copy["dedup_key"] != other["dedup_key"]


def test_no_key_is_claimed_and_no_owner_asked_for(aws: InMemoryAws) -> None:
    put_raw(aws, envelope(1))
    rebuild(aws)
    assert set(aws.calls) == {"GetSecretValue", "GetObject", "PutObject"}


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"not JSON\n", "the text is not well-formed JSON"),
        (b'{"no": "envelope"}\n', "the envelope's ingest_id is not a string"),
    ],
)
def test_a_bad_record_goes_to_errors_with_its_bytes_and_the_others_pass(
    aws: InMemoryAws, bad: bytes, reason: str
) -> None:
    put_raw(aws, envelope(1), bad, envelope(2))
    rebuild(aws)
    assert len(records(aws)) == 2
    [(key, [line])] = written(aws, "errors/").items()
    assert key == f"errors/rebuild/2026/11/23/rebuild-{transform_version(aws)}-{OBJECT}"
    assert base64.b64decode(line["rawData"]) == bad
    assert line["errorMessage"] == reason
    assert line.keys() == {
        "attemptsMade",
        "arrivalTimestamp",
        "errorCode",
        "errorMessage",
        "attemptEndingTimestamp",
        "rawData",
        "lambdaArn",
    }


def _oversize(key: str) -> bytes:
    pointer = {"key": key, "length": 10, "sha256": key.split("-")[-1].split(".")[0].ljust(64, "0")}
    return json.dumps({**json.loads(envelope(1)), "oversize": pointer}).encode() + b"\n"


def test_what_is_not_masked_is_written_under_the_raw_key_and_what_is_under_the_buckets_own(aws: InMemoryAws) -> None:
    put_raw(aws, envelope(1), b"not a record\n")
    rebuild(aws)
    keys = {upload["Key"].partition("/")[0]: upload.get("SSEKMSKeyId") for upload in aws.uploads}
    assert keys == {"clean": None, "errors": RAW_KEY_ARN}


def test_an_oversize_event_whose_original_is_gone_goes_to_errors(aws: InMemoryAws) -> None:
    put_raw(aws, _oversize(f"raw/oversize/2026/11/23/{1:064x}-{'0' * 16}.json.gz"))
    rebuild(aws)
    [[line]] = written(aws, "errors/").values()
    assert line["errorMessage"] == "the original of the event is gone"


@pytest.mark.parametrize(
    "key", ["\ud800", "raw/2026/11/23/10/x.gz", f"raw/oversize/2026/11/23/{2:064x}-{'0' * 16}.json.gz"]
)
def test_a_record_with_a_broken_pointer_goes_to_errors_and_the_others_are_rebuilt(aws: InMemoryAws, key: str) -> None:
    put_raw(aws, _oversize(key), envelope(2))
    rebuild(aws)
    [[line]] = written(aws, "errors/").values()
    assert line["errorMessage"] == "the pointer to the original is not one"
    assert [len(lines) for lines in written(aws).values()] == [1]


def put_oversize(aws: InMemoryAws, number: int, content: bytes | None = None) -> bytes:
    """Store an original, and return the record that points to it."""
    content = content or json.dumps({"messageId": str(number), "eventType": "call.event"}).encode()
    key = f"raw/oversize/2026/11/23/{number:032x}.json.gz"
    aws.objects[key] = gzip.compress(content)
    pointer = {"key": key, "length": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    return json.dumps({**json.loads(envelope(number)), "oversize": pointer}).encode() + b"\n"


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a part have two originals."""
    monkeypatch.setattr("rebuild.objects.PART_BYTES", 60)


def test_a_part_has_a_minutes_work_of_originals(aws: InMemoryAws) -> None:
    large = b'{"messageId":"1"' + b" " * (MAX_ORIGINAL_BYTES - 17) + b"}"
    put_raw(aws, *(put_oversize(aws, number, large) for number in range(14)))
    assert rebuild(aws) == 2
    assert [len(lines) for lines in written(aws).values()] == [7, 7]


@pytest.mark.usefixtures("small_parts")
def test_a_raw_object_of_many_originals_is_rebuilt_in_parts_each_record_once(aws: InMemoryAws) -> None:
    put_raw(aws, envelope(0), *(put_oversize(aws, number) for number in range(1, 6)), b"not a record\n", envelope(6))
    assert rebuild(aws) == 3
    assert sorted(int(record["event"]["messageId"]) for record in records(aws)) == list(range(7))
    assert len(written(aws, "errors/")) == 1
    name = f"rebuild-{transform_version(aws)}-{OBJECT.removesuffix('.gz')}"
    assert {key.rpartition("/")[2] for key in written(aws)} == {
        f"{name}.gz",
        f"{name}-from-3.gz",
        f"{name}-from-5.gz",
    }


@pytest.mark.usefixtures("small_parts")
def test_originals_that_cant_be_read_count_as_well(aws: InMemoryAws) -> None:
    records = [put_oversize(aws, number) for number in range(5)]
    put_raw(aws, *records)
    for key in [key for key in aws.objects if "oversize" in key]:
        aws.objects[key] = b"no gzip"
    assert rebuild(aws) == 3
    assert sum(map(len, written(aws, "errors/").values())) == 5


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("fault", [Fault.CRASH_BEFORE, Fault.CRASH_AFTER])
def test_a_rebuild_in_parts_that_was_stopped_at_any_call_is_completed_by_the_next(fault: Fault) -> None:
    undisturbed = InMemoryAws()
    raw = [put_oversize(undisturbed, number) for number in range(5)]
    put_raw(undisturbed, *raw)
    before = dict(undisturbed.objects)
    rebuild(undisturbed)
    for call in range(len(undisturbed.calls)):
        stopped = InMemoryAws({call: fault})
        stopped.objects = dict(before)
        stopped.secret_created = undisturbed.secret_created
        with pytest.raises(Crash):
            rebuild(stopped)
        rebuild(stopped)
        assert stopped.objects == undisturbed.objects


def test_an_oversize_event_whose_original_can_not_be_read_now_fails_the_object_with_nothing_written() -> None:
    aws = InMemoryAws({2: Fault.THROTTLE})
    put_raw(aws, envelope(2), _oversize(f"raw/oversize/2026/11/23/{1:064x}-{'0' * 16}.json.gz"))
    with pytest.raises(ClientError):
        rebuild(aws)
    assert not written(aws)
    assert not written(aws, "errors/")


def test_a_damaged_object_fails_with_nothing_written(aws: InMemoryAws) -> None:
    put_raw(aws, envelope(1))
    aws.objects[RAW_KEY] = aws.objects[RAW_KEY][:-9]
    with pytest.raises(EOFError):
        rebuild(aws)
    assert not written(aws)


@pytest.mark.parametrize("key", ["raw/oversize/2026/11/23/x.json.gz", "clean/event_type=call/date=2026-11-23/x.gz"])
def test_only_what_firehose_wrote_under_raw_is_rebuilt(aws: InMemoryAws, key: str) -> None:
    put_raw(aws, envelope(1), key=key)
    with pytest.raises(ValueError, match="the key is not"):
        rebuild(aws, key=key)


def test_log_lines_say_nothing_of_an_event(aws: InMemoryAws, capsys: pytest.CaptureFixture[str]) -> None:
    put_raw(aws, envelope(1, contact={"customerName": "Zoltan"}), b'{"customerName": "Zoltan"}\n')
    rebuild(aws)
    assert "Zoltan" not in capsys.readouterr().out
