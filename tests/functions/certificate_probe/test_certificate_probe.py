"""What the probe reports of servers of this machine: a metric for each thing that a sender's TLS would refuse."""

import json
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from certificate_probe.function import Probe, _count_certificate
from certificate_probe.handshake import Handshake
from certificate_probe.settings import ProbeSettings
from genesys_firehose_tools.local.certificates import Authority, tls_server
from shared.telemetry import Metrics

Look = Callable[..., dict[str, float]]
HEALTHY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
DOWN = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
ALL_WELL = {"ProbeHealthy": 1, "ProbeChainTrusted": 1, "ProbeNameRight": 1, "ProbeProtocolSecure": 1}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def _written(capsys: pytest.CaptureFixture[str]) -> dict[str, float]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return {name: value for line in lines for name, value in line.items() if name.startswith("Probe")}


@pytest.fixture
def look(authority: Authority, capsys: pytest.CaptureFixture[str]) -> Look:
    """Look at a server, and return what is reported but for the days; those are checked."""

    def look(port: int, days: int | None = 99, health_path: str = "/health") -> dict[str, float]:
        Probe(ProbeSettings(host="localhost", health_path=health_path, port=port), authority.trust).look()
        written = _written(capsys)
        assert written.pop("ProbeDaysLeft", None) == days
        return written

    return look


def test_a_webhook_that_is_well_is_1_in_everything(authority: Authority, look: Look) -> None:
    with tls_server(authority.issue("localhost"), HEALTHY) as port:
        assert look(port) == ALL_WELL


def test_a_health_check_that_fails_says_so_beside_a_good_certificate(authority: Authority, look: Look) -> None:
    with tls_server(authority.issue("localhost"), DOWN) as port:
        assert look(port) == {**ALL_WELL, "ProbeHealthy": 0}


def test_a_health_check_that_is_cut_off_is_no_health(authority: Authority, look: Look) -> None:
    with tls_server(authority.issue("localhost"), b"HTT") as port:
        assert look(port) == {**ALL_WELL, "ProbeHealthy": 0}


def test_behind_an_allow_list_the_handshake_alone_is_looked_at(authority: Authority, look: Look) -> None:
    with tls_server(authority.issue("localhost"), DOWN) as port:
        assert look(port, health_path="") == ALL_WELL


def test_an_expired_certificate_is_no_trusted_chain_and_has_no_days_left(authority: Authority, look: Look) -> None:
    with tls_server(authority.issue("localhost", days=-1), HEALTHY) as port:
        assert look(port, days=0) == {"ProbeHealthy": 0, "ProbeChainTrusted": 0}


def test_an_unknown_authority_is_no_trusted_chain(look: Look, tmp_path_factory: pytest.TempPathFactory) -> None:
    stranger = Authority(tmp_path_factory.mktemp("stranger"))
    with tls_server(stranger.issue("localhost"), HEALTHY) as port:
        assert look(port, days=None) == {"ProbeHealthy": 0, "ProbeChainTrusted": 0}


@pytest.mark.parametrize(("days", "is_trusted"), [(100, 1), (-1, 0)], ids=["valid", "expired as well"])
def test_a_certificate_for_another_name_says_so_and_what_its_chain_is(
    authority: Authority, look: Look, days: int, is_trusted: int
) -> None:
    with tls_server(authority.issue("other.example.com", days=days), HEALTHY) as port:
        assert look(port, days=None) == {"ProbeHealthy": 0, "ProbeChainTrusted": is_trusted, "ProbeNameRight": 0}


@pytest.mark.parametrize("is_serving", [True, False], ids=["no TLS", "nobody serves"])
def test_without_a_handshake_nothing_is_said_of_the_certificate(look: Look, is_serving: bool) -> None:
    with tls_server(None) as port:
        if is_serving:
            assert look(port, days=None) == {"ProbeHealthy": 0}
    assert look(port, days=None) == {"ProbeHealthy": 0}


def test_a_name_that_does_not_resolve_is_no_health(capsys: pytest.CaptureFixture[str]) -> None:
    # RFC 6761: nothing ends in .invalid.
    Probe(ProbeSettings(host="events.invalid", health_path="/health")).look()
    assert _written(capsys) == {"ProbeHealthy": 0}


@pytest.mark.parametrize(("protocol", "is_secure"), [("TLSv1.1", 0), ("TLSv1.2", 1), ("TLSv1.3", 1)])
def test_a_protocol_before_tls_1_2_is_not_secure(
    capsys: pytest.CaptureFixture[str], protocol: str, is_secure: int
) -> None:
    now = datetime.now(UTC)
    seen = Handshake(
        host="a",
        addresses=("192.0.2.1",),
        protocol=protocol,
        is_trusted=True,
        is_named=True,
        expires=now + timedelta(days=7, hours=1),
        now=now,
    )
    metrics = Metrics()
    _count_certificate(seen, metrics)
    metrics.flush()
    written = _written(capsys)
    assert (written["ProbeProtocolSecure"], written["ProbeDaysLeft"]) == (is_secure, 7)


def test_tls_1_2_is_spoken_with_who_speaks_nothing_newer(authority: Authority, look: Look) -> None:
    context = authority.issue("localhost")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with tls_server(context, HEALTHY) as port:
        assert look(port) == ALL_WELL
