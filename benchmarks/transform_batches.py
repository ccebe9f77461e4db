"""The transform function on 1 MiB batches of mixed events with the default masking policy, without the AWS SDK."""

from collections.abc import Callable, Iterator
from typing import Any

from benchmarks import floors, inputs
from benchmarks.contestants import Handler, our_transform, powertools_transform
from benchmarks.instant_aws import InstantAws
from benchmarks.measuring import FLOOR, OURS, Figure, Goal, compare, interleave
from genesys_firehose_tools.local.events import EventGenerator


def measure(rounds: int) -> Iterator[Figure]:
    """Measure CPU per event and throughput."""
    generator = EventGenerator(1)
    records = (inputs.record(event.body) for event in generator)
    batches = inputs.batches(records, rounds)
    events = sum(len(batch) for batch in batches) / rounds
    size = sum(len(record) for batch in batches for record in batch) / rounds
    given = [inputs.firehose_batch(batch) for batch in batches]
    contestants: dict[str, Callable[[dict[str, Any]], object]] = {
        OURS: _checked(our_transform(InstantAws())),
        "powertools": _checked(powertools_transform(InstantAws())),
        FLOOR: floors.transform,
    }
    samples = interleave(contestants, given)
    goals = [Goal(FLOOR, 3.0), Goal("powertools", 1 / 3)]
    yield compare("transform, 1 MiB of mixed events", "us of CPU per event", samples, 1e6 / events, goals)
    yield compare("transform, 1 MiB of mixed events, by volume", "ms of CPU per MB", samples, 1e9 / size)


def _checked(handler: Handler) -> Callable[[dict[str, Any]], None]:
    def run(batch: dict[str, Any]) -> None:
        if any(record["result"] != "Ok" for record in handler(batch)["records"]):
            raise RuntimeError("a contestant did not transform a record")

    return run
