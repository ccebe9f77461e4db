"""What the doctor says of a TLS handshake: the name, the certificate, the protocol."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from genesys_firehose_tools.library_files import function_module
from genesys_firehose_tools.operations.doctor.findings import Finding, fault, not_applicable, ok, warning

if TYPE_CHECKING:
    from certificate_probe.handshake import Handshake

_DAYS = 30


def judge_dns(handshake: "Handshake | None") -> Iterator[Finding]:
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


def judge_certificate(handshake: "Handshake | None") -> Iterator[Finding]:
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
    if handshake.protocol not in function_module("certificate_probe.handshake").SECURE:
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
