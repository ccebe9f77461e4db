"""The jobs for conversations' details are asked for as Genesys Cloud's SDK does, and answered as it would be."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import PureCloudPlatformClientV2 as sdk  # noqa: N813
import pytest
import urllib3

from genesys.client import Deadline, GenesysClient, GenesysError
from genesys.conversation_jobs import FAILED, FULFILLED, PAGE_SIZE, PERMISSION, UNFINISHED, ConversationJobs
from genesys_firehose_tools.local.details import detail_records
from genesys_firehose_tools.local.genesys import conversations, server
from genesys_firehose_tools.local.genesys.conversations import ConversationHistory
from genesys_firehose_tools.local.genesys.faults import Fault
from genesys_firehose_tools.local.genesys.server import LocalGenesys
from genesys_firehose_tools.local.stories import tell_day, tell_odd_conversations
from genesys_firehose_tools.local.values import Values
from tests.functions.genesys.conftest import CREDENTIALS, Time

DAY = datetime(2026, 11, 28, tzinfo=UTC)
NEXT = DAY + timedelta(days=1)
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def told() -> list[dict[str, Any]]:
    """A day's conversations, and the odd ones around its midnight."""
    values = Values(seed=5, until=NEXT)
    odd = tell_odd_conversations(values, midnight=DAY)
    events = [
        *tell_day(values, end=NEXT - timedelta(minutes=1), conversations=30).events,
        *(event for told in odd.values() for event in told),
    ]
    return detail_records(event.body for event in events)


@pytest.fixture(autouse=True)
def history(genesys: LocalGenesys, told: list[dict[str, Any]]) -> ConversationHistory:
    history = genesys.organization.conversations
    history.now = lambda: NOW
    history.tell(told)
    return history


@pytest.fixture
def jobs(client: GenesysClient) -> ConversationJobs:
    return ConversationJobs(client)


def find(jobs: ConversationJobs, begin: datetime = DAY, end: datetime = NEXT) -> list[dict[str, Any]]:
    """The conversations that a job finds."""
    job_id = jobs.start(begin, end)
    while (state := jobs.state(job_id)) != FULFILLED:
        assert state in UNFINISHED
    return [conversation for page in jobs.pages(job_id) for conversation in page]


# Our client


def test_a_job_finds_every_conversation_that_started_on_the_day_and_no_other(
    jobs: ConversationJobs, told: list[dict[str, Any]]
) -> None:
    of_the_day = [each for each in told if each["conversationStart"].startswith("2026-11-28")]
    assert find(jobs) == of_the_day
    assert 0 < len(of_the_day) < len(told)
    assert find(jobs, DAY - timedelta(days=1), DAY) == [each for each in told if each not in of_the_day]


def test_without_the_match_of_starts_a_conversation_over_midnight_is_on_both_days(
    client: GenesysClient, jobs: ConversationJobs
) -> None:
    body = {"interval": f"{DAY:%Y-%m-%dT%H:%M:%SZ}/{NEXT:%Y-%m-%dT%H:%M:%SZ}"}
    job_id = client.call("POST", conversations.JOBS_PATH, body)["jobId"]
    while jobs.state(job_id) != FULFILLED:
        pass
    found = [each["conversationId"] for page in jobs.pages(job_id) for each in page]
    of_the_day = [each["conversationId"] for each in find(jobs)]
    assert set(of_the_day) < set(found)


def test_results_of_many_pages_are_all_read_once(
    jobs: ConversationJobs, history: ConversationHistory, told: list[dict[str, Any]]
) -> None:
    start = "2026-11-28T10:00:00.000Z"
    many = [{**told[0], "conversationId": f"c-{number:05}", "conversationStart": start} for number in range(2_500)]
    history.tell(many)
    found = [each["conversationId"] for each in find(jobs)]
    assert len(found) == len(set(found))
    assert set(found) >= {each["conversationId"] for each in many}
    job_id = jobs.start(DAY, NEXT)
    for _ in UNFINISHED:
        jobs.state(job_id)
    assert [len(page) for page in jobs.pages(job_id)] == [PAGE_SIZE, PAGE_SIZE, len(found) - 2 * PAGE_SIZE]


