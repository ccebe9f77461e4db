"""The local Genesys Cloud can be looked into, told what to send and what to break, and run as a process."""

import json
import signal
import subprocess
import sys
from typing import Any

import pytest
import urllib3

from genesys.client import Deadline, GenesysClient
from genesys.connection import connect
from genesys_firehose_tools.local.genesys.server import LocalGenesys
from tests.functions.genesys.conftest import CREDENTIALS
from tests.in_memory_partner import InMemoryPartner

TOPIC = "v2.users.{id}.presence"
EVENT = {"detail-type": TOPIC, "detail": {"topicName": "v2.users.1.presence"}}
OTHER_EVENT = {"detail-type": "v2.quality.evaluations", "detail": {}}


def _control(genesys: LocalGenesys, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    answer = urllib3.request(method, f"{genesys.url}/_local/{path}", json=body)
    return answer.status, answer.json()


@pytest.fixture
def enabled(client: GenesysClient) -> str:
    """The id of an enabled integration."""
    integration_id: str = client.create_integration("Events")["id"]
    client.configure_integration(
        integration_id,
        {
            "version": 1,
            "properties": {
                "eventSourceSuffix": "lake",
                "awsAccountId": "111122223333",
                "awsAccountRegion": "eu-central-1",
                "eventFilter": [TOPIC],
            },
        },
    )
    client.set_intended_state(integration_id, "ENABLED")
    return integration_id


@pytest.mark.usefixtures("enabled")
def test_events_go_through_an_enabled_integration_that_asks_for_their_topic(
    genesys: LocalGenesys, partner: InMemoryPartner
) -> None:
    assert _control(genesys, "POST", "events", [EVENT, OTHER_EVENT]) == (200, {"sent": 1})
    [sent] = partner.events.values()
    assert sent == [EVENT]


def test_no_event_goes_through_a_disabled_integration(
    client: GenesysClient, genesys: LocalGenesys, enabled: str, partner: InMemoryPartner
) -> None:
    client.set_intended_state(enabled, "DISABLED")
    assert _control(genesys, "POST", "events", [EVENT]) == (200, {"sent": 0})
    assert (partner.events, partner.sources) == ({}, {})


def test_its_state_shows_everything_but_secrets(client: GenesysClient, genesys: LocalGenesys, enabled: str) -> None:
    client.call(
        "POST",
        "/api/v2/notifications/eventSubscriptions",
        {"eventSubscription": {"name": "n", "url": "https://x", "events": ["all"], "headers": {"X": "the-key"}}},
    )
    status, state = _control(genesys, "GET", "state")
    assert status == 200
    assert [each["id"] for each in state["integrations"]] == [enabled]
    assert [each["events"] for each in state["subscriptions"]] == [["all"]]
    for secret in ("the-key", CREDENTIALS.client_secret, *genesys.organization.tokens):
        assert secret not in json.dumps(state)


def test_faults_and_ranges_are_set_from_outside(client: GenesysClient, genesys: LocalGenesys) -> None:
    ranges = [{"cidr": "192.0.2.0/24", "service": "open-messaging", "region": "eu-central-1", "direction": "outbound"}]
    assert _control(genesys, "PUT", "ipranges", ranges) == (200, {"entities": ranges})
    _, [fault] = _control(genesys, "PUT", "faults", [{"status": 503, "path": "/api/v2/ipranges"}])
    assert _control(genesys, "GET", "faults") == (200, [fault])
    assert client.ip_ranges() == ranges
    assert _control(genesys, "GET", "faults") == (200, [])


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"status": 200}, "status must be 0 or from 400 to 599, not 200."),
        ({"status": 0, "times": 0}, "times must be 1 or more, not 0."),
        ({"status": 0, "delay_seconds": -1}, "delay_seconds must be 0 or more, not -1."),
    ],
)
def test_a_fault_that_cannot_be_is_refused(genesys: LocalGenesys, fault: dict[str, Any], message: str) -> None:
    status, answer = _control(genesys, "PUT", "faults", [fault])
    assert (status, answer["message"]) == (400, message)


@pytest.mark.parametrize("path", ["state", "faults", "elsewhere"])
def test_a_control_that_is_not_there_is_refused(genesys: LocalGenesys, path: str) -> None:
    status, _ = _control(genesys, "POST", path)
    assert status == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/api/v2/integrations", {"integrationType": {"id": "unknown"}}, 400),
        ("POST", "/api/v2/integrations", None, 400),
        ("GET", "/api/v2/integrations/unknown", None, 404),
        ("DELETE", "/api/v2/notifications/eventSubscriptions/unknown", None, 404),
        ("POST", "/api/v2/notifications/eventSubscriptions", {"eventSubscription": {"url": "http://x"}}, 400),
        ("POST", "/api/v2/notifications/eventSubscriptions", {"eventSubscription": {"url": "https://x"}}, 400),
        ("PUT", "/api/v2/ipranges", {}, 404),
    ],
)
def test_what_genesys_would_not_take_is_refused(
    client: GenesysClient, genesys: LocalGenesys, method: str, path: str, body: Any, status: int
) -> None:
    client.authenticate()
    [token] = genesys.organization.tokens
    answer = urllib3.request(method, genesys.url + path, json=body, headers={"Authorization": f"Bearer {token}"})
    assert answer.status == status


def test_no_call_is_answered_without_a_token(genesys: LocalGenesys) -> None:
    assert urllib3.request("GET", f"{genesys.url}/api/v2/ipranges").status == 401


def test_it_runs_as_a_process_and_ends_when_told_to() -> None:
    command = [sys.executable, "-m", "genesys_firehose_tools.local.genesys", "--endpoint-url", "http://127.0.0.1:9"]
    options = ["--client-id", CREDENTIALS.client_id, "--client-secret", CREDENTIALS.client_secret]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        environment = {"GENESYS_API_URL": told["url"], "GENESYS_LOGIN_URL": told["url"]}
        client = connect("mypurecloud.com", CREDENTIALS, Deadline(30), environment)
        assert client.organization_id() == told["organization_id"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_without_another_address_a_function_talks_to_its_region() -> None:
    urls: list[str] = []

    def make_client(api_url: str, login_url: str, *_: Any) -> Any:
        urls.extend([api_url, login_url])

    connect("usw2.pure.cloud", CREDENTIALS, Deadline(1), {}, make_client)
    assert urls == ["https://api.usw2.pure.cloud", "https://login.usw2.pure.cloud"]
