"""What the doctor says of a certificate and a name, by handshakes with servers of this machine."""

import ssl
from datetime import UTC, datetime, timedelta

import pytest

from certificate_probe.handshake import Handshake, shake_hands
from genesys_firehose_tools.local.certificates import Authority, tls_server
from genesys_firehose_tools.operations.doctor.findings import Finding, State
from genesys_firehose_tools.operations.doctor.tls import judge_certificate, judge_dns

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def shake(authority: Authority, port: int, now: datetime = NOW) -> Handshake:
    return shake_hands("localhost", port, now, authority.trust())


def only(handshake: Handshake | None) -> Finding:
    [finding] = judge_certificate(handshake)
    return finding


def test_a_good_certificate_is_told_with_protocol_and_days(authority: Authority) -> None:
    with tls_server(authority.issue("localhost")) as port:
        finding = only(shake(authority, port))
    assert finding.state is State.OK
    assert finding.seen.startswith("TLSv1.3, ")
    assert finding.seen.endswith(("99 days left.", "100 days left."))


@pytest.mark.parametrize(("days", "state"), [(31, State.OK), (29, State.WARNING)])
def test_a_certificate_that_ends_within_30_days_is_a_warning(authority: Authority, days: int, state: State) -> None:
    with tls_server(authority.issue("localhost")) as port:
        handshake = shake(authority, port)
        assert handshake.expires is not None
        finding = only(shake(authority, port, handshake.expires - timedelta(days=days, seconds=1)))
    assert finding.state is state
    assert f"{days} days" in finding.seen


def test_an_expired_certificate_is_a_fault_that_says_so(authority: Authority) -> None:
    with tls_server(authority.issue("localhost", days=-1)) as port:
        finding = only(shake(authority, port))
    assert (finding.state, finding.seen) == (State.FAULT, "localhost: the certificate has expired.")
    assert "re-activate the subscription" in finding.fix


def test_a_certificate_of_an_unknown_authority_is_a_fault(authority: Authority) -> None:
    with tls_server(authority.issue("localhost")) as port:
        finding = only(shake_hands("localhost", port, NOW))
    assert finding.state is State.FAULT
    assert "the certificate is refused: " in finding.seen


def test_a_certificate_for_another_name_is_a_fault(authority: Authority) -> None:
    with tls_server(authority.issue("events.example.com")) as port:
        finding = only(shake(authority, port))
    assert finding.state is State.FAULT
    assert "localhost" in finding.seen
    assert "the certificate is refused: " in finding.seen


def test_an_old_protocol_is_a_fault(authority: Authority) -> None:
    handshake = Handshake(
        host="a", addresses=("192.0.2.1",), protocol="TLSv1.1", expires=NOW + timedelta(days=100), now=NOW
    )
    [finding, _] = judge_certificate(handshake)
    assert (finding.state, finding.seen) == (State.FAULT, "a speaks TLSv1.1.")
    context = authority.issue("localhost")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with tls_server(context) as port:
        assert shake(authority, port).protocol == "TLSv1.2"


def test_a_server_without_tls_and_a_port_that_nobody_serves_are_faults(authority: Authority) -> None:
    with tls_server(None) as port:
        assert "there is no TLS connection" in only(shake(authority, port)).seen
    assert "there is no TLS connection (ConnectionRefusedError)" in only(shake(authority, port)).seen


def test_a_name_that_does_not_resolve_is_a_fault_of_its_own() -> None:
    # RFC 6761: nothing ends in .invalid.
    handshake = shake_hands("events.invalid", 443, NOW)
    [finding] = judge_dns(handshake)
    assert (finding.state, finding.seen) == (State.FAULT, "events.invalid does not resolve.")
    assert only(handshake).state is State.FAULT


def test_without_https_neither_is_called_ok() -> None:
    assert only(None).state is State.NOT_APPLICABLE
    assert [finding.state for finding in judge_dns(None)] == [State.NOT_APPLICABLE]
