"""Longer schedules than can be enumerated: Hypothesis sends, breaks, drains and renews in any order."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tests.faults.simulation import Simulation, World
from tests.in_memory_aws import Fault


class Pipeline(RuleBasedStateMachine):
    """A pipeline in which anything may fail at any call, and events may be sent any number of times."""

    def __init__(self) -> None:
        super().__init__()
        self._simulation = Simulation({}, World(records_in_a_transform_batch=3))

    @rule(names=st.lists(st.sampled_from(["a", "b", "c", "d", "a'", "a''", "b'"]), min_size=1, max_size=4))
    def a_request_is_sent(self, names: list[str]) -> None:
        self._simulation.send(names)

    @rule(fault=st.sampled_from(Fault), calls_ahead=st.integers(0, 6))
    def a_call_will_fail(self, fault: Fault, calls_ahead: int) -> None:
        self._simulation.fail_later(fault, calls_ahead)

    @rule()
    def the_queue_is_delivered(self) -> None:
        self._simulation.deliver_queue()

    @rule()
    def a_batch_is_transformed(self) -> None:
        self._simulation.transform_stream()

    @rule()
    def the_environment_is_replaced(self) -> None:
        self._simulation.renew_ingest()

    @rule(shards=st.integers(1, 3))
    def the_number_of_shards_changes(self, shards: int) -> None:
        self._simulation.renew_ingest(shards)

    def teardown(self) -> None:
        run = self._simulation.finish()
        assert not run.violations(), run.calls


TestEveryAcknowledgedEventLandsOnce = Pipeline.TestCase
TestEveryAcknowledgedEventLandsOnce.settings = settings(
    max_examples=400, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
