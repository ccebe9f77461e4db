"""The allow-list follows what Genesys Cloud publishes, and is neither emptied nor opened by an answer."""

import ipaddress
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from hypothesis import given
from hypothesis import strategies as st

from genesys.client import GenesysClient, GenesysError
from genesys.connection import CredentialsError
from genesys_firehose_tools.local.genesys.server import LocalGenesys
from genesys_ipranges.deployment import answer
from genesys_ipranges.function import IpRangesHandler
from genesys_ipranges.ip_sets import MissingSetError
from genesys_ipranges.ranges import RefusedError, check_shrinking
from genesys_ipranges.settings import IpRangesSettings
from tests.functions.genesys.conftest import Aws, MakeClient, Time
from tests.functions.genesys.waf import InMemoryWaf, waf_error
from tests.functions.observing import lines_of, metrics_of

ENVIRONMENT = {
    "GENESYS_HOST": "mypurecloud.com",
    "GENESYS_AWS_REGION": "us-east-1",
    "CREDENTIALS_SECRET_ARN": "credentials",
    "SERVICES": "data-actions,open-messaging",
    "DIRECTIONS": "outbound,both",
    "SET_NAME": "list",
    "MAX_SHRINK_RATIO": "0.5",
}
FOUR = ["192.0.2.0/28", "198.51.100.0/24"]
SIX = ["2001:db8:ca11::/48"]
FILLED = {"list-IPv4": FOUR, "list-IPv6": SIX}
CREATE = {"RequestType": "Create", "ResourceType": "Custom::GenesysIpSets"}
UPDATE = {**CREATE, "RequestType": "Update"}
DELETE = {**CREATE, "RequestType": "Delete"}


@pytest.fixture
def waf() -> InMemoryWaf:
    return InMemoryWaf()


MakeFunction = Callable[..., IpRangesHandler]


@pytest.fixture
def make_function(waf: InMemoryWaf, aws: Aws, make_client: MakeClient, time: Time) -> MakeFunction:
    def make(**environment: str) -> IpRangesHandler:
        def connect(_host: str, credentials: Any, _deadline: object) -> GenesysClient:
            return make_client(seconds=1e6, credentials=credentials)

        clients = {"wafv2": waf, "secretsmanager": aws}
        return IpRangesHandler(
            IpRangesSettings.from_environment({**ENVIRONMENT, **environment}),
            clients.__getitem__,
            connect,
            time,
            time.sleep,
        )

    return make


@pytest.fixture
def function(make_function: MakeFunction) -> IpRangesHandler:
    return make_function()


def test_a_creation_makes_both_sets_filled_with_the_chosen_ranges(
    function: IpRangesHandler, waf: InMemoryWaf, capsys: pytest.CaptureFixture[str]
) -> None:
    attributes = function.handle(CREATE)
    assert waf.addresses == FILLED
    assert {name: each["Version"] for name, each in waf.sets.items()} == {"list-IPv4": "IPV4", "list-IPv6": "IPV6"}
    assert attributes == {f"IPv{version}SetArn": waf.sets[f"list-IPv{version}"]["ARN"] for version in (4, 6)}
    # Never empty, not even for a moment.
    assert [call for call in waf.calls if call != "list_ip_sets"] == ["create_ip_set", "create_ip_set"]
    counted = metrics_of(capsys.readouterr().out)
    assert counted == {"IpRangesAdded": 3, "IpRangesRemoved": 0, "IpRangesInForce": 3, "IpRangesChecked": 1}


def test_a_version_without_ranges_has_an_empty_set(
    function: IpRangesHandler, genesys: LocalGenesys, waf: InMemoryWaf
) -> None:
    genesys.organization.ip_ranges = [_range("198.51.100.0/24")]
    function.handle(CREATE)
    assert waf.addresses == {"list-IPv4": ["198.51.100.0/24"], "list-IPv6": []}


def test_a_run_without_news_writes_nothing(
    function: IpRangesHandler, waf: InMemoryWaf, capsys: pytest.CaptureFixture[str]
) -> None:
    attributes = function.handle(CREATE)
    capsys.readouterr()
    writes = waf.writes
    assert function.handle({}) == attributes
    assert waf.writes == writes
    output = capsys.readouterr().out
    assert metrics_of(output) == {"IpRangesAdded": 0, "IpRangesRemoved": 0, "IpRangesInForce": 3, "IpRangesChecked": 1}
    assert "changed" not in output


