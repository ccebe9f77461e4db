"""The three templates that most tests look at, each synthesized once."""

import pytest

from genesys_firehose_cdk import DeliveryProps
from tests.library.synthesis import Template, maximal_pipeline, new_stack, synthesize, template_of


@pytest.fixture(scope="session")
def default() -> Template:
    """A pipeline with no further argument."""
    return synthesize()


@pytest.fixture(scope="session")
def unpartitioned() -> Template:
    return synthesize(delivery=DeliveryProps(dynamic_partitioning=False))


@pytest.fixture(scope="session")
def maximal() -> Template:
    stack = new_stack()
    maximal_pipeline(stack)
    return template_of(stack)
