"""Looks at the webhook's own domain from outside, as a sender does."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from genesys_firehose_cdk.common.alarm import AlarmSection, AlarmSeverity, PipelineAlarm
from genesys_firehose_cdk.common.context import PERIOD, MetricName, PipelineContext
from genesys_firehose_cdk.common.scheduled_function import ScheduledFunction

# A handshake, a second one where the name is wrong, and the health check.
_TIMEOUT = Duration.seconds(30)
_RUNS = 3
_WRONG: dict[str, tuple[MetricName, str]] = {
    "CertificateChain": (
        "ProbeChainTrusted",
        "The webhook's certificate is not trusted: it has expired, or its chain does not end at a known authority. "
        "Every request of the sender fails.",
    ),
    "CertificateName": (
        "ProbeNameRight",
        "The webhook serves a certificate that is not for its name. Every request of the sender fails.",
    ),
    "CertificateProtocol": (
        "ProbeProtocolSecure",
        "The webhook speaks a protocol older than TLS 1.2, which senders refuse.",
    ),
}


class ProbeFunction(ScheduledFunction):
    """The function that connects to the webhook."""

    _NO_VPC = (
        "It connects to the webhook's public name from outside, as a sender does, and listens on no network; a VPC "
        "would need a NAT gateway for that."
    )


class CertificateProbe(Construct):
    """A function that connects to the webhook's domain every five minutes, and alarms on what a sender would see.

    CertificateAlarms watch the certificate in AWS Certificate Manager. This watches what is served: that the name
    resolves, chain, name, protocol and days left of the certificate, and the health check behind it. Three runs in a
    row with the same fault raise an alarm.

    Attributes:
        function: The function with its schedule.
        alarms: The alarms, by name.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        context: PipelineContext,
        domain_name: str,
        health_path: str | None = None,
        days_to_expiry: int = 30,
    ) -> None:
        """Create the function and the alarms.

        Args:
            scope: The parent construct.
            id: The construct's id.
            context: What the pipeline's constructs share.
            domain_name: The name to connect to.
            health_path: The path of the health check. Default: it is not asked, because an allow-list keeps the
                function out; the handshake comes before any list.
            days_to_expiry: Alarm at this many days left. Default: 30.
        """
        super().__init__(scope, id)
        self.function = ProbeFunction(
            self,
            "Function",
            context=context,
            package="certificate_probe",
            libraries=[],
            description="Looks at the webhook from outside, as a sender does",
            statements=[],
            environment={
                "HOST": domain_name,
                "HEALTH_PATH": "" if health_path is None else f"/{health_path}",
                **context.environment,
            },
            interval=PERIOD,
            timeout=_TIMEOUT,
        )
        self.alarms: dict[str, PipelineAlarm] = {
            "ProbeHealthy": context.report_alarm(
                self,
                "ProbeHealthy",
                metric=context.metric("ProbeHealthy"),
                description="The webhook can't be used from outside: its name, its certificate or its health check. "
                "Read the log of the function that probes it.",
                severity=AlarmSeverity.PAGE,
                section="probe-healthy",
                missed=_RUNS,
            )
        }
        for name, (metric, description) in _WRONG.items():
            self._add(context, name, metric, 1, description, AlarmSeverity.PAGE, "served-certificate")
        self._add(
            context,
            "CertificateDaysLeft",
            "ProbeDaysLeft",
            days_to_expiry + 1,
            "The certificate that the webhook serves ends soon. Check in ACM that it is renewed, and that the domain "
            "has the renewed one.",
            AlarmSeverity.TICKET,
            "days-to-expiry",
        )

    def _add(
        self,
        context: PipelineContext,
        name: str,
        metric: MetricName,
        below: int,
        description: str,
        severity: AlarmSeverity,
        section: AlarmSection,
    ) -> None:
        self.alarms[name] = context.alarm(
            self,
            name,
            metric=context.metric(metric, statistic="Minimum"),
            threshold=below,
            comparison=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            description=description,
            severity=severity,
            section=section,
            evaluation_periods=_RUNS,
        )
