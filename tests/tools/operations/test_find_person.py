# ruff: noqa: N803, ARG002 - the arguments are AWS's
"""A person's records are found by every spelling of a value, in every version, and nothing of them is told."""

import gzip
import hashlib
import hmac
import io
import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from genesys_firehose_tools.operations.find_person import Findings, PersonSearch, PersonSearchError, Source
from tests.in_memory_aws import InMemoryAws
from tests.wired_functions import firehose_batch, ingest_function, post, transform_function, transformed

SOURCE = Source(bucket="lake", tokenization_secret="tokens")
DAY = date(2026, 11, 23)
NUMBER = "+1 (555) 010-0100"


class Aws:
    """A versioned bucket and a secret with versions, in memory."""

    def __init__(self) -> None:
        self.versions: list[tuple[str, str, bytes]] = []
        self.keys = {"v1": "key-1"}
        self.broken: set[str] = set()
        self.read: list[str] = []

    def put(self, key: str, *lines: bytes | dict[str, Any], packed: bool = True) -> str:
        text = b"".join(line if isinstance(line, bytes) else _compact(line) for line in lines)
        version_id = f"version-{len(self.versions)}"
        self.versions.append((key, version_id, gzip.compress(text) if packed else text))
        return version_id

    def client(self, service_name: str) -> "Aws":
        return self

    def get_paginator(self, operation: str) -> Any:
        aws = self

        class Paginator:
            def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
                assert request["Bucket"] == "lake"
                return getattr(aws, f"_{operation}")(**{k: v for k, v in request.items() if k != "Bucket"})  # type: ignore[no-any-return]

        return Paginator()

    def _list_objects_v2(self, Prefix: str, Delimiter: str) -> Iterator[dict[str, Any]]:
        found = {
            Prefix + key.removeprefix(Prefix).split(Delimiter)[0] + Delimiter
            for key, _, _ in self.versions
            if key.startswith(Prefix)
        }
        yield {}
        yield {"CommonPrefixes": [{"Prefix": prefix} for prefix in sorted(found)]}

    def _list_object_versions(self, Prefix: str) -> Iterator[dict[str, Any]]:
        yield {"DeleteMarkers": [{"Key": f"{Prefix}gone", "VersionId": "marker"}]}
        for key, version_id, _ in self.versions:
            if key.startswith(Prefix):
                yield {"Versions": [{"Key": key, "VersionId": version_id}]}

    def get_object(self, Bucket: str, Key: str, VersionId: str) -> dict[str, Any]:
        self.read.append(Key)
        if VersionId in self.broken:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, "GetObject")
        [content] = [body for key, version_id, body in self.versions if (key, version_id) == (Key, VersionId)]
        return {"Body": io.BytesIO(content)}

    def list_secret_version_ids(self, SecretId: str, IncludeDeprecated: bool, NextToken: str = "") -> dict[str, Any]:
        assert (SecretId, IncludeDeprecated) == ("tokens", True)
        ids = list(self.keys)
        place = int(NextToken or 0)
        following = {"NextToken": str(place + 1)} if place + 1 < len(ids) else {}
        return {"Versions": [{"VersionId": ids[place]}], **following}

    def get_secret_value(self, SecretId: str, VersionId: str) -> dict[str, str]:
        return {"SecretString": self.keys[VersionId]}


def _compact(record: dict[str, Any]) -> bytes:
    """A line as the functions write it."""
    return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def token(value: str, key: str = "key-1") -> str:
    """A token of a value in its normal form, made without the functions' code."""
    key_id = hmac.new(key.encode(), b"the id of a tokenization key", hashlib.sha256).hexdigest()[:8]
    return f"tok_{key_id}_{hmac.new(key.encode(), value.encode(), hashlib.sha256).hexdigest()[:32]}"


def record(number: int, event: Any, received_at: str = "2026-11-23T10:20:30.000Z") -> dict[str, Any]:
    return {
        "ingest_id": f"{number:032x}",
        "received_at": received_at,
        "ingress": "webhook",
        "dedup_key": f"{number:064x}",
        "event": event,
    }


CLEAN = "clean/event_type=call/date=2026-11-23/a.gz"
RAW = "raw/2026/11/23/10/a.gz"
CALLER = {"eventBody": {"ani": token("15550100100")}}
STRANGER = {"eventBody": {"ani": token("15550100101")}}


@pytest.fixture
def aws() -> Aws:
    return Aws()


