"""A local Genesys Cloud and clients of it."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any, Protocol

import pytest
import urllib3
from botocore.exceptions import ClientError

from genesys.client import Credentials, Deadline, GenesysClient, Http
from genesys.connection import connect, read_credentials
from genesys.lifecycle import Configuration, Lifecycle, Resource
from genesys_firehose_tools.local.genesys.organization import Organization
from genesys_firehose_tools.local.genesys.server import LocalGenesys
from tests.functions.genesys.cloudformation import CrashError, Handle
from tests.in_memory_partner import InMemoryPartner


def without_correlation_id(error: object) -> str:
    """The text of an error without the id that an answer gave its call."""
    return re.sub(r", correlation id [0-9a-f-]{36}", "", str(error))


ORGANIZATION_ID = "3fd2f1a0-8f5c-4a53-9c43-0c2a3b4d5e6f"
CREDENTIALS = Credentials("client", "s3cret-of-the-client")


@pytest.fixture
def partner() -> InMemoryPartner:
    return InMemoryPartner()


@pytest.fixture
def genesys(partner: InMemoryPartner) -> Iterator[LocalGenesys]:
    server = LocalGenesys(
        Organization(partner, ORGANIZATION_ID, {CREDENTIALS.client_id: CREDENTIALS.client_secret}, 1_000_000)
    )
    server.start()
    yield server
    server.stop()


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def http() -> Iterator[urllib3.PoolManager]:
    with urllib3.PoolManager() as http:
        yield http


MakeClient = Callable[..., GenesysClient]


@pytest.fixture
def make_client(genesys: LocalGenesys, time: Time, http: urllib3.PoolManager) -> MakeClient:
    def make(seconds: float = 45.0, credentials: Credentials = CREDENTIALS, url: str = genesys.url) -> GenesysClient:
        return GenesysClient(url, url, credentials, Deadline(seconds, time), http=http, sleep=time.sleep)

    return make


@pytest.fixture
def client(make_client: MakeClient) -> GenesysClient:
    return make_client()


class CrashingHttp:
    """Ends the function's environment at one request, before it is sent or after it was answered."""

    def __init__(self, http: urllib3.PoolManager, at: int, *, after_effect: bool) -> None:
        self._http = http
        self._requests_left = at
        self._after_effect = after_effect

    def request(self, method: str, url: str, **options: Any) -> Any:
        strikes = self._requests_left == 0
        self._requests_left -= 1
        if strikes and not self._after_effect:
            raise CrashError
        response = self._http.request(method, url, **options)
        if strikes:
            raise CrashError
        return response


class Aws:
    """Secrets Manager and EventBridge, as far as the functions call them."""

    def __init__(self, partner: InMemoryPartner) -> None:
        self.partner = partner
        self.credentials: str | None = json.dumps(
            {"client_id": CREDENTIALS.client_id, "client_secret": CREDENTIALS.client_secret}
        )
        self.signing_key = "the-key-1"
        self.next_signing_key: tuple[str, datetime] | None = None

    def get_secret_value(self, *, SecretId: str, VersionStage: str) -> dict[str, Any]:  # noqa: N803
        if SecretId == "signing" and VersionStage == "AWSCURRENT":
            return {"SecretString": self.signing_key}
        if SecretId == "signing":
            if self.next_signing_key is None:
                raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "no"}}, "GetSecretValue")
            key, created = self.next_signing_key
            return {"SecretString": key, "CreatedDate": created}
        if self.credentials is None:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "GetSecretValue")
        return {"SecretString": self.credentials}

    def describe_event_source(self, *, Name: str) -> dict[str, Any]:  # noqa: N803
        for source, state in self.partner.sources.items():
            if source.name == Name:
                return {"Name": Name, "State": state}
        raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "no"}}, "DescribeEventSource")


@pytest.fixture
def aws(partner: InMemoryPartner) -> Aws:
    return Aws(partner)


GIVE_UP_AFTER = 600.0


class MakeHandle(Protocol):
    """Makes the function of a kind of resource.

    Without a configuration it is deployed anew before each request, as CloudFormation does: with the stack's id, the
    logical id and the properties of the request.
    """

    def __call__(
        self, resource: Resource, http: Http | None = None, configuration: Configuration | None = None
    ) -> Handle: ...


@pytest.fixture
def make_handle(genesys: LocalGenesys, aws: Aws, time: Time, http: urllib3.PoolManager) -> MakeHandle:
    pool = http

    def make(resource: Resource, http: Http | None = None, configuration: Configuration | None = None) -> Handle:
        def connect_to_local() -> GenesysClient:
            return connect(
                "mypurecloud.de",
                read_credentials(aws, "credentials"),
                Deadline(45, time),
                {"GENESYS_API_URL": genesys.url, "GENESYS_LOGIN_URL": genesys.url},
                partial(GenesysClient, http=http or pool, sleep=time.sleep),
            )

        deployed: dict[str, Any] = {}

        def deploy(event: dict[str, Any]) -> Configuration:
            if event["RequestType"] != "Delete" or not deployed:
                deployed.update(event["ResourceProperties"])
            own = {name: value for name, value in deployed.items() if name != "ServiceToken"}
            return Configuration(event["StackId"], event["LogicalResourceId"], own)

        def handle(event: dict[str, Any]) -> dict[str, Any]:
            lifecycle = Lifecycle(
                resource, connect_to_local, configuration or deploy(event), GIVE_UP_AFTER, time, time.sleep
            )
            # As between Lambda functions: nothing passes but JSON.
            answer: dict[str, Any] = json.loads(json.dumps(lifecycle.handle(json.loads(json.dumps(event)))))
            return answer

        return handle

    return make
