"""A TLS handshake as a sender does it, and what it shows.

The guide's prerequisites ask for TLS 1.2 or higher and a certificate that is not self-signed, and its edge case 2 for a
look at the days that are left, 30 days before the end.
"""

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from genesys_firehose_tools.operations.doctor.findings import Finding, fault, not_applicable, ok, warning

_SECONDS = 5.0
_DAYS = 30
_EXPIRED = 10  # X509_V_ERR_CERT_HAS_EXPIRED
_SECURE = ("TLSv1.2", "TLSv1.3")


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """What a handshake showed.

    Attributes:
        host: The name that was asked for.
        addresses: What the name resolves to.
        problem: Why there was no handshake, in words; None for success.
        protocol: The protocol.
        expires: When the certificate ends.
        now: The time, UTC.
    """

    host: str
    addresses: tuple[str, ...]
    problem: str | None = None
    protocol: str = ""
    expires: datetime | None = None
    now: datetime


def shake_hands(host: str, port: int, now: datetime, context: ssl.SSLContext | None = None) -> Handshake:
    """Resolve a name, connect, and verify chain, name and dates as a sender does.

    Args:
        host: The name.
        port: The port.
        now: The time, UTC.
        context: Whom to trust. Default: the system's authorities.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        return Handshake(host=host, addresses=(), problem="the name does not resolve", now=now)
    addresses = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
    context = context or ssl.create_default_context()
    # An older protocol is to be seen, not to be refused without a word.
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    try:
        with (
            socket.create_connection((host, port), timeout=_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=host) as secure,
        ):
            certificate = secure.getpeercert() or {}
            expires = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
            protocol = secure.version() or ""
    except ssl.SSLCertVerificationError as error:
        expired = error.verify_code == _EXPIRED
        problem = "the certificate has expired" if expired else f"the certificate is refused: {error.verify_message}"
        return Handshake(host=host, addresses=addresses, problem=problem, now=now)
    except (OSError, ssl.SSLError) as error:
        problem = f"there is no TLS connection ({type(error).__name__})"
        return Handshake(host=host, addresses=addresses, problem=problem, now=now)
    return Handshake(host=host, addresses=addresses, protocol=protocol, expires=expires, now=now)


def judge_dns(handshake: Handshake | None) -> Iterator[Finding]:
    """The name must resolve."""
    if handshake is None:
        yield not_applicable("there is no webhook over HTTPS; an embedded AWS has no TLS")
    elif handshake.addresses:
        yield ok(f"{handshake.host} resolves to {', '.join(sorted(handshake.addresses))}.")
    else:
        yield fault(
            f"{handshake.host} does not resolve.",
            means="No sender finds the webhook.",
            fix="Check the record in webhook.domain.hosted_zone, or point the name at the API's regional domain.",
        )


def judge_certificate(handshake: Handshake | None) -> Iterator[Finding]:
    """Chain, name, protocol and the days that are left."""
    if handshake is None:
        yield not_applicable("there is no webhook over HTTPS; an embedded AWS has no TLS")
        return
    if handshake.problem is not None or handshake.expires is None:
        yield fault(
            f"{handshake.host}: {handshake.problem}.",
            means="Genesys Cloud can't deliver, and marks the subscription as inactive after repeated failures.",
            fix="Check certificate and renewal in AWS Certificate Manager, then re-activate the subscription.",
        )
        return
    days = (handshake.expires - handshake.now).days
    if handshake.protocol not in _SECURE:
        yield fault(
            f"{handshake.host} speaks {handshake.protocol}.",
            means="Senders that keep to TLS 1.2 or higher refuse it.",
            fix="Set the domain's security policy to TLS 1.2 again: deploy the stack.",
        )
    if days < _DAYS:
        yield warning(
            f"The certificate of {handshake.host} ends in {days} days.",
            means="ACM renews earlier than that: the renewal has failed, or the certificate is imported.",
            fix="Check the renewal's DNS records in ACM, or import a new certificate.",
        )
    else:
        yield ok(f"{handshake.protocol}, a chain that is trusted, {days} days left.")
