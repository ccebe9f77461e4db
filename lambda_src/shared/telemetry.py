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

Unit = Literal["Count", "Milliseconds"]

_encode = json.JSONEncoder(separators=(",", ":")).encode


@cache
def _directives(
    namespace: str, dimension_sets: tuple[tuple[str, ...], ...], units: tuple[tuple[str, Unit], ...]
) -> str:
    """Say what the metrics of a line are; a function writes lines of a few kinds only, so each is said once."""
    metrics = [{"Name": name, "Unit": unit} for name, unit in units]
    return _encode([{"Namespace": namespace, "Dimensions": dimension_sets, "Metrics": metrics}])


class Metrics:
    """Counts of one invocation, written by ``flush``."""

    def __init__(self) -> None:
        self._values: dict[str, float] = {}
        self._units: dict[str, Unit] = {}
        self._by_event_type: dict[str, Metrics] = {}

    def count(self, name: str, value: int = 1) -> None:
        """Add to a counter."""
        self._values[name] = self._values.get(name, 0) + value
        self._units[name] = "Count"

    def of_event_type(self, event_type: str) -> "Metrics":
        """Return the counts of one event type, which are also counted for the pipeline as a whole."""
        if event_type not in self._by_event_type:
            self._by_event_type[event_type] = Metrics()
        return self._by_event_type[event_type]

    def highest(self, name: str, milliseconds: float) -> None:
        """Keep the highest of the values given."""
        self._values[name] = max(self._values.get(name, milliseconds), milliseconds)
        self._units[name] = "Milliseconds"

    def flush(self) -> None:
        """Write what was counted, if anything, and start anew."""
        self._write((("Pipeline",),), {})
        for event_type, metrics in self._by_event_type.items():
            # Without the type too: an alarm can't add up metrics of which it does not know the dimensions.
            metrics._write((("Pipeline",), ("Pipeline", "EventType")), {"EventType": event_type})
        self._by_event_type = {}

    def _write(self, dimension_sets: tuple[tuple[str, ...], ...], dimensions: dict[str, str]) -> None:
        if not self._values:
            return
        directives = _directives(os.environ["METRICS_NAMESPACE"], dimension_sets, tuple(self._units.items()))
        values = _encode({"Pipeline": os.environ["PIPELINE_NAME"], **dimensions, **self._values})
        self._values, self._units = {}, {}
        metadata = f'{{"Timestamp":{int(time.time() * 1000)},"CloudWatchMetrics":{directives}}}'
        print(f'{{"_aws":{metadata},{values[1:]}')


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
