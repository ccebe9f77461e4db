"""The ingest function's memory over 100,000 requests in one execution environment."""

import resource
from collections.abc import Iterator

from benchmarks import inputs
from benchmarks.contestants import our_ingest
from benchmarks.instant_aws import InstantAws
from benchmarks.measuring import FLOOR, OURS, Figure, Goal, compare

REQUESTS = 100_000


def measure(_rounds: int) -> Iterator[Figure]:
    """Compare the highest memory after all requests with that after half of them, when every cache is full."""
    handle = our_ingest(InstantAws())
    filling = b"x" * 1400
    peaks = []
    for number in range(REQUESTS):
        body = b'{"messageId":"%d","eventType":"call.event","note":"%b"}' % (number, filling)
        if handle(inputs.request(body))["statusCode"] != 200:
            raise RuntimeError("an event was not accepted")
        if number + 1 in (REQUESTS // 2, REQUESTS):
            peaks.append(float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
    samples = {FLOOR: peaks[:1], OURS: peaks[1:]}
    yield compare(
        f"memory after {REQUESTS:,} requests, over {REQUESTS // 2:,}", "MiB", samples, 1 / 1024, [Goal(FLOOR, 1.02)]
    )
