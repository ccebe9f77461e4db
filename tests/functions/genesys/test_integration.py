"""The integration's custom resource leaves Genesys Cloud in one well-defined state, whatever fails at which call."""

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import urllib3

from genesys.client import GenesysError
from genesys.lifecycle import Configuration, PropertyError
from genesys_firehose_tools.local.genesys.faults import Fault
from genesys_firehose_tools.local.genesys.organization import Organization
from genesys_firehose_tools.local.genesys.partner import SourceKey
from genesys_firehose_tools.local.genesys.server import LocalGenesys
from genesys_integration.integration import IntegrationResource
from tests.functions.genesys.cloudformation import STACK_ID, Handle, RequestFailedError, Stack
from tests.functions.genesys.conftest import (
    CREDENTIALS,
    GIVE_UP_AFTER,
    ORGANIZATION_ID,
    Aws,
    MakeHandle,
    Time,
    without_correlation_id,
)
from tests.functions.genesys.schedules import TROUBLES, Trouble
from tests.in_memory_partner import InMemoryPartner

TOPICS = ["v2.detail.events.conversation.{id}.acd.end", "v2.users.{id}.presence"]
PROPERTIES: Mapping[str, Any] = {
    "Host": "mypurecloud.de",
    "OrgId": ORGANIZATION_ID,
    "Account": "111122223333",
    "Region": "eu-central-1",
    "Suffix": "events",
    "Name": "Events",
    "Topics": TOPICS,
}
OTHER_TOPICS = {**PROPERTIES, "Topics": ["v2.users.{id}.presence"], "Name": "Renamed"}
OTHER_SUFFIX = {**PROPERTIES, "Suffix": "other"}
SOURCE = f"aws.partner/genesys.com/cloud/{ORGANIZATION_ID}/events"


@pytest.fixture
def handle(make_handle: MakeHandle, aws: Aws) -> Handle:
    return make_handle(IntegrationResource(lambda: aws))


@pytest.fixture
def stack(handle: Handle, time: Time) -> Stack:
    return Stack(handle, time.sleep)


def _state(genesys: LocalGenesys, partner: InMemoryPartner) -> Any:
    """All that there is at Genesys Cloud and of its event sources, without random ids."""
    state = genesys.organization.state()["integrations"]
    for integration in state:
        del integration["id"]
    return sorted(state, key=lambda each: str(each["name"])), dict(partner.sources)


def test_a_creation_makes_one_enabled_integration_and_its_source(
    stack: Stack, genesys: LocalGenesys, partner: InMemoryPartner
) -> None:
    stack.create(PROPERTIES)
    [integration] = genesys.organization.state()["integrations"]
    assert integration["name"].startswith("Events (cdk-")
    assert integration["intended_state"] == "ENABLED"
    assert integration["properties"] == {
        "eventSourceSuffix": "events",
        "awsAccountId": "111122223333",
        "awsAccountRegion": "eu-central-1",
        "eventFilter": TOPICS,
    }
    assert partner.sources == {SourceKey(SOURCE, "111122223333", "eu-central-1"): "PENDING"}
    assert stack.physical_id == f"mypurecloud.de/{ORGANIZATION_ID}/111122223333/eu-central-1/events"
    assert stack.attributes == {"EventSourceName": SOURCE, "IntegrationId": integration["id"]}


def test_a_name_that_counts_only_in_the_configuration_makes_no_second_integration(
    stack: Stack, genesys: LocalGenesys
) -> None:
    create_integration = genesys.organization.create_integration
    genesys.organization.create_integration = lambda body: create_integration({**body, "name": None})  # type: ignore[method-assign]
    stack.create(PROPERTIES)
    [integration] = genesys.organization.state()["integrations"]
    assert integration["name"].startswith("Events (cdk-")


def test_the_beginning_of_a_creation_changes_nothing(handle: Handle, genesys: LocalGenesys) -> None:
    handle(_event("Create"))
    assert {request.split()[0] for request in genesys.requests[1:]} == {"GET"}


def test_an_update_in_place_keeps_the_integration(stack: Stack, genesys: LocalGenesys) -> None:
    stack.create(PROPERTIES)
    created, physical_id = stack.attributes["IntegrationId"], stack.physical_id
    stack.update(OTHER_TOPICS)
    [integration] = genesys.organization.state()["integrations"]
    assert (integration["id"], stack.physical_id) == (created, physical_id)
    assert integration["properties"]["eventFilter"] == ["v2.users.{id}.presence"]
    assert integration["name"].startswith("Renamed (cdk-")


