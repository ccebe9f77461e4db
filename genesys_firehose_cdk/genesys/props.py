"""What a user says of the Genesys Cloud organization."""

from dataclasses import dataclass

from genesys_firehose_cdk.common.validation import InvalidPropertyError
from genesys_firehose_cdk.genesys.backfill import BackfillProps
from genesys_firehose_cdk.genesys.connection import GenesysConnectionProps
from genesys_firehose_cdk.genesys.event_subscription import EventSubscriptionProps
from genesys_firehose_cdk.genesys.eventbridge_integration import EventBridgeIntegrationProps
from genesys_firehose_cdk.genesys.ip_allow_list import IpAllowListProps
from genesys_firehose_cdk.genesys.names import GenesysNamesProps
from genesys_firehose_cdk.genesys.reconciliation import ReconciliationProps


@dataclass(frozen=True, kw_only=True)
class GenesysProps(GenesysConnectionProps, at="genesys"):
    """How to reach the organization, and what the stack manages there.

    Attributes:
        region: The region of the organization.
        credentials: The secret of its OAuth client; see GenesysConnectionProps.
        manage_integration: Create and remove the integration that feeds the `partner_bus`. Otherwise it is made by
            hand before the deployment. Default: True.
        integration: The integration's name, and how long a change may take. Default: EventBridgeIntegrationProps().
        subscription: Create and remove an event subscription that posts to the webhook. No documentation of Genesys
            Cloud has its endpoint; see EventSubscription. Default: none.
        ip_allow_list: Let only Genesys Cloud's published networks call the webhook. Default: none.
        names: Take the names of queues, wrap-up codes and the like into the lake. Default: none.
        reconciliation: Check every day whether all conversations that Genesys Cloud knows are in the lake's tables;
            with a `partner_bus` and `lake.tables`. Default: none.
        backfill: Let conversations' details records be taken into the lake, for days of which something was missed and
            for days before the first deployment; with dynamic partitioning. Default: none.

    Raises:
        InvalidPropertyError: `integration` is given although it is not managed.
    """

    manage_integration: bool = True
    integration: EventBridgeIntegrationProps | None = None
    subscription: EventSubscriptionProps | None = None
    ip_allow_list: IpAllowListProps | None = None
    names: GenesysNamesProps | None = None
    reconciliation: ReconciliationProps | None = None
    backfill: BackfillProps | None = None

    def validate(self) -> None:
        """Check that the integration's properties have a use."""
        if self.integration is not None and not self.manage_integration:
            raise InvalidPropertyError(
                self.name_of("integration"), "is given with manage_integration False", "give one of the two"
            )
