"""The table that remembers which received copy of an event owns its key."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from genesys_firehose_cdk.common.acknowledgements import HIPAA, NIST, acknowledge
from genesys_firehose_cdk.common.validation import check_removal_policy


class DeduplicationTable(Construct):
    """A DynamoDB table of event keys, on demand, each entry removed by its time to live.

    It holds keyed hashes and random ids, no event, so DynamoDB's own key encrypts it: a customer managed key
    would widen the role of the function that reads events by six KMS actions and protect nothing more.

    Attributes:
        table: The table; partition key `dedup_key`, time to live in `expires_at`.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    ) -> None:
        """Create the table.

        Args:
            scope: The parent construct.
            id: The construct's id.
            removal_policy: What happens to the table when the stack goes. Default: RETAIN_ON_UPDATE_OR_DELETE.
        """
        super().__init__(scope, id)
        check_removal_policy(removal_policy)
        self.table = dynamodb.Table(
            self,
            "Table",
            partition_key=dynamodb.Attribute(name="dedup_key", type=dynamodb.AttributeType.STRING),
            time_to_live_attribute="expires_at",
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            removal_policy=removal_policy,
        )
        acknowledge(
            self.table,
            "DynamoDBInBackupPlan",
            HIPAA,
            NIST,
            reason="Point-in-time recovery covers the table, and its entries live for days; without them "
            "events are delivered all the same, with duplicates that queries drop.",
        )

    @property
    def claim_statements(self) -> list[iam.PolicyStatement]:
        """What a role needs to claim keys and to read who owns them, and nothing else."""
        return [
            iam.PolicyStatement(
                sid="ClaimKeys",
                actions=["dynamodb:UpdateItem", "dynamodb:PartiQLInsert", "dynamodb:BatchGetItem"],
                resources=[self.table.table_arn],
            )
        ]
