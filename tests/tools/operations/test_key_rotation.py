"""A rotation by hand: it refuses in one sentence what would end a key that is needed, and goes on where it was cut."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from genesys_firehose_cdk.common.hmac_key import KEY_KNOWN_AFTER
from genesys_firehose_tools.operations.deployed_pipeline import DeployedPipeline, PipelineError
from genesys_firehose_tools.operations.key_rotation import KNOWN_AFTER, HandRotation, KeyRotationError
from ingest.signing_keys import CACHE_SECONDS

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
PIPELINE = DeployedPipeline(
    "Lake", "Lake/Pipeline", {"SigningSecretArn": "arn:signing", "IngestFunctionName": "ingest"}
)


class World:
    """Secrets Manager with one secret, and the ingest function's log."""

    def __init__(self) -> None:
        self.now = NOW
        self.labels = {"first": ["AWSCURRENT"]}
        self.created = {"first": NOW - timedelta(days=90)}
        self.is_on_schedule = False
        self.refused = ""
        self.dies_after_stage_moves: int | None = None
        self.log: list[tuple[datetime, dict[str, int]]] = []

    def client(self, service: str) -> Any:
        match service:
            case "lambda":
                configuration = {"LoggingConfig": {"LogGroup": "group-of-ingest"}}
                return SimpleNamespace(get_function_configuration=lambda **_: configuration)
            case "logs":
                return SimpleNamespace(get_paginator=lambda _: SimpleNamespace(paginate=self._events))
        return self

    def _events(self, *, logGroupName: str, filterPattern: str, startTime: int) -> Iterator[dict[str, Any]]:  # noqa: N803
        assert logGroupName == "group-of-ingest"
        yield {
            "events": [
                {"timestamp": int(at.timestamp() * 1000), "message": json.dumps(line)}
                for at, line in self.log
                if at.timestamp() * 1000 >= startTime and filterPattern.strip('"') in json.dumps(line)
            ]
        }

    def describe_secret(self, *, SecretId: str) -> dict[str, Any]:  # noqa: N803
        assert SecretId == "arn:signing"
        if self.refused:
            raise ClientError({"Error": {"Code": self.refused, "Message": "no"}}, "DescribeSecret")
        return {"RotationEnabled": self.is_on_schedule}

    def list_secret_version_ids(self, **_: str) -> dict[str, Any]:
        versions = [
            {"VersionId": each, "VersionStages": labels, "CreatedDate": self.created[each]}
            for each, labels in self.labels.items()
            if labels
        ]
        return {"Versions": versions}

    def put_secret_value(self, *, SecretId: str, SecretString: str, VersionStages: list[str]) -> dict[str, str]:  # noqa: N803
        assert SecretId == "arn:signing"
        assert len(SecretString) == 64
        version = f"version-{len(self.labels)}"
        self.labels[version], self.created[version] = VersionStages, self.now
        return {"VersionId": version}

    def update_secret_version_stage(
        self,
        *,
        SecretId: str,  # noqa: N803
        VersionStage: str,  # noqa: N803
        RemoveFromVersionId: str,  # noqa: N803
        MoveToVersionId: str | None = None,  # noqa: N803
    ) -> None:
        assert SecretId == "arn:signing"
        if self.dies_after_stage_moves == 0:
            raise KeyboardInterrupt
        if self.dies_after_stage_moves is not None:
            self.dies_after_stage_moves -= 1
        self.labels[RemoveFromVersionId].remove(VersionStage)
        if MoveToVersionId is not None:
            for labels in self.labels.values():
                if "AWSPREVIOUS" in labels:
                    labels.remove("AWSPREVIOUS")
            self.labels[RemoveFromVersionId].append("AWSPREVIOUS")
            self.labels[MoveToVersionId].append(VersionStage)

    def signed(self, which: str, ago: timedelta) -> None:
        self.log.append((self.now - ago, {f"RequestsSignedWith{which}Key": 1}))


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def rotation(world: World) -> HandRotation:
    return HandRotation(world, PIPELINE, lambda: world.now)


def refusal(work: Any, *arguments: Any, **keywords: Any) -> str:
    with pytest.raises(KeyRotationError) as raised:
        work(*arguments, **keywords)
    return str(raised.value)


def test_it_waits_for_longer_than_the_functions_cache() -> None:
    assert timedelta(seconds=CACHE_SECONDS) < KNOWN_AFTER


def test_a_rotation_ends_with_one_key(world: World, rotation: HandRotation) -> None:
    begun = rotation.begin(HOUR)
    assert begun.known_from == NOW + KNOWN_AFTER
    world.now += timedelta(days=3)
    world.signed("Old", timedelta(hours=2))
    world.signed("New", timedelta(minutes=2))
    finished = rotation.finish(HOUR, force=False)
    assert finished.version == begun.version
    assert world.labels == {"first": [], begun.version: ["AWSCURRENT"]}


