"""A person's records are found by a value, in whatever spelling, and nothing of the person comes back."""

import gzip
import io
import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from typing import Any

import pytest

from genesys_firehose_tools.operations.find_person import Finding, FindPerson, Source
from tests.in_memory_aws import InMemoryAws
from tests.wired_functions import firehose_batch, ingest_function, post, transform_function, transformed

SOURCE = Source(bucket="lake", tokenization_secret="arn:aws:secretsmanager:eu-west-1:111122223333:secret:tokens")
DAY = date(2026, 11, 23)
NUMBER = "tel:+15550109876"


class FakeAws:
    """Objects under clean/, and the tokenization key of the in-memory AWS."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects

    def client(self, _service_name: str) -> "FakeAws":
        return self

    def get_secret_value(self, *, SecretId: str) -> dict[str, str]:  # noqa: N803
        assert SecretId == SOURCE.tokenization_secret
        return {"SecretString": "the-key"}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        assert Bucket == "lake"
        return {"Body": io.BytesIO(self.objects[Key]), "VersionId": f"version of {Key}"}

    def get_paginator(self, _operation: str) -> "FakeAws":
        return self

    def paginate(self, *, Bucket: str, Prefix: str, Delimiter: str = "") -> Iterator[dict[str, Any]]:  # noqa: N803
        assert Bucket == "lake"
        keys = [key for key in self.objects if key.startswith(Prefix)]
        if Delimiter:
            prefixes = sorted({"/".join(key.split("/")[:2]) + "/" for key in keys})
            yield {"CommonPrefixes": [{"Prefix": prefix} for prefix in prefixes]}
        else:
            yield {"Contents": [{"Key": key} for key in keys]}


@pytest.fixture
def records() -> list[dict[str, Any]]:
    """What both functions make of two events of one person and one of another."""
    aws = InMemoryAws()
    events = [
        {"messageId": "1", "eventType": "call.event", "contact": {"phoneNumber": NUMBER}},
        {"messageId": "2", "eventType": "call.event", "contact": {"phoneNumber": "+1 555 999 0000"}},
        {"messageId": "3", "eventType": "chat.event", "contact": {"phoneNumber": 15550109876, "mobile": NUMBER}},
    ]
    assert post(ingest_function(aws), events) == 200
    return transformed(transform_function(aws).handle(firehose_batch(aws.in_stream)))


@pytest.fixture
def search(records: list[dict[str, Any]]) -> FindPerson:
    one, other, two = (json.dumps(record).encode() + b"\n" for record in records)
    return FindPerson(
        FakeAws(
            {
                f"clean/event_type=call/date={DAY}/a.json.gz": gzip.compress(other + one),
                f"clean/event_type=chat/date={DAY}/b.json": two,
                "clean/event_type=call/date=2026-11-24/c.json.gz": gzip.compress(one),
            }
        ),
        SOURCE,
    )


@pytest.mark.parametrize("value", [NUMBER, "+1 (555) 010-9876", "15550109876", "sip:+15550109876@carrier.example"])
def test_records_are_found_by_any_spelling_of_a_number(
    search: FindPerson, records: list[dict[str, Any]], value: str
) -> None:
    found = list(search.find(search.tokens([value]), DAY, DAY))
    one, _, two = records
    received = one["received_at"]
    assert found == [
        Finding(
            key=f"clean/event_type={event_type}/date={DAY}/{name}",
            version_id=f"version of clean/event_type={event_type}/date={DAY}/{name}",
            line=line,
            ingest_id=record["ingest_id"],
            raw_prefix=f"raw/{received[:4]}/{received[5:7]}/{received[8:10]}/{received[11:13]}/",
            fields=fields,
        )
        for event_type, name, line, record, fields in (("call", "a.json.gz", 2, one, 1), ("chat", "b.json", 1, two, 2))
    ]


def test_a_range_of_days_is_searched(search: FindPerson) -> None:
    assert len(list(search.find(search.tokens([NUMBER]), DAY, date(2026, 11, 24)))) == 3
    assert list(search.find(search.tokens([NUMBER]), date(2026, 11, 1), date(2026, 11, 2))) == []


def test_nobody_is_found_by_a_value_that_is_nobodys(search: FindPerson) -> None:
    assert list(search.find(search.tokens(["+1 555 000 0000"]), DAY, DAY)) == []


def test_blank_lines_are_no_values(search: FindPerson) -> None:
    assert search.tokens(["", "  "]) == set()


def test_what_is_found_holds_neither_value_nor_token(search: FindPerson) -> None:
    tokens = search.tokens([NUMBER])
    text = json.dumps([asdict(finding) for finding in search.find(tokens, DAY, DAY)])
    assert not any(token in text for token in tokens)
    assert "5550109876" not in text
