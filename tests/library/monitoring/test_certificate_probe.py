"""The probe of an own domain: where it looks, and what it alarms on."""

import aws_cdk as cdk
import pytest
from aws_cdk import aws_certificatemanager as acm

from genesys_firehose_cdk import GenesysFirehosePipeline, WebhookDomainProps, WebhookProps
from tests.library.acknowledgement_checks import unacknowledged, unneeded
from tests.library.monitoring.test_every_alarm import alarms_of
from tests.library.synthesis import CERTIFICATE_ARN, Template, new_stack, template_of


def _pipeline(stack: cdk.Stack, *, allowed_cidrs: list[str] | None = None, **domain: object) -> GenesysFirehosePipeline:
    certificate = acm.Certificate.from_certificate_arn(stack, "Certificate", CERTIFICATE_ARN)
    webhook = WebhookProps(
        domain=WebhookDomainProps(domain_name="events.example.com", certificate=certificate, **domain),  # type: ignore[arg-type]
        allowed_cidrs=allowed_cidrs,
    )
    return GenesysFirehosePipeline(stack, "Pipeline", webhook=webhook)


def _template(**properties: object) -> Template:
    stack = new_stack()
    _pipeline(stack, **properties)  # type: ignore[arg-type]
    return template_of(stack)


def _environment(template: Template) -> dict[str, str]:
    properties = template.properties("AWS::Lambda::Function", "CertificateProbe/Function/Function")
    environment: dict[str, str] = properties["Environment"]["Variables"]
    return environment


@pytest.fixture(scope="module")
def template() -> Template:
    return _template(days_to_expiry=20)


def test_it_looks_at_the_own_domain_and_its_health(template: Template) -> None:
    environment = _environment(template)
    assert (environment["HOST"], environment["HEALTH_PATH"]) == ("events.example.com", "/health")


def test_behind_an_allow_list_it_does_not_ask_for_the_health() -> None:
    assert _environment(_template(allowed_cidrs=["198.51.100.0/24"]))["HEALTH_PATH"] == ""


def test_it_alarms_on_chain_name_protocol_days_and_health(template: Template) -> None:
    alarms = alarms_of(template)
    for name, metric, below in (
        ("CertificateChain", "ProbeChainTrusted", 1),
        ("CertificateName", "ProbeNameRight", 1),
        ("CertificateProtocol", "ProbeProtocolSecure", 1),
        ("CertificateDaysLeft", "ProbeDaysLeft", 21),
    ):
        alarm = alarms[name]
        assert (alarm["MetricName"], alarm["Statistic"], alarm["Threshold"]) == (metric, "Minimum", below)
        assert alarm["ComparisonOperator"] == "LessThanThreshold"
    assert "Metrics" in alarms["ProbeHealthy"]


def test_it_can_be_left_out_and_is_not_there_without_an_own_domain() -> None:
    stack = new_stack()
    assert _pipeline(stack, probe=False).certificate_probe is None
    assert GenesysFirehosePipeline(new_stack(), "Pipeline").certificate_probe is None


def test_the_five_packs_find_nothing_that_is_not_acknowledged_and_all_that_is() -> None:
    assert unacknowledged(_pipeline) == []
    assert unneeded(_pipeline) == set()
