"""The backfill: every conversation of a day through the normal path, once, resumable, and nothing of it in a log."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from genesys.client import GenesysClient
from genesys.conversation_jobs import PERMISSION
from genesys_backfill.function import (
    BYTES_A_SECOND,
    WORK_SECONDS,
    BackfillError,
    BackfillHandler,
    BackfillInterruptedError,
)
from genesys_backfill.records import record_of
from genesys_backfill.settings import BackfillSettings
from genesys_firehose_tools.local.details import detail_records
from genesys_firehose_tools.local.genesys.conversations import JOBS_PATH, ConversationHistory
from genesys_firehose_tools.local.genesys.faults import Fault
from genesys_firehose_tools.local.genesys.server import LocalGenesys
from genesys_firehose_tools.local.stories import tell_day
from genesys_firehose_tools.local.values import GeneratedEvent, Values, find_personal_values, personal_values
from tests.functions.genesys.conftest import Aws, MakeClient, Time
from tests.functions.observing import lines_of, metrics_of
from tests.in_memory_aws import Fault as AwsFault
from tests.in_memory_aws import InMemoryAws
from tests.wired_functions import firehose_batch, transform_function, transformed

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
DAY = "2026-11-26"
NEXT = "2026-11-27"
LONG_AGO = "2025-10-26"  # 400 days before


def _told(day: str, seed: int) -> list[GeneratedEvent]:
    end = datetime.fromisoformat(day).replace(hour=23, tzinfo=UTC)
    return tell_day(Values(seed=seed, until=end), end=end, conversations=8).events


@pytest.fixture(scope="module")
def events() -> list[GeneratedEvent]:
    return [*_told(DAY, 1), *_told(NEXT, 2), *_told(LONG_AGO, 3)]


@pytest.fixture(scope="module")
def told(events: list[GeneratedEvent]) -> list[dict[str, Any]]:
    return detail_records(event.body for event in events)


@pytest.fixture(autouse=True)
def history(genesys: LocalGenesys, told: list[dict[str, Any]]) -> ConversationHistory:
    history = genesys.organization.conversations
    history.now = lambda: NOW
    history.tell(told)
    return history


@pytest.fixture
def lake() -> InMemoryAws:
    return InMemoryAws()


GoOn = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture
def handler(aws: Aws, lake: InMemoryAws, make_client: MakeClient, time: Time) -> BackfillHandler:
    def connect(_host: str, credentials: Any, deadline: Any) -> GenesysClient:
        return make_client(seconds=deadline.seconds_left(), credentials=credentials)

    def client(service: str) -> Any:
        return aws if service == "secretsmanager" else lake.client(service)

    settings = BackfillSettings.from_environment(
        {
            "GENESYS_HOST": "mypurecloud.com",
            "CREDENTIALS_SECRET_ARN": "credentials",
            "STREAM_NAMES": "stream",
            "BUCKET_NAME": "lake",
            "RAW_KEY_ARN": "arn:aws:kms:eu-central-1:111122223333:key/raw",
            "PAUSE_SECONDS": "14",
        }
    )
    return BackfillHandler(settings, client, connect, lambda: NOW + timedelta(seconds=time.now), time, time.sleep)


@pytest.fixture
def go_on(handler: BackfillHandler, time: Time) -> GoOn:
    """Go on as the state machine does, until it is done; between two calls nothing passes but JSON."""

    def go_on(state: dict[str, Any]) -> dict[str, Any]:
        for _ in range(100):
            state = json.loads(json.dumps(handler.go_on(state)))
            if state["done"]:
                return state
            time.sleep(state["wait"])
        raise AssertionError("It does not end.")

    return go_on


def put(lake: InMemoryAws) -> list[dict[str, Any]]:
    """The envelopes that Firehose has."""
    return [json.loads(record) for record in lake.in_stream]


def ids(told: list[dict[str, Any]], *days: str) -> list[str]:
    return [each["conversationId"] for each in told if each["conversationStart"][:10] in days]


def test_every_conversation_of_the_days_is_put_once_and_no_other(
    go_on: GoOn, lake: InMemoryAws, told: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    end = go_on({"from": DAY, "to": NEXT})
    assert [each["event"]["eventBody"]["conversationId"] for each in put(lake)] == ids(told, DAY, NEXT)
    assert (end["found"], end["put"], end["from"], end["to"]) == (16, 16, DAY, NEXT)
    assert not end.keys() & {"job", "cursor", "since"}
    assert end["wait"] == 14
    assert metrics_of(capsys.readouterr().out) == {"ConversationsBackfilled": 16, "DaysBackfilled": 2}


def test_a_record_is_the_whole_of_what_genesys_cloud_told(
    go_on: GoOn, lake: InMemoryAws, told: list[dict[str, Any]]
) -> None:
    go_on({"from": DAY, "to": DAY})
    [first, *_] = put(lake)
    of_it = next(each for each in told if each["conversationStart"][:10] == DAY)
    topic = f"v2.analytics.conversations.{of_it['conversationId']}.details"
    assert first["event"] == {"topicName": topic, "timestamp": "2026-11-30T06:00:00.000Z", "eventBody": of_it}
    assert (first["ingress"], first["event_type"], first["topic"]) == ("backfill", "backfill", topic)
    assert first["event_time"] == of_it["conversationStart"]


def clean(records: list[bytes], aws: InMemoryAws | None = None) -> list[tuple[dict[str, str], dict[str, Any]]]:
    """What becomes of records in clean/: each one's partition and content."""
    answer = transform_function(aws or InMemoryAws()).handle(firehose_batch(records))
    assert {each["result"] for each in answer["records"]} <= {"Ok", "Dropped"}
    partitions = [each["metadata"]["partitionKeys"] for each in answer["records"] if each["result"] == "Ok"]
    return list(zip(partitions, transformed(answer), strict=True))


