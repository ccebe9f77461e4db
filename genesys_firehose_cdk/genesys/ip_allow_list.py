"""An allow-list in front of the webhook that follows the address ranges that Genesys Cloud publishes."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import CustomResource, Duration, Names
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from genesys_firehose_cdk.common.acknowledgements import HIPAA, NIST, PCI, acknowledge
from genesys_firehose_cdk.common.context import PipelineContext
from genesys_firehose_cdk.common.props import Props
from genesys_firehose_cdk.common.scheduled_function import ScheduledFunction
from genesys_firehose_cdk.common.validation import (
    InvalidPropertyError,
    check_cidr,
    check_duration,
    check_one_of,
    check_range,
)
from genesys_firehose_cdk.genesys.connection import GenesysConnectionProps

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
class IpAllowListProps(Props, at="genesys.ip_allow_list"):
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

    def validate(self) -> None:
        """Check names, networks and numbers."""
        for field, allowed in (("services", SERVICES), ("directions", DIRECTIONS)):
            name, values = self.name_of(field), getattr(self, field)
            if not values:
                raise InvalidPropertyError(name, "is empty", f"allowed are {', '.join(allowed)}")
            for value in values:
                check_one_of(name, value, allowed)
        name = self.name_of("additional_cidrs")
        for cidr in self.additional_cidrs:
            check_cidr(name, cidr)
            if cidr.endswith("/0"):
                raise InvalidPropertyError(
                    name, f"holds {cidr!r}", "a network narrower than everything is allowed, AWS WAF's limit"
                )
        check_range(self.name_of("max_shrink_ratio"), self.max_shrink_ratio, 0, 1, "as a share", "from none to all")
        name = self.name_of("interval")
        check_duration(name, self.interval, 5, 1440, "minutes", "within the rate limits of Genesys Cloud")


class IpAllowList(Construct):
    """A web ACL that lets only Genesys Cloud through, and a function that follows the published networks.

    A deployment runs the function before it puts the web ACL in front of the API, and fails when the run fails.
    So an empty list never locks the API, and a list that cannot be kept is noticed at once. Until then the API is
    protected by its signature alone. CloudFormation writes the owner's networks into the IP sets. It writes them again
    only when they change, and runs the function again right after that.

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
        context: PipelineContext,
        connection: GenesysConnectionProps,
        props: IpAllowListProps | None = None,
    ) -> None:
        """Create IP sets, web ACL, function and alarms.

        Args:
            scope: The parent construct.
            id: The construct's id.
            context: What the pipeline's constructs share.
            connection: Where to ask. The OAuth client needs no permission for this.
            props: Which networks. Default: IpAllowListProps().

        Raises:
            InvalidPropertyError: The stack is where the region's data may not go.
        """
        super().__init__(scope, id)
        connection.region.check_pairing(self)
        props = props or IpAllowListProps()
        self.ipv4_set = self._ip_set("IPv4", "IPV4", [cidr for cidr in props.additional_cidrs if ":" not in cidr])
        self.ipv6_set = self._ip_set("IPv6", "IPV6", [cidr for cidr in props.additional_cidrs if ":" in cidr])
        self.web_acl = self._web_acl()
        self.refresh = self._create_function(context, connection, props)
        self.first_run = CustomResource(
            self,
            "FirstRun",
            resource_type="Custom::GenesysIpRanges",
            service_token=self.refresh.function.function_arn,
            service_timeout=Duration.minutes(3),
            # A changed value of any property is another run.
            properties={
                "Host": connection.region.host,
                "Services": list(props.services),
                "Directions": list(props.directions),
                "AdditionalCidrs": list(props.additional_cidrs),
                "MaxShrinkRatio": str(props.max_shrink_ratio),
            },
        )
        self.first_run.node.add_dependency(self.ipv4_set, self.ipv6_set)
        self.alarms = self._create_alarms(context, props.interval)

    def _create_function(
        self, context: PipelineContext, connection: GenesysConnectionProps, props: IpAllowListProps
    ) -> ScheduledFunction:
        return ScheduledFunction(
            self,
            "Refresh",
            context=context,
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
                **context.environment,
            },
            interval=props.interval,
            timeout=_TIMEOUT,
        )

    def _create_alarms(self, context: PipelineContext, interval: Duration) -> dict[str, cloudwatch.Alarm]:
        return {
            "IpRangesRefused": context.alarm(
                self,
                "IpRangesRefused",
                metric=context.metric("IpRangesRefused", period=interval),
                threshold=1,
                description="Genesys Cloud's list of address ranges is refused, and the allow-list stays as it was. "
                "Read the function's log; if the list is right, deploy once with a higher max_shrink_ratio.",
            ),
            "IpRangesUnchecked": context.report_alarm(
                self,
                "IpRangesUnchecked",
                metric=context.metric("IpRangesChecked", period=interval),
                # Two runs may fall into one period, and none into the next.
                missed=3,
                description="The allow-list is not kept up to date: Genesys Cloud's address ranges could not be read, "
                "or its list was refused. Read the function's log; the webhook goes on with the last list.",
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
