"""The allow-list follows what Genesys Cloud publishes, and is neither emptied nor opened by an answer."""

import ipaddress
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from genesys.client import GenesysClient, GenesysError
from genesys.connection import CredentialsError
from genesys_firehose_tools.local.genesys.server import LocalGenesys
from genesys_ipranges.deployment import answer
from genesys_ipranges.function import IpRangesHandler
from genesys_ipranges.ranges import RefusedError, check_shrinking
from genesys_ipranges.settings import IpRangesSettings
from tests.functions.genesys.conftest import Aws, MakeClient
from tests.functions.observing import lines_of, metrics_of

ENVIRONMENT = {
    "GENESYS_HOST": "mypurecloud.com",
    "CREDENTIALS_SECRET_ARN": "credentials",
    "SERVICES": "data-actions,open-messaging",
    "DIRECTIONS": "outbound,both",
    "ADDITIONAL_CIDRS": "10.1.0.0/16 fd00:1::/64",
    "IPV4_SET": "four|id-4|REGIONAL",
    "IPV6_SET": "six|id-6|REGIONAL",
    "MAX_SHRINK_RATIO": "0.5",
}
FOUR = ["10.1.0.0/16", "192.0.2.0/28", "198.51.100.0/24"]
SIX = ["2001:db8:ca11::/48", "fd00:1::/64"]


class Waf:
    """IP sets that change only for who has read them last."""

    def __init__(self) -> None:
        self.sets: dict[str, list[str]] = {"four|id-4|REGIONAL": [], "six|id-6|REGIONAL": []}
        self.token = 0
        self.updates = 0
        self.is_contended = False

    def get_ip_set(self, *, Name: str, Scope: str, Id: str) -> dict[str, Any]:  # noqa: N803
        token = str(self.token)
        self.token += self.is_contended  # somebody else writes right behind us
        return {"IPSet": {"Addresses": self.sets[f"{Name}|{Id}|{Scope}"]}, "LockToken": token}

    def update_ip_set(self, *, Name: str, Scope: str, Id: str, Addresses: list[str], LockToken: str) -> dict[str, Any]:  # noqa: N803
        if LockToken != str(self.token):
            raise ClientError({"Error": {"Code": "WAFOptimisticLockException", "Message": ""}}, "UpdateIPSet")
        self.sets[f"{Name}|{Id}|{Scope}"] = Addresses
        self.updates += 1
        return {}

    @property
    def allowed(self) -> list[str]:
        return [address for addresses in self.sets.values() for address in addresses]


@pytest.fixture
def waf() -> Waf:
    return Waf()


MakeFunction = Callable[..., IpRangesHandler]


@pytest.fixture
def make_function(waf: Waf, aws: Aws, make_client: MakeClient) -> MakeFunction:
    def make(**environment: str) -> IpRangesHandler:
        def connect(_host: str, credentials: Any, _deadline: object) -> GenesysClient:
            return make_client(credentials=credentials)

        clients = {"wafv2": waf, "secretsmanager": aws}
        return IpRangesHandler(
            IpRangesSettings.from_environment({**ENVIRONMENT, **environment}), clients.__getitem__, connect
        )

    return make


@pytest.fixture
def function(make_function: MakeFunction) -> IpRangesHandler:
    return make_function()


def test_the_first_run_fills_both_sets_with_the_chosen_ranges_and_the_owners_networks(
    function: IpRangesHandler, waf: Waf, capsys: pytest.CaptureFixture[str]
) -> None:
    function.handle({})
    assert waf.sets == {"four|id-4|REGIONAL": FOUR, "six|id-6|REGIONAL": SIX}
    counted = metrics_of(capsys.readouterr().out)
    assert counted == {"IpRangesAdded": 3, "IpRangesRemoved": 0, "IpRangesInForce": 3, "IpRangesChecked": 1}


def test_a_run_without_news_writes_nothing(
    function: IpRangesHandler, waf: Waf, capsys: pytest.CaptureFixture[str]
) -> None:
    function.handle({})
    capsys.readouterr()
    updates = waf.updates
    function.handle({})
    assert waf.updates == updates
    output = capsys.readouterr().out
    assert metrics_of(output) == {"IpRangesAdded": 0, "IpRangesRemoved": 0, "IpRangesInForce": 3, "IpRangesChecked": 1}
    assert "changed" not in output


def test_what_changed_is_logged_and_counted_without_the_owners_networks(
    function: IpRangesHandler, genesys: LocalGenesys, waf: Waf, capsys: pytest.CaptureFixture[str]
) -> None:
    function.handle({})
    capsys.readouterr()
    replaced = {"cidr": "203.0.113.128/28", "service": "open-messaging", "region": "us-east-1", "direction": "both"}
    genesys.organization.ip_ranges[0] = replaced
    function.handle({})
    assert waf.sets["four|id-4|REGIONAL"] == ["10.1.0.0/16", "198.51.100.0/24", "203.0.113.128/28"]
    output = capsys.readouterr().out
    [change] = [line for line in lines_of(output) if line.get("message") == "the allow-list changed"]
    assert (change["added"], change["removed"]) == ("203.0.113.128/28", "192.0.2.0/28")
    assert (metrics_of(output)["IpRangesAdded"], metrics_of(output)["IpRangesRemoved"]) == (1, 1)


