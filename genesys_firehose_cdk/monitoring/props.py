"""What a user says of metrics, logs and alarms."""

from dataclasses import dataclass

from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns

from genesys_firehose_cdk.common.alarm import RUNBOOK_URL
from genesys_firehose_cdk.common.props import Props
from genesys_firehose_cdk.common.validation import check_email, check_metrics_namespace, check_runbook_url
from genesys_firehose_cdk.monitoring.thresholds import AlarmThresholdsProps


@dataclass(frozen=True, kw_only=True)
class MonitoringProps(Props, at="monitoring"):
    """How the pipeline is watched.

    Attributes:
        existing_alarm_topic: A topic instead of a new one; its policy must let CloudWatch and EventBridge publish.
            Default: a new topic.
        existing_ticket_topic: A topic for the alarms that can wait for the day (AlarmSeverity.TICKET); its policy must
            let CloudWatch publish. Default: the alarm topic.
        alarm_email: Is subscribed to the alarm topic; SNS sends it a link to confirm, and nothing before that (Amazon
            SNS Developer Guide, "Email notifications"). Default: nobody is subscribed.
        runbook_url: The address of the page that explains the alarms: 1 to 300 characters without blanks and #. Each
            alarm's description ends with it and the section, such as docs/alarms.md#queue-age. Default: docs/alarms.md.
        dashboard: Make a dashboard. Default: True.
        thresholds: The values at which alarms go off. Default: AlarmThresholdsProps().
        metrics_namespace: The CloudWatch namespace of the functions' own metrics; 1 to 255 letters, digits and
            ._-/#: (Amazon CloudWatch API Reference, "PutMetricData"). Default: GenesysFirehose.
        log_retention: How long all log groups keep their entries. Default: one year.
        active_tracing: Let Lambda trace ingest and transform function with AWS X-Ray by a choice of its own: the first
            invocation of a second and 5 % of the others, which cannot be configured (AWS X-Ray Developer Guide, "AWS
            Lambda and AWS X-Ray"). Without it, of the two only the ingest function behind a REST API is traced, as
            often as `webhook.traced_share` says. Default: False.

    Raises:
        InvalidPropertyError: The namespace, e-mail address or address of the page cannot be one.
    """

    existing_alarm_topic: sns.ITopic | None = None
    existing_ticket_topic: sns.ITopic | None = None
    alarm_email: str | None = None
    runbook_url: str = RUNBOOK_URL
    dashboard: bool = True
    thresholds: AlarmThresholdsProps = AlarmThresholdsProps()
    metrics_namespace: str = "GenesysFirehose"
    log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR
    active_tracing: bool = False

    def validate(self) -> None:
        """Check namespace and addresses."""
        check_metrics_namespace(self.name_of("metrics_namespace"), self.metrics_namespace)
        check_runbook_url(self.name_of("runbook_url"), self.runbook_url)
        if self.alarm_email is not None:
            check_email(self.name_of("alarm_email"), self.alarm_email)
