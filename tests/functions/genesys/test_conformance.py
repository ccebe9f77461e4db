"""Genesys Cloud's own SDK works with the local Genesys Cloud, and takes our client's requests for its own."""

import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import PureCloudPlatformClientV2 as sdk  # noqa: N813
import pytest
import urllib3

from genesys.client import Deadline, GenesysClient
from genesys_firehose_cdk.events.topics import known_topics
from genesys_firehose_cdk.genesys.region import GenesysRegion
from genesys_firehose_tools.local.genesys import server
from genesys_firehose_tools.local.genesys.organization import DEFAULT_IP_RANGES
from genesys_firehose_tools.local.genesys.server import LocalGenesys
from genesys_integration.integration import IntegrationResource
from genesys_names.kinds import KINDS
from genesys_names.snapshot import take
from tests.functions.genesys.cloudformation import Stack
from tests.functions.genesys.conftest import CREDENTIALS, ORGANIZATION_ID, Aws, MakeHandle, Time
from tests.functions.genesys.test_integration import OTHER_TOPICS, PROPERTIES, TOPICS

EVENTBRIDGE = "amazon-eventbridge-source"
UNKNOWN_TO_SDK = "outdated_sdk_version"
"""What the SDK's models make of a word that they do not know."""


@pytest.fixture
def api(genesys: LocalGenesys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The SDK's client, with a token of the local Genesys Cloud."""
    monkeypatch.setenv("HOME", str(tmp_path))
    client = sdk.ApiClient(host=genesys.url)
    return client.get_client_credentials_token(CREDENTIALS.client_id, CREDENTIALS.client_secret)


def _use_everything(api: Any) -> Any:
    """Make, through the SDK, every call that our client makes; return the ids of what was created."""
    integrations = sdk.IntegrationsApi(api)
    request = sdk.CreateIntegrationRequest()
    request.name = "Events"
    request.integration_type = sdk.IntegrationType()
    request.integration_type.id = EVENTBRIDGE
    created = integrations.post_integrations(body=request)
    configuration = integrations.get_integration_config_current(created.id)
    configuration.properties = {
        "eventSourceSuffix": "events",
        "awsAccountId": "111122223333",
        "awsAccountRegion": "eu-central-1",
        "eventFilter": TOPICS,
    }
    configuration.notes = "by the SDK"
    written = integrations.put_integration_config_current(created.id, body=configuration)
    assert written.version == configuration.version + 1
    enabled = sdk.Integration()
    enabled.intended_state = "ENABLED"
    integrations.patch_integration(created.id, body=enabled)
    integrations.get_integration(created.id)
    listing = integrations.get_integrations(
        page_size=100, page_number=1, expand=["config.current"], integration_type=EVENTBRIDGE
    )
    [listed] = listing.entities
    sdk.UtilitiesApi(api).get_ipranges()
    sdk.OrganizationApi(api).get_organizations_me()
    sdk.NotificationsApi(api).get_notifications_availabletopics(expand=["transports"], include_preview=True)
    return listed


def test_the_sdk_manages_an_integration(api: Any, genesys: LocalGenesys) -> None:
    listed = _use_everything(api)
    assert (listed.name, listed.integration_type.id) == ("Events", EVENTBRIDGE)
    assert (listed.intended_state, listed.reported_state.code) == ("ENABLED", "ACTIVE")
    assert listed.config.current.properties["eventFilter"] == TOPICS
    assert listed.config.current.notes == "by the SDK"
    sdk.IntegrationsApi(api).delete_integration(listed.id)
    assert genesys.organization.integrations == {}


def test_the_sdk_reads_ranges_and_organization(api: Any) -> None:
    ranges = sdk.UtilitiesApi(api).get_ipranges().entities
    assert [(each.cidr, each.service, each.region, each.direction) for each in ranges] == [
        (each["cidr"], each["service"], each["region"], each["direction"]) for each in DEFAULT_IP_RANGES
    ]
    assert sdk.OrganizationApi(api).get_organizations_me().id == ORGANIZATION_ID


def test_the_sdk_reads_topics_with_the_fields_that_it_asks_for(api: Any) -> None:
    listing = sdk.NotificationsApi(api).get_notifications_availabletopics(
        expand=["transports", "requiresPermissions"], include_preview=True
    )
    topics = {topic.id: topic for topic in listing.entities}
    assert topics.keys() == known_topics()
    assert topics["v2.users.{id}.presence"].transports == ["Websocket", "EventBridge"]
    assert topics["v2.users.{id}.presence"].requires_permissions == []
    assert topics["v2.system.socket_closing"].transports == ["Websocket"]
    [plain, *_] = sdk.NotificationsApi(api).get_notifications_availabletopics().entities
    assert plain.transports is None


def test_our_client_asks_for_topics_as_the_sdk_does(client: GenesysClient, api: Any, urls: list[str]) -> None:
    client.available_topics()
    sdk.NotificationsApi(api).get_notifications_availabletopics(
        expand=["transports", "requiresPermissions"], include_preview=True
    )
    ours, theirs = (parse_qs(urlsplit(url).query) for url in urls if "availabletopics" in url)
    assert {name: ",".join(values).lower() for name, values in ours.items()} == {
        name: ",".join(values).lower() for name, values in theirs.items()
    }


@pytest.fixture
def urls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The URLs that the local Genesys Cloud is called with, as they come."""
    seen: list[str] = []
    call = server._Handler._call

    def record(handler: Any, path: str, body: Any) -> Any:
        seen.append(handler.path)
        return call(handler, path, body)

    monkeypatch.setattr(server._Handler, "_call", record)
    return seen


def test_the_sdk_understands_a_refusal(api: Any) -> None:
    with pytest.raises(sdk.rest.ApiException) as caught:
        sdk.IntegrationsApi(api).get_integration("unknown")
    assert caught.value.status == 404
    body = _load(json.loads(caught.value.body), "ErrorBody")
    assert (body.status, body.code) == (404, "not.found")


class _Recording:
    """Sends requests on and keeps them with their answers."""

    def __init__(self, http: urllib3.PoolManager) -> None:
        self._http = http
        self.requests: list[tuple[str, Any, Any]] = []

    def request(self, method: str, url: str, **options: Any) -> Any:
        response = self._http.request(method, url, **options)
        path = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "{id}", url.partition("/api/v2/")[2].partition("?")[0])
        if path:
            body = options["body"]
            self.requests.append((f"{method} {path}", body and json.loads(body), json.loads(response.data)))
        return response


@pytest.fixture
def recorded(
    make_handle: MakeHandle, genesys: LocalGenesys, aws: Aws, time: Time, http: urllib3.PoolManager
) -> list[tuple[str, Any, Any]]:
    """Every call of our client in the life of an integration, and its others, with bodies and answers."""
    recording = _Recording(http)
    stack = Stack(make_handle(IntegrationResource(lambda: aws), recording), time.sleep)
    stack.create(PROPERTIES)
    stack.update(OTHER_TOPICS)
    stack.delete()
    GenesysClient(genesys.url, genesys.url, CREDENTIALS, Deadline(60), http=recording).ip_ranges()
    return recording.requests


REQUEST_MODELS = {
    "POST integrations": "CreateIntegrationRequest",
    "PUT integrations/{id}/config/current": "IntegrationConfiguration",
    "PATCH integrations/{id}": "Integration",
}
ANSWER_MODELS = {
    "GET integrations": "IntegrationEntityListing",
    "POST integrations": "Integration",
    "GET integrations/{id}": "Integration",
    "PATCH integrations/{id}": "Integration",
    "DELETE integrations/{id}": "Integration",
    "GET integrations/{id}/config/current": "IntegrationConfiguration",
    "PUT integrations/{id}/config/current": "IntegrationConfiguration",
    "GET ipranges": "IpAddressRangeListing",
    "GET notifications/availabletopics": "AvailableTopicEntityListing",
    "GET organizations/me": "Organization",
}


def test_the_bodies_of_our_client_are_those_of_the_sdks_models(recorded: list[tuple[str, Any, Any]]) -> None:
    bodies = [(call, body) for call, body, _ in recorded if body is not None]
    assert {call for call, _ in bodies} == set(REQUEST_MODELS)
    for call, body in bodies:
        assert _as_sdk_sends(_load(body, REQUEST_MODELS[call])) == body


def test_the_answers_of_the_local_genesys_are_those_of_the_sdks_models(recorded: list[tuple[str, Any, Any]]) -> None:
    assert {call for call, _, _ in recorded} == set(ANSWER_MODELS)
    for call, _, answer in recorded:
        shown = _as_sdk_sends(_load(answer, ANSWER_MODELS[call]))
        assert shown == answer
        assert UNKNOWN_TO_SDK not in json.dumps(shown)


def test_our_client_calls_nothing_that_the_sdk_does_not_call(
    recorded: list[tuple[str, Any, Any]], api: Any, genesys: LocalGenesys
) -> None:
    genesys.requests.clear()
    listed = _use_everything(api)
    sdk.IntegrationsApi(api).delete_integration(listed.id)
    known = {request.replace("/api/v2/", "").replace(listed.id, "{id}") for request in genesys.requests}
    assert {call for call, _, _ in recorded} == known


def test_the_regions_are_those_of_the_sdk() -> None:
    hosts = {region.name.lower(): region.value for region in sdk.PureCloudRegionHosts}
    ours = {region.aws_region.replace("-", "_"): f"https://api.{region.host}" for region in GenesysRegion}
    assert ours == hosts


LISTINGS: dict[str, tuple[str, Callable[[Any], list[Any]]]] = {
    "queue": ("QueueEntityListing", lambda api: [sdk.RoutingApi(api).get_routing_queues]),
    "wrapup_code": ("WrapupCodeEntityListing", lambda api: [sdk.RoutingApi(api).get_routing_wrapupcodes]),
    "skill": ("SkillEntityListing", lambda api: [sdk.RoutingApi(api).get_routing_skills]),
    "division": ("AuthzDivisionEntityListing", lambda api: [sdk.AuthorizationApi(api).get_authorization_divisions]),
    "flow": ("FlowEntityListing", lambda api: [partial(sdk.ArchitectApi(api).get_flows, deleted=True)]),
    "presence_definition": (
        "OrganizationPresenceDefinitionEntityListing",
        lambda api: [
            partial(sdk.PresenceApi(api).get_presence_definitions, locale_code="ALL", deactivated=deactivated)
            for deactivated in ("FALSE", "TRUE")
        ],
    ),
    "user": ("UserEntityListing", lambda api: [partial(sdk.UsersApi(api).get_users, state="any")]),
}
"""The model of what lists each kind of names, and the SDK's calls that list all of it."""


@pytest.mark.parametrize("kind", KINDS)
def test_our_client_lists_a_kind_of_names_as_the_sdk_does(
    client: GenesysClient, api: Any, urls: list[str], kind: str
) -> None:
    snapshot = take(kind, client)
    ours = {_without_pages(url) for url in urls}
    urls.clear()
    listed = [thing.id for call in LISTINGS[kind][1](api) for thing in call().entities]
    assert ours == {_without_pages(url) for url in urls}
    assert {thing.id for thing in snapshot.things} >= set(listed)


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_local_genesys_lists_is_what_the_sdks_models_hold(client: GenesysClient, kind: str) -> None:
    for query in KINDS[kind].queries:
        for page in client.listings(KINDS[kind].path, query):
            shown = _as_sdk_sends(_load(page, LISTINGS[kind][0]))
            assert shown == page
            assert UNKNOWN_TO_SDK not in json.dumps(shown)


def _without_pages(url: str) -> tuple[str, str]:
    """The path and the query of a URL, but for which page it asks for."""
    query = parse_qs(urlsplit(url).query)
    named = {name: ",".join(values).lower() for name, values in query.items() if not name.startswith("page")}
    return urlsplit(url).path, json.dumps(named, sort_keys=True)


def test_the_sdk_has_no_event_subscriptions() -> None:
    """When this fails, Genesys Cloud has published the guide's endpoint: check EventSubscription's defaults by it."""
    package = Path(sdk.__file__).parent
    assert not [path.name for path in (package / "apis").glob("*.py") if "eventSubscriptions" in path.read_text()]


def _load(value: Any, model: str) -> Any:
    """An instance of the SDK's model, made as the SDK makes one of an answer."""

    answer = SimpleNamespace(data=json.dumps(value), getheader=lambda _name: "application/json")
    return sdk.ApiClient().deserialize(answer, model)


def _as_sdk_sends(instance: Any) -> Any:
    return sdk.ApiClient().sanitize_for_serialization(instance)
