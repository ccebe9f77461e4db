"""The integration "Amazon EventBridge Source" of a Genesys Cloud organization, managed by the stack."""

import re

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from genesys_firehose_cdk.common.log_settings import LogSettings
from genesys_firehose_cdk.common.validation import InvalidPropertyError
from genesys_firehose_cdk.genesys.connection import GenesysConnection
from genesys_firehose_cdk.genesys.genesys_resource import GenesysResource
from genesys_firehose_cdk.ingress.partner_bus import PartnerBusProps

# What the function adds in parentheses is 22 characters long.
_NAME = re.compile(r"[ -~]{1,200}")


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
        connection: GenesysConnection,
        props: PartnerBusProps,
        log_settings: LogSettings,
        name: str = "Amazon EventBridge Source",
        give_up_after: Duration = Duration.minutes(10),
    ) -> None:
        """Create the custom resource with its function.

        Args:
            scope: The parent construct.
            id: The construct's id.
            connection: Where the organization is. The OAuth client needs the permissions
                `integrations:integration:view`, `:add`, `:edit` and `:delete`.
            props: The organization, the event source suffix and the topics.
            log_settings: How the log group is encrypted, kept and removed; the integration always goes with the stack.
            name: The integration's name at Genesys Cloud, 1 to 200 printable ASCII characters, to which a
                marker in parentheses is added that tells it from all others. Default: Amazon EventBridge Source.
            give_up_after: When a change that is not complete fails; 1 to 40 minutes. Default: 10 minutes.

        Raises:
            InvalidPropertyError: A value that cannot work; the message says why.
        """
        if not _NAME.fullmatch(name):
            raise InvalidPropertyError("name", f"is {name!r}", "1 to 200 printable ASCII characters are allowed")
        stack = Stack.of(scope)
        super().__init__(
            scope,
            id,
            connection=connection,
            package="genesys_integration",
            description="Manages the Amazon EventBridge Source integration at Genesys Cloud",
            properties={
                "OrgId": props.org_id,
                "Account": stack.account,
                "Region": stack.region,
                "Suffix": props.event_source_suffix,
                "Name": name,
                "Topics": list(props.pattern_topics),
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
                            resource_name=props.event_source_name,
                            arn_format=ArnFormat.SLASH_RESOURCE_NAME,
                        )
                    ],
                )
            ],
            environment={},
            give_up_after=give_up_after,
            log_settings=log_settings,
        )
        self.integration_id = self.resource.get_att_string("IntegrationId")
