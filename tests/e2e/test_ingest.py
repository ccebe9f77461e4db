"""What a sender and an analyst see of the deployed pipeline."""

import gzip
import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import urllib3

from genesys_firehose_tools.local.deployment import Deployment
from genesys_firehose_tools.local.events import FAMILIES
from genesys_firehose_tools.local.firehose.faults import Faults
from genesys_firehose_tools.local.soak import set_faults
from genesys_firehose_tools.local.values import GeneratedEvent, find_personal_values
from tests.e2e.conftest import (
    Sender,
    eventually,
    output_of,
    queue_length,
    set_retry_delay,
)

Generate = Callable[[str], GeneratedEvent]


def test_every_family_of_events_lands_masked_in_clean_and_as_it_came_in_raw(sender: Sender, generate: Generate) -> None:
    events = [generate(family) for family in FAMILIES]
    assert sender.post_events(*events) == {"accepted": len(events), "duplicates": 0}

    for event in events:
        [raw] = sender.landings(event, "raw/")
        assert raw["event"] == event.body
        [clean] = sender.landings(event)
        assert clean["ingest_id"] == raw["ingest_id"]
        assert not find_personal_values(json.dumps(clean)) & event.personal
    assert sender.landed("errors/") == []


def test_an_event_lands_in_the_partition_of_its_type_and_its_own_day(sender: Sender, generate: Generate) -> None:
    event = generate("disposition")
    sender.post_events(event)

    assert sender.landings(event)
    [key] = [key for key, lines in sender.lakes["clean/"].objects.items() if event.marker in "".join(lines)]
    assert key.startswith(f"clean/event_type=disposition/date={event.body['callStartTime'][:10]}/")


def test_objects_in_the_lake_are_compressed(sender: Sender, generate: Generate) -> None:
    sender.post_events(generate("call"))

    assert sender.landed()
    for key in sender.lakes["clean/"].objects:
        body = sender.deployment.client("s3").get_object(Bucket=sender.deployment.bucket, Key=key)["Body"].read()
        assert gzip.decompress(body).endswith(b"\n")


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param("0" * 64, id="wrong"),
        pytest.param("", id="empty"),
        pytest.param("nonsense", id="not hexadecimal"),
    ],
)
def test_a_request_with_a_wrong_signature_is_refused_and_nothing_of_it_is_stored(
    sender: Sender, generate: Generate, signature: str
) -> None:
    event = generate("call")
    answer = sender.post(json.dumps(event.body).encode(), signature=signature or " ")

    assert answer.status == 401
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert event.marker not in answer.data.decode()
    assert [line for prefix in sender.lakes for line in sender.landed(prefix)] == []
    assert queue_length(sender.deployment, sender.deployment.queue) == 0


def test_a_signature_made_by_openssl_is_accepted(sender: Sender, generate: Generate, tmp_path: Path) -> None:
    event = generate("chat")
    body = tmp_path / "body.json"
    body.write_text(json.dumps(event.body))
    completed = subprocess.run(
        ["openssl", "dgst", "-sha256", "-hmac", sender.deployment.signing_key().decode(), "-hex", str(body)],
        check=True,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"]},
    )
    signature = completed.stdout.split("= ")[1].strip()

    assert sender.post(body.read_bytes(), signature=signature).status == 200
    assert len(sender.landings(event)) == 1


def test_an_event_that_is_sent_again_lands_once(sender: Sender, generate: Generate) -> None:
    event, other = generate("acd.end"), generate("acd.end")
    sender.post_events(event)
    sender.post_events(other, event)
    sender.post_events(event, event)

    assert len(sender.landings(event)) == 1
    assert len(sender.landings(other)) == 1


