"""Snapshots of names: every thing of every kind, once, whole or told to be incomplete, and nothing else of it."""

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from genesys.client import GenesysClient
from genesys_firehose_cdk import MaskingPolicy
from genesys_firehose_tools.local.directory import DIRECTORY
from genesys_firehose_tools.local.genesys.faults import Fault
from genesys_firehose_tools.local.genesys.names import LISTINGS
from genesys_firehose_tools.local.genesys.server import LocalGenesys
from genesys_names.function import WORK_SECONDS, NamesHandler
from genesys_names.kinds import KINDS
from genesys_names.settings import NamesSettings
from genesys_names.snapshot import Snapshot, Thing, records
from tests.functions.genesys.conftest import Aws, MakeClient, Time
from tests.functions.observing import lines_of, metrics_of
from tests.in_memory_aws import Fault as AwsFault
from tests.in_memory_aws import InMemoryAws
from tests.wired_functions import firehose_batch, masking_plan, transform_function, transformed

NOW = datetime(2026, 11, 30, 2, tzinfo=UTC)
QUEUES = "/api/v2/routing/queues"


@pytest.fixture
def lake() -> InMemoryAws:
    return InMemoryAws()


class Taken(dict[str, str]):
    """What came of each kind, and what the function wrote."""

    def __init__(self, outcomes: dict[str, str], output: str) -> None:
        super().__init__(outcomes)
        self.metrics = metrics_of(output)
        self.lines = [line for line in lines_of(output) if "level" in line]


Take = Callable[..., Taken]


@pytest.fixture
def take(aws: Aws, lake: InMemoryAws, make_client: MakeClient, time: Time, capsys: pytest.CaptureFixture[str]) -> Take:
    """Take a snapshot of some kinds; default all."""

    def take(*kinds: str, streams: str = "stream") -> Taken:
        def connect(_host: str, credentials: Any, deadline: Any) -> GenesysClient:
            return make_client(seconds=deadline.seconds_left(), credentials=credentials)

        settings = NamesSettings.from_environment(
            {
                "GENESYS_HOST": "mypurecloud.com",
                "CREDENTIALS_SECRET_ARN": "credentials",
                "KINDS": ",".join(kinds or KINDS),
                "STREAM_NAMES": streams,
            }
        )

        def client(service: str) -> Any:
            return aws if service == "secretsmanager" else lake.client(service)

        handler = NamesHandler(settings, client, connect, lambda: NOW, time, time.sleep)
        return Taken(handler.take(), capsys.readouterr().out)

    return take


def put(lake: InMemoryAws) -> list[dict[str, Any]]:
    """The envelopes that Firehose has."""
    return [json.loads(record) for record in lake.in_stream]


def names(lake: InMemoryAws) -> list[dict[str, Any]]:
    return [envelope["event"] for envelope in put(lake)]


def clean(lake: InMemoryAws, policy: MaskingPolicy | None = None) -> list[tuple[dict[str, str], dict[str, Any]]]:
    """What becomes of it in clean/: each record's partition and content."""
    answer = transform_function(InMemoryAws(), masking_plan(policy)).handle(firehose_batch(lake.in_stream))
    assert {each["result"] for each in answer["records"]} <= {"Ok", "Dropped"}
    partitions = [each["metadata"]["partitionKeys"] for each in answer["records"] if each["result"] == "Ok"]
    return list(zip(partitions, transformed(answer), strict=True))


def test_every_thing_of_every_kind_is_put_once(take: Take, lake: InMemoryAws) -> None:
    taken = take()
    assert taken == dict.fromkeys(KINDS, "whole")
    assert {(each["kind"], each["id"]): each["name"] for each in names(lake)} == {
        **{("queue", each): name for each, name in DIRECTORY.queues.items()},
        **{("wrapup_code", each): name for each, name in DIRECTORY.wrapup_codes.items()},
        **{("skill", each): name for each, name in DIRECTORY.skills.items()},
        **{("division", each): name for each, name in DIRECTORY.divisions.items()},
        **{("flow", each): name for each, name in DIRECTORY.flows.items()},
        **{("presence_definition", each): presence.label for each, presence in DIRECTORY.presences.items()},
        **{("user", each): name for each, name in DIRECTORY.users.items()},
    }
    assert len(lake.in_stream) == len({each["dedup_key"] for each in put(lake)})
    assert taken.metrics == {"NamesTaken": len(lake.in_stream), "NamesForbidden": 0, "NamesWhole": 1}


def test_a_record_says_when_it_was_taken_and_of_how_many(take: Take, lake: InMemoryAws) -> None:
    take("queue")
    queue = names(lake)[0]
    home = next(iter(DIRECTORY.divisions))
    assert queue == {
        "kind": "queue",
        "id": next(iter(DIRECTORY.queues)),
        "name": "Billing EMEA",
        "snapshotAt": "2026-11-30T02:00:00.000Z",
        "total": 3,
        "attributes": {
            "divisionId": home,
            "serviceLevels": {
                "call": {"percentage": 0.8, "durationMs": 20000},
                "message": {"percentage": 0.9, "durationMs": 60000},
            },
        },
    }
    [envelope, *_] = put(lake)
    assert (envelope["ingress"], envelope["event_type"], envelope["received_at"]) == (
        "names",
        "names",
        "2026-11-30T02:00:00.000Z",
    )


