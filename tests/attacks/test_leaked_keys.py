"""A key leaks. What an operator does then ends it, and the lake and its queries follow."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ingest.signing_keys import CACHE_SECONDS, SigningKeys
from rebuild.function import RebuildHandler
from tests.functions.observing import Clock
from tests.functions.rebuild.test_rebuild_objects import FUNCTION_ARN, put_raw
from tests.in_memory_aws import Fault, InMemoryAws
from tests.library.lake.test_queries import Lake
from tests.wired_functions import (
    PLAN,
    TRANSFORM_ENVIRONMENT,
    firehose_batch,
    hex_signature,
    ingest_function,
    post,
    request,
    transform_function,
    transformed,
)
from transform.function import KEY_CACHE_SECONDS, CurrentTransformer, TransformHandler
from transform.settings import TransformerSettings
from transform.tokens import key_id

CALLERS = ["tel:+15550100100", "tel:+15550100101"]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of both kinds of keys."""
    clock = Clock()
    monkeypatch.setattr(SigningKeys.__init__, "__defaults__", (clock,))
    monkeypatch.setattr(CurrentTransformer.__init__, "__defaults__", (clock,))
    return clock


@pytest.fixture
def aws() -> InMemoryAws:
    aws = InMemoryAws()
    aws.secret_created = datetime.now(UTC) - timedelta(days=100)
    return aws


def replace_key(aws: InMemoryAws, key: str) -> None:
    """`aws secretsmanager put-secret-value`."""
    aws.secret_versions = {"AWSCURRENT": key, "AWSPREVIOUS": aws.secret_versions["AWSCURRENT"]}
    aws.secret_created = datetime.now(UTC)


class Pipeline:
    """Events of one day, by warm functions, into one lake."""

    def __init__(self, aws: InMemoryAws, root: Path) -> None:
        self._aws = aws
        self._root = root
        self._transform: TransformHandler = transform_function(aws)
        self._rebuild = RebuildHandler(
            TransformerSettings.from_environment(TRANSFORM_ENVIRONMENT),
            PLAN,
            "arn:aws:kms:eu-west-1:111122223333:key/raw",
            aws.client,
        )
        self._raw: list[bytes] = []
        self._count = 0
        self.clean: list[dict[str, Any]] = []

    def come(self, *callers: str) -> None:
        for caller in callers:
            self._count += 1
            conversation = f"0a1b2c3d-0000-4000-8000-{self._count:012d}"
            body = {"eventTime": "2026-11-20T10:00:00Z", "conversationId": conversation, "ani": caller}
            event = {"topicName": f"v2.detail.events.conversation.{conversation}.customer.start", "eventBody": body}
            assert post(ingest_function(self._aws), event) == 200
        batch, self._aws.in_stream[:] = list(self._aws.in_stream), []
        self._raw += batch
        self.clean += transformed(self._transform.handle(firehose_batch(batch)))

    def rebuild(self) -> int:
        """Rebuild the day, and return how many objects that wrote."""
        key = "raw/2026/11/20/10/stream-1-2026-11-20-10-00-03-0b1c.gz"
        put_raw(self._aws, *self._raw, key=key)
        before = set(self._aws.objects)
        self._rebuild.handle({"key": key}, FUNCTION_ARN)
        return len(set(self._aws.objects) - before)

    def tokens(self) -> list[str]:
        """The callers' tokens that the view shows."""
        lines = "".join(json.dumps(record) + "\n" for record in self.clean)
        delivered = {"clean/event_type=call/date=2026-11-20/delivered.gz": gzip.compress(lines.encode())}
        rebuilt = {key: content for key, content in self._aws.objects.items() if key.startswith("clean/")}
        lake = Lake(self._root)
        lake.copy({**delivered, **rebuilt})
        token = "json_extract_scalar(event, '$.eventBody.ani')"
        return [row[0] for row in lake.view(f"SELECT {token} FROM events ORDER BY 1")]  # noqa: S608


def keys_of(tokens: list[str]) -> set[str]:
    return {token.split("_")[1] for token in tokens}


