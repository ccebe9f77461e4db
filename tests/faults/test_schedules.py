"""Whatever goes wrong, an acknowledged event lands once in clean/ and is in raw/.

Every schedule of one fault is tried, and every fourth of two; in the soak every one, in every world.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count, product
from typing import Any

import pytest

from ingest.delivery import Delivery, Outcome
from tests.faults.simulation import Run, Simulation, World
from tests.in_memory_aws import Fault, Schedule
from transform.deduplication import Copy, Key, KeyOwners
from transform.records import CleanRecord

State = Callable[[str, int], None]

# A request of two events, one of another, and the first again by a sender that believes it got no answer.
REQUESTS = [["a", "b"], ["c"], ["a", "b"]]
# The same, and in between the id of the first with other content, which is sent again with the first.
CONFLICTING_REQUESTS = [["a", "b"], ["a'"], ["a", "b", "a'"]]
# By how they are known: whether an id comes with several contents, whether there are ids, and times.
KINDS = [
    (False, True, True),
    (True, True, True),
    (False, False, True),
    (False, True, False),
    (True, True, False),
]
WORLDS = [
    World(*choices, has_conflicts=has_conflicts, has_ids=has_ids, has_times=has_times)
    for *choices, (has_conflicts, has_ids, has_times) in product([False, True], [False, True], [1, 100], [1, 2], KINDS)
]


_WITHOUT_IDS = World(drain_after_each_request=True, new_environment_for_each_request=True, has_ids=False)


def _schedules_of_up_to_two_faults(world: World, every: int = 1) -> Iterator[tuple[Schedule, Run]]:
    """Yield schedules with their runs: all of one fault, and one in `every` of two.

    What calls there are depends on the faults before, so each run tells.
    """
    pairs = count()
    requests = CONFLICTING_REQUESTS if world.has_conflicts else REQUESTS
    quiet = Simulation({}, world).execute(requests)
    yield {}, quiet
    for first, first_fault in product(range(len(quiet.calls)), Fault):
        run = Simulation({first: first_fault}, world).execute(requests)
        yield {first: first_fault}, run
        for second, second_fault in product(range(first + 1, len(run.calls)), Fault):
            if next(pairs) % every:
                continue
            schedule = {first: first_fault, second: second_fault}
            yield schedule, Simulation(schedule, world).execute(requests)


def _some_schedule_breaks(world: World) -> bool:
    return any(run.violations() for _schedule, run in _schedules_of_up_to_two_faults(world, every=4))


def _check(worlds: Sequence[World], state: State, every: int = 1) -> None:
    tried = 0
    for world in worlds:
        for schedule, run in _schedules_of_up_to_two_faults(world, every):
            tried += 1
            assert not run.violations(), (world, schedule, run.calls)
    state("fault schedules, all holding", tried)
    assert tried >= 1000 * len(worlds)


@pytest.mark.parametrize(
    "world",
    [
        World(drain_after_each_request=False, new_environment_for_each_request=True, records_in_a_transform_batch=100),
        World(drain_after_each_request=True, new_environment_for_each_request=False, records_in_a_transform_batch=1),
        World(new_environment_for_each_request=True, has_conflicts=True),
        World(new_environment_for_each_request=True, has_conflicts=True, has_times=False),
    ],
    ids=[
        "one large batch, no memory",
        "many small batches, a memory",
        "conflicting ids in one large batch, no memory",
        "conflicting ids without times, no memory",
    ],
)
def test_every_acknowledged_event_lands_once_under_every_fault_and_many_pairs(world: World, state: State) -> None:
    _check([world], state, every=4)


@pytest.mark.parametrize("has_ids", [False, True])
def test_events_land_once_also_when_their_second_is_full(
    state: State, monkeypatch: pytest.MonkeyPatch, has_ids: bool
) -> None:
    monkeypatch.setattr("transform.deduplication.FULL", 1)
    world = World(new_environment_for_each_request=True, has_conflicts=has_ids, has_ids=has_ids)
    _check([world], state, every=4)


@pytest.mark.soak
def test_every_acknowledged_event_lands_once_in_every_world(state: State) -> None:
    _check(WORLDS, state)


def test_acknowledging_what_is_nowhere_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    deliver = Delivery.deliver

    def acknowledge_everything(*args: object, **kwargs: object) -> Outcome:
        outcome = deliver(*args, **kwargs)  # type: ignore[arg-type]
        return Outcome(outcome.in_firehose | outcome.nowhere, outcome.in_queue, frozenset())

    monkeypatch.setattr(Delivery, "deliver", acknowledge_everything)
    assert _some_schedule_breaks(World())


def test_claiming_a_key_for_the_wrong_owner_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    claim = KeyOwners.claim

    def claim_for_a_stranger(self: KeyOwners, copies: Mapping[Key, Copy]) -> dict[Key, Copy]:
        return claim(self, {key: copy._replace(ingest_id="0" * 32) for key, copy in copies.items()})

    monkeypatch.setattr(KeyOwners, "claim", claim_for_a_stranger)
    assert _some_schedule_breaks(World())


def test_taking_every_claim_in_a_second_for_the_first_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def believe(_self: KeyOwners, _name: str, keys: list[Key], copies: Mapping[Key, Copy]) -> Any:
        return {key.digest: {"B": copies[key].packed} for key in keys}, False

    monkeypatch.setattr(KeyOwners, "_share", believe)
    assert _some_schedule_breaks(_WITHOUT_IDS)


def test_not_looking_into_a_full_second_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transform.deduplication.FULL", 1)
    share = KeyOwners._share

    def look_away(self: KeyOwners, name: str, keys: list[Key], copies: Mapping[Key, Copy]) -> Any:
        item, is_full = share(self, name, keys, copies)
        return ({}, True) if is_full else (item, False)

    monkeypatch.setattr(KeyOwners, "_share", look_away)
    assert _some_schedule_breaks(_WITHOUT_IDS)


def test_remembering_a_key_before_its_put_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remembering keys whose records are nowhere answers the retry of an event that was lost."""
    deliver = Delivery.deliver

    def forget_nothing(*args: object, **kwargs: object) -> Outcome:
        outcome = deliver(*args, **kwargs)  # type: ignore[arg-type]

        class Forgetful(frozenset[int]):
            def __contains__(self, _item: object) -> bool:
                return False

        return Outcome(outcome.in_firehose, outcome.in_queue, Forgetful(outcome.nowhere))

    monkeypatch.setattr(Delivery, "deliver", forget_nothing)
    assert _some_schedule_breaks(World())