@pytest.mark.parametrize("change", [{"Suffix": "other"}, {"Account": "444455556666"}, {"Region": "eu-west-1"}])
def test_what_makes_another_source_replaces_the_integration(
    stack: Stack, genesys: LocalGenesys, partner: InMemoryPartner, change: dict[str, str]
) -> None:
    stack.create(PROPERTIES)
    created = stack.attributes["IntegrationId"]
    stack.update({**PROPERTIES, **change})
    [integration] = genesys.organization.state()["integrations"]
    assert integration["id"] != created
    [source] = partner.sources
    assert {source.name.rpartition("/")[2], source.account, source.region} >= set(change.values())


def test_a_deletion_leaves_nothing(stack: Stack, genesys: LocalGenesys, partner: InMemoryPartner) -> None:
    stack.create(PROPERTIES)
    stack.delete()
    assert _state(genesys, partner) == ([], {})


def test_a_deletion_of_what_is_gone_already_is_done(stack: Stack, genesys: LocalGenesys) -> None:
    stack.create(PROPERTIES)
    genesys.organization.delete_integration(stack.attributes["IntegrationId"])
    stack.delete()


def test_an_integration_that_someone_renamed_is_still_known(stack: Stack, genesys: LocalGenesys) -> None:
    stack.create(PROPERTIES)
    integration = genesys.organization.integrations[stack.attributes["IntegrationId"]]
    integration.name = "Do not touch"
    stack.update(OTHER_TOPICS)
    assert integration.name.startswith("Renamed (cdk-")
    integration.name = "Do not touch"
    stack.delete()
    assert genesys.organization.integrations == {}


def test_an_integration_of_someone_else_is_left_alone(stack: Stack, genesys: LocalGenesys) -> None:
    theirs = genesys.organization.create_integration(
        {"name": "Events", "integrationType": {"id": "amazon-eventbridge-source"}}
    )
    stack.create(PROPERTIES)
    stack.update(OTHER_SUFFIX)
    stack.delete()
    assert list(genesys.organization.integrations) == [theirs["id"]]


def test_an_update_enables_what_someone_disabled(stack: Stack, genesys: LocalGenesys) -> None:
    stack.create(PROPERTIES)
    genesys.organization.change_integration(stack.attributes["IntegrationId"], {"intendedState": "DISABLED"})
    stack.update(OTHER_TOPICS)
    [integration] = genesys.organization.state()["integrations"]
    assert integration["intended_state"] == "ENABLED"


def test_a_second_pass_changes_nothing(stack: Stack, handle: Handle, genesys: LocalGenesys) -> None:
    stack.create(PROPERTIES)
    genesys.requests.clear()
    event = _event("Update", PhysicalResourceId=stack.physical_id, OldResourceProperties=dict(PROPERTIES))
    assert handle(event | handle(event))["IsComplete"]
    assert {request.split()[0] for request in genesys.requests if "oauth" not in request} == {"GET"}


def _event(kind: str, **more: Any) -> dict[str, Any]:
    return {
        "RequestType": kind,
        "StackId": STACK_ID,
        "LogicalResourceId": "Integration",
        "ResourceProperties": dict(PROPERTIES),
        **more,
    }


OPERATIONS: dict[str, Callable[[Stack], None]] = {
    "create": lambda stack: stack.create(PROPERTIES),
    "update in place": lambda stack: stack.update(OTHER_TOPICS),
    "replacement": lambda stack: stack.update(OTHER_SUFFIX),
    "delete": lambda stack: stack.delete(),
}


