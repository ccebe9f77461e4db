"""Somebody without the signing key posts forgeries: what they cost the ones with a key, and what is known of them."""

import json
from typing import Any

import pytest

from ingest.signing_keys import SigningKeys
from ingest.source_network import source_network
from tests.functions.observing import Clock, lines_of
from tests.in_memory_aws import InMemoryAws
from tests.wired_functions import hex_signature, ingest_function, request


@pytest.fixture
def aws() -> InMemoryAws:
    return InMemoryAws()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the signing keys."""
    clock = Clock()
    monkeypatch.setattr(SigningKeys.__init__, "__defaults__", (clock,))
    return clock


def test_under_a_flood_of_forgeries_the_first_post_of_a_new_key_is_accepted(aws: InMemoryAws, clock: Clock) -> None:
    function = ingest_function(aws)
    event = b'{"messageId":"1"}'
    undecided = 0
    for second in range(30):
        if second == 20:
            aws.secret_versions = {"AWSCURRENT": "the-new-key", "AWSPREVIOUS": "the-first-key"}
        for _forgery in range(20):
            clock.advance(0.0625)
            status = function.handle(request(event, "00" * 32))["statusCode"]
            # A second until the new key is read, and ten in which nobody can be sure.
            assert status == 401 or (status == 503 and 20 <= second <= 31)
            undecided += status == 503
        if second >= 20:
            posted = json.dumps({"messageId": second}).encode()
            assert function.handle(request(posted, hex_signature(posted, "the-new-key")))["statusCode"] == 200
    assert len(aws.in_stream) == 10
    assert 100 < undecided < 180


def came_from(address: Any) -> dict[str, Any]:
    return {"requestContext": {"identity": {"sourceIp": address}}}


@pytest.mark.parametrize(
    ("sent", "network"),
    [
        (came_from("198.51.100.7"), "198.51.0.0/16"),
        (came_from("2001:db8:1:2::3"), "2001:db8::/32"),
        (came_from("::ffff:198.51.100.7"), "198.51.0.0/16"),
        (came_from("somebody"), "unknown"),
        (came_from(None), "unknown"),
        ({"requestContext": None}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_the_network_of_a_request_is_so_wide_that_it_is_nobodys(sent: dict[str, Any], network: str) -> None:
    assert source_network(sent) == network


def test_the_log_counts_forgeries_by_network_and_has_no_address(
    aws: InMemoryAws, capsys: pytest.CaptureFixture[str]
) -> None:
    function = ingest_function(aws)
    event = b'{"messageId":"1"}'
    for host in range(3):
        function.handle({**request(event, "00" * 32), **came_from(f"198.51.100.{host}")})
    function.handle({**request(b"no JSON"), **came_from("203.0.113.9")})
    output = capsys.readouterr().out
    refused = [line for line in lines_of(output) if line.get("message") == "request refused"]
    assert [line.get("network") for line in refused] == ["198.51.0.0/16"] * 3 + [None]
    assert "198.51.100" not in output
    assert "203.0" not in output