def test_a_day_without_conversations_has_one_empty_page(jobs: ConversationJobs) -> None:
    assert find(jobs, datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC)) == []


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        (DAY + timedelta(hours=1), NEXT),
        (DAY, NEXT - timedelta(hours=1)),
        (NEXT, DAY),
        (DAY.replace(tzinfo=None), NEXT.replace(tzinfo=None)),
    ],
)
def test_a_job_for_anything_but_whole_days_is_refused(jobs: ConversationJobs, begin: datetime, end: datetime) -> None:
    with pytest.raises(ValueError, match="A job is for whole days in UTC"):
        jobs.start(begin, end)


def test_the_availability_date_lags(jobs: ConversationJobs, history: ConversationHistory) -> None:
    assert jobs.availability() == NOW - history.lag
    history.lag = timedelta(days=2)
    assert find(jobs) == [each for each in history.known() if DAY <= _start(each) < NOW - timedelta(days=2)]


@pytest.mark.parametrize("state", sorted(FAILED))
def test_a_job_can_fail_at_genesys_cloud(jobs: ConversationJobs, history: ConversationHistory, state: str) -> None:
    history.next_states = [["QUEUED", state]]
    job_id = jobs.start(DAY, NEXT)
    assert [jobs.state(job_id) for _ in range(3)] == ["QUEUED", state, state]
    with pytest.raises(GenesysError, match="answered 400"):
        next(jobs.pages(job_id))


def test_near_the_availability_date_a_job_silently_finds_fewer(
    jobs: ConversationJobs, history: ConversationHistory
) -> None:
    all_of_them = find(jobs)
    history.settling, history.withheld = timedelta(days=2), [5, 1, 0]
    assert [len(find(jobs)) for _ in range(3)] == [len(all_of_them) - 5, len(all_of_them) - 1, len(all_of_them)]
    history.settling, history.withheld = timedelta(0), [5]
    assert find(jobs) == all_of_them


def test_a_correction_is_known_from_its_time_on(
    jobs: ConversationJobs, history: ConversationHistory, told: list[dict[str, Any]]
) -> None:
    of_the_day = next(each for each in told if each["conversationStart"].startswith("2026-11-28"))
    corrected = {**of_the_day, "originatingDirection": "outbound"}
    history.tell([corrected], NOW + timedelta(hours=1))
    assert corrected not in find(jobs)
    history.now = lambda: NOW + timedelta(hours=1)
    found = find(jobs)
    assert corrected in found
    assert of_the_day not in found


def test_deleted_conversations_and_other_divisions_are_not_found(
    jobs: ConversationJobs, history: ConversationHistory
) -> None:
    found = find(jobs)
    history.deleted = {found[0]["conversationId"]}
    assert find(jobs) == found[1:]
    history.divisions_of = {CREDENTIALS.client_id: {"another"}}
    assert find(jobs) == []


def test_a_client_without_the_permission_is_refused_everything(jobs: ConversationJobs, genesys: LocalGenesys) -> None:
    genesys.organization.missing_permissions = {PERMISSION}
    with pytest.raises(GenesysError, match=r"answered 403 .*availability"):
        jobs.availability()
    with pytest.raises(GenesysError, match="answered 403"):
        jobs.start(DAY, NEXT)


def test_a_job_is_started_again_after_a_lost_answer_and_a_rate_limit_is_waited_for(
    jobs: ConversationJobs, genesys: LocalGenesys, time: Time
) -> None:
    genesys.faults.set(
        [
            Fault(status=0, method="POST", path=conversations.JOBS_PATH, after_effect=True),
            Fault(status=429, path=conversations.JOBS_PATH, retry_after=7),
        ]
    )
    assert find(jobs) == find(jobs)
    assert 7 in time.pauses


def test_a_cursor_that_leads_to_itself_ends_the_reading() -> None:
    class Looping:
        def call(self, *_: Any, **__: Any) -> dict[str, Any]:
            return {"conversations": [], "cursor": "again"}

    with pytest.raises(GenesysError, match="cursor leads to itself"):
        list(ConversationJobs(Looping()).pages("job"))  # type: ignore[arg-type]


