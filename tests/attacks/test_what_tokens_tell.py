"""What a token tells apart, and what stands beside it."""

import itertools
import json
from typing import Any

import pytest

from tests.in_memory_aws import InMemoryAws
from tests.wired_functions import firehose_batch, ingest_function, post, transform_function, transformed

# No two of them are one value, though some have the same digits.
DIFFERENT = [
    *(10.50, 105.0, 1050, 0.105, -105, -10.5, 100, -100, 1e22, -1e22),
    *("10.50", "105.00", "1050.0", "-100", "-5550100", "5550100", "5550100.5", "55501005", "5 550 100.5", "555 010.05"),
    *("10.0.0.1/24", "10.0.0.12/4", "10.0.0.124", "1000124", "10000124"),
]


def clean(event: dict[str, Any]) -> dict[str, Any]:
    aws = InMemoryAws()
    assert post(ingest_function(aws), {"messageId": "1", **event}) == 200
    [record] = transformed(transform_function(aws).handle(firehose_batch(aws.in_stream)))
    masked: dict[str, Any] = record["event"]
    return masked


def test_numbers_that_differ_have_tokens_that_differ() -> None:
    tokens = clean({"customerName": DIFFERENT})["customerName"]
    assert all(token.startswith("tok_") for token in tokens)
    # 10.50 and "10.50" are one number only to whoever knows that the text is one.
    by_token = sorted(zip(tokens, map(str, DIFFERENT), strict=True))
    same = [{text for _, text in group} for _, group in itertools.groupby(by_token, key=lambda pair: pair[0])]
    assert [texts for texts in same if len(texts) > 1] == []


@pytest.mark.parametrize(
    "spelling", ["+1 (555) 010-0100", "1.555.010.0100", "tel:+15550100100", 15550100100, 15550100100.0]
)
def test_the_spellings_of_a_telephone_number_stay_one(spelling: Any) -> None:
    assert clean({"customerName": spelling}) == clean({"customerName": "+15550100100"})


@pytest.mark.parametrize("name", ["customerName", "phoneNumber"])
def test_no_key_inside_what_is_tokenized_says_who_it_is(name: str) -> None:
    planted = {"Achterberg": {"Rosalinde": 1, "phoneNumber": "+15550100100"}, "+15550100100": [{"Anna_B": None}]}
    masked = clean({name: planted})[name]
    text = json.dumps(masked)
    assert [word for word in ("Achterberg", "Rosalinde", "Anna_B", "15550100100") if word in text] == []
    # What every event calls so tells nobody apart.
    assert "phoneNumber" in text