def search(aws: Aws, *values: str, first: date = DAY, last: date = DAY, **options: Any) -> Findings:
    return PersonSearch(aws, SOURCE).run(values, first, last, **options)


def places(findings: Findings) -> list[tuple[str, str, tuple[int, ...]]]:
    return [(hit.version.key, hit.version.version_id, hit.lines) for hit in findings.hits]


@pytest.mark.parametrize(
    "value",
    [NUMBER, "tel:+15550100100", "sip:+15550100100@carrier.example;user=phone", "15550100100", " +15550100100 "],
)
def test_every_spelling_of_a_number_finds_its_records_and_no_others(aws: Aws, value: str) -> None:
    version = aws.put(CLEAN, record(1, STRANGER), record(2, CALLER), record(3, CALLER))
    findings = search(aws, value, with_raw=False)
    assert places(findings) == [(CLEAN, version, (2, 3))]
    assert findings.hits[0].ingest_ids == (f"{2:032x}", f"{3:032x}")
    assert (findings.records, findings.in_clear, findings.objects) == (2, 0, 1)


def test_what_the_functions_made_of_a_person_is_found_and_of_another_is_not(aws: Aws) -> None:
    in_memory = InMemoryAws()
    aws.keys = {"v1": in_memory.secret_versions["AWSCURRENT"]}
    events = [
        {"messageId": "1", "eventType": "call.event", "contact": {"phoneNumber": "tel:+15550109876"}},
        {"messageId": "2", "eventType": "call.event", "contact": {"phoneNumber": "+1 555 999 0000"}},
        {"messageId": "3", "eventType": "chat.event", "contact": {"phoneNumber": 15550109876}},
    ]
    assert post(ingest_function(in_memory), events) == 200
    records = transformed(transform_function(in_memory).handle(firehose_batch(in_memory.in_stream)))
    aws.put(CLEAN, *records)
    hour = datetime.fromisoformat(records[0]["received_at"])
    raw = f"raw/{hour:%Y/%m/%d/%H}/a.gz"
    aws.put(raw, *in_memory.raw)
    findings = search(aws, "+1 (555) 010-9876")
    assert [(hit.version.key, hit.lines) for hit in findings.hits] == [(CLEAN, (1, 3)), (raw, (1, 3))]
    assert findings.without_original == 0


def test_several_values_of_a_person_are_looked_for_at_once(aws: Aws) -> None:
    aws.put(CLEAN, record(1, {"email": token("ann@example.com")}), record(2, CALLER), record(3, STRANGER))
    assert search(aws, "Ann@Example.com", NUMBER, "", with_raw=False).records == 2


def test_a_token_inside_a_topic_is_found(aws: Aws) -> None:
    aws.put(CLEAN, record(1, {"topicName": f"v2.externalcontacts.contacts.{token('3f1f2a5e')}"}))
    assert search(aws, "3F1F2A5E", with_raw=False).records == 1


@pytest.mark.parametrize(
    ("value", "event"),
    [
        ("Zoë Ärger", {"name": "Zoë Ärger"}),
        (
            "9ed7d9f6-0c59-4360-ac54-40dd35eb9c2f",
            {"topicName": "v2.users.9ed7d9f6-0c59-4360-ac54-40dd35eb9c2f.presence"},
        ),
    ],
)
def test_a_value_that_the_policy_lets_pass_is_found_and_counted(aws: Aws, value: str, event: Any) -> None:
    aws.put(CLEAN, record(1, event), record(2, {"name": f"{value[:-1]}x"}))
    findings = search(aws, value, with_raw=False)
    assert (findings.records, findings.in_clear) == (1, 1)


def test_tokens_of_every_key_that_the_secret_still_has_are_found_and_others_are_told(aws: Aws) -> None:
    aws.keys = {"v1": "key-1", "v2": "key-2"}
    aws.put(CLEAN, *(record(number, {"ani": token("15550100100", f"key-{number}")}) for number in (1, 2, 3)))
    findings = search(aws, NUMBER, with_raw=False)
    assert findings.hits[0].lines == (1, 2)
    assert findings.other_keys == {token("", "key-3").split("_")[1]}


