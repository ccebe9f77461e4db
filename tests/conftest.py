"""What every test stands on."""

import pytest

from tests.functions import METRICS_ENVIRONMENT


@pytest.fixture(autouse=True)
def metrics_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in METRICS_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
