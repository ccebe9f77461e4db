"""Fixtures and settings of all tests."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings

from tests.wired_functions import METRICS_ENVIRONMENT

# What an example takes depends on who else is using the machine.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


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