class _Life:
    """One stack in an organization of its own, brought to where an operation starts."""

    def __init__(self, genesys: LocalGenesys, make_handle: MakeHandle, time: Time, operation: str) -> None:
        self.partner = InMemoryPartner()
        self.genesys = genesys
        self._make_handle = make_handle
        genesys.organization = Organization(
            self.partner, ORGANIZATION_ID, {CREDENTIALS.client_id: CREDENTIALS.client_secret}, 1_000_000
        )
        genesys.faults.set([])
        self.stack = Stack(self._handle(), time.sleep)
        if operation != "create":
            self.stack.create(PROPERTIES)
        genesys.requests.clear()

    def _handle(self, http: Any = None) -> Handle:
        return self._make_handle(IntegrationResource(lambda: Aws(self.partner)), http)

    def arrange(self, trouble: Trouble, http: urllib3.PoolManager, number: int) -> None:
        self.stack.handle = self._handle(trouble(self.genesys, http, number))

    def state(self) -> Any:
        return _state(self.genesys, self.partner)


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_trouble_at_any_call_leaves_the_state_before_or_the_state_after(
    genesys: LocalGenesys,
    make_handle: MakeHandle,
    time: Time,
    http: urllib3.PoolManager,
    operation: str,
    trouble: str,
) -> None:
    plain = _Life(genesys, make_handle, time, operation)
    before = plain.state()
    OPERATIONS[operation](plain.stack)
    after, calls = plain.state(), len(genesys.requests)
    assert calls >= 3
    for number in range(calls):
        life = _Life(genesys, make_handle, time, operation)
        life.arrange(TROUBLES[trouble], http, number)
        try:
            OPERATIONS[operation](life.stack)
        except RequestFailedError:
            if operation == "delete":
                # The stack's deletion failed and may be asked for again.
                life.stack.delete()
                assert life.state() == after, number
            else:
                assert life.state() == before, number
        else:
            if life.stack.abandoned:
                # CloudFormation gives a replaced resource up whose deletion failed, and says so in its events.
                assert len(genesys.organization.integrations) in (1, 2), number
            else:
                assert life.state() == after, number


@pytest.mark.parametrize("trouble", ["403", "404", "the function dies before the call"])
def test_some_trouble_fails_a_creation_and_some_does_not(
    genesys: LocalGenesys, make_handle: MakeHandle, time: Time, http: urllib3.PoolManager, trouble: str
) -> None:
    """The enumeration above has both outcomes to judge."""
    failures = 0
    for number in range(8):
        life = _Life(genesys, make_handle, time, "create")
        life.arrange(TROUBLES[trouble], http, number)
        try:
            life.stack.create(PROPERTIES)
        except RequestFailedError:
            failures += 1
    assert 0 < failures <= 8


def test_two_passes_at_once_leave_one_integration(
    handle: Handle, genesys: LocalGenesys, partner: InMemoryPartner
) -> None:
    event = _event("Create")
    event |= handle(event)
    for _ in range(20):
        threads = [threading.Thread(target=handle, args=(dict(event),)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        while not handle(event)["IsComplete"]:
            pass
        assert len(genesys.organization.integrations) == len(partner.sources) == 1
        assert handle(event | {"RequestType": "Delete"})["IsComplete"]
        assert genesys.organization.integrations == {}


def test_of_twins_the_one_that_works_stays(stack: Stack, genesys: LocalGenesys) -> None:
    stack.create(PROPERTIES)
    works = stack.attributes["IntegrationId"]
    [integration] = genesys.organization.integrations.values()
    for number in range(5):
        twin = genesys.organization.create_integration(
            {"name": f"{number} {integration.name}", "integrationType": {"id": integration.type}}
        )
        configuration = {"version": 1, "name": twin["name"], "properties": integration.properties}
        genesys.organization.configure(twin["id"], configuration)
        genesys.organization.change_integration(twin["id"], {"intendedState": "ENABLED"})
    stack.update(OTHER_TOPICS)
    assert list(genesys.organization.integrations) == [works]


def test_a_creation_that_fails_removes_what_it_made_before_anybody_asks(handle: Handle, genesys: LocalGenesys) -> None:
    event = _event("Create")
    event |= handle(event)
    genesys.faults.set([Fault(status=403, method="PATCH")])
    with pytest.raises(GenesysError):
        handle(event)
    assert "POST /api/v2/integrations" in genesys.requests
    assert genesys.organization.integrations == {}


def test_an_update_in_place_that_fails_removes_nothing(stack: Stack, handle: Handle, genesys: LocalGenesys) -> None:
    stack.create(PROPERTIES)
    event = _event("Update", PhysicalResourceId=stack.physical_id, OldResourceProperties=dict(PROPERTIES))
    event["ResourceProperties"] = dict(OTHER_TOPICS)
    event |= handle(event)
    genesys.faults.set([Fault(status=403, method="PUT")])
    with pytest.raises(GenesysError):
        handle(event)
    assert len(genesys.organization.integrations) == 1


def test_a_creation_waits_for_the_source_to_appear(
    stack: Stack, partner: InMemoryPartner, aws: Aws, time: Time
) -> None:
    aws.partner = InMemoryPartner()

    def appear_later(seconds: float) -> None:
        time.sleep(seconds)
        if time.now > 100:
            aws.partner = partner

    stack.wait = appear_later
    stack.create(PROPERTIES)
    assert time.now > 100


@pytest.mark.parametrize("state", ["ACTIVE", "PENDING"])
def test_a_source_that_waits_for_its_bus_is_as_good_as_one_that_has_it(
    stack: Stack, partner: InMemoryPartner, state: str
) -> None:
    create_source = partner.create_source

    def create(source: SourceKey) -> None:
        create_source(source)
        partner.sources[source] = state

    partner.create_source = create  # type: ignore[method-assign]
    stack.create(PROPERTIES)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (None, f"the partner event source {SOURCE} is not in this account and region; given up after 600 s"),
        ("DELETED", f"the partner event source {SOURCE} is DELETED; given up after 600 s"),
    ],
)
def test_a_source_that_never_appears_is_given_up_and_everything_is_rolled_back(
    stack: Stack, genesys: LocalGenesys, aws: Aws, time: Time, state: str | None, reason: str
) -> None:
    aws.partner = InMemoryPartner()
    if state is not None:
        aws.partner.sources[SourceKey(SOURCE, "111122223333", "eu-central-1")] = state
    with pytest.raises(RequestFailedError) as caught:
        stack.create(PROPERTIES)
    assert caught.value.reason == reason
    assert GIVE_UP_AFTER <= time.now < GIVE_UP_AFTER + 60
    assert genesys.organization.integrations == {}


