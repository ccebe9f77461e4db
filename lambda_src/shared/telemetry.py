"""Metrics and logs on standard output, as JSON lines.

Metrics use CloudWatch's embedded metric format (CloudWatch User Guide, "Specification: Embedded metric format"). Log
lines carry only what the code names itself: never a header, a body, a value of an event, or an exception's message.
"""

import json
import os
import time
import traceback
from functools import cache
from typing import Literal

Dimension = Literal["EventType", "Ingress"]

_encode = json.JSONEncoder(separators=(",", ":")).encode


@cache
def _line_format(
    dimension_sets: tuple[tuple[str, ...], ...],
    dimensions: tuple[tuple[str, str], ...],
    counts: tuple[str, ...],
    times: tuple[str, ...],
) -> str:
    """Make the format of a line: only its timestamp and values are missing. A function writes lines of a few kinds."""
    metrics = [{"Name": name, "Unit": "Count"} for name in counts]
    metrics += [{"Name": name, "Unit": "Milliseconds"} for name in times]
    directive = {"Namespace": os.environ["METRICS_NAMESPACE"], "Dimensions": dimension_sets, "Metrics": metrics}
    fixed = {
        "_aws": {"Timestamp": None, "CloudWatchMetrics": [directive]},
        "Pipeline": os.environ["PIPELINE_NAME"],
        **dict(dimensions),
    }
    beginning, end = _encode(fixed).replace("%", "%%").split("null", 1)  # the timestamp comes first
    # A number's repr is its JSON.
    values = "".join(f',"{name}":%r' for name in (*counts, *times))
    return f"{beginning}%d{end[:-1]}{values}}}"


class Metrics:
    """Counts of one invocation, written by ``flush``."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._times: dict[str, float] = {}
        self._parts: dict[tuple[Dimension, str], Metrics] = {}

    def count(self, name: str, value: int = 1) -> None:
        """Add to a counter."""
        self._counts[name] = self._counts.get(name, 0) + value

    def of(self, dimension: Dimension, value: str) -> "Metrics":
        """Return the counts of one event type or ingress, which are also counted for the pipeline as a whole."""
        part = (dimension, value)
        if part not in self._parts:
            self._parts[part] = Metrics()
        return self._parts[part]

    def highest(self, name: str, milliseconds: float) -> None:
        """Keep the highest of the values given."""
        self._times[name] = max(self._times.get(name, milliseconds), milliseconds)

    def flush(self) -> None:
        """Write what was counted, if anything, and start anew."""
        self._write((("Pipeline",),), ())
        for part, metrics in self._parts.items():
            # Also without the dimension: an alarm can't sum metrics over unknown ones.
            metrics._write((("Pipeline",), ("Pipeline", part[0])), (part,))
        self._parts = {}

    def _write(self, dimension_sets: tuple[tuple[str, ...], ...], dimensions: tuple[tuple[str, str], ...]) -> None:
        counts, times = self._counts, self._times
        if not counts and not times:
            return
        line = _line_format(dimension_sets, dimensions, tuple(counts), tuple(times))
        print(line % (time.time() * 1000, *counts.values(), *times.values()))
        self._counts, self._times = {}, {}


def log(level: Literal["INFO", "WARN", "ERROR"], message: str, **facts: str | int | float) -> None:
    """Write a log line. ``facts`` are names and numbers of our own, never values of an event or request."""
    print(_encode({"level": level, "message": message, **facts}))


def log_exception(message: str, error: BaseException) -> None:
    """Log an exception by its type and place: its message may hold what it failed on."""
    frames = traceback.extract_tb(error.__traceback__)[-5:]
    places = " < ".join(f"{os.path.basename(frame.filename)}:{frame.lineno}" for frame in reversed(frames))
    log("ERROR", message, error=type(error).__name__, at=places, **_error_code(error))


def _error_code(error: BaseException) -> dict[str, str]:
    # botocore's ClientError carries AWS's error code, a fixed vocabulary.
    response = getattr(error, "response", None)
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    return {"code": code} if isinstance(code, str) else {}
