"""No schedule of lost events and faults makes the table `completeness` say that a day is whole which is not."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genesys_firehose_tools.local.details import detail_records
from genesys_firehose_tools.local.genesys.conversations import JOBS_PATH, PERMISSION
from genesys_firehose_tools.local.genesys.faults import Fault
from genesys_firehose_tools.local.stories import tell_day, tell_odd_conversations, without
from genesys_firehose_tools.local.values import GeneratedEvent, Values
from tests.faults.reconciliation import CLIENT, ReconciledLake, Row, reconciled_lake

BEGIN = datetime(2026, 11, 23, tzinfo=UTC)
END = BEGIN + timedelta(days=1)
DAY = BEGIN.date()
NEXT_MORNING, FOURTH_MORNING = END + timedelta(hours=6), BEGIN + timedelta(days=4, hours=6)


@cache
def _told(conversations: int = 8) -> list[GeneratedEvent]:
    """The events of a day's conversations."""
    return tell_day(Values(seed=5, until=END), end=END - timedelta(minutes=1), conversations=conversations).events


@cache
def _odd() -> dict[str, list[GeneratedEvent]]:
    return tell_odd_conversations(Values(seed=6, until=END), midnight=END)


def _conversation(event: GeneratedEvent) -> str:
    return str(event.body.get("eventBody", {}).get("conversationId", ""))


def _conversations(events: list[GeneratedEvent]) -> list[str]:
    return list(dict.fromkeys(filter(None, map(_conversation, events))))


def _of(events: list[GeneratedEvent], *conversations: str) -> list[GeneratedEvent]:
    return [each for each in events if _conversation(each) in conversations]


@pytest.fixture
def lake() -> Iterator[ReconciledLake]:
    with reconciled_lake(NEXT_MORNING) as lake:
        yield lake


def checked(lake: ReconciledLake, moment: datetime = FOURTH_MORNING) -> Row:
    """What a check at a moment finds."""
    lake.now = moment
    run = lake.check(DAY)
    assert not run.error
    row = lake.row(DAY)
    assert row is not None
    return row


# What is found


def test_a_day_is_open_until_corrections_are_in_and_then_complete(lake: ReconciledLake) -> None:
    lake.happen(_told())
    first = checked(lake, NEXT_MORNING)
    assert first == Row("open", 8, 8, 8, None, None, 0, None)
    assert checked(lake) == Row("complete", 8, 8, 8, 0, 0, 0, None)
    assert not lake.gaps(DAY)