@pytest.mark.parametrize("answer", [None, {}, {"dataAvailabilityDate": "soon"}, {"jobId": 5}])
def test_an_answer_that_lacks_what_it_should_hold_is_an_error(answer: Any) -> None:
    class Silent:
        def call(self, *_: Any, **__: Any) -> Any:
            return answer

    jobs = ConversationJobs(Silent())  # type: ignore[arg-type]
    with pytest.raises(GenesysError, match="the answer holds no dataAvailabilityDate"):
        jobs.availability()
    with pytest.raises(GenesysError, match="the answer holds no jobId"):
        jobs.start(DAY, NEXT)


# The official SDK


@pytest.fixture
def api(genesys: LocalGenesys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The SDK's analytics API, with a token of the local Genesys Cloud."""
    monkeypatch.setenv("HOME", str(tmp_path))
    client = sdk.ApiClient(host=genesys.url)
    return sdk.AnalyticsApi(client.get_client_credentials_token(CREDENTIALS.client_id, CREDENTIALS.client_secret))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, Any]]:
    """The calls that the local Genesys Cloud gets: method, path with its query, and body."""
    seen: list[tuple[str, str, Any]] = []
    call = server._Handler._call

    def record(handler: Any, path: str, body: Any) -> Any:
        seen.append((handler.command, handler.path, body))
        return call(handler, path, body)

    monkeypatch.setattr(server._Handler, "_call", record)
    return seen


def _query() -> Any:
    query = sdk.AsyncConversationQuery()
    query.interval = "2026-11-28T00:00:00.000Z/2026-11-29T00:00:00.000Z"
    query.start_of_day_interval_matching = True
    return query


def _find_by_sdk(api: Any) -> list[str]:
    """Make, through the SDK, every call that our client makes."""
    assert api.get_analytics_conversations_details_jobs_availability().data_availability_date is not None
    job_id = api.post_analytics_conversations_details_jobs(_query()).job_id
    while api.get_analytics_conversations_details_job(job_id).state != FULFILLED:
        pass
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = api.get_analytics_conversations_details_job_results(job_id, page_size=PAGE_SIZE, **cursor)
        found += [each.conversation_id for each in page.conversations]
        if not page.cursor:
            return found
        cursor = {"cursor": page.cursor}