def test_after_a_new_tokenization_key_and_a_rebuild_the_view_has_its_tokens_alone_and_joins_hold(
    aws: InMemoryAws, clock: Clock, tmp_path: Path
) -> None:
    """The drill of the runbook."""
    old, new = key_id(aws.secret_versions["AWSCURRENT"].encode()), key_id(b"another-tokenization-key")
    pipeline = Pipeline(aws, tmp_path)
    pipeline.come(*CALLERS, CALLERS[0])
    assert pipeline.rebuild() > 0
    assert keys_of(pipeline.tokens()) == {old}

    replace_key(aws, "another-tokenization-key")
    # Warm functions go on with the old key for five minutes at most.
    clock.advance(KEY_CACHE_SECONDS)
    pipeline.come(CALLERS[0])
    clock.advance(1)
    pipeline.come(CALLERS[0])
    assert [keys_of([record["event"]["eventBody"]["ani"]]) for record in pipeline.clean[-2:]] == [{old}, {new}]
    assert keys_of(pipeline.tokens()) == {old, new}

    assert pipeline.rebuild() > 0
    tokens = pipeline.tokens()
    assert keys_of(tokens) == {new}
    # Five events of two callers, of before and after the change.
    assert sorted(tokens.count(token) for token in set(tokens)) == [1, 4]
    assert pipeline.rebuild() == 0


def test_the_records_of_two_keys_have_two_versions_and_the_newer_keys_is_the_newer(
    aws: InMemoryAws, clock: Clock, tmp_path: Path
) -> None:
    pipeline = Pipeline(aws, tmp_path)
    pipeline.come(CALLERS[0])
    replace_key(aws, "another-tokenization-key")
    clock.advance(KEY_CACHE_SECONDS + 1)
    pipeline.come(CALLERS[0])
    versions = [record["transform_version"] for record in pipeline.clean]
    assert versions[0] < versions[1]


def test_two_keys_that_were_made_in_the_same_second_have_two_versions(aws: InMemoryAws, tmp_path: Path) -> None:
    created = aws.secret_created = datetime.now(UTC)
    first, second = Pipeline(aws, tmp_path), Pipeline(aws, tmp_path)
    first.come(CALLERS[0])
    replace_key(aws, "another-tokenization-key")
    aws.secret_created = created
    second.come(CALLERS[1])
    assert first.clean[0]["transform_version"] != second.clean[0]["transform_version"]


@pytest.mark.parametrize("fault", [Fault.TIMEOUT, Fault.THROTTLE, Fault.REFUSED])
def test_while_the_tokenization_key_cant_be_read_again_the_known_one_goes_on(
    aws: InMemoryAws, clock: Clock, tmp_path: Path, fault: Fault
) -> None:
    function = transform_function(aws)
    pipeline = Pipeline(aws, tmp_path)
    pipeline.come(CALLERS[0])
    batch = firehose_batch(aws.raw)
    before = transformed(function.handle(batch))
    clock.advance(KEY_CACHE_SECONDS + 1)
    aws.calls.clear()
    aws.schedule = {0: fault}
    assert transformed(function.handle(batch)) == before
    assert aws.calls[0] == "GetSecretValue"


def test_a_leaked_signing_key_ends_within_the_cache_once_its_version_has_no_label(
    aws: InMemoryAws, clock: Clock
) -> None:
    """The runbook's two commands: put a new key, and take AWSPREVIOUS from the old one."""
    function = ingest_function(aws)
    leaked = aws.secret_versions["AWSCURRENT"]
    numbers = iter(range(100))

    def status(key: str) -> int:
        body = json.dumps({"messageId": next(numbers)}).encode()
        answer: int = function.handle(request(body, hex_signature(body, key)))["statusCode"]
        return answer

    assert status(leaked) == 200
    replace_key(aws, "a-new-signing-key")
    clock.advance(2)
    assert [status("a-new-signing-key"), status(leaked)] == [200, 200]
    del aws.secret_versions["AWSPREVIOUS"]
    clock.advance(CACHE_SECONDS + 1)
    assert [status(leaked), status("a-new-signing-key")] == [401, 200]
