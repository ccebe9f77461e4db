"""Fixtures and settings of all tests."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.wired_functions import METRICS_ENVIRONMENT

# What an example takes depends on who else is using the machine.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

# Local pipelines of the tests leave their logs in this checkout, and meet nobody else's.
os.environ["XDG_STATE_HOME"] = str(Path(__file__).parents[1] / "build")


@pytest.fixture(autouse=True)
def metrics_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in METRICS_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def state(request: pytest.FixtureRequest) -> Callable[[str, int], None]:
    """State a figure that the run prints at its end, whichever worker found it."""

    def state_figure(name: str, value: int) -> None:
        request.node.user_properties.append((name, value))

    return state_figure


def pytest_terminal_summary(terminalreporter: Any) -> None:
    reports = terminalreporter.getreports("passed")
    figures = [figure for report in reports if report.when == "call" for figure in report.user_properties]
    if figures:
        terminalreporter.section("figures")
    for name in dict.fromkeys(name for name, _value in figures):
        values = [value for other, value in figures if other == name]
        terminalreporter.write_line(f"{name}: {sum(values):,}")
    _tell_attacks(terminalreporter)


def _tell_attacks(terminalreporter: Any) -> None:
    """Say of each file in tests/attacks whether its attack was held off."""
    attempts: dict[str, list[bool]] = {}
    for outcome in ("passed", "failed", "error"):
        for report in terminalreporter.getreports(outcome):
            directory, _, name = report.nodeid.partition("::")[0].rpartition("/")
            if directory == "tests/attacks" and (outcome != "passed" or report.when == "call"):
                attempts.setdefault(name, []).append(outcome == "passed")
    if attempts:
        terminalreporter.section("attacks")
    for name, held in sorted(attempts.items()):
        attack = name.removeprefix("test_").removesuffix(".py").replace("_", " ")
        said = "as docs/security.md says" if all(held) else f"NOT as docs/security.md says: {held.count(False)} failed"
        terminalreporter.write_line(f"{attack}: {len(held)} attempts, {said}")