def test_our_client_calls_what_the_sdk_calls_and_finds_the_same(
    api: Any,
    jobs: ConversationJobs,
    calls: list[tuple[str, str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("genesys.conversation_jobs.PAGE_SIZE", 10)
    monkeypatch.setattr("tests.functions.genesys.test_conversation_jobs.PAGE_SIZE", 10)
    jobs.availability()
    ours = [each["conversationId"] for each in find(jobs)]
    our_calls = [_without_ids(call) for call in calls]
    calls.clear()
    assert _find_by_sdk(api) == ours
    assert [_without_ids(call) for call in calls] == our_calls
    assert sum("cursor" in query for _, query, _ in our_calls) > 1


def _without_ids(call: tuple[str, str, Any]) -> tuple[str, str, Any]:
    method, url, body = call
    path, _, query = url.partition("?")
    parts = ["{id}" if len(part) == 36 else part for part in path.split("/")]
    names = sorted(each.partition("=")[0] for each in query.split("&"))
    return method, "/".join(parts) + "?" + "&".join(names), body


def test_every_answer_is_one_of_the_sdks_models(
    client: GenesysClient, jobs: ConversationJobs, history: ConversationHistory
) -> None:
    history.next_states = [["QUEUED", "PENDING", "FAILED"], ["FULFILLED"]]
    failing, fulfilled = jobs.start(DAY, NEXT), jobs.start(DAY, NEXT)
    answers = [
        ("DataAvailabilityResponse", client.call("GET", f"{conversations.JOBS_PATH}/availability")),
        *(("AsyncQueryStatus", client.call("GET", f"{conversations.JOBS_PATH}/{failing}")) for _ in range(3)),
        ("AsyncQueryStatus", client.call("GET", f"{conversations.JOBS_PATH}/{fulfilled}")),
        (
            "AnalyticsConversationAsyncQueryResponse",
            client.call("GET", f"{conversations.JOBS_PATH}/{fulfilled}/results", query={"pageSize": 20}),
        ),
    ]
    for model, answer in answers:
        held = SimpleNamespace(data=json.dumps(answer), getheader=lambda _name: "application/json")
        shown = sdk.ApiClient().sanitize_for_serialization(sdk.ApiClient().deserialize(held, model))
        assert _in_one_form(shown) == _in_one_form(answer)
        assert "outdated_sdk_version" not in json.dumps(shown)


def _in_one_form(value: Any) -> Any:
    """The value with its times in one spelling."""
    if isinstance(value, dict):
        return {name: _in_one_form(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_in_one_form(each) for each in value]
    if isinstance(value, str) and value[4:5] == "-" and value[10:11] == "T":
        return datetime.fromisoformat(value)
    return value


# From outside


def test_what_is_known_of_conversations_is_set_from_outside(
    genesys: LocalGenesys, jobs: ConversationJobs, told: list[dict[str, Any]]
) -> None:
    def control(body: Any) -> tuple[int, Any]:
        answer = urllib3.request("PUT", f"{genesys.url}/_local/conversations", json=body)
        return answer.status, answer.json()

    another = {**told[-1], "conversationId": "another"}
    status, answer = control(
        {
            "conversations": [another],
            "known_from": "2026-11-30T11:00:00Z",
            "deleted": [told[0]["conversationId"]],
            "lag_seconds": 3_600,
            "settling_seconds": 86_400 * 3,
            "withheld": [2],
            "next_states": [["FULFILLED"]],
            "divisions_of": {"other": ["x"]},
        }
    )
    assert (status, answer) == (200, {"dataAvailabilityDate": "2026-11-30T11:00:00.000Z"})
    known = urllib3.request("GET", f"{genesys.url}/_local/conversations").json()
    assert another in known
    assert told[0] not in known
    assert len(find(jobs)) == sum(DAY <= _start(each) < NEXT for each in known) - 2
    assert control({"next_states": [["DONE"]]})[0] == 400
    assert control({"weather": "fine"})[1]["message"] == "There is no weather of conversations."


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"interval": "yesterday"},
        {"interval": "2026-11-29T00:00:00Z/2026-11-28T00:00:00Z"},
        {"interval": "2026-11-28T00:00:00Z/2026-11-29T00:00:00Z", "conversationFilters": []},
    ],
)
def test_a_query_that_cannot_be_is_refused(client: GenesysClient, body: Any) -> None:
    with pytest.raises(GenesysError, match="answered 400"):
        client.call("POST", conversations.JOBS_PATH, body)


@pytest.mark.parametrize("query", [{"pageSize": 0}, {"pageSize": 1_001}, {"cursor": "of another.0"}])
def test_results_of_no_such_page_are_refused(
    client: GenesysClient, jobs: ConversationJobs, history: ConversationHistory, query: dict[str, Any]
) -> None:
    history.next_states = [["FULFILLED"]]
    job_id = jobs.start(DAY, NEXT)
    with pytest.raises(GenesysError, match="answered 400"):
        client.call("GET", f"{conversations.JOBS_PATH}/{job_id}/results", query=query)
    with pytest.raises(GenesysError, match="answered 404"):
        jobs.state("unknown")


def _start(record: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(record["conversationStart"])


def test_the_client_is_given_its_deadline(genesys: LocalGenesys, time: Time, http: urllib3.PoolManager) -> None:
    """A job that hangs takes no longer than the caller has."""
    genesys.faults.set([Fault(status=503, path=conversations.JOBS_PATH, times=10_000)])
    client = GenesysClient(genesys.url, genesys.url, CREDENTIALS, Deadline(30, time), http=http, sleep=time.sleep)
    with pytest.raises(GenesysError, match="answered 503"):
        ConversationJobs(client).availability()
    assert time.now <= 30