def _range(cidr: str, service: str = "data-actions") -> dict[str, str]:
    return {"cidr": cidr, "service": service, "region": "us-east-1", "direction": "outbound"}


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
    "IPv6 gone": (
        [_range("192.0.2.0/28"), _range("198.51.100.0/24")],
        "would take away 100% of the IPv6 addresses in force, and 50% is the most",
    ),
    "more than fit": (
        [
            *(_range(f"203.0.{third}.{fourth}/32") for third in range(40) for fourth in range(256)),
            *map(_range, ["192.0.2.0/28", "198.51.100.0/24", "2001:db8:ca11::/48"]),
        ],
        "10243 address ranges do not fit an IP set of 10000",
    ),
}


@pytest.mark.parametrize("case", UNBELIEVABLE)
def test_an_answer_that_would_lock_or_open_the_door_is_refused_and_counted(
    function: IpRangesHandler, genesys: LocalGenesys, waf: Waf, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    function.handle({})
    capsys.readouterr()
    genesys.organization.ip_ranges, reason = UNBELIEVABLE[case]
    function.handle({})
    assert waf.sets == {"four|id-4|REGIONAL": FOUR, "six|id-6|REGIONAL": SIX}
    output = capsys.readouterr().out
    assert metrics_of(output) == {"IpRangesRefused": 1}
    [line] = [line for line in lines_of(output) if line.get("level") == "ERROR"]
    assert reason in line["reason"]


def test_an_owner_may_let_an_answer_take_away_more(
    make_function: MakeFunction, genesys: LocalGenesys, waf: Waf
) -> None:
    make_function().handle({})
    genesys.organization.ip_ranges = [_range("203.0.113.0/24"), _range("2001:db8:ca11::/48")]
    make_function(MAX_SHRINK_RATIO="1").handle({})
    assert waf.sets["four|id-4|REGIONAL"] == ["10.1.0.0/16", "203.0.113.0/24"]


@pytest.mark.parametrize("request_type", ["Create", "Update"])
def test_in_a_deployment_an_answer_that_is_refused_fails_the_deployment(
    function: IpRangesHandler, genesys: LocalGenesys, waf: Waf, request_type: str
) -> None:
    genesys.organization.ip_ranges = []
    with pytest.raises(RefusedError, match="names no address range"):
        function.handle({"RequestType": request_type})
    assert waf.allowed == []


def test_a_deletion_asks_nobody_and_changes_nothing(function: IpRangesHandler, genesys: LocalGenesys, waf: Waf) -> None:
    function.handle({"RequestType": "Delete"})
    assert (genesys.requests, waf.updates) == ([], 0)


def test_credentials_that_cant_be_read_are_an_error_and_change_nothing(
    function: IpRangesHandler, aws: Aws, waf: Waf
) -> None:
    aws.credentials = None
    with pytest.raises(CredentialsError):
        function.handle({})
    assert waf.updates == 0


def test_credentials_that_genesys_refuses_are_an_error_and_change_nothing(
    function: IpRangesHandler, aws: Aws, waf: Waf
) -> None:
    aws.credentials = json.dumps({"client_id": "client", "client_secret": "wrong"})
    with pytest.raises(GenesysError):
        function.handle({})
    assert waf.updates == 0


def test_a_set_that_somebody_else_changes_at_the_same_time_is_left_to_the_next_run(
    function: IpRangesHandler, waf: Waf
) -> None:
    waf.is_contended = True
    with pytest.raises(ClientError, match="WAFOptimisticLockException"):
        function.handle({})
    waf.is_contended = False
    function.handle({})
    assert sorted(waf.allowed) == sorted(FOUR + SIX)


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
    "RequestType": "Create",
    "ResponseURL": "https://answers.example.com/?signed",
    "StackId": "stack",
    "RequestId": "request",
    "LogicalResourceId": "FirstRun",
}


def test_a_deployment_hears_that_the_list_is_filled(function: IpRangesHandler, waf: Waf) -> None:
    box = AnswerBox()
    answer(REQUEST, lambda: function.handle(REQUEST), box)
    [(method, url, body)] = box.requests
    assert (method, url) == ("PUT", REQUEST["ResponseURL"])
    assert body == {
        "Status": "SUCCESS",
        "Reason": "",
        "PhysicalResourceId": "FirstRun",
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "FirstRun",
    }
    assert sorted(waf.allowed) == sorted(FOUR + SIX)


def test_a_deployment_hears_in_one_sentence_why_it_fails(function: IpRangesHandler, genesys: LocalGenesys) -> None:
    genesys.organization.ip_ranges = []
    box = AnswerBox()
    answer(REQUEST, lambda: function.handle(REQUEST), box)
    [(_, _, body)] = box.requests
    assert body["Status"] == "FAILED"
    assert body["Reason"] == "Genesys Cloud names no address range of the services and directions asked for"


def test_an_update_never_replaces_the_resource() -> None:
    box = AnswerBox()
    answer({**REQUEST, "RequestType": "Update", "PhysicalResourceId": "as it was"}, lambda: None, box)
    assert box.requests[0][2]["PhysicalResourceId"] == "as it was"


def test_an_answer_fits_what_cloudformation_takes() -> None:
    def fail() -> None:
        raise RefusedError("x" * 10_000)

    box = AnswerBox()
    answer(REQUEST, fail, box)
    assert len(json.dumps(box.requests[0][2])) < 4096