def test_putting_a_record_again_as_the_same_copy_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.delivery.with_new_ingest_id", lambda record: record)
    assert _some_schedule_breaks(World(records_in_a_transform_batch=1))


def test_taking_a_throttled_claim_for_a_duplicate_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    claim = KeyOwners.claim

    def unknown_is_taken(self: KeyOwners, copies: Mapping[Key, Copy]) -> dict[Key, Copy]:
        taken = {key: copy._replace(ingest_id="somebody else") for key, copy in copies.items()}
        return taken | claim(self, copies)

    monkeypatch.setattr(KeyOwners, "claim", unknown_is_taken)
    assert _some_schedule_breaks(World())


def test_taking_other_content_under_an_id_for_a_copy_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transform.records.content_of", lambda *_event: "")
    assert _some_schedule_breaks(World(has_conflicts=True))


def test_remembering_an_event_by_its_id_alone_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    class ById:
        @staticmethod
        def sha256(raw: bytes) -> Any:
            return hashlib.sha256(json.loads(raw)["messageId"].encode())

    monkeypatch.setattr("ingest.intake.hashlib", ById)
    assert _some_schedule_breaks(World(has_conflicts=True))


def test_other_content_that_no_mark_tells_of_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    marked = CleanRecord.marked

    def without_conflict(self: CleanRecord, *, is_checked: bool = True, **_mark: object) -> bytes:
        return marked(self, mark=None, is_checked=is_checked)

    monkeypatch.setattr(CleanRecord, "marked", without_conflict)
    assert _some_schedule_breaks(World(has_conflicts=True))
