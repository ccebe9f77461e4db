"""The client repeats only harmless calls, ends by its deadline, and shows no secret."""

import base64
import io
import json
import traceback
from collections.abc import Callable
from typing import Any

import pytest
import urllib3

from genesys import client as client_module
from genesys.client import Credentials, GenesysClient, GenesysError
from genesys_firehose_tools.local.genesys.faults import Fault
from genesys_firehose_tools.local.genesys.organization import DEFAULT_IP_RANGES
from genesys_firehose_tools.local.genesys.server import LocalGenesys
from tests.functions.genesys.conftest import CREDENTIALS, MakeClient, Time, without_correlation_id

IP_RANGES = "/api/v2/ipranges"


def test_a_token_is_fetched_once_and_used_for_every_call(client: GenesysClient, genesys: LocalGenesys) -> None:
    assert client.ip_ranges() == list(DEFAULT_IP_RANGES)
    client.ip_ranges()
    assert genesys.requests == ["POST /oauth/token", f"GET {IP_RANGES}", f"GET {IP_RANGES}"]


def test_a_revoked_token_is_replaced_once(client: GenesysClient, genesys: LocalGenesys) -> None:
    client.ip_ranges()
    genesys.organization.revoke_tokens()
    assert client.ip_ranges()
    assert genesys.requests[2:] == [f"GET {IP_RANGES}", "POST /oauth/token", f"GET {IP_RANGES}"]


def test_a_second_401_is_final(client: GenesysClient, genesys: LocalGenesys) -> None:
    genesys.faults.set([Fault(status=401, path=IP_RANGES, times=9)])
    with pytest.raises(GenesysError) as caught:
        client.ip_ranges()
    assert caught.value.status == 401
    assert genesys.requests.count(f"GET {IP_RANGES}") == 2


@pytest.mark.parametrize("status", [400, 403, 404, 409])
def test_a_refusal_is_final_and_told_by_status_and_code(
    client: GenesysClient, genesys: LocalGenesys, time: Time, status: int
) -> None:
    genesys.faults.set([Fault(status=status, path=IP_RANGES, message="You are missing a permission.")])
    with pytest.raises(GenesysError) as caught:
        client.ip_ranges()
    assert without_correlation_id(caught.value) == f"Genesys Cloud answered {status} (fault) to GET /api/v2/ipranges"
    assert not caught.value.is_transient
    assert genesys.requests.count(f"GET {IP_RANGES}") == 1
    assert time.pauses == []