def test_trouble_that_does_not_pass_is_given_up_with_status_and_code(
    stack: Stack, genesys: LocalGenesys, time: Time
) -> None:
    genesys.faults.set([Fault(status=503, path="/api/v2/integrations", method="POST", times=99, message="Maintenance")])
    with pytest.raises(RequestFailedError) as caught:
        stack.create(PROPERTIES)
    assert without_correlation_id(caught.value.reason) == (
        "Genesys Cloud answered 503 (fault) to POST /api/v2/integrations; given up after 600 s"
    )
    assert time.now < GIVE_UP_AFTER + 60


def test_an_error_that_genesys_reports_fails_the_creation_without_its_own_sentence(
    stack: Stack, genesys: LocalGenesys, aws: Aws
) -> None:
    # Somebody's source of this name, of which no integration tells.
    aws.partner.sources[SourceKey(SOURCE, "111122223333", "eu-central-1")] = "PENDING"
    with pytest.raises(RequestFailedError) as caught:
        stack.create(PROPERTIES)
    assert "Genesys Cloud reports an error of the integration" in caught.value.reason
    assert caught.value.reason.endswith(": look there for its reason")
    assert genesys.organization.integrations == {}


def test_a_suffix_that_another_integration_has_is_refused(
    stack: Stack, handle: Handle, time: Time, genesys: LocalGenesys
) -> None:
    first = Stack(handle, time.sleep, logical_id="First")
    first.create(PROPERTIES)
    with pytest.raises(RequestFailedError) as caught:
        stack.create(PROPERTIES)
    assert caught.value.reason == (
        f"event_source_suffix is 'events', which the integration {first.attributes['IntegrationId']} has: a suffix "
        "that no other integration has for this account and region is allowed."
    )
    assert len(genesys.organization.integrations) == 1


def test_another_organization_than_the_credentials_own_is_refused(stack: Stack) -> None:
    other = "00000000-0000-4000-8000-000000000000"
    with pytest.raises(RequestFailedError) as caught:
        stack.create({**PROPERTIES, "OrgId": other})
    assert caught.value.reason == (
        f"org_id is {other!r}: the organization of the credentials is allowed, {ORGANIZATION_ID}."
    )


def test_credentials_that_may_not_see_their_organization_are_enough(stack: Stack, genesys: LocalGenesys) -> None:
    genesys.faults.set([Fault(status=403, path="/api/v2/organizations/me")])
    stack.create(PROPERTIES)