def test_without_a_rotation_there_is_nothing_to_finish(rotation: HandRotation) -> None:
    assert refusal(rotation.finish, HOUR, force=True) == (
        "There is nothing to finish: no rotation of the signing key is under way."
    )


def test_while_a_rotation_is_under_way_no_other_begins(rotation: HandRotation) -> None:
    rotation.begin(HOUR)
    assert refusal(rotation.begin, HOUR) == (
        "A rotation is under way since 2026-11-25 12:00:00 UTC: finish it with `genesys-firehose rotate-key finish` "
        "before the next one."
    )


def test_while_the_key_before_is_needed_no_rotation_begins(world: World, rotation: HandRotation) -> None:
    world.labels["before"], world.created["before"] = ["AWSPREVIOUS"], NOW - timedelta(days=180)
    world.signed("Old", timedelta(minutes=7))
    assert refusal(rotation.begin, HOUR) == (
        "The old key has signed requests since 2026-11-25 11:00:00 UTC (1, the last at 2026-11-25 11:53:00 UTC): give "
        "the sender the current key first."
    )


def test_a_key_that_the_sender_cannot_have_yet_is_not_made_the_only_one(world: World, rotation: HandRotation) -> None:
    rotation.begin(HOUR)
    world.now += timedelta(seconds=309)
    assert "from 2026-11-25 12:05:10 UTC on" in refusal(rotation.finish, HOUR, force=False)


@pytest.mark.parametrize(
    ("signed", "problem"),
    [
        (["Old"], "The old key has signed requests since 2026-11-25 13:00:00 UTC (1, "),
        (["Old", "New"], "The old key has signed requests since 2026-11-25 13:00:00 UTC (1, "),
        ([], "The new key has signed no request since 2026-11-25 13:00:00 UTC: "),
    ],
)
def test_an_old_key_that_is_needed_does_not_end_unless_forced(
    world: World, rotation: HandRotation, signed: list[str], problem: str
) -> None:
    begun = rotation.begin(HOUR)
    world.now += timedelta(hours=2)
    for which in signed:
        world.signed(which, timedelta(minutes=5))
    assert refusal(rotation.finish, HOUR, force=False).startswith(problem)
    assert world.labels["first"] == ["AWSCURRENT"]
    rotation.finish(HOUR, force=True)
    assert world.labels == {"first": [], begun.version: ["AWSCURRENT"]}


def test_what_was_counted_before_the_new_key_was_known_everywhere_says_nothing(
    world: World, rotation: HandRotation
) -> None:
    """An environment that remembers an earlier rotation takes the current key for the new one."""
    rotation.begin(HOUR)
    world.now += timedelta(minutes=10)
    world.signed("New", timedelta(minutes=6))
    assert "The new key has signed no request since 2026-11-25 12:05:10 UTC" in refusal(
        rotation.finish, HOUR, force=False
    )


@pytest.mark.parametrize("moves", [0, 1, 2])
def test_a_finish_that_was_cut_off_goes_on_where_it_stopped(world: World, rotation: HandRotation, moves: int) -> None:
    begun = rotation.begin(HOUR)
    world.dies_after_stage_moves = moves
    with pytest.raises(KeyboardInterrupt):
        rotation.finish(HOUR, force=True)
    world.dies_after_stage_moves = None
    rotation.finish(HOUR, force=True)
    assert world.labels == {"first": [], begun.version: ["AWSCURRENT"]}


def test_a_key_that_secrets_manager_rotates_is_left_to_it(world: World, rotation: HandRotation) -> None:
    world.is_on_schedule = True
    for work in (lambda: rotation.begin(HOUR), lambda: rotation.finish(HOUR, force=True)):
        assert "`aws secretsmanager rotate-secret --secret-id arn:signing` does so now." in refusal(work)


def test_a_call_that_aws_refuses_names_what_to_allow(world: World, rotation: HandRotation) -> None:
    world.refused = "AccessDeniedException"
    told = refusal(rotation.begin, HOUR)
    assert told.startswith("AWS refused DescribeSecret (AccessDeniedException): allow it on the signing key's secret")


def test_a_pipeline_without_a_webhook_has_no_key() -> None:
    with pytest.raises(PipelineError, match="has no output SigningSecretArn"):
        HandRotation(World(), DeployedPipeline("Lake", "Lake/Pipeline", {}))


def test_a_rotation_by_hand_waits_as_long_as_the_pipelines_own() -> None:
    """The tools do not import the library, which would start the CDK; so the time stands in both."""
    assert timedelta(seconds=KEY_KNOWN_AFTER.to_seconds()) == KNOWN_AFTER
