"""The webhook's own domain."""

from contextlib import suppress
from dataclasses import dataclass

from aws_cdk import Token
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_route53 as route53

from genesys_firehose_cdk.common.props import Props
from genesys_firehose_cdk.common.validation import InvalidPropertyError, check_domain, check_range


@dataclass(frozen=True, kw_only=True)
class WebhookDomainProps(Props, at="webhook.domain"):
    """An own domain for the webhook.

    Attributes:
        domain_name: The fully qualified name, such as events.example.com.
        certificate: A certificate of AWS Certificate Manager in the stack's region. Default: a new one,
            validated by DNS in `hosted_zone`.
        hosted_zone: The Route 53 zone in which the domain gets its record. Default: none; point the
            domain at `WebhookApi.domain` yourself.
        days_to_expiry: The certificate's alarm goes off at this many days left. 1 to 44 for a certificate that is made
            in this app, which lives 198 days and which ACM renews 45 days ahead (AWS What's New of 18 February
            2026, "AWS Certificate Manager updates default certificate validity to comply with new guidelines"): 45
            would be an alarm at every renewal. 1 to 365 for one that is referred to, which may be imported; ACM
            does not renew that one (AWS Certificate Manager User Guide, "Managed certificate renewal in AWS
            Certificate Manager"). Default: 30, when ACM has failed to renew for two weeks.
        probe: Connect to the name every five minutes from outside, as a sender does, and alarm on chain, name, protocol
            and days left of the certificate that is served, and on the health check, where no allow-list keeps the
            function out. Default: True.

    Raises:
        InvalidPropertyError: The name is no domain name or outside the zone, neither certificate nor zone is given, or
            the days are out of range.
    """

    domain_name: str
    certificate: acm.ICertificate | None = None
    hosted_zone: route53.IHostedZone | None = None
    days_to_expiry: int = 30
    probe: bool = True

    def validate(self) -> None:
        """Check the name and what answers for it."""
        check_domain(self.name_of("domain_name"), self.domain_name)
        self._check_days_to_expiry()
        if self.certificate is None and self.hosted_zone is None:
            raise InvalidPropertyError(
                "webhook.domain",
                "has neither certificate nor hosted_zone",
                "give a certificate, or the hosted zone in which a new one can be validated",
            )
        if self.hosted_zone is not None:
            self._check_zone(self.hosted_zone)

    def _check_days_to_expiry(self) -> None:
        name, days = self.name_of("days_to_expiry"), self.days_to_expiry
        if self.certificate is None or isinstance(self.certificate, acm.Certificate):
            check_range(name, days, 1, 44, "days", "because ACM renews its own certificates 45 days ahead")
        else:
            check_range(name, days, 1, 365, "days", "within a certificate's life")

    def _check_zone(self, hosted_zone: route53.IHostedZone) -> None:
        # A zone that is imported by its id alone has no name: the CDK raises an error for it.
        with suppress(RuntimeError):
            zone = hosted_zone.zone_name
            if Token.is_unresolved(zone) or Token.is_unresolved(self.domain_name):
                return
            zone = zone.rstrip(".")
            if self.domain_name != zone and not self.domain_name.endswith(f".{zone}"):
                raise InvalidPropertyError(
                    self.name_of("domain_name"),
                    f"is {self.domain_name!r} with the hosted zone {zone!r}",
                    "the zone's name, or a name that ends with it, is allowed",
                )
