"""The check of a lake finds each kind of fault."""

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from genesys_firehose_tools.local.events import EventGenerator
from genesys_firehose_tools.local.lake import Lake, Verdict, judge
from genesys_firehose_tools.local.values import find_markers

GENERATOR = EventGenerator(3)
SENT = GENERATOR.take(4)
FORGED = GENERATOR.take(1)
MASKED = [json.dumps({"id": event.marker, "name": "token"}) for event in SENT]
ATTACK = "00000000-0000-4000-8000-00000000abcd"
SPOTLESS = Verdict(landed=4, lost=0, unarchived=0, doubled=0, intruders=0, leaked=0)


def lake(*lines: str) -> Lake:
    objects = {"clean/event_type=call/date=2026-01-02/one": list(lines)}
    found: set[str] = set().union(*map(find_markers, lines))
    return cast(Lake, SimpleNamespace(objects=objects, lines=lambda: lines, markers=lambda: found))


def verdict(*clean: str, raw: tuple[str, ...] = tuple(MASKED), accepted: int = 4) -> Verdict:
    markers = {event.marker for event in SENT[:accepted]}
    return replace(judge(lake(*clean), lake(*raw), SENT, markers, FORGED, {ATTACK}), partitions={})


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(verdict(*MASKED), {}, id="all is well"),
        pytest.param(verdict(*MASKED[1:]), {"landed": 3, "lost": 1}, id="lost"),
        pytest.param(verdict(*MASKED[:3], accepted=3), {"landed": 3}, id="not accepted and not landed"),
        pytest.param(verdict(*MASKED, accepted=3), {}, id="landed though its answer was lost"),
        pytest.param(verdict(*MASKED, MASKED[0], MASKED[0]), {"doubled": 1}, id="doubled"),
        pytest.param(
            verdict(*MASKED, '{"deduplicated":false,' + MASKED[0][1:]), {"unchecked": 1}, id="twice, once unchecked"
        ),
        pytest.param(verdict(*MASKED, json.dumps(FORGED[0].marker)), {"intruders": 1}, id="forged"),
        pytest.param(verdict(*MASKED, "{}"), {"intruders": 1}, id="unknown"),
        pytest.param(
            verdict(*MASKED, f'["{ATTACK}","{SENT[0].marker}"]'), {"hostile": 1}, id="under the id of another"
        ),
        pytest.param(verdict(*MASKED, raw=tuple(MASKED[2:])), {"unarchived": 2}, id="not in raw"),
        pytest.param(
            verdict(*MASKED[:3], MASKED[3] + " ".join(sorted(SENT[0].personal)[:1])), {"leaked": 1}, id="leaked"
        ),
    ],
)
def test_the_verdict_says_what_is_wrong_and_nothing_else(found: Verdict, expected: dict[str, Any]) -> None:
    assert found == replace(SPOTLESS, **expected)
    assert found.clean == (not expected.keys() - {"landed", "hostile", "unchecked"})


def test_records_are_counted_by_partition() -> None:
    markers = {event.marker for event in SENT}
    assert judge(lake(*MASKED), lake(), SENT, markers).partitions == {"event_type=call/date=2026-01-02": 4}
