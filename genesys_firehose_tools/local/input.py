"""Reads the user's own events: JSON lines or one JSON array, from a file or standard input."""

import json
import sys
from pathlib import Path
from typing import Any

from genesys_firehose_tools.local.errors import LocalError


def read_events(source: Path) -> list[dict[str, Any]]:
    """Read events from a file, or from standard input when its name is ``-``.

    Raises:
        LocalError: The file can't be read, or holds something else than JSON objects.
    """
    try:
        text = sys.stdin.read() if source == Path("-") else source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LocalError(f"{source} can't be read: {error}.") from error
    events: list[dict[str, Any]]
    if text.lstrip().startswith("["):
        events = _parse(text, f"{source}")
    else:
        lines = enumerate(text.split("\n"), start=1)  # splitlines() also ends a line inside a JSON string
        events = [_parse(line, f"{source}, line {number}") for number, line in lines if line.strip()]
    if not events:
        raise LocalError(f"{source} holds no events; JSON objects are expected, one a line or in one array.")
    for number, event in enumerate(events, start=1):
        if not isinstance(event, dict):
            raise LocalError(f"Event {number} of {source} is no JSON object.")
    return events


def _parse(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise LocalError(f"{where} is not JSON: {error}.") from error
