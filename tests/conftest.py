"""What every test stands on."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from tests.functions import METRICS_ENVIRONMENT

# The CDK runs on the Node that the environment brings along, also when its bin folder is not on the PATH.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])

# What an example takes depends on who else is using the machine.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@pytest.fixture(autouse=True)
def metrics_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in METRICS_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
