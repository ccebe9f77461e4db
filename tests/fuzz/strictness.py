"""JSON as strictly as a foreign reader takes it."""

import json
from typing import Any, NoReturn


def _refuse(constant: str) -> NoReturn:
    raise AssertionError(f"{constant} is not JSON")


def parse_line(line: bytes) -> dict[str, Any]:
    """Parse what must be one line of strict JSON, an object."""
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    value = json.loads(line, parse_constant=_refuse)
    assert isinstance(value, dict)
    return value