def test_every_version_and_both_layouts_of_the_days_asked_for_are_looked_through(aws: Aws) -> None:
    found = [
        aws.put("clean/event_type=call/date=2026-11-23/a.gz", record(1, CALLER)),
        aws.put("clean/event_type=call/date=2026-11-23/a.gz", record(1, CALLER)),
        aws.put("clean/event_type=chat/date=2026-11-24/a.gz", record(2, CALLER), packed=False),
        aws.put("clean/2026/11/24/a.gz", record(3, CALLER)),
    ]
    aws.put("clean/event_type=call/date=2026-11-22/a.gz", record(4, CALLER))
    aws.put("clean/event_type=call/date=2026-11-25/a.gz", record(5, CALLER))
    findings = search(aws, NUMBER, last=date(2026, 11, 24), with_raw=False)
    assert {hit.version.version_id for hit in findings.hits} == set(found)
    assert (findings.records, findings.objects) == (3, 4)


def test_the_originals_and_their_copies_are_found_around_the_hour_of_arrival(aws: Aws) -> None:
    aws.put(CLEAN, record(1, CALLER), record(2, CALLER, "2026-11-24T00:00:01.000Z"), record(3, CALLER))
    copy = {**record(1, {"ani": NUMBER}), "ingest_id": "f" * 32}
    first = aws.put(RAW, record(9, {"dedup_key": f"{1:064x}"}), record(1, {"ani": NUMBER}), copy)
    second = aws.put("raw/2026/11/23/23/b.gz", record(2, {"ani": NUMBER}))
    aws.put("raw/2026/11/23/14/c.gz", record(3, {"ani": NUMBER}))
    findings = search(aws, NUMBER)
    assert places(findings)[1:] == [(RAW, first, (2, 3)), ("raw/2026/11/23/23/b.gz", second, (1,))]
    assert findings.hits[1].ingest_ids == (f"{1:032x}", "f" * 32)
    assert findings.without_original == 1
    assert "raw/2026/11/23/14/c.gz" not in aws.read


def test_the_original_of_an_oversize_event_is_named_as_a_whole(aws: Aws) -> None:
    original = "raw/oversize/2026/11/23/x.json.gz"
    aws.put(CLEAN, record(1, CALLER))
    aws.put(RAW, {**record(1, {}), "oversize": {"key": original, "length": 1, "sha256": ""}})
    version = aws.put(original, b"{}")
    assert places(search(aws, NUMBER))[-1] == (original, version, ())
    assert original not in aws.read


def test_what_cannot_be_read_is_named_and_the_rest_is_searched(aws: Aws) -> None:
    aws.broken = {aws.put("clean/event_type=call/date=2026-11-23/a.gz", record(1, CALLER))}
    cut = aws.put("clean/event_type=call/date=2026-11-23/b.gz")
    aws.versions[-1] = (*aws.versions[-1][:2], gzip.compress(b"x" * 1000)[:-9])
    aws.put("clean/event_type=call/date=2026-11-23/c.gz", record(3, CALLER))
    findings = search(aws, NUMBER, with_raw=False)
    assert {version.version_id for version in findings.unreadable} == {*aws.broken, cut}
    assert findings.records == 1


def test_hundreds_of_objects_are_all_looked_through(aws: Aws) -> None:
    for number in range(300):
        aws.put(
            f"clean/event_type=call/date=2026-11-23/{number}.gz", record(number, CALLER if number % 3 else STRANGER)
        )
    seen: list[int] = []
    findings = search(aws, NUMBER, with_raw=False, report=seen.append)
    assert (findings.records, findings.objects) == (200, 300)
    assert seen == sorted(seen)
    assert seen[-1] == 300


def test_nothing_of_a_value_token_or_event_is_in_what_is_found(aws: Aws) -> None:
    aws.put(CLEAN, record(1, CALLER), record(2, {"name": NUMBER}))
    aws.put(RAW, record(1, {"ani": NUMBER, "note": "confidential"}))
    findings = search(aws, NUMBER)
    told = repr(findings) + json.dumps([asdict(hit) for hit in findings.hits])
    assert len(findings.hits) == 2
    for secret in (NUMBER, "15550100100", token("15550100100"), "confidential", "key-1"):
        assert secret not in told


@pytest.mark.parametrize(
    ("values", "last", "sentence"),
    [
        ((), DAY, "No value was given: a number, an address or a name is needed."),
        (("", "  "), DAY, "No value was given: a number, an address or a name is needed."),
        ((NUMBER,), date(2026, 11, 22), "The last day, 2026-11-22, is before the first, 2026-11-23."),
    ],
)
def test_a_search_without_a_value_or_a_day_is_refused(
    aws: Aws, values: tuple[str, ...], last: date, sentence: str
) -> None:
    with pytest.raises(PersonSearchError) as refusal:
        search(aws, *values, last=last)
    assert str(refusal.value) == sentence
