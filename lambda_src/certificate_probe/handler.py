"""The function's entry: a schedule's events."""

from typing import Any

from certificate_probe.function import Probe
from certificate_probe.settings import ProbeSettings

_probe = Probe(ProbeSettings.from_environment())


def handle(_event: dict[str, Any], _context: object) -> None:
    """Look once."""
    _probe.look()
