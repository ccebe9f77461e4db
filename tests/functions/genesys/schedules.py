"""What goes wrong at one call of a custom resource's life, by name."""

from collections.abc import Callable

import urllib3

from genesys.client import Http
from genesys_firehose_tools.local.genesys.faults import Fault
from genesys_firehose_tools.local.genesys.server import LocalGenesys
from tests.functions.genesys.conftest import CrashingHttp

Trouble = Callable[[LocalGenesys, urllib3.PoolManager, int], Http]
"""Lets something go wrong at the call of a number, and returns what sends the calls."""


def _fault(status: int, *, after_effect: bool = False, retry_after: int | None = None) -> Trouble:
    def arrange(genesys: LocalGenesys, http: urllib3.PoolManager, number: int) -> Http:
        genesys.faults.set([Fault(status=status, request=number, after_effect=after_effect, retry_after=retry_after)])
        return http

    return arrange


def _crash(*, after_effect: bool) -> Trouble:
    def arrange(genesys: LocalGenesys, http: urllib3.PoolManager, number: int) -> Http:
        genesys.faults.set([])
        return CrashingHttp(http, number, after_effect=after_effect)

    return arrange


TROUBLES: dict[str, Trouble] = {
    "the connection breaks": _fault(0),
    "the answer is lost": _fault(0, after_effect=True),
    "401": _fault(401),
    "403": _fault(403),
    "404": _fault(404),
    "409": _fault(409),
    "429": _fault(429, retry_after=2),
    "429 for longer than a pass": _fault(429, retry_after=100),
    "500": _fault(500),
    "503 after the effect": _fault(503, after_effect=True),
    "the function dies before the call": _crash(after_effect=False),
    "the function dies after the call": _crash(after_effect=True),
}
