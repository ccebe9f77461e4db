"""Helpers of unit tests: a clock that they set, and readers of the functions' output."""

import json
from collections import Counter
from typing import Any


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


def lines_of(output: str) -> list[dict[str, Any]]:
    """The lines that a function wrote."""
    return [json.loads(line) for line in output.splitlines()]


def metrics_of(output: str) -> Counter[str]:
    """What a function counted, over all its metric lines."""
    counted: Counter[str] = Counter()
    for line in lines_of(output):
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
            counted.update({metric["Name"]: line[metric["Name"]] for metric in directive["Metrics"]})
    return counted