def test_400_days_back_it_lies_on_its_own_day_without_drift_and_without_anything_personal(
    go_on: GoOn, lake: InMemoryAws, events: list[GeneratedEvent]
) -> None:
    go_on({"from": LONG_AGO, "to": LONG_AGO})
    found = clean(lake.in_stream)
    assert [partition for partition, _ in found] == [{"event_type": "backfill", "date": LONG_AGO}] * 8
    for _, content in found:
        assert (content["schema_drift"], content["closed_fields"]) == ([], [])
        assert content["event"]["eventBody"]["participants"]
    text = json.dumps([content for _, content in found])
    personal = personal_values(events)
    assert personal & find_personal_values(b"".join(lake.in_stream).decode())
    assert not personal & find_personal_values(text)


def test_a_second_run_puts_copies_that_land_nowhere_and_a_correction_is_another_event(
    go_on: GoOn, lake: InMemoryAws, told: list[dict[str, Any]], history: ConversationHistory
) -> None:
    aws = InMemoryAws()
    go_on({"from": DAY, "to": DAY})
    assert len(clean(lake.in_stream, aws)) == 8
    lake.in_stream.clear()
    [first, *_] = [each for each in told if each["conversationStart"][:10] == DAY]
    history.tell([{**first, "originatingDirection": "outbound"}])
    history.now = lambda: NOW + timedelta(days=1)
    assert go_on({"from": DAY, "to": DAY})["put"] == 8
    [(_, corrected)] = clean(lake.in_stream, aws)
    assert corrected["event"]["eventBody"]["originatingDirection"] == "outbound"


def test_only_the_conversations_that_are_asked_for_are_put(
    go_on: GoOn, lake: InMemoryAws, told: list[dict[str, Any]]
) -> None:
    wanted = ids(told, DAY)[:2]
    end = go_on({"from": DAY, "to": NEXT, "only": {DAY: wanted}})
    assert [each["event"]["eventBody"]["conversationId"] for each in put(lake)] == wanted
    assert (end["found"], end["put"]) == (2, 2)


def test_a_dry_run_counts_and_puts_nothing(go_on: GoOn, lake: InMemoryAws) -> None:
    end = go_on({"from": DAY, "to": NEXT, "dry_run": True})
    assert (end["found"], end["put"], lake.in_stream) == (16, 0, [])


def test_by_schedule_it_is_the_day_so_many_days_ago(go_on: GoOn) -> None:
    end = go_on({"days_ago": 4})
    assert (end["from"], end["to"], end["put"]) == (DAY, DAY, 8)


