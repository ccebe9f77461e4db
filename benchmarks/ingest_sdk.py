"""The ingest function with the real AWS SDK against local endpoints: CPU, wall time and AWS calls of a request."""

import os
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from benchmarks import inputs
from benchmarks.aws_stub import aws_stub, calls_of
from benchmarks.lambda_context import Context
from benchmarks.measuring import FLOOR, OURS, Figure, Goal, compare, interleave

_MODULES = {
    OURS: ("ingest.handler", "handle"),
    "powertools": ("benchmarks.peers.powertools_ingest", "lambda_handler"),
    "plain": ("benchmarks.peers.plain_ingest", "lambda_handler"),
}
# Requests in a round by events in a request.
_REQUESTS = {1: 10, 100: 1}


def measure(rounds: int) -> Iterator[Figure]:
    """Measure requests of one event and of 100."""
    with aws_stub() as url:
        os.environ["AWS_ENDPOINT_URL"] = url
        handlers = {name: getattr(import_module(module), function) for name, (module, function) in _MODULES.items()}
        for size, requests in _REQUESTS.items():
            what = f"ingest with the AWS SDK, a request of {size} event{'s' if size > 1 else ''}"

            def given(size: int = size, requests: int = requests) -> list[list[dict[str, Any]]]:
                return [
                    [inputs.request(inputs.body_of(inputs.event_with_id, size)) for _ in range(requests)]
                    for _ in range(rounds)
                ]

            contestants = {name: _runner(handler) for name, handler in handlers.items()}
            cpu = interleave(contestants, given())
            yield compare(f"{what}: CPU", "ms per request", cpu, 1e3 / requests, [Goal("powertools", 0.5)])
            wall = interleave(contestants, given(), time.perf_counter)
            yield compare(f"{what}: wall time", "ms per request", wall, 1e3 / requests)
            # A clock that ticks with every call.
            calls = interleave(contestants, given(), lambda: calls_of(url))
            calls[FLOOR] = [float(requests)] * (rounds - 1)
            yield compare(f"{what}: AWS calls", "calls per request", calls, 1 / requests, [Goal(FLOOR, 1.0)])


def _runner(handler: Callable[[dict[str, Any], object], dict[str, Any]]) -> Callable[[Any], None]:
    context = Context()

    def run(requests: list[dict[str, Any]]) -> None:
        for request in requests:
            if handler(request, context)["statusCode"] != 200:
                raise RuntimeError("a contestant did not accept an event")

    return run