def test_the_health_check_answers_while_events_can_be_taken(deployment: Deployment) -> None:
    answer = urllib3.request("GET", deployment.health_url)

    assert (answer.status, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"", 400, id="nothing"),
        pytest.param(b"{", 400, id="not JSON"),
        pytest.param(b'"text"', 400, id="no object"),
        pytest.param(b"[1]", 400, id="an array of something else"),
        pytest.param(b"[]", 400, id="an empty array"),
        pytest.param(b'{"messageId":"\xff"}', 400, id="not UTF-8"),
        pytest.param(b'{"note":"' + b"x" * 4_200_000 + b'"}', 413, id="too large"),
    ],
)
def test_bad_input_is_refused_with_a_problem_and_not_stored(sender: Sender, body: bytes, status: int) -> None:
    answer = sender.post(body)

    assert answer.status == status
    assert answer.json().keys() == {"type", "title", "status", "detail"}
    assert answer.json()["status"] == status
    assert [line for prefix in sender.lakes for line in sender.landed(prefix)] == []


def test_an_event_larger_than_a_firehose_record_lands_with_its_original_beside_it(
    sender: Sender, generate: Generate
) -> None:
    event = generate("transcription")
    event.body["eventBody"]["transcripts"][0]["padding"] = "x" * 1_100_000
    sender.post_events(event)

    assert len(sender.landings(event)) == 1
    landed = sender.landings(event, "raw/")
    [record] = [line for line in landed if "ingest_id" in line]
    [original] = [line for line in landed if "ingest_id" not in line]
    assert len(json.dumps(record)) < 100_000
    assert original == event.body
    assert any(key.startswith("raw/oversize/") for key in sender.lakes["raw/"].objects)


def test_what_firehose_refuses_is_accepted_into_the_queue_and_lands_when_firehose_is_back(
    sender: Sender, generate: Generate
) -> None:
    deployment, event = sender.deployment, generate("email")
    set_faults(deployment, Faults(throttle=1))
    try:
        sender.post_events(event)
        assert queue_length(deployment, deployment.queue) == 1
    finally:
        set_faults(deployment, Faults())

    assert eventually(lambda: queue_length(deployment, deployment.queue) == 0)
    assert len(sender.landings(event)) == 1
    assert queue_length(deployment, deployment.dlq) == 0


def test_an_event_that_fails_many_times_lands_when_firehose_is_back(sender: Sender, generate: Generate) -> None:
    deployment, event = sender.deployment, generate("email")
    set_retry_delay(deployment, 0)
    set_faults(deployment, Faults(throttle=1))
    try:
        sender.post_events(event)
        # Ten tries and more.
        time.sleep(5)
        assert queue_length(deployment, deployment.queue) == 1
        assert queue_length(deployment, deployment.dlq) == 0
    finally:
        set_faults(deployment, Faults())
        set_retry_delay(deployment, 2)

    assert eventually(lambda: queue_length(deployment, deployment.queue) == 0)
    assert len(sender.landings(event)) == 1


def test_an_operator_is_told_more_of_the_health_than_the_api_tells(deployment: Deployment) -> None:
    answer = deployment.client("lambda").invoke(
        FunctionName=output_of(deployment, "IngestFunctionName"), Payload=json.dumps({"operatorView": True})
    )
    view = json.loads(answer["Payload"].read())

    assert (view["status"], view["reason"], view["requests_forged"]) == ("ok", None, 0)
    assert view["signing_key"]["age_days"] == 0


def test_an_event_that_comes_by_eventbridge_through_the_queue_lands(sender: Sender, generate: Generate) -> None:
    deployment, event = sender.deployment, generate("audit")
    envelope = {"version": "0", "id": "1", "detail-type": "v2.audits", "source": "aws.partner/genesys.com"}
    deployment.client("sqs").send_message(
        QueueUrl=deployment.queue, MessageBody=json.dumps({**envelope, "detail": event.body})
    )

    assert eventually(lambda: queue_length(deployment, deployment.queue) == 0)
    [record] = sender.landings(event)
    assert record["ingress"] == "eventbridge"
    assert not find_personal_values(json.dumps(record)) & event.personal
