"""Names from snapshots: what each thing was called, and from when to when."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from genesys_firehose_cdk.lake.tables.model import EVENTS, NAMES
from tests.library.lake.tables.duckdb_lake import DAY, Rows, Tables, iso

FIRST = datetime(2026, 11, 23, 2)


def at(day: int) -> datetime:
    return FIRST + timedelta(days=day)


class Organization(Tables):
    """Snapshots of queues."""

    def __init__(self) -> None:
        super().__init__()
        self.create_views()

    def snapshot(self, day: int, names: dict[str, str], total: int | None = None, **attributes: Any) -> None:
        for id, name in names.items():
            thing = {"kind": "queue", "id": id, "name": name, "snapshotAt": iso(at(day)), "attributes": attributes}
            self.name({**thing, "total": len(names) if total is None else total}, day)

    def name(self, event: dict[str, Any], day: int = 0, ingress: str = "names", event_type: str = "names") -> None:
        self.add(event_type, DAY + timedelta(days=day), ingress=ingress, event_time=None, event=event)

    def queues(self, columns: str = "id, name, valid_from, valid_to, latest") -> Rows:
        self.merge(DAY, DAY + timedelta(days=9), tables=[EVENTS, NAMES])
        return self.rows(f"SELECT {columns} FROM dim_queues ORDER BY id, valid_from")  # noqa: S608


@pytest.fixture
def organization() -> Organization:
    return Organization()


def test_a_name_holds_from_the_first_snapshot_on(organization: Organization) -> None:
    for day in range(3):
        organization.snapshot(day, {"q": "Sales"})
    assert organization.queues() == [("q", "Sales", at(0), None, True)]


def test_another_name_ends_the_one_before(organization: Organization) -> None:
    organization.snapshot(0, {"q": "Sales"})
    organization.snapshot(1, {"q": "Sales"})
    organization.snapshot(2, {"q": "Sales EMEA"})
    assert organization.queues() == [("q", "Sales", at(0), at(2), False), ("q", "Sales EMEA", at(2), None, True)]


def test_a_complete_snapshot_that_lacks_a_thing_ends_it(organization: Organization) -> None:
    organization.snapshot(0, {"q": "Sales", "r": "Support"})
    organization.snapshot(1, {"r": "Support"})
    organization.snapshot(2, {"r": "Support"})
    assert organization.queues() == [("q", "Sales", at(0), at(1), True), ("r", "Support", at(0), None, True)]


def test_an_incomplete_snapshot_ends_nothing_and_names_what_it_has(organization: Organization) -> None:
    organization.snapshot(0, {"q": "Sales", "r": "Support"})
    organization.snapshot(1, {"r": "Helpdesk"}, total=2)
    assert organization.queues() == [
        ("q", "Sales", at(0), None, True),
        ("r", "Support", at(0), at(1), False),
        ("r", "Helpdesk", at(1), None, True),
    ]


def test_a_thing_that_comes_back_has_a_gap(organization: Organization) -> None:
    organization.snapshot(0, {"q": "Sales", "r": "Support"})
    organization.snapshot(1, {"r": "Support"})
    organization.snapshot(2, {"q": "Sales", "r": "Support"})
    assert organization.queues()[:2] == [("q", "Sales", at(0), at(1), False), ("q", "Sales", at(2), None, True)]


def test_targets_are_by_medium_and_from_when_to_when(organization: Organization) -> None:
    organization.snapshot(0, {"q": "Sales"}, serviceLevels={"call": {"percentage": 0.8, "durationMs": 20_000}})
    organization.snapshot(1, {"q": "Sales"}, serviceLevels={"call": {"durationMs": 30_000}, "chat": {"durationMs": 1}})
    assert organization.queues("valid_from, valid_to, voice_target_ms, chat_target_ms") == [
        (at(0), at(1), 20_000, None),
        (at(1), None, 30_000, 1),
    ]


def test_over_target_is_by_the_target_of_the_time_and_unknown_without_one(organization: Organization) -> None:
    for day, target in ((0, 20_000), (1, 40_000)):
        organization.snapshot(day, {"q": "Sales"}, serviceLevels={"call": {"durationMs": target}})
    for hour, queue in ((1, "q"), (3, "q"), (27, "q"), (3, "unnamed")):
        moment = datetime(2026, 11, 23) + timedelta(hours=hour)
        body = {"conversationId": f"c-{hour}{queue}", "sessionId": "s", "queueId": queue, "mediaType": "VOICE"}
        organization.add(
            day=moment.date(),
            topic="v2.detail.events.conversation.c.acd.end",
            event_time=iso(moment),
            event={"eventBody": {**body, "acdOutcome": "ANSWERED", "connectedDurationMs": 30_000}},
        )
    organization.merge(DAY, DAY + timedelta(days=9))
    found = (
        "SELECT queue_id, interval_start, answered, over_target FROM queue_intervals WHERE answered > 0 ORDER BY 1, 2"
    )
    assert [
        (queue, (start - FIRST) / timedelta(hours=1), *rest) for queue, start, *rest in organization.rows(found)
    ] == [
        # What was before the first snapshot is taken to have been as it was then.
        ("q", -1, 1, 1),
        ("q", 1, 1, 1),
        ("q", 25, 1, 0),
        ("unnamed", 1, 1, None),
    ]


def test_no_sender_gives_names(organization: Organization) -> None:
    name = {"kind": "queue", "id": "q", "name": "forged", "snapshotAt": iso(at(0)), "total": 1, "attributes": {}}
    organization.name(name, ingress="webhook")
    organization.name(name, event_type="unknown")
    assert organization.queues() == []


def test_a_name_that_was_sent_twice_is_there_once(organization: Organization) -> None:
    for _ in range(2):
        organization.snapshot(0, {"q": "Sales"})
    assert organization.queues() == [("q", "Sales", at(0), None, True)]
    assert organization.rows("SELECT count(*) FROM names") == [(1,)]
