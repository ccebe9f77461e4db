"""Every record of a batch is answered once, in order; of an event's copies one passes, and always the same."""

import base64
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.envelope import Ingress, with_new_ingest_id, wrap
from shared.event import describe
from tests.functions.observing import lines_of, metrics_of
from tests.in_memory_aws import Fault, InMemoryAws
from tests.wired_functions import firehose_batch, transform_function, transformed
from transform.function import TransformHandler

ARRIVAL = datetime(2026, 11, 23, 10, tzinfo=UTC)
BROKEN = b"broken"


def copy_of(name: str, size: int = 0, level: int = 0) -> bytes:
    """Another received copy of the event of this name; with another level, another content under the same id."""
    event = {"messageId": f"{name}-1", "eventType": "call.event", "level": level, "padding": [7] * (size // 2)}
    return wrap(json.dumps(event).encode(), describe(event, ("messageId",), ARRIVAL), "webhook", ARRIVAL)


def results(function: TransformHandler, *records: bytes) -> list[str]:
    return [answer["result"] for answer in function.handle(firehose_batch(list(records)))["records"]]


@pytest.fixture
def function(aws: InMemoryAws) -> TransformHandler:
    function = transform_function(aws)
    function.handle(firehose_batch([]))
    aws.calls.clear()
    return function


@given(content=st.lists(st.sampled_from(["a", "b", "c", None]), max_size=12))
def test_every_record_is_answered_once_and_in_order(content: list[str | None]) -> None:
    function = transform_function(InMemoryAws())
    records = [BROKEN if name is None else copy_of(name) for name in content]
    answer = function.handle(firehose_batch(records))
    assert [a["recordId"] for a in answer["records"]] == [f"record-{index}" for index in range(len(records))]
    counted = Counter(a["result"] for a in answer["records"])
    assert counted["ProcessingFailed"] == content.count(None)
    assert counted["Ok"] == len(set(content) - {None})
    assert [event["event"]["messageId"] for event in transformed(answer)] == [
        f"{name}-1" for name in dict.fromkeys(filter(None, content))
    ]


def test_the_first_copy_of_a_batch_wins(function: TransformHandler) -> None:
    first, second = copy_of("a"), copy_of("a")
    answer = function.handle(firehose_batch([first, second]))
    assert [a["result"] for a in answer["records"]] == ["Ok", "Dropped"]
    assert transformed(answer)[0]["ingest_id"] == json.loads(first)["ingest_id"]


def test_what_passes_is_counted_with_its_age_by_the_way_it_came_and_so_is_a_copy(
    function: TransformHandler, capsys: pytest.CaptureFixture[str]
) -> None:
    def received(name: str, ingress: Ingress, age: timedelta) -> bytes:
        event = {"messageId": name, "timestamp": (ARRIVAL - age).isoformat()}
        return wrap(json.dumps(event).encode(), describe(event, ("messageId",), ARRIVAL), ingress, ARRIVAL)

    old, young = timedelta(seconds=5), timedelta(seconds=2)
    records = [received("a", "webhook", young), received("b", "webhook", old), received("c", "eventbridge", young)]
    capsys.readouterr()
    assert results(function, *records, copy_of("d"), copy_of("d"), BROKEN).count("Ok") == 4
    lines = lines_of(capsys.readouterr().out)
    by_ingress = {line["Ingress"]: line for line in lines if "Ingress" in line}
    names = ("RecordsTransformed", "EventAge", "RecordsDuplicate")
    assert [by_ingress["webhook"].get(name) for name in names] == [3, 5000.0, 1]
    assert [by_ingress["eventbridge"].get(name) for name in names] == [1, 2000.0, None]
    for line in by_ingress.values():
        assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["Pipeline"], ["Pipeline", "Ingress"]]


def test_a_later_copy_is_dropped(function: TransformHandler) -> None:
    assert results(function, copy_of("a")) == ["Ok"]
    assert results(function, copy_of("a"), copy_of("b")) == ["Dropped", "Ok"]


def test_the_owner_passes_whenever_it_comes_again(function: TransformHandler) -> None:
    """Firehose tries the transform again, an operator redrives: nothing is dropped because a first attempt died."""
    owner = copy_of("a")
    for _time in range(3):
        assert results(function, owner) == ["Ok"]


def test_the_owner_passes_even_behind_a_duplicate(function: TransformHandler) -> None:
    owner = copy_of("a")
    assert results(function, owner) == ["Ok"]
    assert results(function, copy_of("a"), owner) == ["Dropped", "Ok"]


def test_the_owner_twice_in_a_batch_passes_once(function: TransformHandler) -> None:
    owner = copy_of("a")
    assert results(function, owner, owner) == ["Ok", "Dropped"]


def test_500_events_cost_at_most_26_store_calls(aws: InMemoryAws, function: TransformHandler) -> None:
    records = [copy_of(str(number)) for number in range(500)]
    assert results(function, *records) == ["Ok"] * 500
    assert len(aws.calls) <= 26
    aws.calls.clear()
    assert results(function, *map(with_new_ingest_id, records)) == ["Dropped"] * 500
    assert len(aws.calls) <= 26


def told(answer: dict[str, Any]) -> list[tuple[int, bool]]:
    """The level of each clean record, and whether it is marked as a conflict."""
    return [(record["event"]["level"], record.get("conflict", False)) for record in transformed(answer)]


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_other_content_under_the_same_id_passes_once_marked_and_counted(
    function: TransformHandler, size: int, capsys: pytest.CaptureFixture[str]
) -> None:
    records = [copy_of("a", level=level) for level in (0, 1, 0, 2, 1, 0, 2)]
    answers = [function.handle(firehose_batch(records[start : start + size])) for start in range(0, 7, size)]
    assert [told_of for answer in answers for told_of in told(answer)] == [(0, False), (1, True), (2, True)]
    identities = {record["dedup_key"] for answer in answers for record in transformed(answer)}
    assert len(identities) == 3
    counted = metrics_of(capsys.readouterr().out)
    assert (counted["RecordsConflicting"], counted["RecordsDuplicate"]) == (2, 4)


@pytest.mark.parametrize(
    ("topic", "later", "is_marked"),
    [
        ("v2.detail.events.conversation.c.acd.end", "2026-11-23T09:00:00.900Z", True),
        # Each is in the item of its own second, where nobody looks for the other.
        ("v2.detail.events.conversation.c.acd.end", "2026-11-23T09:00:01Z", False),
        ("v2.audits.entitytype.user", "2026-11-23T09:00:01Z", True),
    ],
)
def test_other_content_is_noticed_within_a_second_of_the_body_s_time_and_of_an_audit_always(
    function: TransformHandler, topic: str, later: str, is_marked: bool
) -> None:
    events = [
        {"messageId": "a", "topicName": topic, "eventBody": {"eventTime": time, "level": level}}
        for level, time in enumerate(["2026-11-23T09:00:00Z", later])
    ]
    records = [
        wrap(json.dumps(event).encode(), describe(event, ("messageId",), ARRIVAL), "webhook", ARRIVAL)
        for event in events
    ]
    records += [with_new_ingest_id(record) for record in records]
    answer = transformed(function.handle(firehose_batch(records)))
    assert [record.get("conflict", False) for record in answer] == [False, is_marked]


def test_a_conflicting_record_passes_whenever_it_comes_again_and_is_marked_each_time(
    function: TransformHandler,
) -> None:
    first, second = copy_of("a"), copy_of("a", level=1)
    for _time in range(3):
        assert told(function.handle(firehose_batch([first, second]))) == [(0, False), (1, True)]


def test_the_same_content_has_the_same_identity_whenever_it_comes_and_whatever_came_before() -> None:
    orders = [[0, 1], [1, 0]]
    identities = []
    for order in orders:
        answer = transform_function(InMemoryAws()).handle(
            firehose_batch([copy_of("a", level=level) for level in order])
        )
        identities.append({record["event"]["level"]: record["dedup_key"] for record in transformed(answer)})
    assert identities[0] == identities[1]


def test_while_the_store_is_down_other_content_under_the_same_id_is_marked_as_far_as_the_batch_tells(
    aws: InMemoryAws, function: TransformHandler
) -> None:
    aws.schedule = {0: Fault.TIMEOUT}
    answer = function.handle(firehose_batch([copy_of("a"), copy_of("a", level=1), copy_of("a", level=1)]))
    assert told(answer) == [(0, False), (1, True)]
    assert [record["deduplicated"] for record in transformed(answer)] == [False, False]
    assert len(aws.calls) == 1


def test_500_events_under_taken_ids_cost_two_rounds_of_calls(aws: InMemoryAws, function: TransformHandler) -> None:
    results(function, *(copy_of(str(number)) for number in range(500)))
    aws.calls.clear()
    assert results(function, *(copy_of(str(number), level=1) for number in range(500))) == ["Ok"] * 500
    assert aws.calls == ["BatchExecuteStatement"] * 20 + ["BatchGetItem"] * 5 + ["BatchExecuteStatement"] * 20


PRESENCE = {"topicName": "v2.users.u-1.presence", "eventBody": {"presenceDefinition": {"id": "p-1"}}}
ON_THE_BUS = {"detail-type": "v2.users.{id}.presence", "time": "2026-11-23T10:00:00Z", "detail": PRESENCE}


def repetition(event: dict[str, Any], hours: float) -> bytes:
    arrival = ARRIVAL + timedelta(hours=hours)
    return wrap(json.dumps(event).encode(), describe(event, ("messageId",), arrival), "webhook", arrival)


@pytest.mark.parametrize("event", [PRESENCE, ON_THE_BUS, {"level": 3}])
def test_an_event_without_id_and_time_that_comes_again_in_another_hour_passes_marked_and_counted(
    function: TransformHandler, event: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    hours = (0, 0.5, 1, 1.5, 30, 0)
    answers = [function.handle(firehose_batch([repetition(event, hour)])) for hour in hours]
    found = [[record.get("repeated", False) for record in transformed(answer)] for answer in answers]
    assert found == [[False], [], [True], [], [True], []]
    assert not any("conflict" in record for answer in answers for record in transformed(answer))
    counted = metrics_of(capsys.readouterr().out)
    assert (counted["RecordsRepeated"], counted["RecordsConflicting"]) == (2, 0)


def test_an_event_with_an_id_or_a_time_is_a_copy_whenever_it_comes_again(function: TransformHandler) -> None:
    for event in ({"messageId": "a"}, {**PRESENCE, "timestamp": "2026-11-23T09:00:00Z"}):
        assert results(function, repetition(event, 0)) == ["Ok"]
        assert results(function, repetition(event, 30)) == ["Dropped"]


@pytest.mark.parametrize("fault", [Fault.TIMEOUT, Fault.THROTTLE, Fault.REFUSED, Fault.LOST_ANSWER])
def test_while_the_store_is_down_events_are_delivered_marked_and_counted(
    aws: InMemoryAws, function: TransformHandler, fault: Fault, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.schedule = {0: fault}
    answer = function.handle(firehose_batch([copy_of("a"), copy_of("b"), copy_of("a")]))
    assert [a["result"] for a in answer["records"]] == ["Ok", "Ok", "Dropped"]
    for record in answer["records"][:2]:
        line = base64.b64decode(record["data"])
        assert line.endswith(b"}\n")
        assert json.loads(line)["deduplicated"] is False
    assert metrics_of(capsys.readouterr().out)["DeduplicationUnavailable"] == 2


def test_only_what_the_store_could_not_tell_is_marked(aws: InMemoryAws, function: TransformHandler) -> None:
    aws.schedule = {0: Fault.PARTIAL}
    answer = function.handle(firehose_batch([copy_of("a"), copy_of("b")]))
    assert ["deduplicated" in event for event in transformed(answer)] == [True, False]


def test_everything_is_counted(function: TransformHandler, capsys: pytest.CaptureFixture[str]) -> None:
    results(function, copy_of("a"), copy_of("a"), copy_of("b"), BROKEN)
    counted = metrics_of(capsys.readouterr().out)
    assert (counted["RecordsTransformed"], counted["RecordsDuplicate"], counted["RecordsFailed"]) == (2, 1, 1)
    assert "DeduplicationUnavailable" not in counted


def test_what_firehose_could_not_take_back_fails_and_passes_when_redriven(function: TransformHandler) -> None:
    # Seven of these are more, as base64, than an answer can hold; the small one behind them still fits.
    records = [copy_of(str(number), 700_000) for number in range(7)] + [copy_of("small")]
    answer = function.handle(firehose_batch(records))
    outcome = [a["result"] for a in answer["records"]]
    assert outcome == ["Ok"] * 6 + ["ProcessingFailed", "Ok"]
    assert len(json.dumps(answer)) <= 6 * 1024 * 1024
    assert results(function, records[6]) == ["Ok"]


def test_an_answer_full_of_small_records_stays_within_lambdas_limit(function: TransformHandler) -> None:
    records = [copy_of(str(number), 1200) for number in range(3400)]
    answer = function.handle(firehose_batch(records))
    assert len(json.dumps(answer)) <= 6 * 1024 * 1024
    assert {"Ok", "ProcessingFailed"} == {a["result"] for a in answer["records"]}


@pytest.mark.parametrize("data", [None, 7, "\u00e4", "A"])
def test_a_record_whose_data_is_not_base64_fails_alone(function: TransformHandler, data: Any) -> None:
    batch = firehose_batch([BROKEN, copy_of("a")])
    batch["records"][0]["data"] = data
    assert [a["result"] for a in function.handle(batch)["records"]] == ["ProcessingFailed", "Ok"]
