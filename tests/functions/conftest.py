"""The fixtures of the unit tests."""

import pytest

from tests.functions.observing import Clock
from tests.in_memory_aws import InMemoryAws


@pytest.fixture
def aws() -> InMemoryAws:
    return InMemoryAws()


@pytest.fixture
def clock() -> Clock:
    return Clock()
