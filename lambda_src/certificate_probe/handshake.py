"""A TLS handshake as a sender does it, and what it shows.

The guide's prerequisites ask for TLS 1.2 or higher and a certificate that is not self-signed, and its edge case 2 for a
look at the days that are left.
"""

import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime

SECURE = ("TLSv1.2", "TLSv1.3")
_SECONDS = 5.0
# OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED and X509_V_ERR_HOSTNAME_MISMATCH.
_EXPIRED, _OTHER_NAME = 10, 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """What a handshake showed.

    Attributes:
        host: The name that was asked for.
        addresses: What the name resolves to.
        problem: Why there was no handshake, in words; None for success.
        protocol: The protocol.
        is_trusted: Whether the certificate's chain ends at an authority, and is of today; None where nobody could see.
        is_named: Whether the certificate is for the name; None where nobody could see.
        expires: When the certificate ends.
        now: The time, UTC.
    """

    host: str
    addresses: tuple[str, ...]
    problem: str | None = None
    protocol: str = ""
    is_trusted: bool | None = None
    is_named: bool | None = None
    expires: datetime | None = None
    now: datetime

    @property
    def days_left(self) -> int | None:
        """How many days the certificate has left; None where nobody could see."""
        return None if self.expires is None else max(0, (self.expires - self.now).days)


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
        protocol, expires = _connect(host, port, context)
    except ssl.SSLCertVerificationError as error:
        is_other_name = error.verify_code == _OTHER_NAME
        is_expired = error.verify_code == _EXPIRED
        return Handshake(
            host=host,
            addresses=addresses,
            problem="the certificate has expired"
            if is_expired
            else f"the certificate is refused: {error.verify_message}",
            is_trusted=_is_trusted(host, port, context) if is_other_name else False,
            is_named=False if is_other_name else None,
            expires=now if is_expired else None,
            now=now,
        )
    except (OSError, ssl.SSLError) as error:
        problem = f"there is no TLS connection ({type(error).__name__})"
        return Handshake(host=host, addresses=addresses, problem=problem, now=now)
    return Handshake(
        host=host, addresses=addresses, protocol=protocol, is_trusted=True, is_named=True, expires=expires, now=now
    )


def _is_trusted(host: str, port: int, context: ssl.SSLContext) -> bool | None:
    """Tell whether a chain is trusted whose name is another: OpenSSL stops at the name."""
    context.check_hostname = False
    try:
        _connect(host, port, context)
    except ssl.SSLCertVerificationError:
        return False
    except OSError:
        return None
    finally:
        context.check_hostname = True
    return True


def _connect(host: str, port: int, context: ssl.SSLContext) -> tuple[str, datetime]:
    """Return the protocol, and when the certificate ends."""
    with (
        socket.create_connection((host, port), timeout=_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        certificate = secure.getpeercert() or {}
        expires = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
        return secure.version() or "", expires
