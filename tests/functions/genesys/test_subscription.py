"""The subscription's custom resource: one subscription, active and with today's key, whatever fails at which call."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import urllib3

from genesys.lifecycle import Configuration, PropertyError, ResourceError
from genesys_firehose_tools.local.genesys.faults import Fault
from genesys_firehose_tools.local.genesys.organization import SUBSCRIPTIONS_PATH, Organization
from genesys_firehose_tools.local.genesys.server import LocalGenesys
from genesys_subscription.subscription import SubscriptionResource, read_signing_key
from ingest.function import IngestHandler
from ingest.settings import IngestSettings
from tests.functions.genesys.cloudformation import STACK_ID, Handle, RequestFailedError, Stack
from tests.functions.genesys.conftest import CREDENTIALS, ORGANIZATION_ID, Aws, MakeHandle, Time, without_correlation_id
from tests.functions.genesys.schedules import TROUBLES
from tests.in_memory_aws import InMemoryAws
from tests.in_memory_partner import InMemoryPartner
from tests.wired_functions import INGEST_ENVIRONMENT, request

BODY: dict[str, Any] = {
    "eventSubscription": {
        "name": "Events (${marker})",
        "url": "https://events.example.com/ingest/genesys-events",
        "events": ["call.event", "chat.event"],
        "filters": {"direction": "inbound"},
        "active": True,
        "headers": {"X-Genesys-Signature": "${signing_key}"},
    }
}


KNOWN_AFTER = timedelta(seconds=310)


def _properties(**changes: Any) -> Mapping[str, Any]:
    body = {"eventSubscription": {**BODY["eventSubscription"], **changes}}
    return {"Host": "mypurecloud.de", "Path": SUBSCRIPTIONS_PATH, "Body": json.dumps(body)}


PROPERTIES = _properties()
OTHER_EVENTS = _properties(events=["email.event"])


@pytest.fixture
def handle(make_handle: MakeHandle, aws: Aws) -> Handle:
    return make_handle(SubscriptionResource(lambda: read_signing_key(aws, "signing", KNOWN_AFTER)))


@pytest.fixture
def stack(handle: Handle, time: Time) -> Stack:
    return Stack(handle, time.sleep, logical_id="Subscription")


@pytest.fixture
def configured(make_handle: MakeHandle, aws: Aws) -> Handle:
    """The function of a deployed stack."""
    resource = SubscriptionResource(lambda: read_signing_key(aws, "signing", KNOWN_AFTER))
    return make_handle(resource, configuration=Configuration(STACK_ID, "Subscription", dict(PROPERTIES)))


@pytest.fixture
def keep(configured: Handle) -> Callable[[], Any]:
    """What the schedule does."""
    return lambda: configured({"RequestType": "Keep"})


def _only(genesys: LocalGenesys) -> dict[str, Any]:
    [subscription] = genesys.organization.subscriptions.values()
    return subscription


def test_a_creation_subscribes_as_the_guide_does_with_the_key_in_the_header(
    stack: Stack, genesys: LocalGenesys
) -> None:
    stack.create(PROPERTIES)
    subscription = _only(genesys)
    assert stack.attributes == {"SubscriptionId": subscription["id"]}
    assert subscription["name"].startswith("Events (cdk-")
    assert subscription["headers"] == {"X-Genesys-Signature": "the-key-1"}
    for field in ("url", "events", "filters", "active"):
        assert subscription[field] == BODY["eventSubscription"][field]


def test_what_the_default_subscription_sends_is_accepted_by_a_webhook_with_a_shared_key(
    stack: Stack, keep: Callable[[], Any], genesys: LocalGenesys, aws: Aws
) -> None:
    stack.create(PROPERTIES)
    services = InMemoryAws()
    services.secret_versions = {"AWSCURRENT": "the-key-1"}
    settings = IngestSettings.from_environment({**INGEST_ENVIRONMENT, "SIGNATURE_KIND": "shared_key"})

    def post() -> int:
        headers = {name: [value] for name, value in _only(genesys)["headers"].items()}
        webhook = IngestHandler(settings, services.client)
        return int(webhook.handle(request(b'{"messageId":"a"}', headers=headers))["statusCode"])

    assert post() == 200
    # A rotation: the webhook knows the new key first, and takes the old one until the schedule has brought the new.
    services.secret_versions = {"AWSCURRENT": "the-key-2", "AWSPREVIOUS": "the-key-1"}
    assert post() == 200
    aws.signing_key = "the-key-2"
    keep()
    services.secret_versions = {"AWSCURRENT": "the-key-2"}
    assert post() == 200
    services.secret_versions = {"AWSCURRENT": "the-key-3"}
    assert post() == 401


@pytest.mark.parametrize(("age", "key"), [(309, "the-key-1"), (311, "the-key-2")])
def test_the_schedule_brings_the_next_key_once_every_environment_of_the_webhook_knows_it(
    stack: Stack, keep: Callable[[], Any], genesys: LocalGenesys, aws: Aws, age: int, key: str
) -> None:
    stack.create(PROPERTIES)
    aws.next_signing_key = ("the-key-2", datetime.now(UTC) - timedelta(seconds=age))
    keep()
    assert _only(genesys)["headers"] == {"X-Genesys-Signature": key}


def test_a_rotation_that_has_no_key_yet_leaves_the_sender_the_current_one(
    stack: Stack, keep: Callable[[], Any], genesys: LocalGenesys, aws: Aws
) -> None:
    stack.create(PROPERTIES)
    aws.next_signing_key = ("", datetime.now(UTC) - timedelta(days=1))
    keep()
    assert _only(genesys)["headers"] == {"X-Genesys-Signature": "the-key-1"}


def test_an_update_changes_it_in_place_and_a_deletion_leaves_nothing(stack: Stack, genesys: LocalGenesys) -> None:
    stack.create(PROPERTIES)
    created = stack.attributes
    stack.update(OTHER_EVENTS)
    assert _only(genesys)["events"] == ["email.event"]
    assert stack.attributes == created
    stack.delete()
    assert genesys.organization.subscriptions == {}


def test_a_deletion_of_what_is_gone_already_is_done(stack: Stack, genesys: LocalGenesys) -> None:
    stack.create(PROPERTIES)
    genesys.organization.subscriptions.clear()
    stack.delete()


def test_a_subscription_of_someone_else_is_left_alone(stack: Stack, genesys: LocalGenesys) -> None:
    theirs = genesys.organization.create_subscription(BODY)["eventSubscription"]
    stack.create(PROPERTIES)
    stack.delete()
    assert _only(genesys) == theirs


def test_of_twins_one_stays(stack: Stack, keep: Callable[[], Any], genesys: LocalGenesys) -> None:
    stack.create(PROPERTIES)
    for _ in range(3):
        genesys.organization.create_subscription({"eventSubscription": _any(genesys)})
    keep()
    assert len(genesys.organization.subscriptions) == 1


def _any(genesys: LocalGenesys) -> dict[str, Any]:
    subscription, *_ = genesys.organization.subscriptions.values()
    return subscription


def test_the_schedule_makes_an_inactive_subscription_active_again(
    stack: Stack, keep: Callable[[], Any], genesys: LocalGenesys, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.create(PROPERTIES)
    _only(genesys)["active"] = False
    keep()
    assert _only(genesys)["active"] is True
    assert '"fields":"active"' in capsys.readouterr().out


def test_the_schedule_carries_a_new_key_to_genesys(
    stack: Stack, keep: Callable[[], Any], genesys: LocalGenesys, aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.create(PROPERTIES)
    aws.signing_key = "key-2 with ${marker}"
    keep()
    assert _only(genesys)["headers"] == {"X-Genesys-Signature": "key-2 with ${marker}"}
    assert "key-2" not in capsys.readouterr().out


def test_the_schedule_changes_nothing_that_is_right(
    stack: Stack, keep: Callable[[], Any], genesys: LocalGenesys
) -> None:
    stack.create(PROPERTIES)
    _only(genesys)["events"].reverse()
    genesys.requests.clear()
    keep()
    assert genesys.requests == ["POST /oauth/token", f"GET {SUBSCRIPTIONS_PATH}"]


def test_what_the_listing_does_not_show_is_written_again(
    stack: Stack, keep: Callable[[], Any], genesys: LocalGenesys
) -> None:
    stack.create(PROPERTIES)
    del _only(genesys)["headers"]
    keep()
    assert _only(genesys)["headers"] == {"X-Genesys-Signature": "the-key-1"}


def test_the_schedule_creates_no_subscription_and_fails_so_that_someone_sees(
    keep: Callable[[], Any], genesys: LocalGenesys
) -> None:
    with pytest.raises(ResourceError, match=f"the event subscription at {SUBSCRIPTIONS_PATH} is not listed"):
        keep()
    assert genesys.organization.subscriptions == {}


def test_another_body_is_sent_as_it_is_given(stack: Stack, genesys: LocalGenesys) -> None:
    received: list[Any] = []
    create_subscription = genesys.organization.create_subscription

    def create(body: Mapping[str, Any]) -> dict[str, Any]:
        received.append(body)
        return create_subscription(BODY | {"eventSubscription": {**BODY["eventSubscription"], "name": body["label"]}})

    genesys.organization.create_subscription = create  # type: ignore[method-assign]
    genesys.organization.replace_subscription = lambda _id, body: received.append(body) or {}  # type: ignore[method-assign,assignment,func-returns-value]
    body = {"label": "${marker}", "target": [{"secret": "k=${signing_key}", "retries": 3}]}
    stack.create({**PROPERTIES, "Body": json.dumps(body)})
    sent = received[0]
    assert sent["label"].startswith("cdk-")
    assert sent["target"] == [{"secret": "k=the-key-1", "retries": 3}]


def test_an_endpoint_that_genesys_does_not_have_is_told_at_once_and_leaves_nothing(stack: Stack, time: Time) -> None:
    with pytest.raises(RequestFailedError) as caught:
        stack.create({**PROPERTIES, "Path": "/api/v2/elsewhere"})
    reason = without_correlation_id(caught.value.reason)
    assert reason == "Genesys Cloud answered 404 (not.found) to GET /api/v2/elsewhere"
    assert time.now == 0


def test_a_key_that_genesys_repeats_in_an_error_is_not_passed_on(stack: Stack, genesys: LocalGenesys) -> None:
    genesys.faults.set([Fault(status=400, method="POST", path="/api/", message="headers: the-key-1 is too short")])
    with pytest.raises(RequestFailedError) as caught:
        stack.create(PROPERTIES)
    assert (
        without_correlation_id(caught.value.reason)
        == f"Genesys Cloud answered 400 (fault) to POST {SUBSCRIPTIONS_PATH}"
    )


FORGED = {
    "another host": {"Host": "attacker.example"},
    "another path": {"Path": "/api/v2/users"},
    "another body": {
        "Body": json.dumps({"name": "${marker}", "url": "https://attacker.example", "k": "${signing_key}"})
    },
}


@pytest.mark.parametrize("case", FORGED)
def test_who_invokes_the_function_with_a_request_of_its_own_learns_no_secret(
    configured: Handle, genesys: LocalGenesys, case: str
) -> None:
    forged = {**PROPERTIES, **FORGED[case]}
    event = {
        "RequestType": "Create",
        "StackId": STACK_ID,
        "LogicalResourceId": "Subscription",
        "ResourceProperties": forged,
        "OldResourceProperties": forged,
    }
    with pytest.raises(PropertyError, match="not the function's"):
        configured(event)
    identity = f"{forged['Host']}{forged['Path']}"
    begun = {"PhysicalResourceId": identity, "KnownAs": identity, "BegunAt": 0.0}
    assert configured({**event, **begun}) == {"IsComplete": False}
    assert genesys.requests == []
    with pytest.raises(ResourceError, match=f"the event subscription at {SUBSCRIPTIONS_PATH} is not listed"):
        configured({**event, "RequestType": "Keep"})
    assert genesys.requests == ["POST /oauth/token", f"GET {SUBSCRIPTIONS_PATH}"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"Host": ""}, "region is '': the host of a Genesys Cloud region is allowed."),
        ({"Path": "x"}, "path is 'x': segments of letters, digits and ._~- after slashes are allowed."),
        ({"Body": "x"}, "body is no JSON object that holds ${marker}: a template with it is allowed."),
        ({"Body": "{}"}, "body is no JSON object that holds ${marker}: a template with it is allowed."),
    ],
)
def test_a_property_that_cannot_work_is_refused(stack: Stack, change: dict[str, str], sentence: str) -> None:
    with pytest.raises(RequestFailedError) as caught:
        stack.create({**PROPERTIES, **change})
    assert caught.value.reason == sentence


OPERATIONS: dict[str, Callable[[Stack], None]] = {
    "create": lambda stack: stack.create(PROPERTIES),
    "update in place": lambda stack: stack.update(OTHER_EVENTS),
    "delete": lambda stack: stack.delete(),
}


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_trouble_at_any_call_leaves_the_state_before_or_the_state_after(
    genesys: LocalGenesys,
    make_handle: MakeHandle,
    aws: Aws,
    time: Time,
    http: urllib3.PoolManager,
    operation: str,
    trouble: str,
) -> None:
    def start() -> Stack:
        genesys.organization = Organization(
            InMemoryPartner(), ORGANIZATION_ID, {CREDENTIALS.client_id: CREDENTIALS.client_secret}
        )
        genesys.faults.set([])
        stack = Stack(make_handle(resource), time.sleep)
        if operation != "create":
            stack.create(PROPERTIES)
        genesys.requests.clear()
        return stack

    def state() -> list[Any]:
        subscriptions = genesys.organization.subscriptions.values()
        return [{name: value for name, value in each.items() if name != "id"} for each in subscriptions]

    resource = SubscriptionResource(lambda: read_signing_key(aws, "signing", KNOWN_AFTER))
    stack = start()
    before = state()
    OPERATIONS[operation](stack)
    after, calls = state(), len(genesys.requests)
    for number in range(calls):
        stack = start()
        stack.handle = make_handle(resource, TROUBLES[trouble](genesys, http, number))
        try:
            OPERATIONS[operation](stack)
        except RequestFailedError:
            if operation == "delete":
                stack.delete()
                assert state() == after, number
            else:
                assert state() == before, number
        else:
            assert state() == after, number
