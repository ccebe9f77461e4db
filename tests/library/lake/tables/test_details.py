"""Details records in the tables: of a conversation's sessions the newest record says what they were, whatever was lost.

The figures are held against the books that a contact centre kept, as those of the events are.
"""

import hashlib
import json
import random
from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from genesys_firehose_tools.local.details import detail_records
from tests.library.lake.tables.contact_centre import ContactCentre, midnight
from tests.library.lake.tables.duckdb_lake import DAY, Tables, record
from tests.library.lake.tables.test_oracle import Line, as_books, lines_of, names_of, without_noughts

START, DAYS = "2026-11-20", 3
FIRST, LAST = date.fromisoformat(START), date.fromisoformat(START) + timedelta(days=DAYS + 1)
KNOWN = "2026-11-25T06:00:00.000Z"
Record = dict[str, Any]


def line_of(told: Record, known: str = KNOWN, number: int = 0) -> Line:
    """The line of a details record, as the backfill puts it."""
    topic = f"v2.analytics.conversations.{told['conversationId']}.details"
    text = json.dumps(told, sort_keys=True)
    copy = record(
        number or random.getrandbits(64),
        ingress="backfill",
        event_type="backfill",
        dedup_key=hashlib.sha256(text.encode()).hexdigest(),
        event_time=told["conversationStart"],
        received_at=known,
        topic=topic,
        event={"topicName": topic, "timestamp": known, "eventBody": told},
    )
    return json.dumps(copy), "backfill", told["conversationStart"][:10]


@pytest.fixture(scope="module")
def centre() -> ContactCentre:
    centre = ContactCentre(seed=4, start=midnight(START), days=DAYS)
    centre.converse(300)
    centre.work()
    return centre


@pytest.fixture(scope="module")
def told(centre: ContactCentre) -> list[Record]:
    return detail_records({"topicName": each.topic, "eventBody": each.body} for each in centre.events)


def corrected_later(told: Record) -> Record:
    """The record as it was before the nightly batch: without what its last participant did."""
    return {**told, "participants": told["participants"][:-1]}


@pytest.fixture(scope="module")
def lines(centre: ContactCentre, told: list[Record]) -> list[Line]:
    """Of every second conversation a third of the events, and its record, some in an older version as well."""
    chance = random.Random(2)  # noqa: S311 - repeatable, not secret
    of_records = [each for place, each in enumerate(told) if place % 2]
    lossy = {each["conversationId"] for each in of_records}
    lines = names_of(centre)
    for event in centre.events:
        if event.body.get("conversationId") not in lossy or chance.random() < 0.3:
            lines += lines_of(event, chance.choice([1, 1, 2]), chance)
    for place, each in enumerate(of_records):
        lines.append(line_of(each, number=10**6 + place))
        if place % 3 == 0:
            lines.append(line_of(corrected_later(each), "2026-11-24T06:00:00.000Z", 2 * 10**6 + place))
    chance.shuffle(lines)
    return lines


@pytest.fixture(scope="module")
def tables(lines: list[Line]) -> Tables:
    tables = Tables()
    tables.create_views()
    for batch in (lines[::2], lines[1::2]):
        tables.add_lines(batch)
        for days in range((LAST - FIRST).days + 1):
            tables.merge(FIRST + timedelta(days=days))
    return tables


CONVERSATIONS = (
    "SELECT conversation_id, offered, answered, abandoned, flow_outs, handled, waited_ms, talk_ms, held_ms, "
    "after_call_ms, handled_ms FROM conversations"
)


def test_what_was_lost_of_the_events_is_made_good_by_the_records(tables: Tables, centre: ContactCentre) -> None:
    assert as_books(tables, CONVERSATIONS, keys=1) == without_noughts(dict(centre.books.conversations))


def test_queues_and_agents_in_half_hours_are_as_in_the_books(tables: Tables, centre: ContactCentre) -> None:
    found = as_books(
        tables,
        "SELECT interval_start, queue_id, media_type, offered, answered, abandoned, short_abandoned, flow_outs, "
        "over_target, answered_wait_ms, abandoned_wait_ms, handled, talk_ms, held_ms, after_call_ms, handled_ms "
        "FROM queue_intervals",
        keys=3,
    )
    assert found == without_noughts(dict(centre.books.queues))
    agents = "SELECT interval_start, user_id, * EXCLUDE (day, interval_start, user_id, user_name) FROM agent_intervals"
    assert as_books(tables, agents, keys=2) == without_noughts(dict(centre.books.agents))


