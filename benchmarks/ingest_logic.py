"""The ingest function's own work: CPU per event, without the AWS SDK."""

from collections.abc import Callable, Iterator
from typing import Any

from benchmarks import floors, inputs
from benchmarks.contestants import Handler, our_ingest, plain_ingest, powertools_ingest
from benchmarks.instant_aws import InstantAws
from benchmarks.measuring import FLOOR, OURS, Figure, Goal, compare, interleave

GOALS = (Goal(FLOOR, 2.5), Goal("powertools", 0.5))
# Requests in a round by events in a request.
_REQUESTS = {1: 100, 100: 2, 500: 1}


def measure(rounds: int) -> Iterator[Figure]:
    """Measure one event, and arrays of 100 and 500, of events with and without an id of their own."""
    handlers = {
        OURS: our_ingest(InstantAws()),
        "powertools": powertools_ingest(InstantAws()),
        "plain": plain_ingest(InstantAws()),
    }
    for make_event, kind in ((inputs.event_with_id, "with an id"), (inputs.event_without_id, "without an id")):
        for size, requests in _REQUESTS.items():
            name = f"ingest, {'one event' if size == 1 else f'an array of {size} events'} {kind}"
            yield _measure(name, handlers, make_event, size, requests, rounds)
    yield _measure_front_doors(rounds)


def _measure_front_doors(rounds: int) -> Figure:
    """Measure one event by both front doors, each by a function of its own."""
    handlers = {OURS: our_ingest(InstantAws()), "by the REST API": our_ingest(InstantAws())}
    requests = _REQUESTS[1]
    bodies = [[inputs.body_of(inputs.event_with_id, 1) for _ in range(requests)] for _ in range(rounds)]
    given = [
        {
            OURS: [inputs.balanced_request(body) for body in some],
            "by the REST API": [inputs.request(body) for body in some],
            FLOOR: some,
        }
        for some in bodies
    ]

    def runner(contestant: str, handler: Handler) -> Callable[[Any], None]:
        def run(round_: Any) -> None:
            for request in round_[contestant]:
                if handler(request)["statusCode"] != 200:
                    raise RuntimeError("a contestant did not accept an event")

        return run

    contestants = {contestant: runner(contestant, handler) for contestant, handler in handlers.items()}
    contestants[FLOOR] = lambda round_: floors.ingest(round_[FLOOR])
    name = "ingest, one event with an id by the load balancer"
    return compare(name, "us of CPU per event", interleave(contestants, given), 1e6 / requests, (Goal(FLOOR, 2.5),))


def _measure(
    name: str,
    handlers: dict[str, Handler],
    make_event: Callable[[], dict[str, Any]],
    size: int,
    requests: int,
    rounds: int,
) -> Figure:
    bodies = [[inputs.body_of(make_event, size) for _ in range(requests)] for _ in range(rounds)]
    given = [(some, [inputs.request(body) for body in some]) for some in bodies]

    def runner(handler: Handler) -> Callable[[Any], None]:
        def run(round_: Any) -> None:
            for request in round_[1]:
                if handler(request)["statusCode"] != 200:
                    raise RuntimeError("a contestant did not accept an event")

        return run

    contestants = {contestant: runner(handler) for contestant, handler in handlers.items()}
    contestants[FLOOR] = lambda round_: floors.ingest(round_[0])
    contestants["inlined"] = lambda round_: floors.ingest_inlined(round_[1])
    return compare(name, "us of CPU per event", interleave(contestants, given), 1e6 / (size * requests), GOALS)
