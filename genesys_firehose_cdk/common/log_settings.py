"""How log groups are encrypted, kept and removed."""

from dataclasses import dataclass

from aws_cdk import RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from genesys_firehose_cdk.common.validation import check_removal_policy


@dataclass(frozen=True, kw_only=True)
class LogSettings:
    """How the log groups of a construct are encrypted, kept and removed.

    Attributes:
        encryption_key: Encrypts them; CloudWatch Logs must be allowed to use it, as it is the key of OperationsKey.
        retention: How long their entries are kept. Default: one year.
        removal_policy: What happens to them when the stack goes, RETAIN or DESTROY. Default: RETAIN.

    Raises:
        InvalidPropertyError: `removal_policy` is another one.
    """

    encryption_key: kms.IKey
    retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR
    removal_policy: RemovalPolicy = RemovalPolicy.RETAIN

    def __post_init__(self) -> None:
        check_removal_policy(self.removal_policy)

    def log_group(self, scope: Construct, id: str, *, name: str | None = None) -> logs.LogGroup:
        """Create a log group that is kept so; CloudFormation names it unless a name is given."""
        return logs.LogGroup(
            scope,
            id,
            log_group_name=name,
            encryption_key=self.encryption_key,
            retention=self.retention,
            removal_policy=self.removal_policy,
        )