def test_what_changed_is_logged_and_counted(
    function: IpRangesHandler, genesys: LocalGenesys, waf: InMemoryWaf, capsys: pytest.CaptureFixture[str]
) -> None:
    function.handle(CREATE)
    capsys.readouterr()
    replaced = {"cidr": "203.0.113.128/28", "service": "open-messaging", "region": "us-east-1", "direction": "both"}
    genesys.organization.ip_ranges[0] = replaced
    function.handle({})
    assert waf.addresses["list-IPv4"] == ["198.51.100.0/24", "203.0.113.128/28"]
    output = capsys.readouterr().out
    [change] = [line for line in lines_of(output) if line.get("message") == "the allow-list changed"]
    assert (change["added"], change["removed"]) == ("203.0.113.128/28", "192.0.2.0/28")
    assert (metrics_of(output)["IpRangesAdded"], metrics_of(output)["IpRangesRemoved"]) == (1, 1)


def test_an_update_follows_another_choice_of_services(make_function: MakeFunction, waf: InMemoryWaf) -> None:
    make_function(SERVICES="open-messaging").handle(CREATE)
    assert waf.addresses == {"list-IPv4": ["192.0.2.0/28"], "list-IPv6": SIX}
    before = {name: each["ARN"] for name, each in waf.sets.items()}
    make_function().handle(UPDATE)
    assert waf.addresses == FILLED
    assert {name: each["ARN"] for name, each in waf.sets.items()} == before


def _range(cidr: str, service: str = "data-actions", region: str = "us-east-1") -> dict[str, str]:
    return {"cidr": cidr, "service": service, "region": region, "direction": "outbound"}


UNBELIEVABLE: dict[str, tuple[list[dict[str, str]], str]] = {
    "nothing": ([], "names no address range of the services and directions asked for"),
    "other services alone": (
        [_range("198.51.100.0/24", "smtp")],
        "names no address range of the services and directions asked for",
    ),
    "everything": ([_range("0.0.0.0/0")], "names the address range 0.0.0.0/0, wider than any of its own can be"),
    "everything of IPv6": ([_range("::/0")], "names the address range ::/0, wider than any of its own can be"),
    "half of everything": ([_range("0.0.0.0/1")], "names the address range 0.0.0.0/1, wider than any"),
    "no network": ([_range("anything")], "names an address range that is none"),
    "no text": ([_range(None)], "names an address range that is none"),  # type: ignore[arg-type]
    "most addresses gone": (
        [_range("192.0.2.0/28"), _range("2001:db8:ca11::/48")],
        "would take away 94% of the IPv4 addresses in force, and 50% is the most",
    ),
    "another region's addresses": (
        [_range("203.0.113.0/24"), _range("2001:db8:ca11::/48")],
        "would take away 100% of the IPv4 addresses in force, and 50% is the most",
    ),
    "another region's list": (
        [_range("198.51.100.0/24", region="eu-west-1"), _range("2001:db8:ca11::/48", region="eu-west-1")],
        "names address ranges of other regions than us-east-1 alone",
    ),
    "IPv6 gone": (
        [_range("192.0.2.0/28"), _range("198.51.100.0/24")],
        "would take away 100% of the IPv6 addresses in force, and 50% is the most",
    ),
    "more than fit": (
        [
            *(_range(f"203.0.{third}.{fourth}/32") for third in range(40) for fourth in range(256)),
            *map(_range, ["192.0.2.0/28", "198.51.100.0/24", "2001:db8:ca11::/48"]),
        ],
        "10242 address ranges do not fit an IP set of 10000",
    ),
}


