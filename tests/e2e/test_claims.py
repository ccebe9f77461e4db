"""Many transform functions claim the same keys of a real table at once: each key has one owner, known to all."""

import random
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from genesys_firehose_tools.local.deployment import Deployment
from transform.deduplication import FULL, Copy, Key, KeyOwners

WRITERS = 8
WEEK = 7 * 24 * 60 * 60


@pytest.fixture
def table(deployment: Deployment) -> str:
    client = deployment.client("cloudformation")
    pages = client.get_paginator("list_stack_resources").paginate(StackName=deployment.stack)
    resources = [each for page in pages for each in page["StackResourceSummaries"]]
    [name] = [each["PhysicalResourceId"] for each in resources if each["ResourceType"] == "AWS::DynamoDB::Table"]
    return str(name)


@pytest.mark.parametrize("count", [FULL // 2, FULL * 4], ids=["a second with room", "a second that becomes full"])
def test_of_many_writers_at_once_each_key_has_one_owner_that_all_agree_on(
    deployment: Deployment, table: str, count: int
) -> None:
    second = secrets.randbelow(2**31)
    all_ready = threading.Barrier(WRITERS)
    keys = [Key(secrets.token_hex(16), second) for _ in range(count)]

    def write(number: int) -> dict[Key, Copy]:
        client = deployment.client("dynamodb")
        owners = KeyOwners(lambda: client, table, WEEK)
        choice = random.Random(number)  # noqa: S311 - any order does
        order = choice.sample(keys, len(keys))
        found: dict[Key, Copy] = {}
        # A client's first call takes longer than the claims: without it, one writer could be done before all others.
        client.describe_table(TableName=table)
        all_ready.wait(timeout=60)
        while order:
            # Not all at once, which the first to come would win.
            size = choice.randint(1, count // 5)
            some, order = order[:size], order[size:]
            found.update(owners.claim({key: Copy(f"{number:032x}", "f" * 32) for key in some}))
        return found

    with ThreadPoolExecutor(WRITERS) as pool:
        answers = list(pool.map(write, range(WRITERS)))
    assert all(answer.keys() == set(keys) for answer in answers)
    assert all(answer == answers[0] for answer in answers)
    # There was a race, and not one winner of all.
    assert len({copy.ingest_id for copy in answers[0].values()}) > 1