def test_a_day_of_many_pages_goes_on_where_the_time_was_over(
    handler: BackfillHandler,
    lake: InMemoryAws,
    told: list[dict[str, Any]],
    time: Time,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("genesys.conversation_jobs.PAGE_SIZE", 3)
    put_page = BackfillHandler._put

    def slow(self: BackfillHandler, records: Any) -> None:
        time.sleep(WORK_SECONDS / 2)
        put_page(self, records)

    monkeypatch.setattr(BackfillHandler, "_put", slow)
    state: dict[str, Any] = {"from": DAY, "to": DAY}
    calls = 0
    while not state.get("done"):
        state = handler.go_on(state)
        calls += 1
    assert calls > 1
    assert [each["event"]["eventBody"]["conversationId"] for each in put(lake)] == ids(told, DAY)
    assert state["put"] == 8


@pytest.mark.parametrize("end", ["FAILED", "CANCELLED", "EXPIRED"])
def test_a_job_that_fails_is_started_again_and_given_up_after_the_third(
    go_on: GoOn, history: ConversationHistory, end: str
) -> None:
    history.next_states = [["QUEUED", end], ["PENDING", end]]
    assert go_on({"from": DAY, "to": DAY})["put"] == 8
    history.next_states = [[end]] * 3
    with pytest.raises(BackfillError, match=f"Genesys Cloud's job for {DAY} is {end}, and so were 2 before."):
        go_on({"from": DAY, "to": DAY})


def test_a_job_that_hangs_is_given_up_after_an_hour(go_on: GoOn, history: ConversationHistory, time: Time) -> None:
    history.next_states = [["PENDING"]]
    assert go_on({"from": DAY, "to": DAY})["put"] == 8
    assert 3_600 < time.now < 2 * 3_600
    history.next_states = [["PENDING"]] * 3
    with pytest.raises(BackfillError, match="is not ready after an hour"):
        go_on({"from": DAY, "to": DAY})


def test_results_that_are_gone_are_asked_for_anew(
    go_on: GoOn, lake: InMemoryAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the first job the second page can't be had: its first page is put twice, and lands once."""
    monkeypatch.setattr("genesys.conversation_jobs.PAGE_SIZE", 5)
    results = ConversationHistory.results
    failed: list[str] = []

    def results_once(self: ConversationHistory, job_id: str, query: Any) -> Any:
        if "cursor" in query and not failed:
            failed.append(job_id)
            self._jobs.clear()
        return results(self, job_id, query)

    monkeypatch.setattr(ConversationHistory, "results", results_once)
    end = go_on({"from": DAY, "to": DAY})
    assert (end["found"], end["put"]) == (8, 8)
    assert len(lake.in_stream) == 13
    assert len(clean(lake.in_stream)) == 8


def test_a_day_that_is_not_there_as_a_whole_is_refused(go_on: GoOn) -> None:
    with pytest.raises(BackfillError, match="has data up to 2026-11-30 06:00 UTC: 2026-11-30 is not there as a whole"):
        go_on({"from": "2026-11-29", "to": "2026-11-30"})


def test_without_the_permission_it_is_named(go_on: GoOn, genesys: LocalGenesys) -> None:
    genesys.organization.missing_permissions = {PERMISSION}
    with pytest.raises(BackfillError, match=f"it lacks {PERMISSION}"):
        go_on({"from": DAY, "to": DAY})


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ({"from": "yesterday", "to": DAY}, "from must be a day such as 2026-11-23"),
        ({"from": DAY, "to": 5}, "to must be a day such as 2026-11-23"),
        ({"from": NEXT, "to": DAY}, "to must not be before from"),
    ],
)
def test_days_that_are_none_are_refused(go_on: GoOn, state: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BackfillError, match=sentence):
        go_on(state)


def test_unreadable_credentials_end_it_and_show_nothing(go_on: GoOn, aws: Aws, lake: InMemoryAws) -> None:
    aws.credentials = '{"client_id": "client"}'
    with pytest.raises(BackfillError) as caught:
        go_on({"from": DAY, "to": DAY})
    assert "client_secret" in str(caught.value)
    assert lake.in_stream == []


def test_an_outage_interrupts_it_and_it_goes_on_from_the_same_state(go_on: GoOn, genesys: LocalGenesys) -> None:
    genesys.faults.set([Fault(status=503, path=JOBS_PATH, times=10_000)])
    with pytest.raises(BackfillInterruptedError, match="answered 503"):
        go_on({"from": DAY, "to": DAY})
    genesys.faults.set([])
    assert go_on({"from": DAY, "to": DAY})["put"] == 8


