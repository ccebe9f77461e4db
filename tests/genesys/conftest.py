"""A local Genesys Cloud and clients of it."""

from collections.abc import Callable, Iterator

import pytest
import urllib3

from genesys.client import Credentials, Deadline, GenesysClient
from genesys_firehose_cdk.local.genesys.organization import Organization
from genesys_firehose_cdk.local.genesys.partner import InMemoryPartner
from genesys_firehose_cdk.local.genesys.server import LocalGenesys

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
