"""Every schedule of up to two faults, exhaustively: an acknowledged event lands once in clean/ and is in raw/."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product

import pytest

from ingest.delivery import Delivery, Outcome
from tests.faults.simulation import Run, Simulation, World
from tests.in_memory_aws import Fault, Schedule
from transform.deduplication import KeyOwners

State = Callable[[str, int], None]

# A request of two events, one of another, and the first again by a sender that believes it got no answer.
REQUESTS = [["a", "b"], ["c"], ["a", "b"]]
WORLDS = [World(*choices) for choices in product([False, True], [False, True], [1, 100], [1, 2])]


def _schedules_of_up_to_two_faults(world: World) -> Iterator[tuple[Schedule, Run]]:
    """Yield every schedule with its run. What calls there are depends on the faults before, so each run tells."""
    quiet = Simulation({}, world).execute(REQUESTS)
    yield {}, quiet
    for first, first_fault in product(range(len(quiet.calls)), Fault):
        run = Simulation({first: first_fault}, world).execute(REQUESTS)
        yield {first: first_fault}, run
        for second, second_fault in product(range(first + 1, len(run.calls)), Fault):
            schedule = {first: first_fault, second: second_fault}
            yield schedule, Simulation(schedule, world).execute(REQUESTS)


def _some_schedule_breaks(world: World) -> bool:
    return any(run.violations() for _schedule, run in _schedules_of_up_to_two_faults(world))


def _check(worlds: Sequence[World], state: State) -> None:
    count = 0
    for world in worlds:
        for schedule, run in _schedules_of_up_to_two_faults(world):
            count += 1
            assert not run.violations(), (world, schedule, run.calls)
    state("fault schedules, all holding", count)
    assert count >= 1000 * len(worlds)


@pytest.mark.parametrize(
    "world",
    [
        World(drain_after_each_request=False, new_environment_for_each_request=True, records_in_a_transform_batch=100),
        World(drain_after_each_request=True, new_environment_for_each_request=False, records_in_a_transform_batch=1),
        World(new_environment_for_each_request=True, shards=2),
    ],
    ids=["one large batch, no memory", "many small batches, a memory", "two shards"],
)
def test_every_acknowledged_event_lands_once_under_every_schedule_of_up_to_two_faults(
    world: World, state: State
) -> None:
    _check([world], state)


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

    def claim_for_a_stranger(self: KeyOwners, copies: Mapping[str, str]) -> dict[str, str]:
        return claim(self, dict.fromkeys(copies, "0" * 32))

    monkeypatch.setattr(KeyOwners, "claim", claim_for_a_stranger)
    assert _some_schedule_breaks(World())


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

    def unknown_is_taken(self: KeyOwners, copies: Mapping[str, str]) -> dict[str, str]:
        return dict.fromkeys(copies, "somebody else") | claim(self, copies)

    monkeypatch.setattr(KeyOwners, "claim", unknown_is_taken)
    assert _some_schedule_breaks(World())
