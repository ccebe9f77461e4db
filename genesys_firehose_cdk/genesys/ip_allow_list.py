"""An allow-list in front of the webhook that follows the address ranges that Genesys Cloud publishes."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import CustomResource, Duration, Names
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from genesys_firehose_cdk.common.acknowledgements import HIPAA, NIST, PCI, acknowledge
from genesys_firehose_cdk.common.log_settings import LogSettings
from genesys_firehose_cdk.common.scheduled_function import ScheduledFunction
from genesys_firehose_cdk.common.validation import InvalidPropertyError, check_cidr, check_one_of, check_range
from genesys_firehose_cdk.genesys.connection import GenesysConnection

# What IpAddressRange knows in version 269 of Genesys Cloud's platform client.
SERVICES = (
    "api",
    "audio-connector",
    "audiohook",
    "bot-connector",
    "byo-smpp",
    "byot-stt",
    "data-actions",
    "encryption",
    "graphapi",
    "imap",
    "open-messaging",
    "smtp",
    "tts-connector",
)
DIRECTIONS = ("both", "inbound", "outbound")

# A run ends within 60 s by itself.
_TIMEOUT = Duration.seconds(90)


@dataclass(frozen=True, kw_only=True)
class IpAllowListProps:
    """Which of Genesys Cloud's networks may call the webhook.

    Attributes:
        services: The services whose ranges count. Default: data-actions and open-messaging, the two that
            call a customer's HTTPS endpoints.
        directions: Seen from Genesys Cloud. Default: outbound and both.
        additional_cidrs: Further networks that may call, such as those of your own health checks. They are
            never taken away. Default: none.
        max_shrink_ratio: The largest share of the addresses in force that one answer may take away; 0 to 1.
            An answer that takes away more changes nothing and raises an alarm. Default: 0.5.
        interval: How often to ask, 5 minutes to 24 hours. Default: 1 hour.

    Raises:
        InvalidPropertyError: A value that cannot work.
    """

    services: Sequence[str] = ("data-actions", "open-messaging")
    directions: Sequence[str] = ("outbound", "both")
    additional_cidrs: Sequence[str] = ()
    max_shrink_ratio: float = 0.5
    interval: Duration = Duration.hours(1)

    def __post_init__(self) -> None:
        for name, values, allowed in (
            ("services", self.services, SERVICES),
            ("directions", self.directions, DIRECTIONS),
        ):
            if not values:
                raise InvalidPropertyError(f"ip_allow_list.{name}", "is empty", f"allowed are {', '.join(allowed)}")
            for value in values:
                check_one_of(f"ip_allow_list.{name}", value, allowed)
        for cidr in self.additional_cidrs:
            check_cidr("ip_allow_list.additional_cidrs", cidr)
            if cidr.endswith("/0"):
                raise InvalidPropertyError(
                    "ip_allow_list.additional_cidrs",
                    f"holds {cidr!r}",
                    "a network narrower than everything is allowed, AWS WAF's limit",
                )
        check_range("ip_allow_list.max_shrink_ratio", self.max_shrink_ratio, 0, 1, "as a share", "from none to all")
        interval = self.interval.to_minutes()
        check_range("ip_allow_list.interval", interval, 5, 1440, "minutes", "within the rate limits of Genesys Cloud")


class IpAllowList(Construct):
    """A web ACL that lets nobody through but Genesys Cloud, and a function that keeps it at what that publishes.

    A deployment runs the function before the web ACL comes to stand before the API, and fails where that
    fails: so the door is never locked by an empty list, and a list that cannot be kept is noticed at once.
    Until then the API is as it is without the list, behind its signature. What CloudFormation puts into
    the IP sets are the owner's networks alone; it writes there again only when those change, and runs
    the function again right after that.

    Attributes:
        web_acl: The web ACL; blocks by default.
        ipv4_set: The IPv4 networks that may call.
        ipv6_set: The IPv6 networks that may call.
        refresh: The function with its schedule.
        first_run: The run in each deployment; whatever the web ACL stands before depends on it.
        alarms: The alarms, by name.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        props: IpAllowListProps,
        connection: GenesysConnection,
        topic: sns.ITopic,
        log_settings: LogSettings,
        pipeline_name: str,
        metrics_namespace: str = "GenesysFirehose",
    ) -> None:
        """Create IP sets, web ACL, function and alarms.

        Args:
            scope: The parent construct.
            id: The construct's id.
            props: Which networks.
            connection: Where to ask. The OAuth client needs no permission for this.
            topic: Where the alarms report to; its policy must let CloudWatch publish.
            log_settings: How the log group is encrypted, kept and removed.
            pipeline_name: The value of the metrics' dimension `Pipeline`.
            metrics_namespace: Default: GenesysFirehose.
        """
        super().__init__(scope, id)
        connection.region.check_pairing(self)
        self.ipv4_set = self._ip_set("IPv4", "IPV4", [cidr for cidr in props.additional_cidrs if ":" not in cidr])
        self.ipv6_set = self._ip_set("IPv6", "IPV6", [cidr for cidr in props.additional_cidrs if ":" in cidr])
        self.web_acl = self._web_acl()
        self.refresh = ScheduledFunction(
            self,
            "Refresh",
            package="genesys_ipranges",
            description="Keeps the webhook's allow-list at Genesys Cloud's address ranges",
            statements=[
                *connection.read_statements,
                iam.PolicyStatement(
                    sid="ChangeIpSets",
                    actions=["wafv2:GetIPSet", "wafv2:UpdateIPSet"],
                    resources=[self.ipv4_set.attr_arn, self.ipv6_set.attr_arn],
                ),
            ],
            environment={
                "GENESYS_HOST": connection.region.host,
                "CREDENTIALS_SECRET_ARN": connection.credentials.secret_arn,
                "SERVICES": ",".join(props.services),
                "DIRECTIONS": ",".join(props.directions),
                "ADDITIONAL_CIDRS": " ".join(props.additional_cidrs),
                "IPV4_SET": self.ipv4_set.ref,
                "IPV6_SET": self.ipv6_set.ref,
                "MAX_SHRINK_RATIO": str(props.max_shrink_ratio),
                "METRICS_NAMESPACE": metrics_namespace,
                "PIPELINE_NAME": pipeline_name,
            },
            interval=props.interval,
            timeout=_TIMEOUT,
            log_settings=log_settings,
        )
        self.first_run = CustomResource(
            self,
            "FirstRun",
            resource_type="Custom::GenesysIpRanges",
            service_token=self.refresh.function.function_arn,
            service_timeout=Duration.minutes(3),
            # Another value of any is another run.
            properties={
                "Host": connection.region.host,
                "Services": list(props.services),
                "Directions": list(props.directions),
                "AdditionalCidrs": list(props.additional_cidrs),
                "MaxShrinkRatio": str(props.max_shrink_ratio),
            },
        )
        self.first_run.node.add_dependency(self.ipv4_set, self.ipv6_set)
        self.alarms = {
            "IpRangesRefused": self._alarm(
                topic,
                "IpRangesRefused",
                cloudwatch.Metric(
                    namespace=metrics_namespace,
                    metric_name="IpRangesRefused",
                    dimensions_map={"Pipeline": pipeline_name},
                    statistic="Sum",
                    period=props.interval,
                ),
                "Genesys Cloud's list of address ranges is refused, and the allow-list stays as it was. Read the "
                "function's log; if the list is right, deploy once with a higher max_shrink_ratio.",
                cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
                cloudwatch.TreatMissingData.NOT_BREACHING,
                evaluation_periods=1,
            ),
            "IpRangesUnchecked": self._alarm(
                topic,
                "IpRangesUnchecked",
                cloudwatch.Metric(
                    namespace=metrics_namespace,
                    metric_name="IpRangesChecked",
                    dimensions_map={"Pipeline": pipeline_name},
                    statistic="Sum",
                    period=props.interval,
                ),
                "The allow-list is not kept up to date: Genesys Cloud's address ranges could not be read, or its "
                "list was refused. Read the function's log; the webhook goes on with the last list.",
                cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
                cloudwatch.TreatMissingData.BREACHING,
                # Two runs may fall into one period, and none into the next.
                evaluation_periods=3,
            ),
        }

    def _ip_set(self, name: str, version: str, addresses: Sequence[str]) -> wafv2.CfnIPSet:
        return wafv2.CfnIPSet(self, name, scope="REGIONAL", ip_address_version=version, addresses=list(addresses))

    def _web_acl(self) -> wafv2.CfnWebACL:
        def visibility(metric_name: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
            return wafv2.CfnWebACL.VisibilityConfigProperty(
                cloud_watch_metrics_enabled=True,
                metric_name=metric_name,
                # A sample shows a request's headers, the signature among them.
                sampled_requests_enabled=False,
            )

        def in_set(ip_set: wafv2.CfnIPSet) -> wafv2.CfnWebACL.StatementProperty:
            return wafv2.CfnWebACL.StatementProperty(ip_set_reference_statement={"arn": ip_set.attr_arn})

        web_acl = wafv2.CfnWebACL(
            self,
            "WebAcl",
            scope="REGIONAL",
            description="Lets nobody but Genesys Cloud call the webhook",
            default_action=wafv2.CfnWebACL.DefaultActionProperty(block={}),
            visibility_config=visibility(Names.unique_resource_name(self, max_length=128)),
            rules=[
                wafv2.CfnWebACL.RuleProperty(
                    name="GenesysCloud",
                    priority=0,
                    action=wafv2.CfnWebACL.RuleActionProperty(allow={}),
                    statement=wafv2.CfnWebACL.StatementProperty(
                        or_statement=wafv2.CfnWebACL.OrStatementProperty(
                            statements=[in_set(self.ipv4_set), in_set(self.ipv6_set)]
                        )
                    ),
                    visibility_config=visibility("GenesysCloud"),
                )
            ],
        )
        acknowledge(
            web_acl,
            "WAFv2LoggingEnabled",
            HIPAA,
            NIST,
            PCI,
            reason="AWS WAF would log every request's address and headers. Its metrics count what is blocked, and "
            "the API's own access log has a line for each request, without either.",
        )
        return web_acl

    def _alarm(
        self,
        topic: sns.ITopic,
        name: str,
        metric: cloudwatch.IMetric,
        description: str,
        operator: cloudwatch.ComparisonOperator,
        missing: cloudwatch.TreatMissingData,
        *,
        evaluation_periods: int,
    ) -> cloudwatch.Alarm:
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_description=description,
            metric=metric,
            threshold=1,
            comparison_operator=operator,
            evaluation_periods=evaluation_periods,
            treat_missing_data=missing,
        )
        alarm.add_alarm_action(actions.SnsAction(topic))
        return alarm
