"""A told day is coherent: its figures are those that the saved queries compute from its masked events."""

import itertools
import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from genesys_firehose_tools.local.directory import DIRECTORY
from genesys_firehose_tools.local.stories import Day, tell_day
from genesys_firehose_tools.local.values import Values
from tests.in_memory_aws import InMemoryAws
from tests.library.lake.tables.duckdb_lake import Tables
from tests.library.lake.test_queries import Lake
from tests.wired_functions import (
    METRICS_ENVIRONMENT,
    firehose_batch,
    ingest_function,
    post,
    transform_function,
    transformed,
)

# A day that is over: its events are all of the days that the queries look at.
END = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


@pytest.fixture(scope="module")
def day() -> Day:
    return tell_day(Values(seed=3, until=END), end=END, conversations=90)


@pytest.fixture(scope="module")
def masked(day: Day) -> list[dict[str, Any]]:
    """The day's events, through both functions."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in METRICS_ENVIRONMENT.items():
            patch.setenv(name, value)
        return list(_masked(day))


def _masked(day: Day) -> Iterator[dict[str, Any]]:
    aws = InMemoryAws()
    ingest, transform = ingest_function(aws), transform_function(aws)
    bodies = [event.body for event in day.events]
    for start in range(0, len(bodies), 100):
        assert post(ingest, bodies[start : start + 100]) == 200
    for start in range(0, len(aws.in_stream), 100):
        yield from transformed(transform.handle(firehose_batch(aws.in_stream[start : start + 100])))


def _date_of(record: dict[str, Any]) -> str:
    return str(record["event_time"] or record["received_at"])[:10]


@pytest.fixture(scope="module")
def lake(masked: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake(tmp_path_factory.mktemp("lake"))
    for record in masked:
        fields = {name: value for name, value in record.items() if name != "event_type"}
        lake.add(record["event_type"], date=_date_of(record), key=record["dedup_key"], **fields)
    return lake


@pytest.fixture(scope="module")
def tables(masked: list[dict[str, Any]]) -> Tables:
    tables = Tables()
    tables.create_views()
    tables.add_lines((json.dumps(record), record["event_type"], _date_of(record)) for record in masked)
    tables.merge((END - timedelta(days=1)).date(), END.date())
    return tables


def test_every_event_of_the_day_lands(day: Day, lake: Lake) -> None:
    [(count,)] = lake.view("SELECT count(*) FROM events")
    assert count == len(day.events)


def test_handle_time_is_that_of_the_day(day: Day, lake: Lake) -> None:
    rows = lake.saved("handle_times")
    conversations = sum(row[2] for row in rows)
    total_seconds = sum(row[2] * row[-1] for row in rows)
    handled = [each.handled / 1000 for each in day.conversations if each.agent_id is not None]
    assert conversations == len(handled)
    assert total_seconds == pytest.approx(sum(handled))


def test_the_share_of_abandoned_conversations_is_that_of_the_day(day: Day, lake: Lake) -> None:
    offered: dict[str, int] = defaultdict(int)
    abandoned: dict[str, int] = defaultdict(int)
    for _, queue, all_of_it, of_them, _ in lake.saved("abandon_rate"):
        offered[queue] += all_of_it
        abandoned[queue] += of_them
    assert {queue: abandoned[queue] / offered[queue] for queue in offered} == pytest.approx(day.abandon_rates)


def test_occupancy_can_be_told_from_the_routing_statuses(day: Day, lake: Lake) -> None:
    rows = lake.view(
        """
        SELECT json_extract_scalar(event, '$.eventBody.id'),
            json_extract_scalar(event, '$.eventBody.routingStatus.status'),
            event_time
        FROM events WHERE topic LIKE 'v2.users.%.routingStatus' ORDER BY 1, 3
        """
    )
    occupancies = {}
    for agent, states in itertools.groupby(rows, key=lambda row: row[0]):
        moments = [(status, datetime.fromisoformat(moment)) for _, status, moment in states]
        busy = timedelta()
        for (status, since), (_, until) in itertools.pairwise(moments):
            busy += until - since if status == "INTERACTING" else timedelta()
        occupancies[agent] = busy / (moments[-1][1] - moments[0][1])
    assert occupancies == pytest.approx(day.occupancies, abs=1e-4)


def test_the_tables_figures_are_those_of_the_day(day: Day, tables: Tables) -> None:
    answered = [each for each in day.conversations if each.agent_id is not None]
    [figures] = tables.rows("SELECT sum(handled), sum(talk_ms), sum(held_ms), sum(after_call_ms) FROM conversations")
    assert figures == (
        len(answered),
        sum(each.talked for each in answered),
        sum(each.held for each in answered),
        sum(each.after_call for each in answered),
    )
    rates = tables.rows("SELECT queue_id, sum(abandoned) / sum(offered) FROM queue_intervals GROUP BY 1")
    assert dict(rates) == pytest.approx(day.abandon_rates)
    occupancies = tables.rows(
        "SELECT user_id, sum(interacting_ms) / sum(interacting_ms + communicating_ms + idle_ms) "
        "FROM agent_intervals GROUP BY 1"
    )
    assert dict(occupancies) == pytest.approx(day.occupancies, abs=1e-4)
    assert tables.rows("SELECT purpose, count(*) FROM sessions GROUP BY 1 ORDER BY 1") == [
        ("acd", len(day.conversations)),
        ("agent", len(answered)),
        ("customer", len(day.conversations)),
    ]
    assert tables.rows("SELECT count(*) FROM wrap_ups") == [(len(answered),)]


def test_queues_and_agents_have_names(day: Day) -> None:
    summaries = [event.body for event in day.events if event.family == "story summary"]
    assert {(body["queue"]["id"], body["queue"]["name"]) for body in summaries} <= set(day.queues.items())
    assert {(body["agent"]["id"], body["agent"]["agentName"]) for body in summaries} <= set(day.agents.items())
    assert summaries


def test_the_same_seed_tells_the_same_day() -> None:
    first, second = (tell_day(Values(seed=5, until=END), end=END, conversations=10) for _ in range(2))
    assert first.events == second.events


def test_nothing_lasts_longer_than_the_day(day: Day) -> None:
    times = [event.body["eventBody"]["eventTime"] for event in day.events if event.family.endswith(("start", "end"))]
    assert max(times) <= END.timestamp() * 1000
    assert min(times) >= (END - timedelta(hours=20)).timestamp() * 1000


def test_personal_values_of_the_day_are_known(day: Day) -> None:
    assert all(event.personal for event in day.events if "routing" not in event.family)
    assert len({event.marker for event in day.events}) == len(day.events)


def test_queues_codes_presences_and_agents_are_those_that_the_local_genesys_lists() -> None:
    bodies = [event.body.get("eventBody", {}) for event in tell_day(Values(seed=3), end=END, conversations=90).events]
    for field, listed in (
        ("queueId", DIRECTORY.queues),
        ("userId", DIRECTORY.users),
        ("wrapupCode", DIRECTORY.wrapup_codes),
    ):
        used = {body[field] for body in bodies if field in body}
        assert used
        assert used <= listed.keys()
    presences = {body["presenceDefinition"]["id"] for body in bodies if "presenceDefinition" in body}
    assert presences <= DIRECTORY.presences.keys()


def test_two_days_of_one_generator_have_different_agents() -> None:
    values = Values(seed=3, until=END)
    first, second = (tell_day(values, end=END, conversations=6) for _ in range(2))
    assert not first.agents.keys() & second.agents.keys()