@pytest.mark.parametrize("change", [{"Host": "mypurecloud.ie"}, {"OrgId": "00000000-0000-4000-8000-000000000000"}])
def test_a_change_of_the_organization_is_refused_and_rolled_back(
    stack: Stack, genesys: LocalGenesys, partner: InMemoryPartner, change: dict[str, str]
) -> None:
    stack.create(PROPERTIES)
    before = _state(genesys, partner)
    with pytest.raises(RequestFailedError, match="only with the construct's id"):
        stack.update({**PROPERTIES, **change})
    assert _state(genesys, partner) == before


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"OrgId": "Acme"}, "org_id is 'Acme': a UUID in lower case is allowed."),
        ({"Suffix": "a/b"}, "event_source_suffix is 'a/b': a word of 1 to 64 letters, digits and ._- is allowed."),
        (
            {"Suffix": "x" * 65},
            f"event_source_suffix is '{'x' * 65}': a word of 1 to 64 letters, digits and ._- is allowed.",
        ),
        ({"Account": "123"}, "account is '123': an AWS account of 12 digits is allowed."),
        ({"Region": "Frankfurt"}, "aws_region is 'Frankfurt': an AWS region such as eu-central-1 is allowed."),
        ({"Host": "https://x"}, "region is 'https://x': the host of a Genesys Cloud region is allowed."),
        (
            {"Topics": ["calls"]},
            "topics holds 'calls': names such as v2.detail.events.conversation.{id}.acd.end are allowed.",
        ),
    ],
)
def test_a_property_that_cannot_work_is_refused_before_genesys_is_asked(
    stack: Stack, genesys: LocalGenesys, change: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(RequestFailedError) as caught:
        stack.create({**PROPERTIES, **change})
    assert caught.value.reason == sentence
    assert genesys.requests == []


def _listed(genesys: LocalGenesys, topic: str) -> dict[str, Any]:
    """The entry of a topic in the organization's list."""
    [entry] = [each for each in genesys.organization.topics if each["id"] == topic]
    return entry


PRESENCE = "v2.users.{id}.presence"
WRONG_TOPICS = {
    "unknown": (
        ["v2.users.{id}.presense"],
        "topics holds 'v2.users.{id}.presense', which is unknown (did you mean 'v2.users.{id}.presence'?): ",
    ),
    "unlike any other": (["v2.x"], "topics holds 'v2.x', which is unknown: "),
    "not over EventBridge": (
        [PRESENCE, "v2.system.socket_closing"],
        "topics holds 'v2.system.socket_closing', which is not sent over EventBridge: ",
    ),
    "several": (
        ["v2.x", "v2.system.socket_closing"],
        "topics holds 'v2.system.socket_closing', which is not sent over EventBridge, 'v2.x', which is unknown: ",
    ),
    "more than a reason can hold": (
        [f"v2.{number}" for number in range(7)],
        "topics holds " + ", ".join(f"'v2.{number}', which is unknown" for number in range(5)) + ", and 2 more: ",
    ),
}


@pytest.mark.parametrize("case", WRONG_TOPICS)
def test_a_topic_that_cannot_work_fails_the_creation_with_its_name_and_leaves_nothing(
    stack: Stack, genesys: LocalGenesys, case: str
) -> None:
    topics, reason = WRONG_TOPICS[case]
    with pytest.raises(RequestFailedError) as caught:
        stack.create({**PROPERTIES, "Topics": topics})
    assert caught.value.reason == (
        f"{reason}topics that Genesys Cloud lists for the organization with the transport EventBridge are allowed."
    )
    assert genesys.organization.integrations == {}


def test_a_topic_that_cannot_work_fails_an_update_and_the_rollback_asks_for_no_list(
    stack: Stack, genesys: LocalGenesys, partner: InMemoryPartner
) -> None:
    stack.create(PROPERTIES)
    before = _state(genesys, partner)
    genesys.requests.clear()
    with pytest.raises(RequestFailedError, match="which is unknown"):
        stack.update({**PROPERTIES, "Topics": [*TOPICS, "v2.x"]})
    assert _state(genesys, partner) == before
    assert genesys.requests.count("GET /api/v2/notifications/availabletopics") == 1


def test_a_topic_that_genesys_withdrew_stays_configured(stack: Stack, genesys: LocalGenesys) -> None:
    stack.create(PROPERTIES)
    genesys.organization.topics.remove(_listed(genesys, PRESENCE))
    stack.update({**PROPERTIES, "Name": "Renamed"})
    stack.update({**PROPERTIES, "Topics": [*TOPICS, "v2.quality.evaluations"]})
    [integration] = genesys.organization.state()["integrations"]
    assert PRESENCE in integration["properties"]["eventFilter"]


def _forget_transports(genesys: LocalGenesys) -> None:
    for topic in genesys.organization.topics:
        del topic["transports"]


def _know_no_eventbridge(genesys: LocalGenesys) -> None:
    for topic in genesys.organization.topics:
        topic["transports"] = ["Websocket"]


SILENCES: dict[str, Callable[[LocalGenesys], None]] = {
    "an empty list": lambda genesys: genesys.organization.topics.clear(),
    "no transports": _forget_transports,
    "no EventBridge among them": _know_no_eventbridge,
    **{
        f"answered {status}": lambda genesys, status=status: genesys.faults.set(  # type: ignore[misc]
            [Fault(status=status, path="/api/v2/notifications/availabletopics", times=99)]
        )
        for status in (400, 403, 404, 409)
    },
}


@pytest.mark.parametrize("silence", SILENCES)
def test_a_list_that_tells_nothing_stops_no_deployment_and_is_warned_about(
    stack: Stack, genesys: LocalGenesys, capsys: pytest.CaptureFixture[str], silence: str
) -> None:
    SILENCES[silence](genesys)
    stack.create({**PROPERTIES, "Topics": [PRESENCE, "v2.x"]})
    assert len(genesys.organization.integrations) == 1
    assert '"level":"WARN","message":"the topics are not checked"' in capsys.readouterr().out


def test_a_topic_whose_transports_are_not_told_passes(stack: Stack, genesys: LocalGenesys) -> None:
    del _listed(genesys, PRESENCE)["transports"]
    stack.create(PROPERTIES)


def test_a_transport_that_is_all_of_them_passes(stack: Stack, genesys: LocalGenesys) -> None:
    _listed(genesys, PRESENCE)["transports"] = ["All"]
    stack.create(PROPERTIES)


def test_a_topic_that_needs_a_permission_is_named_when_genesys_refuses_the_configuration(
    stack: Stack, genesys: LocalGenesys
) -> None:
    _listed(genesys, PRESENCE)["requiresPermissions"] = ["directory:user:view", "presence:user:view"]
    genesys.faults.set([Fault(status=403, method="PUT", times=9, message="No.")])
    with pytest.raises(RequestFailedError) as caught:
        stack.create(PROPERTIES)
    assert without_correlation_id(caught.value.reason) == (
        "topics need permissions that the credentials may lack "
        "('v2.users.{id}.presence' needs directory:user:view, presence:user:view): "
        "Genesys Cloud answered 403 (fault) to PUT /api/v2/integrations/{id}/config/current"
    )
    assert genesys.organization.integrations == {}


def test_a_topic_that_needs_a_permission_passes_when_genesys_takes_it(stack: Stack, genesys: LocalGenesys) -> None:
    _listed(genesys, PRESENCE)["requiresPermissions"] = ["presence:user:view"]
    stack.create(PROPERTIES)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "can't be read (AccessDeniedException)"),
        ("client:secret", "hold no JSON"),
        ("[1]", "hold no client_id and client_secret"),
        ('{"client_id": "x"}', "hold no client_id and client_secret"),
        ('{"client_id": "x", "client_secret": ""}', "hold no client_id and client_secret"),
    ],
)
def test_credentials_in_another_form_are_refused_and_not_repeated(
    stack: Stack, aws: Aws, genesys: LocalGenesys, text: str | None, problem: str
) -> None:
    aws.credentials = text
    with pytest.raises(RequestFailedError) as caught:
        stack.create(PROPERTIES)
    assert caught.value.reason == (
        f'credentials {problem}: a secret whose text is the JSON object {{"client_id": "...", "client_secret": "..."}} '
        "is allowed."
    )
    assert genesys.requests == []


