"""An allow-list in front of the webhook that follows the address ranges that Genesys Cloud publishes."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import ArnFormat, CustomResource, Duration, Fn, Names, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from genesys_firehose_cdk.common.acknowledgements import acknowledge_wildcard
from genesys_firehose_cdk.common.alarm import AlarmSeverity, PipelineAlarm
from genesys_firehose_cdk.common.context import PipelineContext
from genesys_firehose_cdk.common.props import Props
from genesys_firehose_cdk.common.scheduled_function import ScheduledFunction
from genesys_firehose_cdk.common.validation import (
    InvalidPropertyError,
    check_duration,
    check_one_of,
    check_range,
)
from genesys_firehose_cdk.genesys.connection import GenesysConnectionProps
from genesys_firehose_cdk.ingress.web_acl import IP_VERSIONS, allow_rule, check_networks, ip_sets, web_acl

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

# A refresh ends within 60 s by itself, after 60 s of waiting for AWS, and a deletion within 300 s.
_TIMEOUT = Duration.minutes(6)


@dataclass(frozen=True, kw_only=True)
class IpAllowListProps(Props, at="genesys.ip_allow_list"):
    """Which of Genesys Cloud's networks may call the webhook.

    Attributes:
        services: The services whose ranges count. `data-actions` is allowed with a key in a header alone, because a
            data action signs nothing; see SignatureProps.shared_key. Default: open-messaging.
        directions: Seen from Genesys Cloud. Default: outbound and both.
        additional_cidrs: Further networks that may call, such as those of your own health checks; up to 10,000 of
            each IP version (AWS WAF Developer Guide, "AWS WAF quotas"). Default: none.
        max_shrink_ratio: The largest share of the addresses in force that one answer may take away; 0 to 1.
            An answer that takes away more changes nothing and raises an alarm. Default: 0.5.
        interval: How often to ask, 5 minutes to 24 hours. Default: 1 hour.

    Raises:
        InvalidPropertyError: A value that cannot work.
    """

    services: Sequence[str] = ("open-messaging",)
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
        check_networks(self.name_of("additional_cidrs"), self.additional_cidrs)
        check_range(self.name_of("max_shrink_ratio"), self.max_shrink_ratio, 0, 1, "as a share", "from none to all")
        name = self.name_of("interval")
        check_duration(name, self.interval, 5, 1440, "minutes", "within the rate limits of Genesys Cloud")


class IpAllowList(Construct):
    """A web ACL that lets only Genesys Cloud and the owner's networks through.

    Genesys Cloud's networks are in two IP sets that the function makes, follows the published list with, and deletes;
    CloudFormation knows them as a custom resource. It would write its template's addresses into sets of its own with
    every update of them. The owner's networks are in sets of CloudFormation, which no function writes.

    The function makes its sets filled, and the web ACL refers to them. So no web ACL exists before they are filled,
    and a list that cannot be kept fails the deployment. Until then the API is protected by its signature alone.

    Attributes:
        web_acl: The web ACL; blocks by default.
        genesys_sets: The custom resource of Genesys Cloud's sets, with the attributes `IPv4SetArn` and `IPv6SetArn`.
        own_sets: The sets of the owner's networks by IP version, 4 and 6; none for a version without.
        refresh: The function with its schedule.
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
        set_name = self._set_name()
        self.refresh = self._create_function(context, connection, props, set_name)
        self.genesys_sets = CustomResource(
            self,
            "GenesysSets",
            resource_type="Custom::GenesysIpSets",
            service_token=self.refresh.function.function_arn,
            service_timeout=_TIMEOUT.plus(Duration.minutes(1)),
            # The function reads its environment; a changed value of any property is another run in the deployment.
            properties={
                "SetName": set_name,
                "Host": connection.region.host,
                "Services": list(props.services),
                "Directions": list(props.directions),
                "MaxShrinkRatio": str(props.max_shrink_ratio),
            },
        )
        # No run finds the sets missing.
        self.refresh.schedule.node.add_dependency(self.genesys_sets)
        self.own_sets = ip_sets(self, props.additional_cidrs)
        self.web_acl = self._web_acl()
        self.alarms = self._create_alarms(context, props.interval)

    def _set_name(self) -> str:
        """Return what the names of the function's sets begin with: unique by the last part of the stack's id."""
        stack_id = Fn.select(2, Fn.split("/", Stack.of(self).stack_id))
        return f"{Names.unique_resource_name(self, max_length=80)}-{stack_id}"

    def _create_function(
        self, context: PipelineContext, connection: GenesysConnectionProps, props: IpAllowListProps, set_name: str
    ) -> ScheduledFunction:
        # The last part of the ARN is an id that AWS WAF gives.
        arns = [self._set_arn(f"{set_name}-IPv{version}/*") for version in IP_VERSIONS]
        refresh = ScheduledFunction(
            self,
            "Refresh",
            context=context,
            package="genesys_ipranges",
            description="Keeps the webhook's allow-list at Genesys Cloud's address ranges",
            statements=[
                *connection.read_statements,
                iam.PolicyStatement(sid="FindSets", actions=["wafv2:ListIPSets"], resources=["*"]),
                iam.PolicyStatement(
                    sid="KeepSets",
                    actions=["wafv2:CreateIPSet", "wafv2:GetIPSet", "wafv2:UpdateIPSet", "wafv2:DeleteIPSet"],
                    resources=arns,
                ),
            ],
            environment={
                "GENESYS_HOST": connection.region.host,
                "GENESYS_AWS_REGION": connection.region.aws_region,
                "CREDENTIALS_SECRET_ARN": connection.credentials.secret_arn,
                "SERVICES": ",".join(props.services),
                "DIRECTIONS": ",".join(props.directions),
                "SET_NAME": set_name,
                "MAX_SHRINK_RATIO": str(props.max_shrink_ratio),
                **context.environment,
            },
            interval=props.interval,
            timeout=_TIMEOUT,
        )
        for arn in arns:
            acknowledge_wildcard(
                refresh.policy, arn, "AWS WAF gives the last part; the name is this stack's, its unique id in it."
            )
        return refresh

    def _set_arn(self, name: str) -> str:
        return Stack.of(self).format_arn(
            service="wafv2",
            resource="regional",
            resource_name=f"ipset/{name}",
            arn_format=ArnFormat.SLASH_RESOURCE_NAME,
        )

    def _create_alarms(self, context: PipelineContext, interval: Duration) -> dict[str, PipelineAlarm]:
        return {
            "IpRangesRefused": context.alarm(
                self,
                "IpRangesRefused",
                metric=context.metric("IpRangesRefused", period=interval),
                severity=AlarmSeverity.TICKET,
                section="ip-ranges-refused",
                threshold=1,
                description="Genesys Cloud's list of address ranges is refused, and the allow-list stays as it was. "
                "Read the function's log; if the list is right, deploy once with a higher max_shrink_ratio.",
            ),
            "IpRangesUnchecked": context.report_alarm(
                self,
                "IpRangesUnchecked",
                metric=context.metric("IpRangesChecked", period=interval),
                severity=AlarmSeverity.TICKET,
                section="ip-ranges-unchecked",
                # Two runs may fall into one period, and none into the next.
                missed=3,
                description="The allow-list is not kept up to date: Genesys Cloud's address ranges could not be read, "
                "or its list was refused. Read the function's log; the webhook goes on with the last list.",
            ),
        }

    def _web_acl(self) -> wafv2.CfnWebACL:
        arns = [
            *(self.genesys_sets.get_att_string(f"IPv{version}SetArn") for version in IP_VERSIONS),
            *(own.attr_arn for own in self.own_sets.values()),
        ]
        return web_acl(
            self,
            description="Lets nobody but Genesys Cloud call the webhook",
            default_action=wafv2.CfnWebACL.DefaultActionProperty(block={}),
            rules=[allow_rule("GenesysCloud", arns)],
        )
