"""Fuzzes the door or the transform, guided by coverage, and asserts what one input may cost at most.

``python -m tests.fuzz.guided door -max_total_time=120``; what follows the target is libFuzzer's.
"""

import base64
import json
import os
import random
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["ingest", "shared", "transform"]):
    from tests.fuzz.test_ingest import BODIES
    from tests.fuzz.test_transform import RECORDS
    from tests.in_memory_aws import InMemoryAws
    from tests.wired_functions import METRICS_ENVIRONMENT, firehose_batch, ingest_function, request, transform_function
from transform.masking import MAX_TOKENS

# Bytes of memory and of output for each byte of an input, and for an input of none; and seconds of CPU.
MEMORY_FACTOR, MEMORY_CONSTANT = 150, 2_000_000
GROWTH_FACTOR, GROWTH_CONSTANT = 4, 20_000
TOKEN_BYTES = 60
RECORD_BYTES = 2_500
SECONDS = 2.0
MAX_INPUT_BYTES = 40_000

_VALUES: list[Any] = [
    None,
    True,
    0,
    1,
    -1,
    1e12,
    10**30,
    "",
    "1",
    "@.@.@",
    "+15550100100",
    "\u00e9" * 9,
    [],
    {},
    "x" * 300,
]
_NAMES = [
    "ani",
    "topicName",
    "eventBody",
    "detail",
    "Records",
    "body",
    "eventSource",
    "oversize",
    "messageId",
    "xMs",
    "@",
]


def bounded(act: Callable[[], int], size: int, most_output: int) -> None:
    """Assert what an act that returns the size of its output costs."""
    most_memory = MEMORY_FACTOR * size + MEMORY_CONSTANT
    output, memory, seconds = _cost(act)
    if memory > most_memory:
        # What is read once, as a file of the masking plan, is no cost of an input.
        output, memory, seconds = _cost(act)
    assert output <= most_output, f"{output} bytes of {size}"
    assert memory <= most_memory, f"{memory} bytes of memory for {size}"
    assert seconds <= SECONDS, f"{seconds:.1f} s for {size} bytes"


def _cost(act: Callable[[], int]) -> tuple[int, int, float]:
    tracemalloc.reset_peak()
    before, _peak = tracemalloc.get_traced_memory()
    started = time.process_time()
    output = act()
    seconds = time.process_time() - started
    _now, peak = tracemalloc.get_traced_memory()
    return output, peak - before, seconds


def door() -> Callable[[bytes], None]:
    """A body, rightly signed: it is answered, and is stored whole or not at all."""
    aws = InMemoryAws()
    function = ingest_function(aws)

    def take(body: bytes) -> int:
        for kept in (aws.in_stream, aws.raw, aws.calls):
            kept.clear()
        aws.stream_of.clear()
        answer = function.handle(request(body))
        assert answer["statusCode"] in {200, 400, 413}, answer
        assert (answer["statusCode"] == 200) == bool(aws.in_stream or json.loads(answer["body"]).get("accepted"))
        return sum(map(len, aws.in_stream)) - RECORD_BYTES * len(aws.in_stream)

    def one(body: bytes) -> None:
        bounded(lambda: take(body), len(body), len(body))

    return one


def transform() -> Callable[[bytes], None]:
    """A record: it is answered, and one beside it passes whatever it is."""
    aws = InMemoryAws()
    function = transform_function(aws)
    beside = RECORDS[0]

    def take(record: bytes) -> int:
        aws.owners.clear()
        aws.calls.clear()
        answers = function.handle(firehose_batch([record, beside]))["records"]
        assert answers[1]["result"] == "Ok" or record == beside or answers[0]["result"] == "Ok", answers
        if answers[0]["result"] != "Ok":
            return 0
        line = base64.b64decode(answers[0]["data"])
        assert line.endswith(b"}\n")
        assert line.count(b"\n") == 1
        json.loads(line)
        return len(line)

    def one(record: bytes) -> None:
        most = GROWTH_FACTOR * len(record) + GROWTH_CONSTANT + TOKEN_BYTES * MAX_TOKENS
        bounded(lambda: take(record), len(record), most)

    return one


def mutated(data: bytes, max_size: int, seed: int) -> bytes:
    """Change JSON at one of its places, so that it stays JSON; other bytes, and some JSON, as libFuzzer does."""
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    try:
        root = [json.loads(data)]
    except (ValueError, RecursionError):
        return atheris.Mutate(data, max_size)
    if rng.random() < 0.3:
        return atheris.Mutate(data, max_size)
    node: Any = root
    while True:
        places = list(node) if isinstance(node, dict) else range(len(node))
        place = rng.choice(places)
        inner = node[place]
        if not isinstance(inner, (dict, list)) or not inner or rng.random() < 0.2:
            break
        node = inner
    change = rng.randrange(5)
    if change == 0:
        node[place] = rng.choice(_VALUES)
    elif change == 1:
        node[place] = [inner] * rng.choice([1, 2, 30, 2000])
    elif change == 2:
        node[place] = {rng.choice(_NAMES): inner}
    elif change == 3:
        node[place] = json.dumps(inner)
    elif isinstance(node, dict):
        node[rng.choice(_NAMES)] = rng.choice([inner, *_VALUES])
    text = json.dumps(root[0], separators=(",", ":"), ensure_ascii=rng.random() < 0.5)
    return text.encode("utf-8", "surrogatepass")[:max_size]


def main() -> None:
    name, *options = sys.argv[1:]
    os.environ.update(METRICS_ENVIRONMENT)
    one = {"door": door, "transform": transform}[name]()
    corpus = [seed for seed in {"door": BODIES, "transform": RECORDS}[name] if len(seed) <= MAX_INPUT_BYTES]
    # Lines of logs and metrics would fill the report, which comes on stderr.
    sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - until the process ends
    # What a target reads once, plan and models, is no cost of an input.
    for seed in corpus:
        one(seed)
    tracemalloc.start()
    with tempfile.TemporaryDirectory() as directory:
        for number, seed in enumerate(corpus):
            Path(directory, str(number)).write_bytes(seed)
        arguments = [sys.argv[0], f"-max_len={MAX_INPUT_BYTES}", "-rss_limit_mb=1500", *options, directory]
        atheris.Setup(arguments, one, custom_mutator=mutated)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
