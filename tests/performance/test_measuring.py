"""The measuring code computes its figures right."""

import json
from typing import Any

import fastjsonschema
import pytest

from benchmarks.environment import ROOT
from benchmarks.measuring import FLOOR, OURS, Goal, compare, interleave

VALIDATE = fastjsonschema.compile(json.loads((ROOT / "benchmarks/results.schema.json").read_text(encoding="utf-8")))
CONTEXT = {"machine": {"system": "Linux", "architecture": "arm64", "cpus": 2}, "versions": {"python": "3.14.0"}}


def test_contestants_take_turns_and_the_first_round_is_not_counted() -> None:
    ran: list[tuple[str, int]] = []
    seconds = iter(range(100))
    samples = interleave(
        {"a": lambda number: ran.append(("a", number)), "b": lambda number: ran.append(("b", number))},
        [0, 1, 2],
        lambda: float(next(seconds)),
    )
    assert ran == [("a", 0), ("b", 0), ("b", 1), ("a", 1), ("a", 2), ("b", 2)]
    assert samples == {"a": [1.0, 1.0], "b": [1.0, 1.0]}


def test_a_ratio_is_taken_within_a_round_so_that_a_slow_round_does_not_count() -> None:
    figure = compare("f", "s", {OURS: [2.0, 20.0, 2.0], "peer": [4.0, 40.0, 4.0], FLOOR: [1.0, 10.0, 1.0]}, 10)
    assert (figure.ours, figure.peers, figure.floor) == (20.0, {"peer": 40.0}, 10.0)
    assert figure.ratio == {"peer": 0.5, FLOOR: 2.0}
    assert figure.spread["peer"] == 0.0
    assert figure.spread[OURS] > 1


def test_a_goal_is_met_up_to_its_limit() -> None:
    figure = compare("f", "s", {OURS: [2.0], FLOOR: [1.0]}, goals=[Goal(FLOOR, 2.0), Goal(FLOOR, 1.9)])
    assert [goal["met"] for goal in figure.to_dict()["goals"]] == [True, False]


def test_figures_are_valid_results() -> None:
    with_everything = compare("f", "s", {OURS: [2.0], FLOOR: [1.0], "peer": [3.0]}, goals=[Goal("peer", 1.0)])
    alone = compare("g", "s", {OURS: [2.0]})
    VALIDATE({"figures": [{**figure.to_dict(), **CONTEXT} for figure in (with_everything, alone)]})


@pytest.mark.parametrize(
    "change",
    [{"ours": 0}, {"ratio": {"floor": "2"}}, {"unit": ""}, {"versions": {}}, {"extra": 1}, {"spread": {}}],
)
def test_results_with_a_wrong_figure_are_not_valid(change: dict[str, Any]) -> None:
    figure = {**compare("f", "s", {OURS: [2.0], FLOOR: [1.0]}).to_dict(), **CONTEXT, **change}
    with pytest.raises(fastjsonschema.JsonSchemaValueException):
        VALIDATE({"figures": [figure]})