@pytest.mark.parametrize("number", range(8))
@pytest.mark.parametrize("status", [0, 429, 500, 404])
def test_a_fault_at_any_call_loses_no_conversation(
    handler: BackfillHandler, genesys: LocalGenesys, lake: InMemoryAws, number: int, status: int
) -> None:
    genesys.faults.set([Fault(status=status, request=number, after_effect=status == 500)])
    state: dict[str, Any] = {"from": DAY, "to": DAY}
    for _ in range(20):
        try:
            state = handler.go_on(state)
        except BackfillInterruptedError:
            continue  # as the state machine repeats it
        except BackfillError:
            # What is not there where it must be is told, and nothing is called done.
            if status != 404:
                raise
            return
        if state["done"]:
            break
    assert (state["done"], state["put"]) == (True, 8)
    assert len({each["dedup_key"] for each in put(lake)}) == 8


def test_the_rate_limit_is_kept_and_waited_for(go_on: GoOn, genesys: LocalGenesys, time: Time) -> None:
    genesys.organization.limit_rate(3, time)
    assert go_on({"from": DAY, "to": NEXT})["put"] == 16
    assert time.now >= 120


def test_what_firehose_throttles_is_put_again_as_another_copy(go_on: GoOn, lake: InMemoryAws) -> None:
    lake.schedule = dict.fromkeys(range(3), AwsFault.LOST_ANSWER)
    assert go_on({"from": DAY, "to": DAY})["put"] == 8
    assert len({each["ingest_id"] for each in put(lake)}) == len(lake.in_stream) == 32
    assert len(clean(lake.in_stream)) == 8


def test_what_firehose_never_takes_interrupts_it(go_on: GoOn, lake: InMemoryAws) -> None:
    lake.schedule = dict.fromkeys(range(1_000), AwsFault.REFUSED)
    with pytest.raises(BackfillInterruptedError, match="Firehose did not take 8 records"):
        go_on({"from": DAY, "to": DAY})


def test_half_of_a_streams_smallest_quota_is_left_to_the_events_that_happen(
    go_on: GoOn, history: ConversationHistory, lake: InMemoryAws, time: Time
) -> None:
    large = {"segmentType": "x" * 60_000}
    history.tell(
        {
            "conversationId": f"c-{number}",
            "conversationStart": "2024-11-26T10:00:00.000Z",
            "participants": [{"sessions": [{"segments": [large]}]}],
        }
        for number in range(100)
    )
    go_on({"from": "2024-11-26", "to": "2024-11-26"})
    size = sum(map(len, lake.in_stream))
    assert size > 6_000_000
    assert time.now >= size / BYTES_A_SECOND


def test_a_record_above_firehoses_limit_keeps_its_original(
    go_on: GoOn, history: ConversationHistory, lake: InMemoryAws
) -> None:
    participants = [{"participantId": "p", "purpose": "agent", "participantName": "x" * 1_100_000}]
    history.tell(
        [{"conversationId": "c-1", "conversationStart": "2024-11-26T10:00:00.000Z", "participants": participants}]
    )
    go_on({"from": "2024-11-26", "to": "2024-11-26"})
    [envelope] = put(lake)
    assert envelope["event"] == {}
    assert envelope["oversize"]["length"] > 1_100_000
    [(partition, content)] = clean(lake.in_stream, lake)
    assert partition == {"event_type": "backfill", "date": "2024-11-26"}
    assert content["event"]["eventBody"]["participants"][0]["purpose"] == "agent"
    assert content["event"]["eventBody"]["participants"][0]["participantName"].startswith("tok_")


@pytest.mark.parametrize("start", [None, "", "soon", 5])
def test_a_record_without_id_or_start_is_left_out_and_said(start: Any) -> None:
    assert record_of({"conversationId": "c", "conversationStart": start}, NOW, NOW) is None or start == 5
    assert record_of({"conversationStart": "2024-11-26T10:00:00.000Z"}, NOW, NOW) is None


def test_nothing_personal_is_in_a_log(
    go_on: GoOn, events: list[GeneratedEvent], genesys: LocalGenesys, capsys: pytest.CaptureFixture[str]
) -> None:
    genesys.faults.set([Fault(status=500, path=JOBS_PATH, message="Ada Lovelace")])
    go_on({"from": DAY, "to": NEXT})
    output = capsys.readouterr().out
    assert lines_of(output)
    assert not personal_values(events) & find_personal_values(output)
    assert "Ada" not in output
