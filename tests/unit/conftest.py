"""The fixtures of the unit tests."""

import pytest

from tests.in_memory_aws import InMemoryAws
from tests.unit.observing import Clock


@pytest.fixture
def aws() -> InMemoryAws:
    return InMemoryAws()


@pytest.fixture
def clock() -> Clock:
    return Clock()
