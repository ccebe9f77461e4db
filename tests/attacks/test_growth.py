"""A sender writes a small event that becomes a large one, to fill the answer that Firehose takes back, or the memory.

What holds: a record has so many tokens and no more, the rest is closed and named. Where an answer is full, the largest
records give way and go to errors/; the others pass. A record that no answer could take is shortened until one can.
"""

import base64
import gzip
import hashlib
import json
import random
import tracemalloc
from typing import Any

import pytest

from tests.attacks.test_forged_pointers import MIB, pointing
from tests.functions.rebuild.test_rebuild_objects import envelope
from tests.in_memory_aws import InMemoryAws
from tests.wired_functions import firehose_batch, transform_function, transformed
from transform.batch import MAX_ANSWER_BYTES
from transform.masking import MAX_TOKENS
from transform.tokens import Tokenizer

HONEST = [
    envelope(number, contact={"phoneNumber": f"+1555010{number:04d}"}, note="x" * 1500) for number in range(1000, 1499)
]
TOKEN_BYTES = 60
CONSTANT = 16_384
CONVERSATION = "0a1b2c3d-0000-4000-8000-000000000001"


def answers(batch: list[bytes]) -> list[dict[str, Any]]:
    answered = transform_function(InMemoryAws()).handle(firehose_batch(batch))["records"]
    assert len(json.dumps(answered)) < 6 * MIB
    made: list[dict[str, Any]] = answered
    return made


def results(batch: list[bytes]) -> list[str]:
    return [answer["result"] for answer in answers(batch)]


