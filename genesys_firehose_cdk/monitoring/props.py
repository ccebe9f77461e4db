"""What a user says of metrics, logs and alarms."""

from dataclasses import dataclass

from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns

from genesys_firehose_cdk.common.props import Props
from genesys_firehose_cdk.common.validation import check_metrics_namespace
from genesys_firehose_cdk.monitoring.thresholds import AlarmThresholdsProps


@dataclass(frozen=True, kw_only=True)
class MonitoringProps(Props, at="monitoring"):
    """How the pipeline is watched.

    Attributes:
        existing_alarm_topic: A topic instead of a new one; its policy must let CloudWatch and EventBridge publish.
            Default: a new topic.
        thresholds: The values at which alarms go off. Default: AlarmThresholdsProps().
        metrics_namespace: The CloudWatch namespace of the functions' own metrics; 1 to 255 letters, digits and
            ._-/#: (Amazon CloudWatch API Reference, "PutMetricData"). Default: GenesysFirehose.
        log_retention: How long all log groups keep their entries. Default: one year.

    Raises:
        InvalidPropertyError: CloudWatch would refuse the namespace.
    """

    existing_alarm_topic: sns.ITopic | None = None
    thresholds: AlarmThresholdsProps = AlarmThresholdsProps()
    metrics_namespace: str = "GenesysFirehose"
    log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR

    def validate(self) -> None:
        """Check the namespace."""
        check_metrics_namespace(self.name_of("metrics_namespace"), self.metrics_namespace)
