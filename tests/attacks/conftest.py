"""Both functions, wired without AWS, for attacks through them."""

import pytest

from ingest.function import IngestHandler
from tests.in_memory_aws import InMemoryAws
from tests.wired_functions import ingest_function


@pytest.fixture
def aws() -> InMemoryAws:
    return InMemoryAws()


@pytest.fixture
def function(aws: InMemoryAws) -> IngestHandler:
    return ingest_function(aws)