@pytest.mark.parametrize("size", [221_000, 900_000])
@pytest.mark.parametrize("place", [0, 250, 499])
def test_numbers_under_a_tokenized_field_cost_no_honest_event_its_place(size: int, place: int) -> None:
    batch = list(HONEST)
    batch.insert(place, envelope(1, ani=[1] * (size // 3)))
    assert results(batch) == ["Ok"] * 500


def grown(event: dict[str, Any]) -> tuple[dict[str, Any], float]:
    """What becomes of an event, and by how much its record grew beyond what any record may."""
    record = envelope(1, **event).replace(b", ", b",").replace(b": ", b":")
    [answer] = answers([record])
    line = base64.b64decode(answer["data"])
    clean: dict[str, Any] = json.loads(line)
    return clean, (len(line) - CONSTANT - MAX_TOKENS * TOKEN_BYTES) / len(record)


MANY = 30_000
GROWING: dict[str, dict[str, Any]] = {
    "numbers under a person": {"ani": [1] * MANY},
    "texts under a person": {"ani": ["a"] * MANY},
    "keys under a person": {"ani": {f"+{number}": None for number in range(MANY)}},
    "lists under a person": {"ani": [[1]] * MANY},
    "persons of many objects": {"participants": [{"ani": "1"}] * MANY},
    "unknown texts": {"unknownField": ["a"] * MANY},
    "unknown texts of many fields": {f"field{number}x": "a" for number in range(999)},
    "identifiers that are none": {"eventBody": {"conversationId": ["@"] * MANY}},
    "a topic of many parts": {"topicName": "@." * MANY},
    "a known topic with a part that is no identifier": {"topicName": "v2.detail.events.conversation.@.acd.end"},
    "unknown fields of long names": {"x" * 64: {"y" * 64: {f"z{'w' * 60}{a}": [{"q": 1}] for a in "abcdefgh" * 9}}},
}


@pytest.mark.parametrize("case", GROWING)
def test_a_record_grows_by_its_tokens_at_most(case: str) -> None:
    clean, growth = grown(GROWING[case])
    assert growth < 4
    assert json.dumps(clean["event"]).count("tok_") <= MAX_TOKENS


def started(ani: Any) -> dict[str, Any]:
    """A conversation's event, all of whose fields are known."""
    body = {"eventTime": 1795342000250, "conversationId": CONVERSATION, "ani": ani}
    return {"topicName": f"v2.detail.events.conversation.{CONVERSATION}.customer.start", "eventBody": body}


NAMED = {
    "numbers under a person": "ani",
    "keys under a person": "ani",
    "persons of many objects": "participants[].ani",
    "unknown texts": "unknownField[]",
}


@pytest.mark.parametrize("case", NAMED)
def test_what_has_no_token_any_more_is_closed_and_named(case: str) -> None:
    clean, _growth = grown(GROWING[case])
    assert NAMED[case] in clean["closed_fields"]
    assert clean["event"]["messageId"] == "1"


def test_an_event_with_as_many_persons_as_may_be_has_a_token_for_each() -> None:
    # The event's own id and type, which this shape does not have, are two more.
    clean, _growth = grown(started(list(range(MAX_TOKENS - 2))))
    assert all(token.startswith("tok_") for token in clean["event"]["eventBody"]["ani"])
    assert "eventBody.ani" not in clean["closed_fields"]


def test_one_person_more_is_closed_and_the_field_is_named() -> None:
    clean, _growth = grown(started(list(range(MAX_TOKENS - 1))))
    assert clean["event"]["eventBody"]["ani"][-1] is None
    assert "eventBody.ani" in clean["closed_fields"]


def test_the_tokens_of_one_event_do_not_count_for_the_next() -> None:
    answered = transform_function(InMemoryAws()).handle(
        firehose_batch([envelope(1, ani=[1] * MANY), envelope(2, ani="+15550100100")])
    )
    assert transformed(answered)[1]["event"]["ani"].startswith("tok_")


@pytest.mark.parametrize("seed", range(3))
def test_where_an_answer_is_full_the_largest_give_way(seed: int) -> None:
    large = [envelope(number, n=[1] * 300_000) for number in range(8)]
    batch = [*HONEST[:400], *large]
    random.Random(seed).shuffle(batch)  # noqa: S311 - repeatable, not secret
    answered = answers(batch)
    for record, answer in zip(batch, answered, strict=True):
        if len(record) < 10_000:
            assert answer["result"] == "Ok"
    failed = sum(answer["result"] == "ProcessingFailed" for answer in answered)
    assert 0 < failed < len(large)
    # No more give way than must.
    assert len(json.dumps(answered)) > MAX_ANSWER_BYTES - 2 * MIB


WAITS = [10**9] * 400_000  # 1e9 in what is sent, 1000000000.0 in clean/
HUGE: dict[str, tuple[dict[str, Any], set[str]]] = {
    "a large field": ({"aMs": WAITS}, {"aMs"}),
    "many fields": ({f"{name}Ms": WAITS[:60_000] for name in "abcdefgh"}, {"aMs", "bMs", "cMs"}),
    "an inner field": ({"eventBody": {"conversationId": CONVERSATION, "aMs": WAITS}}, {"eventBody.aMs"}),
}


@pytest.mark.parametrize("case", HUGE)
def test_a_record_that_no_answer_could_take_reaches_clean_without_its_largest_fields(case: str) -> None:

    sent, closed = HUGE[case]
    event = {"messageId": "1", "eventType": "call.event", **sent}
    content = json.dumps(event, separators=(",", ":")).replace("1000000000", "1e9").encode()
    name = f"raw/oversize/2026/11/23/{1:032x}.json.gz"
    aws = InMemoryAws()
    aws.objects[name] = gzip.compress(content)
    pointer = {"key": name, "length": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    answered = transform_function(aws).handle(firehose_batch([pointing(1, pointer)]))
    assert len(json.dumps(answered)) < 6 * MIB
    [clean] = transformed(answered)
    assert clean["event"]["eventType"] == "call.event"
    assert set(clean["closed_fields"]) == closed
    assert clean["event"].get("eventBody", {}).get("conversationId") in {None, CONVERSATION}


def test_long_texts_that_became_tokens_do_not_stay_in_memory() -> None:
    token = Tokenizer(b"key")
    tracemalloc.start()
    try:
        for number in range(100):
            token(f"{number} " + "x" * 500_000)
        now, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert now < 2 * MIB