@pytest.mark.parametrize("case", UNBELIEVABLE)
def test_an_answer_that_would_lock_or_open_the_door_is_refused_and_counted(
    function: IpRangesHandler, genesys: LocalGenesys, waf: InMemoryWaf, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    function.handle(CREATE)
    capsys.readouterr()
    genesys.organization.ip_ranges, reason = UNBELIEVABLE[case]
    assert function.handle({}) == {}
    assert waf.addresses == FILLED
    output = capsys.readouterr().out
    assert metrics_of(output) == {"IpRangesRefused": 1}
    [line] = [line for line in lines_of(output) if line.get("level") == "ERROR"]
    assert reason in line["reason"]


FOREIGN = [_range("203.0.113.0/24", region="eu-west-1"), _range("2001:db8::/48", region="ap-south-1")]


@pytest.mark.parametrize("request_type", ["Create", "Update"])
def test_the_list_of_another_region_is_refused_even_where_there_is_none_to_compare_it_with(
    function: IpRangesHandler, genesys: LocalGenesys, waf: InMemoryWaf, request_type: str
) -> None:
    genesys.organization.ip_ranges = FOREIGN
    with pytest.raises(RefusedError, match="ranges of other regions than us-east-1 alone"):
        function.handle({**CREATE, "RequestType": request_type})
    assert waf.sets == {}


def test_ranges_of_other_regions_beside_the_own_are_taken(
    function: IpRangesHandler, genesys: LocalGenesys, waf: InMemoryWaf
) -> None:
    genesys.organization.ip_ranges = [*FOREIGN, _range("198.51.100.0/24")]
    function.handle(CREATE)
    assert waf.addresses["list-IPv4"] == ["198.51.100.0/24", "203.0.113.0/24"]


@pytest.mark.parametrize("region", ["Frankfurt", "", None])
def test_a_region_that_is_named_in_another_way_tells_nothing(
    function: IpRangesHandler, genesys: LocalGenesys, waf: InMemoryWaf, region: Any
) -> None:
    genesys.organization.ip_ranges = [_range("198.51.100.0/24", region=region)]
    function.handle(CREATE)
    assert waf.addresses["list-IPv4"] == ["198.51.100.0/24"]


def test_an_owner_may_let_an_answer_take_away_more(
    make_function: MakeFunction, genesys: LocalGenesys, waf: InMemoryWaf
) -> None:
    make_function().handle(CREATE)
    genesys.organization.ip_ranges = [_range("203.0.113.0/24"), _range("2001:db8:ca11::/48")]
    make_function(MAX_SHRINK_RATIO="1").handle(UPDATE)
    assert waf.addresses["list-IPv4"] == ["203.0.113.0/24"]


@pytest.mark.parametrize("request_type", ["Create", "Update"])
def test_in_a_deployment_an_answer_that_is_refused_fails_the_deployment(
    function: IpRangesHandler, genesys: LocalGenesys, waf: InMemoryWaf, request_type: str
) -> None:
    genesys.organization.ip_ranges = []
    with pytest.raises(RefusedError, match="names no address range"):
        function.handle({**CREATE, "RequestType": request_type})
    assert waf.sets == {}


def test_a_deletion_asks_genesys_nothing_and_leaves_the_sets_of_others(
    function: IpRangesHandler, genesys: LocalGenesys, waf: InMemoryWaf
) -> None:
    for name in ("a", "list", "list-IPv4-of-somebody", "z"):
        waf.add_foreign(name)
    waf.page_size = 1
    function.handle(CREATE)
    genesys.requests.clear()
    function.handle(DELETE)
    assert list(waf.sets) == ["a", "list", "list-IPv4-of-somebody", "z"]
    assert genesys.requests == []


def test_a_deletion_of_what_is_gone_already_is_done(function: IpRangesHandler, waf: InMemoryWaf) -> None:
    function.handle(DELETE)
    assert waf.writes == 0


def test_a_deletion_waits_until_no_web_acl_uses_the_sets(
    function: IpRangesHandler, waf: InMemoryWaf, time: Time
) -> None:
    function.handle(CREATE)
    waf.in_use_for = 40
    function.handle(DELETE)
    assert waf.sets == {}
    assert 195 <= time.now <= 205


def test_a_deletion_of_sets_that_stay_in_use_fails_within_five_minutes(
    function: IpRangesHandler, waf: InMemoryWaf, time: Time
) -> None:
    function.handle(CREATE)
    waf.in_use_for = 10_000
    with pytest.raises(ClientError, match="WAFAssociatedItemException"):
        function.handle(DELETE)
    assert waf.addresses == FILLED
    assert 280 <= time.now <= 300


def test_the_deletion_of_the_resource_of_an_older_version_deletes_nothing(
    function: IpRangesHandler, waf: InMemoryWaf
) -> None:
    function.handle(CREATE)
    function.handle({**DELETE, "ResourceType": "Custom::GenesysIpRanges"})
    assert waf.addresses == FILLED


def test_a_set_that_somebody_deleted_fails_the_runs_and_is_made_again_by_the_next_deployment(
    function: IpRangesHandler, waf: InMemoryWaf
) -> None:
    function.handle(CREATE)
    del waf.sets["list-IPv6"]
    with pytest.raises(MissingSetError, match="the next deployment makes it again"):
        function.handle({})
    assert function.handle(UPDATE)["IPv6SetArn"] == waf.sets["list-IPv6"]["ARN"]
    assert waf.addresses == FILLED


def test_a_creation_whose_answer_was_lost_is_taken_up_by_the_next(
    function: IpRangesHandler, genesys: LocalGenesys, waf: InMemoryWaf
) -> None:
    waf.lost_answers = {1}  # the first after the list
    with pytest.raises(BotoCoreError):
        function.handle(CREATE)
    genesys.organization.ip_ranges[1]["cidr"] = "198.51.100.0/25"
    assert function.handle(CREATE)["IPv4SetArn"] == waf.sets["list-IPv4"]["ARN"]
    assert waf.addresses["list-IPv4"] == ["192.0.2.0/28", "198.51.100.0/25"]


def test_a_set_that_is_there_and_not_listed_yet_is_waited_for(
    function: IpRangesHandler, waf: InMemoryWaf, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    waf.add_foreign("list-IPv4")
    listing = waf._list_ip_sets

    def list_late(**parameters: Any) -> Any:
        return listing(**parameters) if time.now > 12 else {"IPSets": []}

    monkeypatch.setattr(waf, "_list_ip_sets", list_late)
    function.handle(CREATE)
    assert waf.addresses == FILLED
    assert time.now == 15


@pytest.mark.parametrize("code", ["WAFInternalErrorException", "WAFLimitsExceededException", "AccessDeniedException"])
def test_a_creation_that_fails_at_any_call_is_removed_without_trace_by_its_rollback(
    make_function: MakeFunction, waf: InMemoryWaf, code: str
) -> None:
    make_function().handle(CREATE)
    calls = len(waf.calls)
    for number in range(calls):
        make_function().handle(DELETE)
        waf.calls.clear()
        # A denied call is tried again for a minute.
        waf.errors = dict.fromkeys(range(number, number + 100), code)
        with pytest.raises(ClientError, match=code):
            make_function().handle(CREATE)
        waf.errors = {}
        make_function().handle(DELETE)
        assert waf.sets == {}, number


def test_calls_that_aws_does_not_allow_yet_are_made_again_in_a_deployment(
    function: IpRangesHandler, waf: InMemoryWaf, time: Time
) -> None:
    waf.errors = dict.fromkeys(range(6), "AccessDeniedException")
    function.handle(CREATE)
    assert waf.addresses == FILLED
    assert time.now == 30


def test_a_call_that_aws_denies_a_scheduled_run_is_not_made_again(
    function: IpRangesHandler, waf: InMemoryWaf, time: Time
) -> None:
    function.handle(CREATE)
    waf.errors = dict.fromkeys(range(100), "AccessDeniedException")
    with pytest.raises(ClientError, match="AccessDeniedException"):
        function.handle({})
    assert time.now == 0


def test_credentials_that_cant_be_read_are_an_error_and_change_nothing(
    function: IpRangesHandler, aws: Aws, waf: InMemoryWaf, time: Time
) -> None:
    aws.credentials = None
    with pytest.raises(CredentialsError):
        function.handle({})
    assert (waf.writes, time.now) == (0, 0)


def test_credentials_that_genesys_refuses_are_an_error_and_change_nothing(
    function: IpRangesHandler, aws: Aws, waf: InMemoryWaf
) -> None:
    aws.credentials = json.dumps({"client_id": "client", "client_secret": "wrong"})
    with pytest.raises(GenesysError):
        function.handle({})
    assert waf.writes == 0


def test_a_set_that_somebody_else_changes_at_the_same_time_is_left_to_the_next_run(
    function: IpRangesHandler, genesys: LocalGenesys, waf: InMemoryWaf, monkeypatch: pytest.MonkeyPatch
) -> None:
    function.handle(CREATE)
    genesys.organization.ip_ranges[0]["cidr"] = "192.0.2.16/28"
    read = waf._get_ip_set

    def read_before_somebody_writes(**parameters: Any) -> Any:
        answer = read(**parameters)
        waf.touch()
        return answer

    monkeypatch.setattr(waf, "_get_ip_set", read_before_somebody_writes)
    with pytest.raises(ClientError, match="WAFOptimisticLockException"):
        function.handle({})
    monkeypatch.setattr(waf, "_get_ip_set", read)
    function.handle({})
    assert waf.addresses["list-IPv4"] == ["192.0.2.16/28", "198.51.100.0/24"]


octets = st.integers(0, 255)
networks = st.builds(
    lambda third, length: ipaddress.ip_network((f"198.51.{third}.0", length), strict=False),
    octets,
    st.integers(24, 28),
)


@given(st.sets(networks, min_size=1, max_size=6), st.sets(networks, max_size=6))
def test_the_share_taken_away_is_that_of_single_addresses(present: set[Any], new: set[Any]) -> None:
    before = {address for network in present for address in network}
    kept = before & {address for network in new for address in network}
    share = (len(before) - len(kept)) / len(before)
    check_shrinking(present, new, share)
    if share > 0:
        with pytest.raises(RefusedError):
            check_shrinking(present, new, share - 1e-9)


class AnswerBox:
    """Takes what is sent to CloudFormation."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, Any]]] = []

    def request(self, method: str, url: str, *, body: bytes, **_: Any) -> None:
        self.requests.append((method, url, json.loads(body)))


REQUEST = {
    **CREATE,
    "ResponseURL": "https://answers.example.com/?signed",
    "StackId": "stack",
    "RequestId": "request",
    "LogicalResourceId": "GenesysSets",
}


def test_a_deployment_hears_that_the_sets_are_filled_and_what_they_are_called(
    function: IpRangesHandler, waf: InMemoryWaf
) -> None:
    box = AnswerBox()
    answer(REQUEST, "list", lambda: function.handle(REQUEST), box)
    [(method, url, body)] = box.requests
    assert (method, url) == ("PUT", REQUEST["ResponseURL"])
    assert body == {
        "Status": "SUCCESS",
        "Reason": "",
        "PhysicalResourceId": "list",
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "GenesysSets",
        "Data": {f"IPv{version}SetArn": waf.sets[f"list-IPv{version}"]["ARN"] for version in (4, 6)},
    }


def test_a_deployment_hears_in_one_sentence_why_it_fails(function: IpRangesHandler, genesys: LocalGenesys) -> None:
    genesys.organization.ip_ranges = []
    box = AnswerBox()
    answer(REQUEST, "list", lambda: function.handle(REQUEST), box)
    [(_, _, body)] = box.requests
    assert (body["Status"], body["PhysicalResourceId"]) == ("FAILED", "list")
    assert body["Reason"] == "Genesys Cloud names no address range of the services and directions asked for"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (waf_error("WAFLimitsExceededException"), "AWS answered WAFLimitsExceededException to IPSet: "),
        (ValueError("what an answer held"), "ValueError: "),
    ],
)
def test_the_text_of_an_error_that_may_hold_anything_is_not_told(error: Exception, reason: str) -> None:
    def fail() -> dict[str, str]:
        raise error

    box = AnswerBox()
    answer(REQUEST, "list", fail, box)
    assert box.requests[0][2]["Reason"] == f"{reason}see the function's log"


@pytest.mark.parametrize("request_type", ["Update", "Delete"])
def test_the_resource_is_never_replaced(request_type: str) -> None:
    box = AnswerBox()
    request = {**REQUEST, "RequestType": request_type, "PhysicalResourceId": "as it was"}
    answer(request, "list", dict, box)
    assert box.requests[0][2]["PhysicalResourceId"] == "as it was"


def test_an_answer_fits_what_cloudformation_takes() -> None:
    def fail() -> dict[str, str]:
        raise RefusedError("x" * 10_000)

    box = AnswerBox()
    answer(REQUEST, "list", fail, box)
    assert len(json.dumps(box.requests[0][2])) < 4096
