"""Measures contestants side by side: interleaved in one run, so that a disturbance affects all of them."""

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any, TypeVar

OURS = "ours"
FLOOR = "floor"

_Round = TypeVar("_Round")
Samples = dict[str, list[float]]
"""Per contestant, what each round took. `OURS` and `FLOOR` are two of them, all others are peers."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A ratio that is meant to be reached: ours at most ``at_most`` times ``against``."""

    against: str
    at_most: float


@dataclass(frozen=True, slots=True)
class Figure:
    """One comparison.

    Attributes:
        name: What was measured.
        unit: Of ``ours``, ``peers`` and ``floor``, which are medians over the rounds.
        ratio: Ours by each of the others: the median over the rounds of the ratio within a round.
        spread: The interquartile range of each ratio by its median, and that of ``ours`` alone.
        goals: What the ratios are meant to be.
    """

    name: str
    unit: str
    ours: float
    peers: dict[str, float]
    floor: float | None
    ratio: dict[str, float]
    spread: dict[str, float]
    goals: tuple[Goal, ...]

    def is_met(self, goal: Goal) -> bool:
        """Tell whether the ratio is at most what the goal says."""
        return self.ratio[goal.against] <= goal.at_most

    def to_dict(self) -> dict[str, Any]:
        """Return the figure as ``results.json`` holds it."""
        return {
            "name": self.name,
            "unit": self.unit,
            "ours": self.ours,
            "peers": self.peers,
            "floor": self.floor,
            "ratio": self.ratio,
            "spread": self.spread,
            "goals": [
                {"against": goal.against, "at_most": goal.at_most, "met": self.is_met(goal)} for goal in self.goals
            ],
        }


def interleave(
    contestants: Mapping[str, Callable[[_Round], object]],
    rounds: Sequence[_Round],
    clock: Callable[[], float] = time.process_time,
) -> Samples:
    """Time every contestant once in every round; who begins changes with each.

    The first round warms up and is not counted. Garbage is collected between the contestants, and during their runs
    only what they made themselves.

    Args:
        contestants: What is timed, by name.
        rounds: What each is given, one after the other.
        clock: Seconds; CPU time of this process by default.
    """
    names = list(contestants)
    samples: Samples = {name: [] for name in names}
    for number, given in enumerate(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            gc.collect()
            gc.freeze()
            started = clock()
            contestants[name](given)
            took = clock() - started
            gc.unfreeze()
            if number:
                samples[name].append(took)
    return samples


def compare(name: str, unit: str, samples: Samples, scale: float = 1.0, goals: Sequence[Goal] = ()) -> Figure:
    """Make a figure of samples.

    Args:
        name: What was measured.
        unit: Of a sample times ``scale``.
        samples: Of `OURS` and others, all of the same rounds.
        scale: Turns a sample into the unit.
        goals: What the ratios are meant to be.
    """
    middles = {contestant: median(taken) * scale for contestant, taken in samples.items()}
    ours = samples[OURS]
    ratios = {
        other: [mine / its for mine, its in zip(ours, taken, strict=True)]
        for other, taken in samples.items()
        if other != OURS
    }
    return Figure(
        name=name,
        unit=unit,
        ours=middles[OURS],
        peers={other: middle for other, middle in middles.items() if other not in (OURS, FLOOR)},
        floor=middles.get(FLOOR),
        ratio={other: median(values) for other, values in ratios.items()},
        spread={other: _spread(values) for other, values in {OURS: ours, **ratios}.items()},
        goals=tuple(goals),
    )


def _spread(values: Sequence[float]) -> float:
    if len(values) < 2:
        return 0.0
    lower, middle, upper = quantiles(values, n=4)
    return (upper - lower) / middle
