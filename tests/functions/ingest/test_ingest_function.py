"""A start makes the clients that every invocation needs, and no others."""

from typing import Any

import pytest

from ingest.function import IngestHandler
from ingest.settings import IngestSettings
from tests.in_memory_aws import InMemoryAws
from tests.wired_functions import INGEST_ENVIRONMENT


@pytest.mark.parametrize(
    ("signing_secret_arn", "made_at_start"),
    [(INGEST_ENVIRONMENT["SIGNING_SECRET_ARN"], {"firehose", "secretsmanager"}), ("", {"firehose"})],
    ids=["with the webhook", "without the webhook"],
)
def test_a_start_makes_the_clients_that_every_invocation_needs(
    aws: InMemoryAws, signing_secret_arn: str, made_at_start: set[str]
) -> None:
    made: list[str] = []

    def make_client(service: str) -> Any:
        made.append(service)
        return aws.client(service)

    IngestHandler(
        IngestSettings.from_environment({**INGEST_ENVIRONMENT, "SIGNING_SECRET_ARN": signing_secret_arn}), make_client
    )
    assert set(made) == made_at_start
    assert len(made) == len(made_at_start)
