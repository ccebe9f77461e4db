"""A reader of clean/ tries to find a masked number by trying all that it may be."""

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.event import content_of, describe, time_in_body
from tests.in_memory_aws import InMemoryAws
from tests.wired_functions import firehose_batch, ingest_function, post, transform_function, transformed
from transform.tokens import identifier

CONVERSATION = "0a1b2c3d-0000-4000-8000-000000000001"
KNOWN, UNKNOWN = "tel:+1555010", "4711"
STARTED = {
    "topicName": f"v2.detail.events.conversation.{CONVERSATION}.customer.start",
    "eventBody": {
        "eventTime": 1795342000250,
        "conversationId": CONVERSATION,
        "mediaType": "VOICE",
        "ani": KNOWN + UNKNOWN,
    },
}


@pytest.fixture
def aws() -> InMemoryAws:
    """A lake into which the event came."""
    aws = InMemoryAws()
    assert post(ingest_function(aws), STARTED) == 200
    return aws


def candidates(masked: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What the event may have been, with each last four digits of the number, by all else that clean/ shows of it."""
    guess = copy.deepcopy(masked)
    for number in range(10_000):
        guess["eventBody"]["ani"] = f"{KNOWN}{number:04d}"
        yield f"{number:04d}", guess


def found_by_trying(masked: dict[str, Any], seen: str) -> set[str]:
    """The endings whose digest is in what was seen: without a key, or with one that is no secret."""
    with_no_key = identifier(b"")
    found = set()
    for ending, guess in candidates(masked):
        key = describe(guess, ("messageId",), datetime.now(UTC)).dedup_key
        content = content_of(guess, time_in_body(guess))
        if any(digest in seen for digest in (key, with_no_key(key), with_no_key(f"{key} {content}"))):
            found.add(ending)
    return found


def remembered(aws: InMemoryAws) -> dict[str, str]:
    """What stands in the items of seconds, each key with the identity that it belongs to."""
    items = [item.items() for item in aws.seconds.values()]
    return {name: value["B"].hex() for item in items for name, value in item if "B" in value}


def clean_record(aws: InMemoryAws) -> dict[str, Any]:
    [record] = transformed(transform_function(aws).handle(firehose_batch(aws.in_stream)))
    return record


def test_nothing_outside_raw_tells_which_of_ten_thousand_numbers_it_was(aws: InMemoryAws) -> None:
    record = clean_record(aws)
    assert record["event"]["eventBody"]["ani"].startswith("tok_")
    seen = json.dumps([record, aws.owners, remembered(aws), list(aws.objects)])
    assert found_by_trying(record["event"], seen) == set()


def test_the_same_attack_on_raw_finds_the_number_so_it_would_find_it_here(aws: InMemoryAws) -> None:
    assert found_by_trying(clean_record(aws)["event"], aws.raw[0].decode()) == {UNKNOWN}


def test_no_object_is_named_after_what_is_in_it() -> None:
    aws = InMemoryAws()
    large = {**STARTED, "padding": "x" * 1_100_000}
    assert post(ingest_function(aws), large) == 200
    [name] = aws.objects
    record = json.loads(aws.raw[0])
    assert record["dedup_key"][:16] not in name
    assert record["oversize"]["sha256"][:16] not in name


def test_nobody_learns_an_identity_by_sending_it_and_reading_its_token(aws: InMemoryAws) -> None:
    """Tokens and identities come of one key; a token's text is what a sender likes."""
    record = clean_record(aws)
    key = json.loads(aws.raw[0])["dedup_key"]
    names = [key, f"identity\0{key}", f"\u00ffidentity\0{key}", f"\udcffidentity\0{key}"]
    names += [f"{name} {content_of(STARTED, time_in_body(STARTED))}" for name in names]
    events = [{"messageId": f"{number}-1", "customerName": name} for number, name in enumerate(names)]
    assert post(ingest_function(aws), events) == 200
    answer = transformed(transform_function(aws).handle(firehose_batch(aws.in_stream[1:])))
    tokens = {sent["event"]["customerName"].rsplit("_", 1)[1] for sent in answer}
    assert len(tokens) == len(names)
    assert not tokens & {record["dedup_key"], *aws.owners, *remembered(aws)}
