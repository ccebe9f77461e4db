"""What every test stands on."""

import pytest
from hypothesis import settings

from tests.functions import METRICS_ENVIRONMENT

# What an example takes depends on who else is using the machine.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@pytest.fixture(autouse=True)
def metrics_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in METRICS_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
