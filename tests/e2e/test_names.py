"""The names behind Genesys Cloud's identifiers land masked in a partition of their own, and events find theirs."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import urllib3

from genesys_firehose_cdk.genesys.names import KINDS
from genesys_firehose_tools.local.deployment import Deployment
from genesys_firehose_tools.local.directory import DIRECTORY
from genesys_firehose_tools.local.values import GeneratedEvent, find_personal_values
from tests.e2e.conftest import Sender, pipeline_with
from tests.e2e.test_least_privilege import Function

Generate = Callable[[str], GeneratedEvent]


def run(deployment: Deployment) -> tuple[dict[str, str], str]:
    """Run the function as its schedule does; what came of each kind, and the end of its log."""
    name = Function(deployment, "genesys_names").name
    answer = deployment.client("lambda").invoke(FunctionName=name, LogType="Tail")
    return dict(json.load(answer["Payload"])), base64.b64decode(answer["LogResult"]).decode()


def take_names(deployment: Deployment) -> dict[str, str]:
    """Run the function; what came of each kind."""
    return run(deployment)[0]


def names_of(sender: Sender, prefix: str = "clean/") -> list[dict[str, Any]]:
    """The records of names that have come under a prefix since the sender began."""
    return [record for line in sender.landed(prefix) if (record := json.loads(line))["ingress"] == "names"]


@pytest.fixture
def missing_permission(deployment: Deployment) -> Iterator[str]:
    """A permission that the OAuth client lacks."""
    place, permission = f"{deployment.genesys_url}/_local/missing-permissions", "routing:skill:view"
    urllib3.request("PUT", place, json=[permission])
    yield permission
    urllib3.request("PUT", place, json=[])


def test_every_kind_lands_with_tokens_in_the_place_of_agents_names(sender: Sender) -> None:
    assert take_names(sender.deployment) == dict.fromkeys(KINDS, "whole")
    records = names_of(sender)
    named = {(each["event"]["kind"], each["event"]["id"]): each["event"]["name"] for each in records}
    assert {name for (kind, _), name in named.items() if kind == "queue"} == set(DIRECTORY.queues.values())
    users = {thing: name for (kind, thing), name in named.items() if kind == "user"}
    assert users.keys() == DIRECTORY.users.keys()
    assert all(name.startswith("tok_") for name in users.values())
    assert len(set(users.values())) == len(users)
    # No name of a person is anywhere in it, and all of them are in raw/.
    assert not find_personal_values(json.dumps(records)) & find_personal_values(" ".join(DIRECTORY.users.values()))
    assert {each["event"]["name"] for each in names_of(sender, "raw/")} >= set(DIRECTORY.users.values())
    assert {each["event_type"] for each in records} == {"names"}
    assert {each["event"]["total"] for each in records if each["event"]["kind"] == "user"} == {len(users)}


def test_they_are_in_the_partition_of_names_alone(sender: Sender) -> None:
    deployment = sender.deployment
    take_names(deployment)
    assert names_of(sender)
    listing = deployment.client("s3").list_objects_v2(Bucket=deployment.bucket, Prefix="clean/", Delimiter="/")
    assert "clean/event_type=names/" in {each["Prefix"] for each in listing["CommonPrefixes"]}


def test_an_event_finds_the_name_of_its_queue(sender: Sender, generate: Generate) -> None:
    take_names(sender.deployment)
    event = generate("acd.end")
    sender.post_events(event)
    records = [json.loads(line) for line in sender.landed()]
    [landed] = [each for each in records if event.marker in json.dumps(each)]
    queues = {each["event"]["id"]: each["event"]["name"] for each in records if each["event_type"] == "names"}
    queue = landed["event"]["eventBody"]["queueId"]
    assert queues[queue] == DIRECTORY.queues[queue]


def test_a_missing_permission_is_named_and_the_other_kinds_land(sender: Sender, missing_permission: str) -> None:
    outcomes, log = run(sender.deployment)
    assert outcomes == {**dict.fromkeys(KINDS, "whole"), "skill": "forbidden"}
    assert missing_permission in log
    assert {each["event"]["kind"] for each in names_of(sender)} == set(KINDS) - {"skill"}


def test_names_of_agents_are_readable_where_the_owner_says_so() -> None:
    with pipeline_with(keep_user_names=True, genesys_names=["user"]) as pipeline:
        sender = Sender(pipeline.deployment)
        assert take_names(pipeline.deployment) == {"user": "whole"}
        assert {each["event"]["id"]: each["event"]["name"] for each in names_of(sender)} == DIRECTORY.users