def test_wrap_ups_are_as_in_the_books(tables: Tables, centre: ContactCentre) -> None:
    found = dict(tables.rows("SELECT code_name, count(*) FROM wrap_ups GROUP BY 1"))
    assert found == {centre.codes[code]: count for code, count in centre.books.wrap_ups.items()}


def test_records_alone_make_the_same_conversations(told: list[Record], centre: ContactCentre) -> None:
    """History from before the first deployment: there was never an event."""
    tables = Tables()
    tables.add_lines(line_of(each) for each in told)
    tables.merge(FIRST, LAST)
    assert as_books(tables, CONVERSATIONS, keys=1) == without_noughts(dict(centre.books.conversations))
    [(rows,)] = tables.rows("SELECT count(*) FROM conversations")
    assert rows == len(told)


@pytest.mark.parametrize("seed", range(3))
def test_any_order_and_repetition_gives_the_same_tables(tables: Tables, lines: list[Line], seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    other = Tables()
    mixed = [*lines, *chance.sample(lines, len(lines) // 4)]
    chance.shuffle(mixed)
    third = len(mixed) // 3
    for batch in (mixed[:third], mixed[third:]):
        other.add_lines(batch)
        days = [FIRST + timedelta(days=each) for each in range((LAST - FIRST).days + 1)]
        chance.shuffle(days)
        for day in days:
            other.merge(day)
    assert other.content() == tables.content()


def test_a_merge_of_what_is_there_changes_nothing(tables: Tables, lines: list[Line]) -> None:
    tables.add_lines(chosen for chosen in lines if chosen[1] == "backfill")
    assert tables.merge(FIRST, LAST) == 0


# One conversation


def session(number: int, purpose: str, start: str, end: str | None, **metrics: int) -> Record:
    """A participant of one session."""
    segment = {"segmentType": "interact", "segmentStart": start, **({"segmentEnd": end} if end else {})}
    return {
        "participantId": f"p-{number}",
        "purpose": purpose,
        "sessions": [
            {
                "sessionId": f"s-{number}",
                "mediaType": "voice",
                "direction": "inbound",
                "segments": [segment],
                "metrics": [{"name": name, "value": value, "emitDate": start} for name, value in metrics.items()],
            }
        ],
    }


def conversation(*participants: Record, start: str = f"{DAY}T10:00:00.000Z") -> Record:
    return {"conversationId": "c-1", "conversationStart": start, "participants": list(participants)}


def add_event(tables: Tables, kind: str, at: str, number: int, **body: Any) -> None:
    topic = f"v2.detail.events.conversation.c-1.{kind}"
    content = {"conversationId": "c-1", "participantId": f"p-{number}", "sessionId": f"s-{number}", **body}
    day = date.fromisoformat(at[:10])
    tables.add("call", day, topic=topic, event_time=at, event={"topicName": topic, "eventBody": content})


def sessions(tables: Tables) -> list[tuple[Any, ...]]:
    return tables.rows("SELECT day, session_id, talk_ms FROM sessions ORDER BY ALL")


AGENT = session(2, "agent", f"{DAY}T10:01:00Z", f"{DAY}T10:05:00.500Z", tTalkComplete=240_500)


def lake(*lines: Line) -> Tables:
    tables = Tables()
    tables.add_lines(lines)
    return tables


def test_a_session_that_the_newest_record_lacks_is_gone() -> None:
    older, newer = conversation(AGENT, session(3, "agent", f"{DAY}T10:05:00Z", f"{DAY}T10:06:00Z")), conversation(AGENT)
    for order in ([older, newer], [newer, older]):
        tables = Tables()
        for told in order:
            known = "2026-11-24T06:00:00.000Z" if told is older else "2026-11-27T06:00:00.000Z"
            tables.add_lines([line_of(told, known)])
            tables.merge()
        assert sessions(tables) == [(DAY, "s-2", 240_500)]
        [(count,)] = tables.rows("SELECT count(*) FROM events")
        assert count == 2


def test_what_happened_after_all_that_the_record_knows_goes_on_counting() -> None:
    """The conversation was reopened two days later, and nobody has asked for its record since."""
    tables = lake(line_of(conversation(AGENT), f"{DAY}T20:00:00.000Z"))
    add_event(tables, "user.end", f"{DAY}T10:05:01.000Z", 2, interactingDurationMs=7)
    add_event(tables, "user.end", "2026-11-25T09:00:00.000Z", 4, interactingDurationMs=1_000)
    tables.merge(DAY, DAY + timedelta(days=3))
    assert sessions(tables) == [(DAY, "s-2", 240_500), (DAY, "s-4", 1_000)]


def test_a_session_that_goes_on_after_the_record_is_told_by_its_events() -> None:
    open_session = session(2, "agent", f"{DAY}T10:01:00.000Z", None)
    tables = lake(line_of(conversation(open_session), f"{DAY}T20:00:00.000Z"))
    tables.merge()
    assert tables.rows("SELECT session_id, started_at IS NULL, ended_at FROM sessions") == [("s-2", False, None)]
    add_event(tables, "user.start", f"{DAY}T10:01:00.000Z", 2)
    add_event(tables, "user.end", "2026-11-24T09:00:00.000Z", 2, interactingDurationMs=1_000)
    tables.merge(DAY, DAY + timedelta(days=1))
    assert sessions(tables) == [(DAY, "s-2", 1_000)]


def test_a_session_of_a_week_is_not_counted_twice() -> None:
    """It ends where the record's merge does not write: what its events say there stays the only word."""
    late = session(2, "agent", f"{DAY}T10:01:00.000Z", "2026-12-01T09:00:00.000Z", tTalkComplete=5_000)
    tables = lake(line_of(conversation(late), "2026-12-02T00:00:00.000Z"))
    add_event(tables, "user.start", f"{DAY}T10:01:00.000Z", 2)
    add_event(tables, "user.end", "2026-12-01T09:00:00.000Z", 2, interactingDurationMs=5_000)
    for first in (DAY, date(2026, 12, 1), DAY):
        tables.merge(first)
    tables.merge(DAY, date(2026, 12, 1))
    assert sum(talk for _, _, talk in sessions(tables)) == 5_000


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (conversation(), []),
        ({"conversationId": "c-1", "conversationStart": f"{DAY}T10:00:00Z"}, []),
        (conversation({"participantId": "p", "purpose": "agent"}), []),
        (conversation({"participantId": "p", "purpose": "agent", "sessions": [{"sessionId": "s"}]}), [(DAY, "s", 0)]),
        (
            conversation({"purpose": "api", "sessions": [{"sessionId": "s", "metrics": [{}], "segments": [7]}]}),
            [(DAY, "s", 0)],
        ),
        (conversation(session(1, "agent", "soon", "later", tTalkComplete=3)), [(DAY, "s-1", 0)]),
    ],
)
def test_a_record_that_lacks_something_breaks_nothing(told: Record, expected: list[tuple[Any, ...]]) -> None:
    tables = lake(line_of(told))
    tables.merge()
    assert sessions(tables) == expected


def test_purposes_are_those_of_the_participants() -> None:
    purposes = {
        "customer": "customer",
        "external": "customer",
        "agent": "agent",
        "user": "agent",
        "acd": "acd",
        "ivr": "flow",
        "botflow": "flow",
        "voicemail": "voicemail",
        "station": None,
    }
    told = [session(number, each, f"{DAY}T10:00:00Z", f"{DAY}T10:01:00Z") for number, each in enumerate(purposes)]
    tables = lake(line_of(conversation(*told)))
    tables.merge()
    found = dict(tables.rows("SELECT session_id, purpose FROM sessions"))
    assert [found[f"s-{number}"] for number in range(len(purposes))] == list(purposes.values())


def test_of_two_wrap_up_codes_the_newest_counts_whether_or_not_their_times_have_milliseconds() -> None:
    agent = session(2, "agent", f"{DAY}T10:01:00Z", f"{DAY}T10:05:00Z", tTalkComplete=1)
    agent["sessions"][0]["segments"] += [
        {"segmentType": "wrapup", "segmentEnd": f"{DAY}T10:06:00Z", "wrapUpCode": "first"},
        {"segmentType": "wrapup", "segmentEnd": f"{DAY}T10:06:00.500Z", "wrapUpCode": "second"},
    ]
    tables = lake(line_of(conversation(agent)))
    tables.merge()
    moment = datetime.fromisoformat(f"{DAY}T10:06:00.500")
    assert tables.rows("SELECT wrapup_code, wrapup_at FROM sessions") == [("second", moment)]


def test_the_records_are_kept_as_they_are(tables: Tables, told: list[Record]) -> None:
    """And of an event nothing is kept twice."""
    rows = tables.rows("SELECT ingress, details IS NOT NULL, count(*) FROM events GROUP BY ALL")
    assert {(ingress, has_details) for ingress, has_details, _ in rows} == {
        ("backfill", True),
        ("names", False),
        ("webhook", False),
        ("eventbridge", False),
    }
    assert Counter({ingress: count for ingress, _, count in rows})["backfill"] > len(told) // 2