def test_what_the_integration_did_not_send_for_an_hour_is_found(lake: ReconciledLake) -> None:
    # An hour in which something happened.
    times = sorted(each.body["eventBody"]["eventTime"] for each in _of(_told(), *_conversations(_told())))
    began = datetime.fromtimestamp(times[len(times) // 2] / 1000, UTC) - timedelta(minutes=30)
    lake.happen(_told(), without(_told(), between=(began, began + timedelta(hours=1))))
    row = checked(lake)
    assert row.state == "gaps"
    lost = lake.lost(DAY)
    assert lake.gaps(DAY) == {
        *((each, "missing") for each in lost),
        *((each, "partial") for each in lake.incomplete(DAY) - lost),
    }
    assert (row.missing, row.partial) == (len(lost), len(lake.incomplete(DAY) - lost))
    assert lake.incomplete(DAY)


def test_a_topic_that_is_missing_leaves_sessions_out(lake: ReconciledLake) -> None:
    events = without(without(_told(), kind="acd.start"), kind="acd.end")
    lake.happen(_told(), events)
    assert checked(lake).partial == 8
    assert lake.gaps(DAY) == {(each, "partial") for each in _conversations(_told())}


def test_a_conversation_of_which_nothing_came_is_missing(lake: ReconciledLake) -> None:
    gone, *rest = _conversations(_told())
    lake.happen(_told(), _of(_told(), *rest))
    assert checked(lake) == Row("gaps", 8, 8, 7, 1, 0, 0, None)
    assert lake.gaps(DAY) == {(gone, "missing")}


def test_a_gap_is_known_on_the_next_day_already(lake: ReconciledLake) -> None:
    lake.happen(_told(), _of(_told(), *_conversations(_told())[1:]))
    row = checked(lake, NEXT_MORNING)
    assert (row.state, row.missing, row.partial) == ("gaps", 1, None)


def test_a_conversation_over_midnight_is_of_the_day_on_which_it_began(lake: ReconciledLake) -> None:
    events = _odd()["over midnight"]
    lake.happen([*_told(), *events], [*_told(), *without(events, between=(BEGIN, END))])
    # Of what was before midnight nothing came, of what was after it all did.
    assert (checked(lake).expected, lake.row(DAY).missing) == (9, 0)  # type: ignore[union-attr]
    assert lake.gaps(DAY) <= {(_conversation(events[0]), "partial")}
    lake.check(END.date())
    assert lake.row(END.date()).listed is None or lake.row(END.date()).expected == 0  # type: ignore[union-attr]


def test_a_conversation_that_was_opened_again_is_expected_with_its_later_sessions(lake: ReconciledLake) -> None:
    events = _odd()["reopened"]
    lake.happen([*_told(), *events], [*_told(), *without(events, between=(END, END + timedelta(days=1)))])
    assert lake.incomplete(DAY) == {_conversation(events[0])}
    assert (checked(lake).missing, checked(lake).partial) == (0, 1)


def test_a_conversation_that_never_ended_is_listed_and_not_expected(lake: ReconciledLake) -> None:
    lake.happen([*_told(), *_odd()["never ended"]], _told())
    row = checked(lake)
    assert (row.state, row.listed, row.expected) == ("complete", 9, 8)


def test_a_late_correction_is_found_at_the_last_check(lake: ReconciledLake) -> None:
    late, *rest = _conversations(_told())
    lake.happen(_of(_told(), *rest))
    corrected = detail_records(each.body for each in _of(_told(), late))
    lake.history.tell(corrected, known_from=BEGIN + timedelta(days=3))
    assert checked(lake, NEXT_MORNING).state == "open"
    assert (checked(lake).state, checked(lake).missing) == ("gaps", 1)


def test_an_event_that_came_days_late_is_not_missing(lake: ReconciledLake) -> None:
    late, *rest = _conversations(_told())
    lake.happen(_told(), _of(_told(), *rest))
    assert checked(lake, NEXT_MORNING).missing == 1
    lake.arrive(_of(_told(), late))
    assert checked(lake).state == "complete"


def test_other_media_and_purposes_are_not_expected(lake: ReconciledLake) -> None:
    lake.happen(_told())
    [record, *_] = lake.history.known()
    session = {"sessionId": "s-1", "mediaType": "cobrowse"}
    extra = [
        {"participantId": "p-1", "purpose": "customer", "sessions": [session]},
        {"participantId": "p-2", "purpose": "ivr", "sessions": [{**session, "mediaType": "voice"}]},
    ]
    lake.history.tell([{**record, "participants": [*record["participants"], *extra]}])
    assert checked(lake).state == "complete"


# What fills it


def test_what_is_backfilled_closes_the_day_and_a_second_backfill_finds_nothing(lake: ReconciledLake) -> None:
    some = [each for number, each in enumerate(_told()) if number % 5]
    gone, *_ = _conversations(_told())
    lake.happen(_told(), [each for each in some if _conversation(each) != gone])
    assert checked(lake).state == "gaps"
    assert lake.backfill(DAY) == len(lake.gaps(DAY))
    assert checked(lake) == Row("complete", 8, 8, 8, 0, 0, 0, None)
    assert lake.backfill(DAY) == 0


def test_a_details_record_of_before_the_reopening_does_not_hide_a_later_session(lake: ReconciledLake) -> None:
    events = _odd()["reopened"]
    before = without(events, between=(END, END + timedelta(days=1)))
    lake.happen(before, [])
    assert checked(lake).missing == 1
    lake.backfill(DAY)
    lake.happen(events, [])
    assert checked(lake).partial == 1


def test_what_is_no_day_gets_into_no_statement(lake: ReconciledLake) -> None:
    for text in ("2026-11-23' OR day <> '", "", "today"):
        run = lake.check(text)  # type: ignore[arg-type]
        assert run.error.startswith("States.QueryEvaluationError")
        assert not run.calls


# What can't be known


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no permission": (
        {"permission": PERMISSION},
        "Genesys Cloud answered 403 .* the OAuth client needs the permission analytics:conversationDetail:view",
    ),
    "a job that fails": ({"next_states": [["PENDING", "FAILED"]]}, "ended the job FAILED"),
    "a job that is cancelled": ({"next_states": [["CANCELLED"]]}, "ended the job CANCELLED"),
    "a job that is forgotten": ({"next_states": [["EXPIRED"]]}, "ended the job EXPIRED"),
    "a job that hangs": ({"next_states": [["QUEUED"]]}, "did not end in 2 hours"),
    "a day that never comes": ({"lag_seconds": 10 * 86_400}, "does not have the whole day yet"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_cannot_be_checked_is_unknown_with_a_reason(lake: ReconciledLake, kind: str) -> None:
    wanted, reason = BAD[kind]
    lake.happen(_told())
    if "permission" in wanted:
        lake.genesys.organization.missing_permissions = {wanted["permission"]}
    else:
        lake.history.control(wanted)
    lake.now = FOURTH_MORNING
    run = lake.check(DAY)
    row = lake.row(DAY)
    assert row is not None
    assert (row.state, row.missing, row.seen) == ("unknown", None, None)
    assert pytest.approx(0) == run.metrics["DaysReconciled"]
    assert "ConversationsMissing" not in run.metrics
    assert re.search(reason, row.reason or "")


def test_a_day_that_genesys_cloud_has_later_is_waited_for(lake: ReconciledLake) -> None:
    lake.happen(_told())
    lake.history.lag = timedelta(hours=15)
    row = checked(lake, NEXT_MORNING)
    assert row.state == "open"
    assert lake.now > END + timedelta(hours=15)


def test_an_organization_that_deletes_data_is_not_complete(lake: ReconciledLake) -> None:
    gone, *rest = _conversations(_told())
    # What is deleted never came.
    lake.happen(_told(), _of(_told(), *rest))
    assert checked(lake, NEXT_MORNING).missing == 1
    lake.history.deleted = {gone}
    row = checked(lake)
    assert (row.state, row.listed, row.missing) == ("unknown", 8, None)
    assert "lists fewer conversations than at an earlier check" in (row.reason or "")


def test_a_client_that_sees_fewer_divisions_than_the_lake_has_is_not_complete(lake: ReconciledLake) -> None:
    lake.happen(_told())
    hidden, *_ = lake.history.known()
    lake.history.tell([{**hidden, "divisionIds": ["hidden"]}])
    division = lake.history.known()[1]["divisionIds"][0]
    lake.history.divisions_of = {CLIENT.client_id: {division}}
    row = checked(lake)
    assert (row.state, row.unlisted, row.missing) == ("unknown", 1, None)
    assert "the OAuth client does not see all divisions" in (row.reason or "")


def test_jobs_that_find_fewer_near_the_watermark_are_repeated_until_two_agree(lake: ReconciledLake) -> None:
    lake.happen(_told())
    lake.history.settling, lake.history.withheld = timedelta(days=3), [3, 1]
    row = checked(lake, NEXT_MORNING)
    assert (row.state, row.listed) == ("open", 8)


def test_jobs_that_never_agree_are_no_result(lake: ReconciledLake) -> None:
    lake.happen(_told())
    lake.history.settling, lake.history.withheld = timedelta(days=9), [1, 2, 3, 4, 5, 6]
    row = checked(lake, NEXT_MORNING)
    assert (row.state, row.reason) == ("unknown", "No two of 6 jobs in a row listed the same conversations.")


# Faults


def _plant(lake: ReconciledLake) -> None:
    """A conversation of which nothing came, one of which a session did not, and a correction."""
    gone, partial, late, *rest = _conversations(_told())
    lake.happen(
        _of(_told(), gone, partial, *rest),
        [*_of(_told(), *rest), *without(_of(_told(), partial), kind="customer.start")[1:]],
    )
    lake.history.tell(
        detail_records(each.body for each in _of(_told(), late)), known_from=BEGIN + timedelta(days=2, hours=12)
    )


def _violation(lake: ReconciledLake) -> str:
    """How the table says more than is true; empty where it does not."""
    row = lake.row(DAY)
    if row is None:
        return ""
    if row.says_whole and lake.lost(DAY):
        return f"{row} although {len(lake.lost(DAY))} are lost"
    if row.state == "complete" and lake.incomplete(DAY):
        return f"{row} although {len(lake.incomplete(DAY))} are not whole"
    return ""


KINDS = ("once", pytest.param("once, after its effect", marks=pytest.mark.soak), "from now on")


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_at_any_call_of_the_machine_never_gives_a_false_complete(lake: ReconciledLake, kind: str) -> None:
    _plant(lake)
    lake.now = FOURTH_MORNING
    calls = lake.check(DAY).calls
    assert lake.gaps(DAY)
    states = set()
    for struck, name in enumerate(calls):
        for table in ("completeness", "missing_conversations"):
            lake.tables.connection.execute(f"DELETE FROM {table}")  # noqa: S608
        lake.now = FOURTH_MORNING

        def strikes(number: int, call: str, struck: int = struck, name: str = name) -> bool:
            return call == name and number >= struck if kind == "from now on" else number == struck

        if kind == "once, after its effect":
            lake.check(DAY, strike_after=strikes)
        else:
            lake.check(DAY, strike=strikes)
        assert not _violation(lake), (struck, name)
        row = lake.row(DAY)
        states.add(None if row is None else row.state)
    # A run without a fault then finds what there is.
    assert checked(lake).state == "gaps"
    assert states == ({"gaps"} if kind != "from now on" else {"gaps", "unknown", None})


ANSWERS = (
    Fault(status=0),
    *(
        pytest.param(fault, marks=pytest.mark.soak)
        for fault in (
            Fault(status=403, times=99),
            Fault(status=429, retry_after=5),
            Fault(status=500),
            Fault(status=500, after_effect=True),
            Fault(status=500, times=999),
        )
    ),
)


@pytest.mark.parametrize("fault", ANSWERS)
def test_a_fault_at_any_request_to_genesys_cloud_never_gives_a_false_complete(
    lake: ReconciledLake, fault: Fault
) -> None:
    _plant(lake)
    faults = lake.genesys.faults
    lake.now = FOURTH_MORNING
    faults.set([])
    lake.check(DAY)
    requests = faults._requests
    assert requests >= 10
    for number in range(requests):
        lake.tables.connection.execute("DELETE FROM completeness")
        lake.now = FOURTH_MORNING
        faults.set([replace(fault, request=number if fault.times == 1 else None, path="" if number % 2 else JOBS_PATH)])
        run = lake.check(DAY)
        assert not run.error
        assert not _violation(lake), number
        assert lake.row(DAY).state in ("gaps", "unknown")  # type: ignore[union-attr]
    faults.set([])
    assert checked(lake).state == "gaps"


# The property


@st.composite
def _schedules(draw: st.DrawFn) -> dict[str, Any]:
    conversations = _conversations(_told())
    return {
        "lost": draw(st.sets(st.integers(0, len(_told()) - 1), max_size=6)),
        "gone": draw(st.sets(st.sampled_from(conversations), max_size=2)),
        "late": draw(st.sets(st.sampled_from(conversations), max_size=2)),
        "odd": draw(st.sets(st.sampled_from(sorted(_odd())), max_size=2)),
        "withheld": draw(st.lists(st.integers(0, 3), max_size=4)),
        "next_states": draw(
            st.lists(st.sampled_from([["FULFILLED"], ["QUEUED", "FULFILLED"], ["FAILED"], ["EXPIRED"]]), max_size=2)
        ),
        "statuses": draw(st.lists(st.tuples(st.integers(0, 12), st.sampled_from([0, 403, 429, 500])), max_size=2)),
        "struck": draw(st.sets(st.integers(0, 17), max_size=2)),
        "after": draw(st.booleans()),
        "deleted": draw(st.sets(st.sampled_from(conversations), max_size=1)),
    }


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(_schedules())
def test_where_the_table_says_that_nothing_is_missing_every_ended_conversation_is_in_the_tables(
    schedule: dict[str, Any],
) -> None:
    _hold(schedule)


@pytest.mark.soak
@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(_schedules())
def test_the_same_of_many_more_schedules(schedule: dict[str, Any]) -> None:
    _hold(schedule)


def _hold(schedule: dict[str, Any]) -> None:
    def strikes(number: int, _call: str) -> bool:
        return number in schedule["struck"]

    with reconciled_lake(NEXT_MORNING) as lake:
        events = [*_told(), *(each for kind in sorted(schedule["odd"]) for each in _odd()[kind])]
        known = [each for each in events if _conversation(each) not in schedule["late"]]
        arriving = [
            each
            for number, each in enumerate(events)
            if number not in schedule["lost"] and _conversation(each) not in schedule["gone"]
        ]
        lake.happen(known, arriving)
        late = detail_records(each.body for each in _of(events, *schedule["late"]))
        lake.history.tell(late, known_from=BEGIN + timedelta(days=2, hours=12))
        lake.history.settling = timedelta(days=2)
        for moment in (NEXT_MORNING, FOURTH_MORNING):
            lake.now = moment
            lake.history.withheld = list(schedule["withheld"])
            lake.history.next_states = [list(each) for each in schedule["next_states"]]
            lake.genesys.faults.set(
                [
                    Fault(status=status, request=request, retry_after=1 if status == 429 else None)
                    for request, status in schedule["statuses"]
                ]
            )
            lake.check(DAY, **{"strike_after" if schedule["after"] else "strike": strikes})
            assert not _violation(lake)
            lake.history.deleted = schedule["deleted"]
        # Without a fault the last check says what there is, unless something is in doubt.
        lake.genesys.faults.set([])
        lake.history.withheld, lake.history.next_states = [], []
        row = checked(lake)
        assert not _violation(lake)
        if row.state == "complete":
            assert not lake.incomplete(DAY)
        if row.state == "gaps":
            assert lake.incomplete(DAY)