def test_wrong_credentials_fail_the_creation_and_its_rollback_needs_none(stack: Stack, aws: Aws) -> None:
    aws.credentials = json.dumps({"client_id": "client", "client_secret": "wrong-one"})
    with pytest.raises(RequestFailedError, match="invalid_client") as caught:
        stack.create(PROPERTIES)
    assert caught.value.physical_id is None
    assert "wrong-one" not in caught.value.reason


OWN = Configuration(STACK_ID, "Integration", dict(PROPERTIES))
FORGED: dict[str, dict[str, Any]] = {
    name: {**PROPERTIES, **change}
    for name, change in {
        "another host": {"Host": "attacker.example"},
        "another account": {"Account": "999999999999"},
        "another region": {"Region": "us-east-1"},
        "other topics": {"Topics": ["v2.quality.evaluations"]},
        "one property more": {"More": "1"},
    }.items()
}


@pytest.fixture
def configured(make_handle: MakeHandle, aws: Aws) -> Handle:
    """The function of a deployed stack."""
    return make_handle(IntegrationResource(lambda: aws), configuration=OWN)


@pytest.mark.parametrize("case", FORGED)
def test_a_creation_with_other_properties_than_the_functions_asks_nobody(
    configured: Handle, genesys: LocalGenesys, case: str
) -> None:
    with pytest.raises(PropertyError, match="not the function's"):
        configured(_event("Create", ResourceProperties=FORGED[case]))
    assert genesys.requests == []


