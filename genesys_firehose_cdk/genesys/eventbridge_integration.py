"""The integration "Amazon EventBridge Source" of a Genesys Cloud organization, managed by the stack."""

import re
from dataclasses import dataclass

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from genesys_firehose_cdk.common.context import PipelineContext
from genesys_firehose_cdk.common.props import Props
from genesys_firehose_cdk.common.validation import InvalidPropertyError
from genesys_firehose_cdk.genesys.connection import GenesysConnectionProps
from genesys_firehose_cdk.genesys.genesys_resource import GenesysResource, check_give_up_after
from genesys_firehose_cdk.ingress.partner_bus import PartnerBusProps

# What the function adds in parentheses is 22 characters long.
_NAME = re.compile(r"[ -~]{1,200}")


@dataclass(frozen=True, kw_only=True)
class EventBridgeIntegrationProps(Props, at="genesys.integration"):
    """The integration's name, and how long a change of it may take.

    Attributes:
        name: The integration's name at Genesys Cloud, 1 to 200 printable ASCII characters, to which a
            marker in parentheses is added that tells it from all others. Default: Amazon EventBridge Source.
        give_up_after: When a change that is not complete fails; 1 to 40 minutes. Default: 10 minutes.

    Raises:
        InvalidPropertyError: A value that cannot work; the message says why.
    """

    name: str = "Amazon EventBridge Source"
    give_up_after: Duration = Duration.minutes(10)

    def validate(self) -> None:
        """Check both."""
        if not _NAME.fullmatch(self.name):
            raise InvalidPropertyError(
                self.name_of("name"), f"is {self.name!r}", "1 to 200 printable ASCII characters are allowed"
            )
        check_give_up_after(self.name_of("give_up_after"), self.give_up_after)


class EventBridgeIntegration(GenesysResource):
    """Creates, configures, enables, updates and removes the integration through Genesys Cloud's API.

    Its creation is complete once AWS knows the partner event source: PENDING until the bus of its name
    exists, ACTIVE from then on. So the bus must depend on this construct. A creation that fails leaves
    nothing behind, and a deletion of what is gone already succeeds.

    Name and topics change in place. Another suffix, or another account or region of the stack, makes
    another integration, and the old one goes. Another organization, or another region of Genesys Cloud,
    is refused: give the construct another id as well, so that the old integration is removed with the
    credentials of its own organization.

    Without this construct the integration is made by hand, with the same suffix, account, region and
    topics, before the bus is deployed.

    Attributes:
        function: The function that makes the changes.
        resource: The custom resource, with the attributes `EventSourceName` and `IntegrationId`.
        integration_id: The integration's id at Genesys Cloud.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        context: PipelineContext,
        connection: GenesysConnectionProps,
        partner_bus: PartnerBusProps,
        props: EventBridgeIntegrationProps | None = None,
    ) -> None:
        """Create the custom resource with its function.

        Args:
            scope: The parent construct.
            id: The construct's id.
            context: The pipeline's log settings. The integration itself always goes with the stack.
            connection: Where the organization is. The OAuth client needs the permissions
                `integrations:integration:view`, `:add`, `:edit` and `:delete`.
            partner_bus: The organization, the event source suffix and the topics.
            props: Default: EventBridgeIntegrationProps().
        """
        props = props or EventBridgeIntegrationProps()
        stack = Stack.of(scope)
        super().__init__(
            scope,
            id,
            context=context,
            connection=connection,
            package="genesys_integration",
            description="Manages the Amazon EventBridge Source integration at Genesys Cloud",
            properties={
                "OrgId": partner_bus.org_id,
                "Account": stack.account,
                "Region": stack.region,
                "Suffix": partner_bus.event_source_suffix,
                "Name": props.name,
                "Topics": list(partner_bus.pattern_topics),
            },
            statements=[
                iam.PolicyStatement(
                    sid="DescribeSource",
                    actions=["events:DescribeEventSource"],
                    resources=[
                        stack.format_arn(
                            service="events",
                            account="",
                            resource="event-source",
                            resource_name=partner_bus.event_source_name,
                            arn_format=ArnFormat.SLASH_RESOURCE_NAME,
                        )
                    ],
                )
            ],
            environment={},
            give_up_after=props.give_up_after,
        )
        self.integration_id = self.resource.get_att_string("IntegrationId")