ATTRIBUTES = {
    "queue": {"divisionId", "serviceLevels"},
    "wrapup_code": {"divisionId"},
    "skill": {"state"},
    "division": {"homeDivision"},
    "flow": {"divisionId", "type", "active", "deleted"},
    "presence_definition": {"systemPresence", "deactivated"},
    "user": {"divisionId", "state"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_of_an_answer_nothing_but_these_attributes_is_taken(take: Take, lake: InMemoryAws, kind: str) -> None:
    take(kind)
    assert {name for each in names(lake) for name in each["attributes"]} == ATTRIBUTES[kind]


def test_things_that_are_deleted_inactive_or_deactivated_are_among_them(take: Take, lake: InMemoryAws) -> None:
    take("flow", "presence_definition", "user")
    attributes = [each["attributes"] for each in names(lake)]
    assert any(each.get("deleted") for each in attributes)
    assert any(each.get("deactivated") for each in attributes)
    assert any(each.get("state") == "inactive" for each in attributes)


def test_a_missing_permission_is_named_and_the_other_kinds_are_taken(
    take: Take, lake: InMemoryAws, genesys: LocalGenesys
) -> None:
    genesys.organization.missing_permissions = {"routing:wrapupCode:view"}
    taken = take("queue", "wrapup_code", "skill")
    assert taken == {"queue": "whole", "wrapup_code": "forbidden", "skill": "whole"}
    assert {each["kind"] for each in names(lake)} == {"queue", "skill"}
    assert (taken.metrics["NamesForbidden"], taken.metrics["NamesWhole"]) == (1, 1)
    [line] = [line for line in taken.lines if line["level"] == "ERROR"]
    assert (line["kind"], line["permission"]) == ("wrapup_code", "routing:wrapupCode:view")


def test_every_kinds_permission_is_the_one_that_the_local_genesys_asks_for() -> None:
    assert {kind.path: kind.permission for kind in KINDS.values()} == {
        path: listing.permission for path, listing in LISTINGS.items()
    }


def test_a_kind_that_fails_leaves_nothing_half_and_the_others_are_taken(
    take: Take, lake: InMemoryAws, genesys: LocalGenesys
) -> None:
    genesys.faults.set([Fault(status=400, path="/api/v2/users", request=3)])
    taken = take("user", "queue")
    assert taken == {"user": "failed", "queue": "whole"}
    assert {each["kind"] for each in names(lake)} == {"queue"}
    assert taken.metrics["NamesWhole"] == 0


def test_a_rate_limit_is_waited_for(take: Take, genesys: LocalGenesys, time: Time) -> None:
    genesys.organization.limit_rate(5, time)
    assert take("user") == {"user": "whole"}
    assert time.now >= 60


def test_a_kind_whose_api_hangs_leaves_their_share_of_the_time_to_the_others(
    take: Take, genesys: LocalGenesys, time: Time
) -> None:
    genesys.faults.set([Fault(status=503, path=QUEUES, times=100_000)])
    taken = take("queue", "wrapup_code", "user")
    assert taken == {"queue": "failed", "wrapup_code": "whole", "user": "whole"}
    assert time.now <= 200


def test_a_listing_that_lost_a_thing_between_two_pages_is_told_to_be_incomplete(
    take: Take, lake: InMemoryAws, genesys: LocalGenesys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first user is deleted after the first page: another one moves onto it, and is in no page that is read."""
    organization = genesys.organization
    whole = organization.list_names

    def list_names(path: str, query: Any) -> dict[str, Any]:
        page = whole(path, query)
        if query["pageNumber"] == "1":
            others = dict(list(organization.directory.users.items())[1:])
            organization.directory = organization.directory._replace(users=others)
        return page

    monkeypatch.setattr(organization, "list_names", list_names)
    assert take("user") == {"user": "failed"}
    assert {each["total"] for each in names(lake)} == {len(DIRECTORY.users)}
    assert len(names(lake)) == len(DIRECTORY.users) - 1


def test_a_name_is_taken_whatever_it_is_written_with(take: Take, lake: InMemoryAws, genesys: LocalGenesys) -> None:
    odd = 'Größe "XL"\n\u2028 \U0001f4de'
    genesys.organization.directory = DIRECTORY._replace(queues={"7f3c1e1a-0000-4000-8000-000000000001": odd})
    take("queue")
    assert [each["name"] for each in names(lake)] == [odd]
    assert [content["event"]["name"] for _, content in clean(lake)] == [odd]


def test_ten_thousand_users_and_five_thousand_queues_fit_into_the_functions_time(
    take: Take, lake: InMemoryAws, genesys: LocalGenesys, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization = genesys.organization

    def list_names(path: str, query: Any) -> dict[str, Any]:
        total, page = {"/api/v2/users": 10_000, QUEUES: 5_000}[path], int(query["pageNumber"])
        numbers = range((page - 1) * 100, page * 100)
        entities = [{"id": f"7f3c1e1a-0000-4000-8000-{number:012}", "name": f"name {number}"} for number in numbers]
        return {"total": total, "entities": entities, **({"nextUri": path} if page * 100 < total else {})}

    monkeypatch.setattr(organization, "list_names", list_names)
    # Others use up the most of the 300 requests a minute.
    organization.limit_rate(30, time)
    assert take("queue", "user") == {"queue": "whole", "user": "whole"}
    assert len(lake.in_stream) == 15_000
    assert time.now < WORK_SECONDS


def test_what_firehose_throttles_is_put_again_as_another_copy(take: Take, lake: InMemoryAws) -> None:
    lake.schedule = dict.fromkeys(range(3), AwsFault.LOST_ANSWER)
    assert take("queue") == {"queue": "whole"}
    assert len(lake.in_stream) == 4 * len(DIRECTORY.queues)
    assert len({each["ingest_id"] for each in put(lake)}) == len(lake.in_stream)
    assert len(clean(lake)) == len(DIRECTORY.queues)


def test_what_firehose_never_takes_makes_the_snapshot_incomplete_and_is_said(take: Take, lake: InMemoryAws) -> None:
    lake.schedule = dict.fromkeys(range(100), AwsFault.REFUSED)
    taken = take("queue")
    assert taken == {"queue": "failed"}
    assert (taken.metrics["NamesTaken"], taken.metrics["NamesWhole"]) == (0, 0)


def test_records_are_spread_over_all_streams(take: Take, lake: InMemoryAws) -> None:
    take("user", streams="one,two")
    assert set(lake.stream_of.values()) == {"one", "two"}


def test_unreadable_credentials_fail_every_kind_and_show_nothing(take: Take, aws: Aws, lake: InMemoryAws) -> None:
    aws.credentials = '{"client_id": "client"}'
    taken = take("queue", "skill")
    assert taken == {"queue": "failed", "skill": "failed"}
    assert lake.in_stream == []


def test_no_name_is_in_a_log(take: Take, genesys: LocalGenesys) -> None:
    genesys.faults.set([Fault(status=400, path=QUEUES, message="Ada Lovelace")])
    text = json.dumps(take().lines)
    assert "Ada" not in text
    assert not any(name in text for name in (*DIRECTORY.users.values(), *DIRECTORY.queues.values()))


# Masking, and who can make such a record.


def test_names_of_users_are_tokens_and_all_others_are_clear(take: Take, lake: InMemoryAws) -> None:
    take("queue", "wrapup_code", "skill", "division", "flow", "presence_definition")
    expected = sorted((each["kind"], each["name"]) for each in names(lake))
    contents = clean(lake)
    assert sorted((each["event"]["kind"], each["event"]["name"]) for _, each in contents) == expected
    assert {(partition["event_type"], partition["date"]) for partition, _ in contents} == {("names", "2026-11-30")}
    for _, content in contents:
        assert (content["schema_drift"], content["closed_fields"]) == ([], [])


def test_what_is_no_name_of_a_person_is_the_same_in_clean_as_in_raw(take: Take, lake: InMemoryAws) -> None:
    take("queue")
    before = copy.deepcopy(names(lake))
    assert [content["event"] for _, content in clean(lake)] == before


def test_a_users_name_is_the_token_that_it_is_everywhere(take: Take, lake: InMemoryAws) -> None:
    take("user")
    lake.in_stream = lake.in_stream[:300]
    contents = [content["event"] for _, content in clean(lake)]
    assert len(contents) == 300
    assert all(each["name"].startswith("tok_") for each in contents)
    assert [each["id"] for each in contents] == list(DIRECTORY.users)[:300]


def test_names_of_users_stay_readable_where_the_owner_says_so(take: Take, lake: InMemoryAws) -> None:
    take("user")
    lake.in_stream = lake.in_stream[:5]
    contents = [content["event"] for _, content in clean(lake, MaskingPolicy(keep_user_names=True, version=2))]
    assert [each["name"] for each in contents] == list(DIRECTORY.users.values())[:5]


def test_a_kind_that_the_plan_does_not_know_has_its_names_closed(lake: InMemoryAws) -> None:
    things = [Thing("7f3c1e1a-0000-4000-8000-000000000001", "Ada Lovelace", {"email": "ada@example.com"})]
    lake.in_stream = list(records(Snapshot("robot", things, 1), NOW))
    [(_, content)] = clean(lake)
    assert content["event"]["name"].startswith("tok_")
    assert "ada" not in json.dumps(content).lower()