@pytest.mark.parametrize("case", FORGED)
@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_a_pass_with_other_properties_than_the_functions_asks_nobody_and_waits_for_the_functions_update(
    configured: Handle, genesys: LocalGenesys, kind: str, case: str
) -> None:
    identity = IntegrationResource(lambda: Aws(InMemoryPartner())).identity(FORGED[case])
    begun = {"PhysicalResourceId": identity, "KnownAs": identity, "BegunAt": 0.0}
    event = _event(kind, ResourceProperties=FORGED[case], OldResourceProperties=dict(PROPERTIES), **begun)
    assert configured(event) == {"IsComplete": False}
    assert genesys.requests == []


def test_a_pass_under_another_physical_id_than_the_functions_asks_nobody(
    configured: Handle, genesys: LocalGenesys
) -> None:
    begun = {"PhysicalResourceId": "attacker.example/x", "KnownAs": "attacker.example/x", "BegunAt": 0.0}
    assert configured(_event("Update", OldResourceProperties={}, **begun)) == {"IsComplete": False}
    assert genesys.requests == []


@pytest.mark.parametrize("place", ["attacker.example/" + ORGANIZATION_ID, "mypurecloud.de/another", "x"])
def test_a_deletion_elsewhere_is_refused_and_asks_nobody(configured: Handle, genesys: LocalGenesys, place: str) -> None:
    event = _event("Delete", PhysicalResourceId=f"{place}/111122223333/eu-central-1/events")
    with pytest.raises(PropertyError, match="one of the function's own region and organization is allowed"):
        configured(event | configured(event))
    assert genesys.requests == []


def test_a_request_in_another_stacks_name_touches_nothing_of_that_stack(
    stack: Stack, make_handle: MakeHandle, aws: Aws, genesys: LocalGenesys
) -> None:
    stack.create(PROPERTIES)
    other = make_handle(
        IntegrationResource(lambda: aws), configuration=Configuration("another stack", "Integration", PROPERTIES)
    )
    event = _event("Delete", PhysicalResourceId=stack.physical_id)
    assert other(event | other(event)) == {"IsComplete": True, "Data": {}}
    assert len(genesys.organization.integrations) == 1


def test_a_refused_secret_seconds_after_the_deployment_is_read_again(
    stack: Stack, aws: Aws, time: Time, genesys: LocalGenesys, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, aws.credentials = aws.credentials, None
    sleep = time.sleep

    def allow_later(seconds: float) -> None:
        sleep(seconds)
        if time.now >= 30:
            aws.credentials = text

    monkeypatch.setattr(time, "sleep", allow_later)
    stack.create(PROPERTIES)
    assert time.now >= 30
    assert len(genesys.organization.integrations) == 1


def test_a_refused_secret_fails_a_deletion_at_once(stack: Stack, aws: Aws, time: Time) -> None:
    stack.create(PROPERTIES)
    before, aws.credentials = time.now, None
    with pytest.raises(RequestFailedError, match=r"credentials can.*t be read"):
        stack.delete()
    assert time.now == before


def test_nothing_that_is_logged_is_secret_or_personal(
    stack: Stack, genesys: LocalGenesys, capsys: pytest.CaptureFixture[str]
) -> None:
    genesys.faults.set([Fault(status=503, path="/api/v2/integrations/", method="GET", times=9999)])
    with pytest.raises(RequestFailedError):
        stack.create(PROPERTIES)
    lines = capsys.readouterr().out.splitlines()
    assert set(lines) == {'{"level":"INFO","message":"not complete yet","request":"Create","reason":"GenesysError"}'}
