"""The watch asks whether events can still come, and says so in numbers."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from genesys.client import GenesysClient
from genesys_firehose_tools.local.genesys.server import LocalGenesys
from genesys_watch.function import WatchHandler
from genesys_watch.settings import WatchSettings
from tests.functions.genesys.conftest import ORGANIZATION_ID, Aws, MakeClient
from tests.functions.observing import lines_of, metrics_of
from tests.in_memory_partner import InMemoryPartner

SOURCE = f"aws.partner/genesys.com/cloud/{ORGANIZATION_ID}/lake"
URL = "https://events.example.com/ingest/genesys-events"
SUBSCRIPTIONS = "/api/v2/notifications/eventSubscriptions"
ENVIRONMENT = {
    "EVENT_SOURCE_NAME": SOURCE,
    "GENESYS_HOST": "mypurecloud.com",
    "CREDENTIALS_SECRET_ARN": "credentials",
    "INTEGRATION_SUFFIX": "lake",
    "SUBSCRIPTION_PATH": SUBSCRIPTIONS,
    "SUBSCRIPTION_URL": URL,
}
ALL_WELL = {"PartnerSourceActive": 1, "IntegrationActive": 1, "SubscriptionActive": 1}

Ask = Callable[..., dict[str, int]]


@pytest.fixture
def output(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    return lambda: capsys.readouterr().out


@pytest.fixture
def printed() -> list[str]:
    """What the function wrote, run by run."""
    return []


@pytest.fixture
def ask(aws: Aws, make_client: MakeClient, output: Callable[[], str], printed: list[str]) -> Ask:
    """Ask all questions and return the metrics."""

    def ask(**environment: str) -> dict[str, int]:
        def connect(_host: str, credentials: Any, _deadline: object) -> GenesysClient:
            return make_client(credentials=credentials)

        WatchHandler(
            WatchSettings.from_environment({**ENVIRONMENT, **environment}), lambda _service: aws, connect
        ).ask()
        printed.append(output())
        return dict(metrics_of(printed[-1]))

    return ask


@pytest.fixture
def integration_id(client: GenesysClient, partner: InMemoryPartner) -> str:
    """An integration that is active, with its source and a subscription: all is well."""
    integration: str = client.create_integration("Lake")["id"]
    configuration = client.integration_configuration(integration)
    configuration["properties"] = {
        "eventSourceSuffix": "lake",
        "awsAccountId": "111122223333",
        "awsAccountRegion": "us-east-1",
        "eventFilter": ["v2.users.{id}.presence"],
    }
    client.configure_integration(integration, configuration)
    client.set_intended_state(integration, "ENABLED")
    client.integration(integration)
    [source] = partner.sources
    partner.sources[source] = "ACTIVE"
    client.call(
        "POST",
        SUBSCRIPTIONS,
        {"eventSubscription": {"name": "Lake", "url": URL, "events": ["call.event"], "active": True, "headers": {}}},
    )
    return integration


@pytest.mark.usefixtures("integration_id")
def test_when_all_is_well_every_answer_is_one(ask: Ask) -> None:
    assert ask() == ALL_WELL


@pytest.mark.usefixtures("integration_id")
@pytest.mark.parametrize("state", ["PENDING", "DELETED"])
def test_a_source_that_is_not_active_is_a_zero(
    ask: Ask, partner: InMemoryPartner, printed: list[str], state: str
) -> None:
    [source] = partner.sources
    partner.sources[source] = state
    assert ask() == {**ALL_WELL, "PartnerSourceActive": 0}
    assert f'"state":"{state}"' in printed[-1]


@pytest.mark.usefixtures("integration_id")
def test_a_source_that_is_gone_is_a_zero(ask: Ask, partner: InMemoryPartner) -> None:
    partner.sources.clear()
    assert ask() == {**ALL_WELL, "PartnerSourceActive": 0}


def test_an_integration_that_somebody_switched_off_is_a_zero(
    ask: Ask, client: GenesysClient, integration_id: str
) -> None:
    client.set_intended_state(integration_id, "DISABLED")
    assert ask()["IntegrationActive"] == 0


def test_an_integration_that_failed_is_a_zero(ask: Ask, genesys: LocalGenesys, integration_id: str) -> None:
    genesys.organization.integrations[integration_id].error = "the account refused"
    assert ask()["IntegrationActive"] == 0


def test_an_integration_that_is_gone_is_a_zero(ask: Ask, client: GenesysClient, integration_id: str) -> None:
    client.delete_integration(integration_id)
    assert ask()["IntegrationActive"] == 0


@pytest.mark.usefixtures("integration_id")
def test_another_integrations_health_does_not_count(ask: Ask) -> None:
    assert ask(INTEGRATION_SUFFIX="another")["IntegrationActive"] == 0


@pytest.mark.usefixtures("integration_id")
def test_a_subscription_that_genesys_made_inactive_is_a_zero(ask: Ask, genesys: LocalGenesys) -> None:
    [subscription] = genesys.organization.subscriptions.values()
    subscription["active"] = False
    assert ask() == {**ALL_WELL, "SubscriptionActive": 0}


@pytest.mark.usefixtures("integration_id")
def test_another_urls_subscription_does_not_count(ask: Ask) -> None:
    assert ask(SUBSCRIPTION_URL="https://elsewhere.example.com/")["SubscriptionActive"] == 0


@pytest.mark.usefixtures("integration_id")
def test_a_question_without_an_answer_is_no_number_and_the_others_are_asked(
    ask: Ask, aws: Aws, printed: list[str]
) -> None:
    aws.credentials = None
    assert ask() == {"PartnerSourceActive": 1}
    reasons = [line["reason"] for line in lines_of(printed[-1]) if line.get("level") == "ERROR"]
    assert len(reasons) == 2
    assert all(reason.startswith("credentials can't be read") for reason in reasons)


@pytest.mark.usefixtures("integration_id")
def test_an_eventbridge_that_refuses_is_no_number(ask: Ask, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: str) -> dict[str, Any]:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": ""}}, "DescribeEventSource")

    monkeypatch.setattr(aws, "describe_event_source", refuse)
    answers = ask()
    assert "PartnerSourceActive" not in answers
    assert answers["IntegrationActive"] == 1


def test_what_is_not_configured_is_not_asked(ask: Ask, genesys: LocalGenesys) -> None:
    nothing = dict.fromkeys(("EVENT_SOURCE_NAME", "INTEGRATION_SUFFIX", "SUBSCRIPTION_PATH"), "")
    assert ask(**nothing) == {}
    assert genesys.requests == []