@pytest.mark.parametrize("status", [0, 408, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("path", ["/oauth/token", IP_RANGES])
def test_what_may_pass_is_repeated(client: GenesysClient, genesys: LocalGenesys, path: str, status: int) -> None:
    genesys.faults.set([Fault(status=status, path=path, times=2)])
    assert client.ip_ranges()


def test_retry_after_is_waited_for(client: GenesysClient, genesys: LocalGenesys, time: Time) -> None:
    genesys.faults.set([Fault(status=429, path=IP_RANGES, retry_after=7)])
    assert client.ip_ranges()
    assert time.pauses == [7]


def test_a_retry_after_beyond_the_deadline_is_not_waited_for(
    client: GenesysClient, genesys: LocalGenesys, time: Time
) -> None:
    genesys.faults.set([Fault(status=429, path=IP_RANGES, retry_after=60)])
    with pytest.raises(GenesysError) as caught:
        client.ip_ranges()
    assert caught.value.status == 429
    assert time.pauses == []


def test_the_rate_limit_of_a_token_is_respected(make_client: MakeClient, genesys: LocalGenesys, time: Time) -> None:
    genesys.organization.limit_rate(3, time)
    client = make_client(seconds=300)
    for _ in range(7):
        assert client.ip_ranges()
    assert time.pauses == [61, 61]


def test_pauses_grow_at_random_and_the_deadline_ends_them(
    make_client: MakeClient, genesys: LocalGenesys, time: Time
) -> None:
    genesys.faults.set([Fault(status=503, path=IP_RANGES, times=1000)])
    with pytest.raises(GenesysError) as caught:
        make_client(seconds=30).ip_ranges()
    assert caught.value.status == 503
    longest = 0.5
    for pause in time.pauses:
        assert longest / 2 <= pause <= longest
        longest = min(2 * longest, 8)
    assert len(time.pauses) >= 5
    assert time.now < 30


def test_no_call_begins_after_the_deadline(client: GenesysClient, genesys: LocalGenesys, time: Time) -> None:
    time.now = 45
    with pytest.raises(GenesysError, match=r"did not answer POST /oauth/token: no time is left for the call$"):
        client.ip_ranges()
    assert genesys.requests == []


def test_an_answer_that_does_not_come_is_given_up(
    client: GenesysClient, genesys: LocalGenesys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "READ_SECONDS", 0.05)
    genesys.faults.set([Fault(status=500, path=IP_RANGES, delay_seconds=0.5)])
    assert client.ip_ranges()
    assert genesys.requests.count(f"GET {IP_RANGES}") == 2


def test_a_host_that_refuses_connections_is_tried_until_the_deadline(make_client: MakeClient, time: Time) -> None:
    # A port that nothing listens on.
    with pytest.raises(GenesysError, match="no connection could be made"):
        make_client(seconds=5, url="http://127.0.0.1:9").ip_ranges()
    assert time.pauses


@pytest.mark.parametrize("status", [0, 500, 503])
@pytest.mark.parametrize("after_effect", [False, True])
def test_a_creation_of_which_nobody_knows_whether_it_happened_is_not_repeated(
    client: GenesysClient, genesys: LocalGenesys, status: int, after_effect: bool
) -> None:
    genesys.faults.set([Fault(status=status, method="POST", path="/api/", after_effect=after_effect)])
    with pytest.raises(GenesysError) as caught:
        client.create_integration("events")
    assert caught.value.is_transient
    assert len(client.integrations()) == int(after_effect)


def test_a_creation_that_was_throttled_is_repeated(client: GenesysClient, genesys: LocalGenesys) -> None:
    genesys.faults.set([Fault(status=429, method="POST", path="/api/", retry_after=1)])
    client.create_integration("events")
    assert len(client.integrations()) == 1


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_gone_already_is_deleted(client: GenesysClient, genesys: LocalGenesys, status: int) -> None:
    genesys.faults.set([Fault(status=status, method="DELETE")])
    client.delete_integration("gone")
    assert genesys.requests[-1] == "DELETE /api/v2/integrations/gone"


def test_every_page_of_a_listing_is_read_and_other_types_are_left_out(
    client: GenesysClient, genesys: LocalGenesys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "PAGE_SIZE", 2)
    for number in range(5):
        client.create_integration(f"events {number}")
    client.create_integration("actions", "purecloud-data-actions")
    assert [each["name"] for each in client.integrations()] == [f"events {number}" for number in range(5)]
    assert genesys.requests.count("GET /api/v2/integrations") == 3


def test_an_identifier_can_not_leave_its_place_in_the_path(client: GenesysClient, genesys: LocalGenesys) -> None:
    client.delete_integration("../x?y")
    assert genesys.requests[-1] == "DELETE /api/v2/integrations/..%2Fx%3Fy"


@pytest.mark.parametrize(
    "credentials", [Credentials("client", "not-the-secret"), Credentials("nobody", "s3cret-of-the-client")]
)
def test_refused_credentials_are_told_without_them(make_client: MakeClient, credentials: Credentials) -> None:
    with pytest.raises(GenesysError) as caught:
        make_client(credentials=credentials).ip_ranges()
    assert str(caught.value) == ("Genesys Cloud answered 400 (invalid_client) to POST /oauth/token")


class _Answering:
    """Answers every request with the same bytes."""

    def __init__(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.status = status
        self.content = content
        self.headers = headers

    def request(self, _method: str, url: str, **_options: Any) -> Any:
        token = url.endswith("/oauth/token")
        return urllib3.HTTPResponse(
            body=io.BytesIO(b'{"access_token": "the-token-of-this-client"}' if token else self.content),
            headers=self.headers,
            status=200 if token else self.status,
        )


def _refused(time: Time, answering: _Answering, key: str = "") -> GenesysError:
    client = GenesysClient(
        "https://api.example",
        "https://login.example",
        CREDENTIALS,
        client_module.Deadline(10, time),
        http=answering,
        sleep=time.sleep,
    )
    with pytest.raises(GenesysError) as caught:
        client.call("GET", "/api/v2/hooks/{id}", {"headers": {"X": key}}, identifier=key, secrets=[key])
    return caught.value


KEY = 'verylongsecret"words'
BASIC = base64.b64encode(f"{CREDENTIALS.client_id}:{CREDENTIALS.client_secret}".encode()).decode()
ECHOES = {
    "the key": KEY,
    "the key, escaped": json.dumps(KEY)[1:-1],
    "the key's beginning": KEY[:9],
    "the key's beginning in a code": "bad.verylongs",
    "the client secret": CREDENTIALS.client_secret,
    "the Basic header": f"Basic {BASIC}",
    "the Basic header's beginning": BASIC[:12],
    "the token": "the-token-of-this-client",
}
ANSWERS: dict[str, Callable[[str], bytes]] = {
    "message": lambda echo: json.dumps({"code": "bad.request", "message": f"refused: {echo}"}).encode(),
    "code": lambda echo: json.dumps({"code": echo}).encode(),
    "OAuth's description": lambda echo: json.dumps({"error": "invalid", "error_description": echo}).encode(),
    "OAuth's error": lambda echo: json.dumps({"error": echo}).encode(),
    "text": lambda echo: echo.encode(),
    "list": lambda echo: json.dumps([echo]).encode(),
}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("echo", ECHOES)
def test_no_error_repeats_what_an_answer_repeats(time: Time, echo: str, answer: str) -> None:
    text = ECHOES[echo]
    error = _refused(time, _Answering(400, ANSWERS[answer](text), {"ININ-Correlation-Id": text}), KEY)
    shown = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
    for secret in (KEY, CREDENTIALS.client_secret, BASIC, "the-token-of-this-client"):
        assert not [at for at in range(len(secret) - 7) if secret[at : at + 8] in shown]
    assert text not in str(error)


@pytest.mark.parametrize(
    ("status", "content", "message"),
    [
        (200, b"<html>", "Genesys Cloud answered 200 to GET /api/v2/hooks/{id}: the answer is not JSON"),
        (403, b"", "Genesys Cloud answered 403 to GET /api/v2/hooks/{id}"),
        (403, b"\xff no", "Genesys Cloud answered 403 to GET /api/v2/hooks/{id}"),
        (403, b"[1]", "Genesys Cloud answered 403 to GET /api/v2/hooks/{id}"),
        (
            403,
            b'{"code": "missing.permissions"}',
            "Genesys Cloud answered 403 (missing.permissions) to GET /api/v2/hooks/{id}",
        ),
        (403, b'{"code": "Some sentence"}', "Genesys Cloud answered 403 to GET /api/v2/hooks/{id}"),
        (403, b'{"code": ["x"]}', "Genesys Cloud answered 403 to GET /api/v2/hooks/{id}"),
        (403, json.dumps({"code": "x" * 65}).encode(), "Genesys Cloud answered 403 to GET /api/v2/hooks/{id}"),
        (302, b"elsewhere", "Genesys Cloud answered 302 to GET /api/v2/hooks/{id}"),
    ],
)
def test_of_an_answer_only_status_and_code_are_told(time: Time, status: int, content: bytes, message: str) -> None:
    assert str(_refused(time, _Answering(status, content))) == message


CORRELATION_ID = "0f1e2d3c-0000-4000-8000-00000000000a"


@pytest.mark.parametrize(
    "answering",
    [
        _Answering(400, b"{}", {"ININ-Correlation-Id": CORRELATION_ID}),
        _Answering(400, json.dumps({"contextId": CORRELATION_ID}).encode()),
    ],
)
def test_the_correlation_id_of_an_answer_is_told_for_genesys_own_support(time: Time, answering: _Answering) -> None:
    error = _refused(time, answering)
    assert str(error) == (f"Genesys Cloud answered 400 to GET /api/v2/hooks/{{id}}, correlation id {CORRELATION_ID}")


def test_a_client_secret_is_not_shown() -> None:
    assert repr(CREDENTIALS) == "Credentials(client_id='client')"
